"""Fan-in: accounts that pay one and the same account at the same time, again and again."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detection.co_action_scales import Scale
from detection.coded_actions import CodedActions, Ints, Mask, code
from detection.coordination import best_pairs, binomial_tail, named_pairs, supporters
from detection.joint_payments import Floats, JointPayments, frequent_visits, joint_payments
from detection.payer_groups import payer_groups
from graph.times import DAY_MS, HOUR_MS

#: an hour, of 14 days either way; 50 who pay within the hour are a crowd. The hours of the day are
#: looked at for each pair, so the factor is only for those who come seldom
SCALE = Scale(HOUR_MS, 14 * DAY_MS, DAY_MS, factor=2, crowd=50, around=2, round_ms=HOUR_MS)
#: p-value up to which two payers are linked, and with how many others of whom each is so with both
#: at the same payee. Where a million accounts have 2 million pairs of frequent payers of one payee
#: (0.4 million in 90 simulated days), chance makes 0.2 pairs by the first; among 10,000 payees with
#: 30 frequent payers each it makes 0.00004 groups by the second, 0.000002 by the third and 0.0001
#: by the last
LIMITS = ((1e-7, 0), (1e-4, 1), (1e-3, 2), (1e-2, 3))
#: share of a payee's visits between the first and the last occasion that is of linked payers, from
#: which it is one of them
COLLECTED = 0.5


def fan_in_pairs(
    transfers: pa.Table,
    *,
    scale: Scale = SCALE,
    limits: Sequence[tuple[float, int]] = LIMITS,
) -> pa.Table:
    """Find accounts that pay one account together again and again, in the columns of PAIRS, sorted.

    `transfers` has payer, payee and at (milliseconds since 1970 UTC), in any order; rows with a
    null or to oneself are left out, and so are times on the full hour, which are a scheduler's.
    Pairs are two payers, or a payer and the collector: a payee of whose payments most are of
    linked payers. Objects are the days on which both paid, coincidences the joint visits and
    trials the days on which the rarer one paid; with the collector those of a pair of payers. Of
    several payees the one with the least p-value counts. A pair depends on the transfers to the
    payees that both paid, and on nothing else.

    An occasion is a day on which both paid the same account within an hour. Under the null two
    payers keep their habits but do not know each other. Expected is the most of three readings:
    the same times of day on other days (surrogates shifted by whole days; Amarasingham et al. 2012
    jitter them by less), on the same weekday of other weeks, and the payee's other payments around
    the hour, at least twice as many as with evenly spread times. The p-value is the binomial tail
    (Hoeffding 1956). Weaker links count in near-cliques at one payee (as in CopyCatch), and so do
    all who met, of payers that each meet some others more often than expected: their p-value is
    that of the group (`detection.payer_groups`).

    On simulated traffic it links 94 % of the members of such rings in 30 days, 58 % in 14, all in
    90, and nobody else; 185,000 transfers take half a second of CPU.

    It does not find: payers with fewer than 4 occasions within 28 days; collectors
    that take turns, or for more than an hour; payees of whom more than 50 pay within the hour;
    rings that keep to weekdays and hours. It does find people whom the payee brings together on
    changing days for less than two hours: flatmates after each dinner, an audience that pays at
    each of several short shows and never else. Receivers of one payer are not linked: whoever pays
    in a sitting pays many, and so does a payroll; if they pass the money on to one account, that
    is a fan-in.
    """
    payments = _payments(transfers)
    coded = code(payments, scale.horizon_ms + scale.window_ms)
    visits = frequent_visits(coded, scale)
    pairs = joint_payments(coded, visits, scale)
    p_value = binomial_tail(pairs.occasions, pairs.trials, pairs.expected)
    linked = _linked(pairs, p_value, limits)
    member, of_payee = payer_groups(coded, visits, scale)
    grouped = joint_payments(coded, visits.only(member), scale, 1)
    # payees are accounts too
    payers = pa.array(coded.account_ids, pa.string())
    payees = pc.unique(payments["object"]).cast(pa.string()).sort()
    everyone = pc.unique(pa.concat_arrays([payers, payees])).sort()
    codes = [pc.index_in(names, everyone).to_numpy().astype(np.int64) for names in (payers, payees)]
    parts = [
        _with_collectors(coded, pairs.only(linked), p_value[linked], codes, len(everyone)),
        _with_collectors(coded, grouped, of_payee[grouped.payee], codes, len(everyone)),
    ]
    found = pa.concat_tables(parts)
    window = pa.array(np.full(found.num_rows, scale.window_ms))
    found = found.append_column("window_ms", window)
    return named_pairs(best_pairs(found), everyone.to_pylist())


def _with_collectors(
    coded: CodedActions, found: JointPayments, p_value: Floats, codes: list[Ints], accounts: int
) -> pa.Table:
    """Rows of pairs of payers, and of each with the payee where that collects, under their codes.

    `codes` are those of payers and payees among all `accounts`.
    """
    one, other, payee = codes[0][found.payer], codes[0][found.other], codes[1][found.payee]
    kept = np.flatnonzero(_collected(coded, found))
    row = np.concatenate([np.arange(len(one)), kept, kept])
    left = np.concatenate([one, one[kept], other[kept]])
    right = np.concatenate([other, payee[kept], payee[kept]])
    columns = {
        "pair": np.minimum(left, right) * accounts + np.maximum(left, right),
        "objects": found.occasions[row],
        "coincidences": found.coincidences[row],
        "trials": found.trials[row],
        "p_value": p_value[row],
        "first_at": found.first_at[row],
        "last_at": found.last_at[row],
    }
    return pa.table(columns)


def _payments(transfers: pa.Table) -> pa.Table:
    """Payments as actions of the payer on the payee."""
    table = transfers.select(["payer", "payee", "at"]).drop_null()
    table = table.filter(pc.not_equal(table["payer"], table["payee"]))
    return table.rename_columns(["account_id", "object", "at"])


def _linked(found: JointPayments, p_value: Floats, limits: Sequence[tuple[float, int]]) -> Mask:
    """Which pairs are linked, each with enough others at the payee that are so with both."""
    accounts = int(max(found.payer.max(initial=0), found.other.max(initial=0))) + 1
    ends = [found.payee * accounts + payer for payer in (found.payer, found.other)]
    names, codes = np.unique(np.concatenate(ends), return_inverse=True)
    low, high = np.sort(codes.reshape(2, -1), axis=0)
    pair = low * len(names) + high
    linked = np.zeros(len(pair), np.bool_)
    for limit, others in limits:
        near = np.flatnonzero(p_value <= limit)
        linked[near] |= supporters(pair[near], len(names)) >= others
    return linked


def _collected(coded: CodedActions, found: JointPayments) -> Mask:
    """For each linked pair, whether its payee collects: most payments are of linked payers.

    Of the payments between the first and the last occasion of any pair that is linked there.
    """
    size = int(coded.object.max(initial=-1)) + 1
    since, until = np.full(size, np.iinfo(np.int64).max), np.zeros(size, np.int64)
    np.minimum.at(since, found.payee, found.first_at)
    np.maximum.at(until, found.payee, found.last_at)
    rows = np.flatnonzero((coded.at >= since[coded.object]) & (coded.at <= until[coded.object]))
    account, item = coded.account[rows], coded.object[rows].astype(np.int64)
    accounts = len(coded.account_ids)
    ends = [found.payee * accounts + end for end in (found.payer, found.other)]
    theirs = np.isin(item * accounts + account, np.concatenate(ends))
    share = np.bincount(item, theirs, size) / np.maximum(np.bincount(item, minlength=size), 1)
    return np.asarray(share[found.payee] >= COLLECTED, np.bool_)
