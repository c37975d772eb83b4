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
from detection.relays import counterparties, ends_of, have_many, in_order, rounded
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
    that one account pays in such transfers and that began one within the window of the other, and
    that account. What is connected so is a cohort, if nearly all that its members deal with is
    inside.

    Under the null an account makes its first transfer with anybody who is there: one that began
    within the window as often as such accounts were among all by then; or as often as elsewhere in
    these transfers, if that is more, since friends invite each other. Cohorts that were found are
    left out of that, and the rest is looked at again. The p-value is the binomial
    tail (Hoeffding 1956) of those pairs that began near each other among a cohort's pairs of first
    transfers, at the window at which it is least, times the windows and the cohorts that there is
    room for, rounded up to a power of two. Coincidences are these pairs, trials all of them, and
    objects are one.

    In P2P (33,731 accounts with transfers) there are 12 of 14 to 94, and none when the beginnings
    are shuffled. In none does half share devices or cards, and nobody in them had a chargeback: it
    is a reason to look, not to act.

    It does not find accounts that were there in the first month, if far more were than came later:
    nobody knows when they began. It does find the staff of a new firm, if their accounts begin with
    its first wages and deal with nobody else but large shops; a club whose members all join to pay
    one another; and who pays one account together each year, if nothing else is known of them.
    """
    transfers = in_order(transfers)
    names, (payer, payee) = ends_of(transfers)
    count, at = len(names), transfers["at"].to_numpy()
    low, high = counterparties(payer, payee, count)
    is_hub = have_many(low, high, count, cohort.counterparties)
    row = pc.index_in(pa.array(names, pa.string()), began["account_id"].combine_chunks())
    born = began["at"].take(row).to_numpy().astype(np.int64)
    among = ~is_hub[payer] & ~is_hub[payee]
    first = _first_pairs(payer[among], payee[among], at[among], born, cohort)
    group = first.groups(max(cohort.windows_ms), count)
    dealing = ~is_hub[low] & ~is_hub[high]
    is_closed = _closed(group, low[dealing], high[dealing], cohort)
    chances = [_chance(first, born, window_ms) for window_ms in cohort.windows_ms]
    found, new = np.zeros(count, np.bool_), np.ones(1, np.bool_)
    while new.any():
        said = _judged(group, first, chances, found, cohort)
        new = is_closed & (said["p_value"] <= cohort.alpha) & ~found
        found |= new
    inside = group[payer] == group[payee]
    first_at, last_at = spans(group[payer[inside]], at[inside], at[inside], count)
    said |= {"objects": np.ones(count, np.int64), "first_at": first_at, "last_at": last_at}
    members = np.flatnonzero(found[group])
    members = members[np.argsort(group[members], kind="stable")]
    return pairs_of_groups(group[members], members, names, said)


@dataclass(frozen=True, slots=True)
class _FirstPairs:
    """Pairs that made the first transfer of one of them, and are known to have begun."""

    payer: Ints
    payee: Ints
    #: milliseconds between their beginnings
    apart: Ints
    #: another account that the payer paid so, and how long before the payee it began
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


def _chance(first: _FirstPairs, born: Ints, window_ms: int) -> Floats:
    """Of those there when the younger of each pair began, the share that did within the window."""
    begin = np.sort(born)
    younger = np.maximum(born[first.payer], born[first.payee])
    there = np.searchsorted(begin, younger, "right")
    chance: Floats = (there - np.searchsorted(begin, younger - window_ms, "left")) / there
    return chance


def _judged(
    group: Ints, first: _FirstPairs, chances: list[Floats], found: Mask, cohort: Cohort
) -> dict[str, NDArray[Any]]:
    """What is said of each group, at the window at which its p-value is least."""
    windows = zip(cohort.windows_ms, chances, strict=True)
    at_each = [_at(group, first, first.near(window), chance, found) for window, chance in windows]
    near, tried, p_values = (np.stack(column) for column in zip(*at_each, strict=True))
    best = p_values.argmin(axis=0)[None]
    tests = len(at_each) * rounded(len(group) // cohort.least)
    return {
        "window_ms": np.array(cohort.windows_ms)[best[0]],
        "coincidences": np.take_along_axis(near, best, axis=0)[0],
        "trials": np.take_along_axis(tried, best, axis=0)[0],
        "p_value": np.minimum(1.0, tests * np.take_along_axis(p_values, best, axis=0)[0]),
    }


def _at(
    group: Ints, first: _FirstPairs, is_near: Mask, chance: Floats, found: Mask
) -> tuple[Ints, Ints, Floats]:
    """Of each group the pairs that began near, all its pairs, and the p-value of that."""
    count = len(group)
    one, other = group[first.payer], group[first.payee]
    # what leads out of a group counts for both ends
    out = np.flatnonzero(one != other)
    pair, of = np.concatenate([np.arange(len(one)), out]), np.concatenate([one, other[out]])
    is_rest = ~found[one] & ~found[other]
    near, tried, rest_near, rest = (
        np.bincount(of[chosen[pair]], minlength=count)
        for chosen in (is_near, np.ones(len(one), np.bool_), is_near & is_rest, is_rest)
    )
    elsewhere = (is_near & is_rest).sum() - rest_near
    elsewhere = elsewhere / np.maximum(is_rest.sum() - rest, 1)
    expected = np.bincount(of, np.maximum(chance[pair], elsewhere[of]), count)
    return near, tried, binomial_tail(near, tried, expected.astype(np.float64))
