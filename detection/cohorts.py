"""Cohorts: accounts that begin with transfers to one another, and stay among themselves."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from detection.coded_actions import Ints, Mask, spans
from detection.components import connect
from detection.coordination import Floats, binomial_tail, pairs_of_groups
from detection.relays import counterparties, ends_of, in_order, rounded
from graph.times import DAY_MS, HOUR_MS


@dataclass(frozen=True, slots=True)
class Cohort:
    """What a cohort is."""

    #: milliseconds within which two begin near each other, the longest last
    windows_ms: tuple[int, ...] = (HOUR_MS, DAY_MS, 3 * DAY_MS)
    #: accounts at least, a family opens fewer, and at most
    least: int = 6
    most: int = 100
    #: an account with more counterparties than this is a hub, which brings in nobody
    counterparties: int = 100
    #: of its members' counterparties, hubs left out, those inside at least
    inside: float = 0.75
    #: if in the first time, milliseconds, so many times as many begin as later, they were there
    early_ms: int = 31 * DAY_MS
    rush: float = 2.0
    #: p-value, times the windows and the cohorts that there is room for
    alpha: float = 0.01


COHORT = Cohort()
#: milliseconds between nobody's beginnings
_NEVER = 1 << 60


def cohort_pairs(transfers: pa.Table, began: pa.Table, cohort: Cohort = COHORT) -> pa.Table:
    """Find cohorts, and give every two of each as a pair, in the columns of PAIRS, sorted.

    `transfers` has payer, payee, at (milliseconds since 1970 UTC), amount_micros and currency, in
    any order; rows with a null payer, payee or time are left out. `began` has account_id and at,
    when each of these accounts was first heard of at all. Who opens accounts to use them moves
    money between them: in a star, a chain or a tree, or from all to one (so airdrop hunters were
    told, as in the lists of Arbitrum, 2023, and LayerZero, 2024). Two that make the first transfer
    of one of them are of one cohort if they began within the window of each other; so are those
    whose first transfer is money from the same account, one within the window of the other, and
    that account. What is connected so is a cohort, if nearly all that its members deal with is
    inside.

    Under the null an account makes its first transfer with anybody who is there: one that began
    within the window as often as such accounts were among all by then; or as often as elsewhere in
    these transfers, if that is more, since friends invite each other. The p-value is the binomial
    tail (Hoeffding 1956) of those pairs that began near each other among a cohort's pairs of first
    transfers, at the window at which it is least, times the windows and the cohorts that there is
    room for, rounded up to a power of two. Coincidences are these pairs, trials all of them, and
    objects are one.

    In P2P (33,731 accounts with transfers) there are 11 of 21 to 94, and none when the beginnings
    are shuffled. No two of a hundred members of one share a device or card, and none had a
    chargeback: it is a reason to look, not to act.

    It does not find accounts that were there in the first month, if far more were than came later:
    nobody knows when they began. It does find the staff of a new firm, if their accounts begin with
    its first wages and deal with nobody else but large shops; a club whose members all join to pay
    one another; and who pays one account together each year, if nothing else is known of them.
    """
    transfers = in_order(transfers)
    names, (payer, payee) = ends_of(transfers)
    count, at = len(names), transfers["at"].to_numpy()
    low, high = counterparties(payer, payee, count)
    is_hub = np.bincount(np.concatenate([low, high]), minlength=count) > cohort.counterparties
    row = pc.index_in(pa.array(names, pa.string()), began["account_id"].combine_chunks())
    born = began["at"].take(row).to_numpy().astype(np.int64)
    among = ~is_hub[payer] & ~is_hub[payee]
    first = _first_pairs(payer[among], payee[among], at[among], born, cohort)
    group = first.groups(max(cohort.windows_ms), count)
    dealing = ~is_hub[low] & ~is_hub[high]
    is_closed = _closed(group, low[dealing], high[dealing], cohort)
    judged = [_judged(group, first, born, window_ms) for window_ms in cohort.windows_ms]
    near, tried, p_values = (np.stack(column) for column in zip(*judged, strict=True))
    best = p_values.argmin(axis=0)
    tests = len(judged) * rounded(count // cohort.least)
    p_value = np.where(is_closed, np.minimum(1.0, tests * _chosen(p_values, best)), 1.0)
    inside = group[payer] == group[payee]
    first_at, last_at = spans(group[payer[inside]], at[inside], at[inside], count)
    said = {
        "window_ms": np.array(cohort.windows_ms)[best],
        "objects": np.ones(count, np.int64),
        "coincidences": _chosen(near, best),
        "trials": _chosen(tried, best),
        "p_value": p_value,
        "first_at": first_at,
        "last_at": last_at,
    }
    members = np.flatnonzero(p_value[group] <= cohort.alpha)
    members = members[np.argsort(group[members], kind="stable")]
    return pairs_of_groups(group[members], members, names, said)


def _chosen(values: NDArray[Any], row: Ints) -> NDArray[Any]:
    """Of each column the value in its row."""
    taken: NDArray[Any] = np.take_along_axis(values, row[None], axis=0)[0]
    return taken


@dataclass(frozen=True, slots=True)
class _FirstPairs:
    """Pairs that made the first transfer of one of them, and are known to have begun."""

    payer: Ints
    payee: Ints
    #: milliseconds between their beginnings
    apart: Ints
    #: an account that the payer filled first, too, and how long before the payee it began
    before: Ints
    behind: Ints

    def near(self, window_ms: int) -> Mask:
        """Which payees and payers, or payees of one payer, began within the window."""
        return np.asarray(np.minimum(self.apart, self.behind) <= window_ms, np.bool_)

    def groups(self, window_ms: int, count: int) -> Ints:
        """The group of each account: what these pairs connect, where they began near."""
        near, follows = self.near(window_ms), self.behind <= window_ms
        source = np.concatenate([self.payer[near], self.before[follows]])
        target = np.concatenate([self.payee[near], self.payer[follows]])
        return connect(source, target, count).astype(np.int64)


def _first_pairs(payer: Ints, payee: Ints, at: Ints, born: Ints, cohort: Cohort) -> _FirstPairs:
    count = len(born)
    first, _ = spans(np.concatenate([payer, payee]), np.tile(at, 2), np.tile(at, 2), count)
    known = born >= _known_since(born, cohort)
    is_first = (at == first[payer]) | (at == first[payee])
    code = np.unique((payer * count + payee)[is_first & known[payer] & known[payee]])
    payer, payee = np.divmod(code, max(count, 1))
    order = np.lexsort((payee, born[payee], payer))
    payer, payee = payer[order], payee[order]
    same = np.diff(payer, prepend=-1) == 0
    behind = np.where(same, np.diff(born[payee], prepend=0), _NEVER)
    return _FirstPairs(payer, payee, abs(born[payer] - born[payee]), np.roll(payee, 1), behind)


def _known_since(born: Ints, cohort: Cohort) -> int:
    """From when on an account begins when it is first heard of, milliseconds."""
    if not len(born):
        return 0
    start, end = int(born.min()), int(born.max())
    early = np.count_nonzero(born < start + cohort.early_ms)
    later = (len(born) - early) * cohort.early_ms / max(end - start - cohort.early_ms, 1)
    return start + cohort.early_ms if early > cohort.rush * later else start


def _closed(group: Ints, low: Ints, high: Ints, cohort: Cohort) -> Mask:
    """Which groups have the size of a cohort, and deal inside; `low` deals with `high`."""
    size = np.bincount(group, minlength=len(group))
    is_inside = group[low] == group[high]
    every, inside = (
        np.bincount(group[low], by, len(group)) + np.bincount(group[high], by, len(group))
        for by in (np.ones(len(low)), is_inside)
    )
    fits = (size >= cohort.least) & (size <= cohort.most)
    return np.asarray(fits & (inside >= cohort.inside * every), np.bool_)


def _judged(
    group: Ints, first: _FirstPairs, born: Ints, window_ms: int
) -> tuple[Ints, Ints, Floats]:
    """Of each group the pairs that began near, all its pairs, and the p-value of that."""
    count = len(group)
    # what leads out of a group counts for both ends
    out = np.flatnonzero(group[first.payer] != group[first.payee])
    pair = np.concatenate([np.arange(len(first.payer)), out])
    of = np.concatenate([group[first.payer], group[first.payee[out]]])
    is_near = first.near(window_ms)
    near = np.bincount(of[is_near[pair]], minlength=count)
    tried = np.bincount(of, minlength=count)
    elsewhere = (is_near.sum() - near) / np.maximum(len(is_near) - tried, 1)
    # of those there when the younger began
    begin = np.sort(born)
    younger = np.maximum(born[first.payer], born[first.payee])
    there = np.searchsorted(begin, younger, "right")
    new = there - np.searchsorted(begin, younger - window_ms, "left")
    expected = np.bincount(of, np.maximum((new / there)[pair], elsewhere[of]), count)
    return near, tried, binomial_tail(near, tried, expected.astype(np.float64))
