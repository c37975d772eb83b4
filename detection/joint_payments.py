"""Payers of one payee who pay at the same time, and how often they would by their habits.

Everything here is counting; whether it is more than chance, detection.fan_in decides.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from detection.co_action_scales import Scale, weigh
from detection.co_actions import chunks, coincidences
from detection.coded_actions import CodedActions, Ints, Mask, ends_of_visits, expand
from graph.times import DAY_MS

Floats = NDArray[np.float64]

#: distinct days on which both pay, at least so many of them within so many days: what comes twice
#: a month is a salary, a rent or a bill
MIN_OCCASIONS = 4
WITHIN_DAYS = 28
#: a habit of the week is looked for so much further away than the horizon
WEEKS = 2
#: pairs of visits looked at in one go: 100 MB
_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True)
class JointPayments:
    """Pairs of payers of one payee, one value each; `payer` is the one with fewer visits.

    A visit is the first payment of a payer in a cell of the window's length.
    """

    payer: Ints
    other: Ints
    payee: Ints
    #: distinct days on which both visited within the window, and pairs of such visits
    occasions: Ints
    coincidences: Ints
    #: days on which `payer` visited, and how many of them are occasions by habit
    trials: Ints
    expected: Floats
    #: first and last visit of an occasion, milliseconds since 1970 UTC
    first_at: Ints
    last_at: Ints

    def only(self, kept: Mask) -> "JointPayments":
        """Those pairs."""
        return JointPayments(*(getattr(self, field.name)[kept] for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Visits:
    """The visits of payers who come often to a payee, grouped by payee and payer."""

    #: their rows
    rows: Ints
    at: Ints
    #: of each visit: the least probability that a given other one is within the window
    chance: Floats
    starts: Ints
    sizes: Ints

    @property
    def group(self) -> Ints:
        """The group of each visit."""
        return np.repeat(np.arange(len(self.starts)), self.sizes)

    def only(self, kept: Mask) -> "Visits":
        """Those groups."""
        of_kept, sizes = kept[self.group], self.sizes[kept]
        rows, at, chance = self.rows[of_kept], self.at[of_kept], self.chance[of_kept]
        return Visits(rows, at, chance, np.cumsum(sizes) - sizes, sizes)


def frequent_visits(coded: CodedActions, scale: Scale) -> Visits:
    """The visits of those who come to a payee on at least MIN_OCCASIONS days.

    `coded` has payers as accounts and payees as objects.
    """
    usable, chance = weigh(coded, scale)
    rows, key = _frequent(coded, usable & ends_of_visits(coded, scale.window_ms)[0])
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    sizes = np.diff(np.append(starts, len(rows)))
    return Visits(rows, coded.at[rows], chance[rows], starts, sizes)


def joint_payments(
    coded: CodedActions, visits: Visits, scale: Scale, least: int = MIN_OCCASIONS
) -> JointPayments:
    """Pairs with at least so many joint visits to a payee, in the order of pair and payee.

    Time grows with the visits of a pair to the payee, one's times the other's.
    """
    chosen = np.zeros(len(coded.at), np.bool_)
    chosen[visits.rows] = True
    near = coincidences(coded, scale.window_ms, chosen, 1)
    often = near.times >= least
    accounts = max(len(coded.account_ids), 1)
    low, high = np.divmod(near.pair[often], accounts)
    payee = near.object[often].astype(np.int64)
    first, sizes = visits.rows[visits.starts], visits.sizes
    key = coded.object[first].astype(np.int64) * accounts + coded.account[first]
    one, other = (np.searchsorted(key, payee * accounts + end) for end in (low, high))
    swap = sizes[one] > sizes[other]
    one, other = np.where(swap, other, one), np.where(swap, one, other)
    low, high = np.where(swap, high, low), np.where(swap, low, high)
    parts = [
        _compared(visits, one[from_:to], other[from_:to], scale, least)
        for from_, to in chunks(sizes[one] * sizes[other], _AT_ONCE)
    ]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    if not parts:
        columns = [low] * 3 + [low.astype(np.float64)] + [low] * 2
    enough = columns[0] > 0
    return JointPayments(*(column[enough] for column in (low, high, payee, *columns)))


def _frequent(coded: CodedActions, visit: Mask) -> tuple[Ints, Ints]:
    """Rows of visits of those who come on enough days, with a number for payee and payer."""
    rows = np.flatnonzero(visit)
    key = coded.object[rows].astype(np.int64) * len(coded.account_ids) + coded.account[rows]
    group = np.cumsum(np.diff(key, prepend=-1) != 0) - 1
    kept = (distinct_days(group, coded.at[rows], int(group.max(initial=-1)) + 1) >= MIN_OCCASIONS)[
        group
    ]
    return rows[kept], key[kept]


def _compared(
    visits: Visits, one: Ints, other: Ints, scale: Scale, least: int
) -> tuple[Ints, Ints, Ints, Floats, Ints, Ints]:
    """Occasions (0 for too few), coincidences, trials, expected, first_at and last_at."""
    count = len(one)
    pair, repeat = expand(visits.sizes[one])
    mine = visits.starts[one][pair] + repeat
    visit, repeat = expand(visits.sizes[other][pair])
    gap = visits.at[visits.starts[other][pair[visit]] + repeat] - visits.at[mine[visit]]
    days = np.rint(gap / DAY_MS).astype(np.int64)
    near = np.abs(gap - days * DAY_MS) <= scale.window_ms
    joint = near & (days == 0)
    size, at = len(pair), visits.at[mine]
    expected = np.zeros((3, size))
    within = np.bincount(visit, np.abs(gap) <= scale.horizon_ms, size)
    expected[0] = within * visits.chance[mine]
    for row, step, reach in ((1, 1, scale.horizon_ms), (2, 7, WEEKS * scale.horizon_ms)):
        most = reach // DAY_MS
        same = near & (days != 0) & (days % step == 0) & (np.abs(days) <= most)
        span = _span(visits, one, other)
        chances = _steps(at - span[0][pair], step, most) + _steps(span[1][pair] - at, step, most)
        expected[row] = np.bincount(visit, same, size) / np.maximum(chances, 1)
    by_habit = [np.bincount(pair, np.minimum(1.0, row), count) for row in expected]
    where = pair[visit[joint]]
    when = at[visit[joint]]
    then = when + gap[joint]
    first, last = np.full(count, np.iinfo(np.int64).max), np.zeros(count, np.int64)
    np.minimum.at(first, where, np.minimum(when, then))
    np.maximum.at(last, where, np.maximum(when, then))
    return (
        np.where(dense(where, when, count, least), distinct_days(where, when, count), 0),
        np.bincount(where, minlength=count),
        distinct_days(pair, at, count),
        np.max(by_habit, axis=0),
        first,
        last,
    )


def _span(visits: Visits, one: Ints, other: Ints) -> tuple[Ints, Ints]:
    """From when to when both of each pair are there."""
    last = visits.starts + visits.sizes - 1
    since = np.maximum(visits.at[visits.starts[one]], visits.at[visits.starts[other]])
    return since, np.minimum(visits.at[last[one]], visits.at[last[other]])


def _steps(length_ms: Ints, days: int, most: int) -> Ints:
    """How many times so many days go into each length, at most as many as into `most` days."""
    return np.clip(length_ms // (days * DAY_MS), 0, most // days)


def distinct_days(group: Ints, at: Ints, groups: int) -> Ints:
    """Distinct days of each group; they begin at midnight UTC or at noon, whichever makes fewer.

    An evening is one occasion wherever midnight is.
    """
    counts = []
    for begin in (0, DAY_MS // 2):
        key = np.unique(group * (1 << 32) + (at - begin) // DAY_MS)
        counts.append(np.bincount(key >> 32, minlength=groups))
    return np.minimum(*counts)


def dense(group: Ints, at: Ints, groups: int, least: int = MIN_OCCASIONS) -> Mask:
    """Whether each group has so many distinct days within WITHIN_DAYS."""
    day = np.unique(group * (1 << 32) + at // DAY_MS)
    later = day[least - 1 :]
    near = later - day[: len(later)] <= WITHIN_DAYS
    return np.bincount(later[near] >> 32, minlength=groups) > 0
