"""Pairs of accounts that act on the same objects at the same time, and how often they might have.

Everything here is counting; whether it is more than chance, detection.coordination decides.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.co_action_scales import Scale
from detection.coded_actions import CodedActions, Ints, Mask, ends_of_visits, expand

#: pairs made in one go: 100 MB
_AT_ONCE = 2_000_000
#: pairs up to which all of them are kept in memory: 150 MB; above, pairs are counted first in
#: _BINS bins by a hash, and only those of full bins are made again (Park, Chen, Yu 1995)
_IN_MEMORY = 4_000_000
_BINS = 1 << 26
_HASH = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Coincidences:
    """Each pair on each object that it acted on together, sorted by pair and object."""

    #: lower account code * number of accounts + higher one
    pair: Ints
    object: NDArray[np.int32]
    #: times together on the object
    times: Ints
    #: the first and the last action of these, milliseconds since 1970 UTC
    first_at: Ints
    last_at: Ints


def coincidences(
    coded: CodedActions, window_ms: int, chosen: Mask, min_objects: int
) -> Coincidences:
    """Pairs that acted within the window of each other on at least `min_objects` objects.

    Only the rows that are `chosen` act. Time and memory grow with the number of pairs of rows
    within a window: leave crowds out.
    """
    rows = coded.by_place[chosen[coded.by_place]]
    place = coded.place[rows]
    ends = np.searchsorted(place, place + window_ms, "right")
    counts = ends - np.arange(len(rows)) - 1
    full = None
    if counts.sum() > _IN_MEMORY and min_objects > 1:
        filled = np.zeros(_BINS, np.uint32)
        for pair, _, _ in _pairs(coded, rows, counts):
            np.add.at(filled, _bins(pair), np.uint32(1))
        full = filled >= min_objects
        del filled
    parts = []
    for pair, one, other in _pairs(coded, rows, counts):
        kept = full[_bins(pair)] if full is not None else slice(None)
        parts.append(np.stack([pair[kept], one[kept], other[kept]]))
    pair, one, other = np.concatenate(parts, axis=1) if parts else np.zeros((3, 0), np.int64)
    return _with_objects(_grouped(coded, pair, one, other), min_objects)


def _pairs(coded: CodedActions, rows: Ints, counts: Ints) -> Iterator[tuple[Ints, Ints, Ints]]:
    """Pairs of accounts with their two rows, the earlier one first."""
    accounts = len(coded.account_ids)
    for first, end in chunks(counts, _AT_ONCE):
        row, repeat = expand(counts[first:end])
        one, other = rows[first + row], rows[first + row + repeat + 1]
        left, right = coded.account[one], coded.account[other]
        differ = left != right
        low = np.minimum(left, right)[differ].astype(np.int64)
        yield low * accounts + np.maximum(left, right)[differ], one[differ], other[differ]


def chunks(counts: Ints, most: int) -> Iterator[tuple[int, int]]:
    """Stretches of rows whose counts add up to at most `most`, or of one row."""
    total = np.cumsum(counts)
    first, done = 0, 0
    while first < len(counts):
        end = max(first + 1, int(np.searchsorted(total, done + most, "right")))
        yield first, end
        first, done = end, int(total[end - 1])


def _bins(pair: Ints) -> NDArray[np.uint64]:
    return (pair.astype(np.uint64) * _HASH) >> np.uint64(64 - _BINS.bit_length() + 1)


def _grouped(coded: CodedActions, pair: Ints, one: Ints, other: Ints) -> Coincidences:
    item = coded.object[one]
    order = np.lexsort((item, pair))
    pair, item, one, other = pair[order], item[order], one[order], other[order]
    starts = np.flatnonzero((np.diff(pair, prepend=-1) != 0) | (np.diff(item, prepend=-1) != 0))
    if not len(starts):
        return Coincidences(pair, item, pair, pair, pair)
    return Coincidences(
        pair[starts],
        item[starts],
        np.diff(np.append(starts, len(pair))),
        np.minimum.reduceat(coded.at[one], starts),
        np.maximum.reduceat(coded.at[other], starts),
    )


def _with_objects(found: Coincidences, min_objects: int) -> Coincidences:
    _, inverse, objects = np.unique(found.pair, return_inverse=True, return_counts=True)
    kept = (objects >= min_objects)[inverse]
    return Coincidences(
        found.pair[kept],
        found.object[kept],
        found.times[kept],
        found.first_at[kept],
        found.last_at[kept],
    )


@dataclass(frozen=True, slots=True)
class Trials:
    """For each of some pairs what might have come about by chance."""

    #: objects on which both acted within the horizon of each other
    objects: Ints
    #: how many of these are expected to be coincidences
    expected: NDArray[np.float64]


def trials(coded: CodedActions, pairs: Ints, scale: Scale, chance: NDArray[np.float64]) -> Trials:
    """Count the objects on which each pair acted within the scale's horizon of each other.

    `chance` has for each row the probability that a visit so near to it is within the window; an
    object that both visit again and again has as many chances as there are pairs of visits so
    near, and counts once.
    """
    low, high = np.divmod(pairs, max(len(coded.account_ids), 1))
    present = np.zeros(len(coded.account_ids), np.bool_)
    present[low] = present[high] = True
    first, _ = ends_of_visits(coded, scale.window_ms)
    rows = np.flatnonzero(first & present[coded.account])
    visits = _Visits(coded, rows, chance, scale.horizon_ms)
    fewer = visits.groups_of(low) <= visits.groups_of(high)
    one, other = np.where(fewer, low, high), np.where(fewer, high, low)
    objects = np.zeros(len(pairs), np.int64)
    expected = np.zeros(len(pairs), np.float64)
    for start, end in chunks(visits.groups_of(one), _AT_ONCE // 2):
        pair, by_chance = visits.near(one[start:end], other[start:end])
        size = end - start
        objects[start:end] = np.bincount(pair, by_chance > 0, size).astype(np.int64)
        expected[start:end] = np.bincount(pair, np.minimum(1.0, by_chance), size)
    return Trials(objects, expected)


class _Visits:
    """Visits grouped by account and object, groups in that order."""

    def __init__(
        self, coded: CodedActions, rows: Ints, chance: NDArray[np.float64], horizon_ms: int
    ) -> None:
        # stable: within an account the rows stay in the order of object and time
        rows = rows[np.argsort(coded.account[rows], kind="stable")]
        self._at = coded.at[rows]
        self._chance = chance[rows]
        self._horizon_ms = horizon_ms
        self._objects = int(coded.object.max(initial=0)) + 1
        key = coded.account[rows].astype(np.int64) * self._objects + coded.object[rows]
        self._starts = np.flatnonzero(np.diff(key, prepend=-1))
        self._key = key[self._starts]
        self._sizes = np.diff(np.append(self._starts, len(rows)))
        # the time on a line on which groups lie further apart than two horizons
        ends = self._starts + self._sizes - 1
        lengths = self._at[ends] - self._at[self._starts] + 2 * horizon_ms + 2
        self._shift = np.cumsum(lengths) - lengths - self._at[self._starts]
        self._line = self._at + np.repeat(self._shift, self._sizes)
        bounds = np.arange(len(coded.account_ids) + 1, dtype=np.int64) * self._objects
        self._bounds = np.searchsorted(self._key, bounds)

    def groups_of(self, account: Ints) -> Ints:
        """On how many objects each account acted."""
        return np.asarray(self._bounds[account + 1] - self._bounds[account], np.int64)

    def near(self, one: Ints, other: Ints) -> tuple[Ints, NDArray[np.float64]]:
        """Pair and coincidences that chance makes, for each object of both; 0 for no trial."""
        pair, repeat = expand(self.groups_of(one))
        left = self._bounds[one[pair]] + repeat
        wanted = other[pair] * self._objects + self._key[left] % self._objects
        right = np.minimum(np.searchsorted(self._key, wanted), len(self._key) - 1)
        both = self._key[right] == wanted
        pair, left, right = pair[both], left[both], right[both]
        expected = np.zeros(len(pair), np.float64)
        for start, end in chunks(self._sizes[left], _AT_ONCE):
            row, repeat = expand(self._sizes[left[start:end]])
            visit = self._starts[left[start:end]][row] + repeat
            near = self._near(self._at[visit], right[start:end][row])
            expected[start:end] = np.bincount(row, near * self._chance[visit], end - start)
        return pair, expected

    def _near(self, at: Ints, group: Ints) -> Ints:
        """How many visits of each group are within the horizon of each time."""
        first = self._at[self._starts[group]]
        last = self._at[self._starts[group] + self._sizes[group] - 1]
        from_ = np.clip(at - self._horizon_ms, first, last + 1) + self._shift[group]
        to = np.clip(at + self._horizon_ms, first - 1, last) + self._shift[group]
        return np.asarray(
            np.searchsorted(self._line, to, "right") - np.searchsorted(self._line, from_, "left"),
            np.int64,
        )
