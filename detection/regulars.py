"""Regulars of one object who come whenever others of them come: a group, however rarely two meet.

Two members of a ring who each take part in half of its rounds meet in a quarter of them, but each
of them meets somebody every time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import gammaln

from detection.co_action_scales import Scale, weigh
from detection.coded_actions import (
    CodedActions,
    Ints,
    Mask,
    code,
    ends_of_visits,
    expand,
    spans,
    visits_near,
)
from detection.coordination import Floats, best_pairs, binomial_tail, named_pairs
from graph.times import DAY_MS

#: distinct days on which a regular comes, at least so many of them within so many days: what comes
#: every week or more seldom is a wage, a rent, a bill or a lesson
MIN_DAYS = 3
WITHIN_DAYS = 13
#: share of the transfers of an account at the end of a group that is with members, from which it is
#: one of them
MOST = 0.5
#: p-value up to which a regular belongs to the group of its object, if there is one
MEMBER = 0.1
#: p-value of a group up to which it is one
ALPHA = 1e-4
#: how many times as many others come within the window as two windows off; in a show of three
#: hours 2.5 times as many do
STEEP = 3.0
#: days by which visits are moved, and how many times the horizon: habits of the day and the week
_HABITS = ((1, 1), (7, 2))


@dataclass(frozen=True, slots=True)
class Visits:
    """The visits of regulars: accounts that come often to an object, one for each of the two.

    A visit is the first action of an account on an object in a cell of the window's length.
    """

    at: Ints
    #: number of each visit's regular
    regular: Ints
    #: codes of each regular's object and account
    object: Ints
    account: Ints

    def only(self, kept: Mask) -> "Visits":
        """The visits of those regulars."""
        rows, number = kept[self.regular], np.cumsum(kept) - 1
        return Visits(
            self.at[rows], number[self.regular[rows]], self.object[kept], self.account[kept]
        )

    def occasions(self, scale: Scale, visit: Mask | None = None) -> Ints:
        """On how many occasions each regular came, in these visits or all."""
        rows = slice(None) if visit is None else visit
        return occasions(self.regular[rows], self.at[rows], scale, len(self.object))


@dataclass(frozen=True, slots=True)
class End:
    """Who stands at the end of each group, and its transfers; all in codes of accounts."""

    #: by the group's object
    account: Ints
    #: of each transfer: those who might stand at the end, those they deal with, and the time
    mine: Ints
    theirs: Ints
    at: Ints


@dataclass(frozen=True, slots=True)
class Members:
    """The visits of members of groups, with one value for each member in the rest."""

    visits: Visits
    #: code among all accounts
    account: Ints
    #: codes of those who belong to the member's group but do not visit, or -1
    beside: list[Ints]
    #: of the group
    p_value: Floats


def group_pairs(actions: pa.Table, names: list[str], ends: list[End], scale: Scale) -> pa.Table:
    """Members of groups in pairs, and each with the ends of its group, in the columns of PAIRS.

    `actions` has account_id, object and at; `ends` are in the order of the objects.
    `names` are all accounts, by their codes. An end belongs to its group if most of its transfers
    are with members.
    """
    coded = code(actions, scale.horizon_ms + scale.window_ms)
    visits = frequent_visits(coded, scale)
    is_member, p_value = members_of_groups(visits, scale)
    members = visits.only(is_member)
    code_of = pc.index_in(pa.array(coded.account_ids, pa.string()), pa.array(names, pa.string()))
    account = code_of.to_numpy().astype(np.int64)[members.account]
    beside = [_at_end(members, account, end) for end in ends]
    found = Members(members, account, beside, p_value[is_member])
    return named_pairs(best_pairs(member_pairs(found, scale, len(names))), names)


def frequent_visits(coded: CodedActions, scale: Scale) -> Visits:
    """The visits of those who come to an object on enough days."""
    usable, _ = weigh(coded, scale)
    rows = np.flatnonzero(usable & ends_of_visits(coded, scale.window_ms)[0])
    item, account = coded.object[rows].astype(np.int64), coded.account[rows].astype(np.int64)
    regular = np.cumsum((np.diff(item, prepend=-1) != 0) | (np.diff(account, prepend=-1) != 0)) - 1
    starts = np.flatnonzero(np.diff(regular, prepend=-1))
    every = Visits(coded.at[rows], regular, item[starts], account[starts])
    return every.only(_come_often(every))


def members_of_groups(visits: Visits, scale: Scale) -> tuple[Mask, Floats]:
    """Which regulars are members of a group of them, and its p-value for each.

    A regular's occasions are those on which it came within the window of somebody else who comes
    often. Under the null they keep their habits but do not know each other; expected is the most
    of three readings. When k of them meet, only k - 1 came where somebody was: each p-value counts
    to the power of (k - 1) / k, on average. Their product, times the ways to choose the members
    among those who come often, bounds the p-value of the group. What goes on for hours brings
    people together by itself and has no group.
    """
    line, count = _Line(visits, scale), len(visits.object)
    met = line.others(0)
    joint = met > 0
    expected = np.max([_expected(visits, chance, scale) for chance in line.by_habit()], axis=0)
    p_value = binomial_tail(visits.occasions(scale, joint), visits.occasions(scale), expected)
    meetings = Visits(visits.at[joint], visits.regular[joint], visits.object, visits.account)
    member = (p_value <= MEMBER) & _come_often(meetings)
    met_at_a_time = np.maximum(np.bincount(meetings.regular, minlength=count), 1)
    power = np.bincount(visits.regular, met / (met + 1), count) / met_at_a_time
    weighed = power * np.log(np.maximum(p_value, np.finfo(np.float64).tiny))
    size = int(visits.object.max(initial=-1)) + 1
    often = np.bincount(visits.object, minlength=size)
    members = np.bincount(visits.object, member, size)
    choices = gammaln(often + 1) - gammaln(members + 1) - gammaln(often - members + 1)
    total = choices + np.bincount(visits.object, np.where(member, weighed, 0.0), size)
    of_group = np.exp(np.minimum(0.0, total))[visits.object]
    return member & (of_group <= ALPHA) & line.are_bursts(met), of_group


def member_pairs(members: Members, scale: Scale, accounts: int) -> pa.Table:
    """Rows of pairs who met, and of each with those beside them, under their codes.

    Objects are the occasions on which both came, coincidences the joint visits, trials the
    occasions of the rarer one; with those beside them they are what the pair has.
    """
    visits = members.visits
    one, other = _meetings(visits, scale.window_ms)
    ends = np.sort(np.stack([visits.regular[one], visits.regular[other]]), axis=0)
    count = max(len(visits.object), 1)
    pair, place = np.unique(ends[0] * count + ends[1], return_inverse=True)
    first, last = spans(place, visits.at[one], visits.at[other], len(pair))
    low, high = np.divmod(pair, count)
    came = visits.occasions(scale)
    row, left, right = [np.arange(len(pair))], [members.account[low]], [members.account[high]]
    for beside in members.beside:
        there = np.flatnonzero(beside[low] >= 0)
        for end in (low, high):
            row.append(there)
            left.append(members.account[end[there]])
            right.append(beside[low[there]])
    rows, ones, others = (np.concatenate(column) for column in (row, left, right))
    columns = {
        "pair": np.minimum(ones, others) * accounts + np.maximum(ones, others),
        "window_ms": np.full(len(rows), scale.window_ms),
        "objects": occasions(place, visits.at[one], scale, len(pair))[rows],
        "coincidences": np.bincount(place, minlength=len(pair))[rows],
        "trials": np.minimum(came[low], came[high])[rows],
        "p_value": members.p_value[low][rows],
        "first_at": first[rows],
        "last_at": last[rows],
    }
    return pa.table(columns).filter(pa.array(ones != others))


def _at_end(visits: Visits, account: Ints, end: End) -> Ints:
    """For each member, who stands at the end of its group and deals with members mostly, or -1.

    Transfers between the first and the last visit of any member count.
    """
    stands = end.account[visits.object]
    size = int(max(end.mine.max(initial=-1), stands.max(initial=-1))) + 1
    since, until = spans(stands[visits.regular], visits.at, visits.at, size)
    rows = np.flatnonzero((end.at >= since[end.mine]) & (end.at <= until[end.mine]))
    mine, theirs = end.mine[rows], end.theirs[rows]
    within = np.isin((mine << 32) + theirs, (stands << 32) + account)
    share = np.bincount(mine, within, size) / np.maximum(np.bincount(mine, minlength=size), 1)
    return np.where(share[stands] >= MOST, stands, -1)


def _meetings(visits: Visits, window_ms: int) -> tuple[Ints, Ints]:
    """Visits of two members to one object within the window, the earlier and the later ones."""
    _, item = np.unique(visits.object[visits.regular], return_inverse=True)
    order = np.lexsort((visits.at, item))
    # objects lie further apart than the window
    length = (int(np.ptp(visits.at)) if len(visits.at) else 0) + window_ms + 1
    place = item[order] * length + visits.at[order]
    later = np.searchsorted(place, place + window_ms, "right") - np.arange(len(place)) - 1
    row, repeat = expand(later)
    one, other = order[row], order[row + repeat + 1]
    differ = visits.regular[one] != visits.regular[other]
    return one[differ], other[differ]


def occasions(group: Ints, at: Ints, scale: Scale, count: int) -> Ints:
    """Distinct occasions of each regular or pair: cells of time, begun where that makes fewer.

    An evening is one occasion wherever a cell ends.
    """
    found = [
        np.bincount(cell >> 32, minlength=count)
        for cell in (np.unique(cells) for cells in _cells(group, at, scale))
    ]
    return np.minimum(*found)


def _cells(group: Ints, at: Ints, scale: Scale) -> Iterator[Ints]:
    """The cell of each visit, numbered within its group, for each begin."""
    for begin in (0, scale.occasion_ms // 2):
        yield (group << 32) + (at + begin) // scale.occasion_ms


def _expected(visits: Visits, chance: Floats, scale: Scale) -> Floats:
    """On how many occasions each regular would meet somebody, by each visit's probability to."""
    found = []
    for cells in _cells(visits.regular, visits.at, scale):
        cell, place = np.unique(cells, return_inverse=True)
        nobody = np.ones(len(cell))
        np.multiply.at(nobody, place, 1 - chance)
        found.append(np.bincount(cell >> 32, 1 - nobody, len(visits.object)))
    return np.maximum(*found)


