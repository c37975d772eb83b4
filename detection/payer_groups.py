"""Payers of one payee who come whenever others of them come: a group, however rarely two meet.

Two members of a ring who each take part in half of its rounds meet in a quarter of them, but each
of them meets somebody every time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import gammaln

from detection.co_action_scales import Scale
from detection.coded_actions import CodedActions, Ints, Mask, visits_near
from detection.coordination import binomial_tail
from detection.joint_payments import WEEKS, Floats, Visits, dense, distinct_days
from graph.times import DAY_MS

#: p-value up to which a payer belongs to the group of its payee, if there is one
MEMBER = 0.1
#: p-value of a group up to which it is one. Of a million simulated accounts 400 have three payers
#: who come often: chance makes 0.004 groups
ALPHA = 1e-5
#: two are a pair, which has a test of its own
MIN_PAYERS = 3


def payer_groups(coded: CodedActions, visits: Visits, scale: Scale) -> tuple[Mask, Floats]:
    """Which groups of visits are of a member of a group of payers; each payee's p-value of one.

    A payer's occasions are the days on which it paid within the window of somebody else who comes
    often. Expected are as many as `joint_payments` expects of two, all the others being one. When
    k payers meet, only k - 1 came where somebody was: each p-value counts to the power of
    (k - 1) / k, on average. Their product, times the ways to choose the members among those who
    come often, bounds the p-value of the group.
    """
    line = _Line(visits, coded.object[visits.rows].astype(np.int64), scale)
    at, owner, count = visits.at, visits.group, len(visits.starts)
    met = line.others(0, scale.window_ms)
    joint = met > 0
    expected = np.max([np.bincount(owner, row, count) for row in line.by_habit()], axis=0)
    occasions = distinct_days(owner[joint], at[joint], count)
    p_value = binomial_tail(occasions, distinct_days(owner, at, count), expected)
    member = (p_value <= MEMBER) & dense(owner[joint], at[joint], count)
    power = np.bincount(owner, met / (met + 1), count) / np.maximum(np.bincount(owner, joint), 1)
    weighed = power * np.log(np.maximum(p_value, np.finfo(np.float64).tiny))
    payee = line.payee[visits.starts]
    size = int(coded.object.max(initial=-1)) + 1
    often, members = np.bincount(payee, minlength=size), np.bincount(payee, member, size)
    choices = gammaln(often + 1) - gammaln(members + 1) - gammaln(often - members + 1)
    total = choices + np.bincount(payee, np.where(member, weighed, 0.0), size)
    of_payee = np.where(members >= MIN_PAYERS, np.exp(np.minimum(0.0, total)), 1.0)
    return member & (of_payee <= ALPHA)[payee], of_payee


@dataclass(frozen=True)
class _Line:
    """Visits on a line on which payees lie further apart than anything is looked for."""

    visits: Visits
    #: of each visit
    payee: Ints
    scale: Scale

    @cached_property
    def place(self) -> Ints:
        """Where each visit is; cells of the window begin at its multiples."""
        return self._place(self.payee)

    def others(self, shift_ms: int, radius_ms: int) -> Ints:
        """How many visits of others to the payee there are around each one, moved by the shift."""
        near = visits_near(self._sorted, self.place + shift_ms, radius_ms)
        return near - visits_near(self._own, self._own + shift_ms, radius_ms)

    def by_habit(self) -> Iterator[Floats]:
        """Each visit's probability to meet somebody, by three readings."""
        yield self._by_density()
        payee, at, scale = self.payee, self.visits.at, self.scale
        since = np.full(int(payee.max(initial=-1)) + 1, np.iinfo(np.int64).max)
        until = np.zeros(len(since), np.int64)
        np.minimum.at(since, payee, at)
        np.maximum.at(until, payee, at)
        for days, most in ((1, scale.horizon_ms), (7, WEEKS * scale.horizon_ms)):
            met, tried = np.zeros(len(at)), np.zeros(len(at))
            for shift in range(days * DAY_MS, most + 1, days * DAY_MS):
                for moved in (-shift, shift):
                    there = (at + moved >= since[payee]) & (at + moved <= until[payee])
                    met += there & (self.others(moved, scale.window_ms) > 0)
                    tried += there
            yield met / np.maximum(tried, 1)

    def _by_density(self) -> Floats:
        """By the payee's other payments around, or else by the time that others cover.

        Those who come in one cell cover it once.
        """
        chance, scale = self.visits.chance, self.scale
        around = np.where(chance > scale.chance, chance * self.others(0, scale.horizon_ms), 0.0)
        _, first, cell, payers = np.unique(
            self.place // scale.window_ms,
            return_index=True,
            return_inverse=True,
            return_counts=True,
        )
        covered = visits_near(self.place[first], self.place, scale.horizon_ms)
        covered -= visits_near(self._own[payers[cell] == 1], self._own, scale.horizon_ms)
        return np.clip(covered * scale.chance, around, 1.0)

    @cached_property
    def _sorted(self) -> Ints:
        return np.sort(self.place)

    @cached_property
    def _own(self) -> Ints:
        """Where each visit is on a line on which payers of one payee lie apart too."""
        return self._place(self.visits.group)

    def _place(self, group: Ints) -> Ints:
        at, window = self.visits.at, self.scale.window_ms
        span = (int(np.ptp(at)) if len(at) else 0) // window * window
        return group * (span + WEEKS * self.scale.horizon_ms + 2 * window) + at
