"""Payers of one payee who come whenever others of them come: a group, however rarely any two meet.

Two members of a ring who each take part in half of its rounds meet in a quarter of them, but each
of them meets somebody every time.
"""

import numpy as np
from scipy.special import gammaln

from detection.co_action_scales import Scale
from detection.coded_actions import CodedActions, Ints, Mask, visits_near
from detection.coordination import Floats, binomial_tail
from detection.joint_payments import WEEKS, Visits, dense, distinct_days
from graph.times import DAY_MS

#: p-value up to which a payer belongs to the group of its payee, if there is one
MEMBER = 0.1
#: p-value of a group up to which it is one. Of a million simulated accounts 600 meet others of a
#: payee often enough to be looked at
ALPHA = 1e-5
#: two are a pair, which has a test of its own
MIN_PAYERS = 3


def payer_groups(coded: CodedActions, visits: Visits, scale: Scale) -> tuple[Mask, Floats]:
    """Which groups of visits are of a member of a group of payers; each payee's p-value of one.

    A payer's occasions are the days on which it paid within the window of somebody else who comes
    often. Expected are as many as `joint_payments` expects of two, all the others being one. Of
    each occasion at least two payers have a part, so the root of the product of their p-values
    bounds that of all, times the ways to choose them among those who come often.
    """
    p_value = _p_values(coded, visits, scale)
    payee = coded.object[visits.rows[visits.starts]].astype(np.int64)
    size = int(coded.object.max(initial=-1)) + 1
    member = p_value <= MEMBER
    often, members = np.bincount(payee, minlength=size), np.bincount(payee, member, size)
    logs = np.log(np.maximum(p_value, np.finfo(np.float64).tiny))
    total = np.bincount(payee, np.where(member, logs, 0.0), size) / 2
    total += gammaln(often + 1) - gammaln(members + 1) - gammaln(often - members + 1)
    of_payee = np.where(members >= MIN_PAYERS, np.exp(np.minimum(0.0, total)), 1.0)
    return member & (of_payee <= ALPHA)[payee], of_payee


def _p_values(coded: CodedActions, visits: Visits, scale: Scale) -> Floats:
    at, count = visits.at, len(visits.starts)
    owner = visits.group
    payee = coded.object[visits.rows].astype(np.int64)
    since = np.full(int(payee.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    until = np.zeros(len(since), np.int64)
    np.minimum.at(since, payee, at)
    np.maximum.at(until, payee, at)
    # visits of a payee, and of a payer to it, on lines on which others are out of reach
    reach = WEEKS * scale.horizon_ms + 2 * scale.window_ms
    step = (int(np.ptp(at)) if len(at) else 0) // scale.window_ms * scale.window_ms + reach
    place, own = payee * step + at, owner * step + at
    all_places = np.sort(place)

    def others(shift_ms: int, radius_ms: int) -> Ints:
        near = visits_near(all_places, place + shift_ms, radius_ms)
        return near - visits_near(own, own + shift_ms, radius_ms)

    joint = others(0, scale.window_ms) > 0
    # where visits lie denser around, each may have come by chance; else it is the time that others
    # cover, and those who come in one cell cover it once
    dense_ = np.where(visits.chance > scale.chance, visits.chance * others(0, scale.horizon_ms), 0)
    cell = place // scale.window_ms
    cells, first, payers = np.unique(cell, return_index=True, return_counts=True)
    alone = own[payers[np.searchsorted(cells, cell)] == 1]
    covered = visits_near(np.sort(place[first]), place, scale.horizon_ms) - visits_near(
        alone, own, scale.horizon_ms
    )
    by_habit = [np.clip(covered * scale.chance, dense_, 1.0)]
    for days, most in ((1, scale.horizon_ms), (7, WEEKS * scale.horizon_ms)):
        met, tried = np.zeros(len(at)), np.zeros(len(at))
        for shift in range(days * DAY_MS, most + 1, days * DAY_MS):
            for moved in (shift, -shift):
                there = (at + moved >= since[payee]) & (at + moved <= until[payee])
                tried += there
                met += there & (others(moved, scale.window_ms) > 0)
        by_habit.append(met / np.maximum(tried, 1))
    expected = np.max([np.bincount(owner, row, count) for row in by_habit], axis=0)
    occasions = distinct_days(owner[joint], at[joint], count)
    p_value = binomial_tail(occasions, distinct_days(owner, at, count), expected)
    return np.where(dense(owner[joint], at[joint], count), p_value, 1.0)