def _come_often(visits: Visits) -> Mask:
    """Which regulars come on enough days near each other."""
    day = np.unique((visits.regular << 32) + visits.at // DAY_MS)
    last = day[MIN_DAYS - 1 :]
    near = last - day[: len(last)] <= WITHIN_DAYS
    return np.bincount(last[near] >> 32, minlength=len(visits.object)) > 0


@dataclass(frozen=True)
class _Line:
    """Visits on a line on which objects lie further apart than anything is looked for."""

    visits: Visits
    scale: Scale

    def others(self, shift_ms: int) -> Ints:
        """How many others visit the object within the window of each visit, were it later."""
        window = self.scale.window_ms
        near = visits_near(self._sorted, self._places + shift_ms, window)
        return near - visits_near(self._own, self._own + shift_ms, window)

    def by_habit(self) -> Iterator[Floats]:
        """Each visit's probability to meet somebody, by three readings."""
        yield self._evenly()
        at, item = self.visits.at, self.visits.object[self.visits.regular]
        since, until = spans(item, at, at, int(item.max(initial=-1)) + 1)
        for days, horizons in _HABITS:
            met, tried = np.zeros(len(at)), np.zeros(len(at))
            step, most = days * DAY_MS, horizons * self.scale.horizon_ms
            for shift in (way * far for far in range(step, most + 1, step) for way in (-1, 1)):
                there = (at + shift >= since[item]) & (at + shift <= until[item])
                met += there & (self.others(shift) > 0)
                tried += there
            yield met / np.maximum(tried, 1)

    def are_bursts(self, met: Ints) -> Mask:
        """For each regular, whether those of its object meet by far more than two windows off."""
        far = 2 * self.scale.window_ms
        off = self.others(far) + self.others(-far)
        item = self.visits.object[self.visits.regular]
        near, apart = (np.bincount(item, number) for number in (met, off / 2))
        burst: Mask = near >= STEEP * apart
        return burst[self.visits.object]

    def _evenly(self) -> Floats:
        """By the time that others cover around; those who come in one cell cover it once."""
        horizon = self.scale.horizon_ms
        _, first, cell, visitors = np.unique(
            self._places // self.scale.window_ms,
            return_index=True,
            return_inverse=True,
            return_counts=True,
        )
        covered = visits_near(self._places[first], self._places, horizon)
        covered -= visits_near(self._own[visitors[cell] == 1], self._own, horizon)
        chance: Floats = np.minimum(1.0, covered * self.scale.chance)
        return chance

    @cached_property
    def _places(self) -> Ints:
        return self._place(self.visits.object[self.visits.regular])

    @cached_property
    def _sorted(self) -> Ints:
        return np.sort(self._places)

    @cached_property
    def _own(self) -> Ints:
        """Where each visit is on a line on which regulars of one object lie apart too."""
        return self._place(self.visits.regular)

    def _place(self, group: Ints) -> Ints:
        """Cells of the window begin at its multiples."""
        at, window = self.visits.at, self.scale.window_ms
        span = (int(np.ptp(at)) if len(at) else 0) // window * window
        apart = 2 * self.scale.horizon_ms + 2 * window
        return group * (span + apart) + at
