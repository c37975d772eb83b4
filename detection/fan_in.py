"""Fan-in: accounts that pay one and the same account at the same time, again and again."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detection.co_action_scales import Scale
from detection.regulars import End, group_pairs
from detection.relays import ends_of
from graph.times import DAY_MS, HOUR_MS

#: an hour, of 14 days either way; 50 who pay within the hour are a crowd, and an evening is one
#: occasion. Hours and days have their own readings, so the factor is only for those who come seldom
SCALE = Scale(HOUR_MS, 14 * DAY_MS, 6 * HOUR_MS, factor=2, crowd=50, round_ms=HOUR_MS)


def fan_in_pairs(transfers: pa.Table, *, scale: Scale = SCALE) -> pa.Table:
    """Find accounts that pay one account together again and again, in the columns of PAIRS, sorted.

    `transfers` has payer, payee and at (milliseconds since 1970 UTC), in any order; rows with a
    null or to oneself are left out, and so are times on the full hour, which are a scheduler's.
    Pairs are two payers who met, or a payer and the collector: a payee of whose payments most are
    of members. Objects are the occasions on which both paid, coincidences the joint visits and
    trials the occasions of the rarer one; with the collector those of a pair of payers. Of several
    payees the one with the least p-value counts. A pair depends on the transfers to the payees
    that both paid, and on nothing else.

    An occasion is a quarter of a day in which one paid within an hour of somebody else who comes
    often. Expected by habit is the most of three readings: evenly spread times, the same time of
    day on other days (surrogates shifted by whole days; Amarasingham et al. 2012 jitter them by
    less), and on the same weekday of other weeks. The p-value is the binomial tail (Hoeffding 1956)
    of each member, and their product that of the group (`detection.regulars`).

    Of the members of such rings on simulated traffic of 60,000 accounts it links 85 % in 10 days,
    97 % in 14, 99 % in 30 and all in 90, and of others one in seven worlds; 320,000 transfers take
    a second of CPU.

    It does not find: payers with fewer than 3 such days within 13; collectors that take turns, or
    for hours; payees of whom more than 50 pay within the hour; rings that keep to weekdays and
    hours. It does find people whom the payee brings together on changing days for less than three
    hours: flatmates after each dinner, an audience that pays at each of several short shows and
    never else. Receivers of one payer are not linked: whoever pays in a sitting
    pays many, and so does a payroll; if they pass the money on to one account, that is a fan-in.
    """
    table = transfers.select(["payer", "payee", "at"]).drop_null()
    table = table.filter(pc.not_equal(table["payer"], table["payee"]))
    names, (payer, payee) = ends_of(table)
    payments = table.rename_columns(["account_id", "object", "at"])
    collector = End(np.unique(payee), payee, payer, table["at"].to_numpy())
    return group_pairs(payments, names, [collector], scale)
