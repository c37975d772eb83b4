"""Funnels: accounts that pay one collector at times of their own, which passes it all on."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detection.coded_actions import Ints, Mask, expand, spans
from detection.coordination import Floats, binomial_tail, pairs_of_groups
from detection.relays import currencies_of, ends_of, in_order
from graph.times import DAY_MS


@dataclass(frozen=True, slots=True)
class Funnel:
    """What a funnel is; amounts as shares of what came in since the last sweep."""

    least: float = 0.7
    most: float = 1.02
    #: sweeps at least
    sweeps: int = 3
    #: days on which an account paid into sweeps, from which it is a member
    days: int = 2
    #: members at least, without the collector
    members: int = 3
    #: an account with more payers than this is a shop
    payers: int = 50
    #: share of the sweeps' payments that is of members, at least
    share: float = 0.5
    #: share of what it gets that a destination pays back, from which it is a friend
    back: float = 0.1
    #: p-value up to which amounts are no chance. Hardly anybody comes so far: of 80,000 simulated
    #: accounts one that is in no planted ring, whatever its p-value
    alpha: float = 0.01


FUNNEL = Funnel()


def funnel_pairs(transfers: pa.Table, funnel: Funnel = FUNNEL) -> pa.Table:
    """Find collectors and those who pay them, every two of a funnel as a pair in PAIRS' columns.

    `transfers` has payer, payee, at (milliseconds since 1970 UTC), amount_micros and currency, in
    any order; rows with a null payer, payee or time are left out, and so are those without amount.
    A sweep is a transfer of most of what the collector got since its last one to the same account.
    Somebody who pays for what it needs sends amounts that have nothing to do with what came in
    since: under the null any of its transfers might have been sent at the time of any other, and
    the p-value is the binomial tail (Hoeffding 1956) of the sweeps among the transfers to that
    account, with the share of such exchanged pairs that fit. It is not corrected for the number of
    collectors: what they must have besides hardly anybody else has. Funnel accounts are an old
    typology of money laundering (FinCEN advisory FIN-2012-A006); this test of them is ours.

    Objects are the sweeps, coincidences the payments in them, and trials the transfers from the
    collector to where it sweeps to.

    In the transfers of P2P (33,731 accounts) it finds one funnel, and none when their times are
    shuffled.

    It does not find collectors that keep what they get, or pass it on in parts to many or to two in
    turns; nor those that are always paid about the same. It does find a treasurer who banks what
    the members of a club pay, and a stall of few customers that does so with its takings.
    """
    transfers = in_order(transfers)
    transfers = transfers.filter(pc.greater(transfers["amount_micros"], 0))
    names, ends = ends_of(transfers)
    paid = _Paid.of(transfers, ends)
    sweeps = _sweeps(paid, funnel)
    return _pairs(paid, sweeps, names, funnel)


@dataclass(frozen=True, slots=True)
class _Paid:
    """Transfers in order of time; accounts and currencies as codes."""

    payer: Ints
    payee: Ints
    currency: Ints
    at: Ints
    amount: Ints

    @classmethod
    def of(cls, transfers: pa.Table, ends: Ints) -> "_Paid":
        return cls(
            ends[0],
            ends[1],
            currencies_of(transfers),
            transfers["at"].to_numpy(),
            transfers["amount_micros"].to_numpy(),
        )

    @property
    def accounts(self) -> int:
        return int(max(self.payer.max(initial=-1), self.payee.max(initial=-1))) + 1

    def purse(self, account: Ints) -> Ints:
        """What an account holds in the currency of each transfer."""
        purses: Ints = account * (int(self.currency.max(initial=0)) + 1) + self.currency
        return purses


@dataclass(frozen=True, slots=True)
class _Sweeps:
    """Ways on which a collector sweeps, with the payments swept."""

    #: of each way
    collector: Ints
    sweeps: Ints
    transfers: Ints
    p_value: Floats
    #: the way of each payment swept, and its row among the transfers
    way: Ints
    payment: Ints


def _sweeps(paid: _Paid, funnel: Funnel) -> _Sweeps:
    """The ways from one account to another on which what came in goes on, by their amounts."""
    # what each purse got, one after the other
    into = np.argsort(paid.purse(paid.payee), kind="stable")
    length = len(paid.at) + 1
    got = paid.purse(paid.payee)[into] * length + into
    # whatever runs over 64 bits drops out of the differences
    total = np.concatenate([[0], np.cumsum(paid.amount[into])])
    ways, way, count = np.unique(
        paid.purse(paid.payer) * paid.accounts + paid.payee, return_inverse=True, return_counts=True
    )
    rows = np.flatnonzero((count[way] >= funnel.sweeps) & ~_mutual(paid, funnel))
    rows = rows[np.argsort(way[rows], kind="stable")]
    of = way[rows]
    # of `got`, what came since the last transfer on the way, or since the beginning
    purse = paid.purse(paid.payer)[rows] * length
    until = np.searchsorted(got, purse + rows)
    since = np.searchsorted(got, purse)
    later = np.flatnonzero(np.diff(of) == 0) + 1
    since[later] = until[later - 1]
    pot = total[until] - total[since]
    fits = (pot * funnel.least <= paid.amount[rows]) & (paid.amount[rows] <= pot * funnel.most)
    fits &= until > since
    number = len(ways)
    found = np.bincount(of, fits, number).astype(np.int64)
    chance = _chance(of, paid.amount[rows], pot, fits, funnel)
    expected = np.asarray(np.bincount(of, chance, number), np.float64)
    p_value = binomial_tail(found, count, expected)
    chosen = (found >= funnel.sweeps) & (p_value <= funnel.alpha)
    swept = np.flatnonzero(fits & chosen[of])
    row, repeat = expand((until - since)[swept])
    place = np.cumsum(chosen) - 1
    first = np.zeros(number, np.int64)
    first[of] = paid.payer[rows]
    return _Sweeps(
        first[chosen],
        found[chosen],
        count[chosen],
        p_value[chosen],
        place[of[swept[row]]],
        into[since[swept[row]] + repeat],
    )


def _mutual(paid: _Paid, funnel: Funnel) -> Mask:
    """Which transfers go to an account that pays the payer too: friends do, no destination does."""
    there, back = (
        one * paid.accounts + other
        for one, other in ((paid.payer, paid.payee), (paid.payee, paid.payer))
    )
    ways, way = np.unique(np.concatenate([there, back]), return_inverse=True)
    amounts = np.bincount(way[: len(there)], paid.amount.astype(np.float64), len(ways))
    mutual: Mask = amounts[way[len(there) :]] >= funnel.back * amounts[way[: len(there)]]
    return mutual


def _chance(way: Ints, amount: Ints, pot: Ints, fits: Mask, funnel: Funnel) -> Floats:
    """The probability of each transfer to fit, were it sent at the time of another on its way."""
    # ways lie apart on a line, and pots on it by their logarithms, which are all below 64
    there = np.sort(way[pot > 0] * 64 + np.log(pot[pot > 0]))
    here = way * 64 + np.log(amount)
    fitting = np.searchsorted(there, here - np.log(funnel.least), "right")
    fitting -= np.searchsorted(there, here - np.log(funnel.most), "left")
    others = np.bincount(way)[way] - 1
    # never 0: what was not seen may still happen
    each = 1 / np.maximum(others + 1, 1)
    chance: Floats = np.maximum(fitting - fits, each) / np.maximum(others, 1)
    return np.minimum(chance, 1.0)


def _pairs(paid: _Paid, sweeps: _Sweeps, names: list[str], funnel: Funnel) -> pa.Table:
    """Every two of the members and the collector of each funnel."""
    count = max(paid.accounts, 1)
    payer = paid.payer[sweeps.payment]
    ends, place = np.unique(sweeps.way * count + payer, return_inverse=True)
    way, account = np.divmod(ends, count)
    day = np.unique(place * (1 << 32) + paid.at[sweeps.payment] // DAY_MS) >> 32
    is_member = np.bincount(day, minlength=len(ends)) >= funnel.days
    number = len(sweeps.collector)
    payers, members = (np.bincount(way, by, number) for by in (np.ones(len(way)), is_member))
    payments = np.bincount(sweeps.way, minlength=number)
    theirs = np.bincount(sweeps.way, is_member[place], number)
    kept = (members >= funnel.members) & (payers <= funnel.payers)
    kept &= theirs >= funnel.share * payments
    chosen = is_member & kept[way]
    whole = np.flatnonzero(kept)
    way = np.concatenate([way[chosen], whole])
    account = np.concatenate([account[chosen], sweeps.collector[whole]])
    way, account = np.divmod(np.unique(way * count + account), count)
    first, last = spans(sweeps.way, paid.at[sweeps.payment], paid.at[sweeps.payment], number)
    said = {
        "window_ms": np.zeros(number, np.int64),
        "objects": sweeps.sweeps,
        "coincidences": payments,
        "trials": sweeps.transfers,
        "p_value": sweeps.p_value,
        "first_at": first,
        "last_at": last,
    }
    return pairs_of_groups(way, account, names, said)
