"""Crews: accounts of whom most come whenever some do, to things that hardly anybody else chooses.

Where an item has few other visitors, their times say nothing about chance, so `coordination` does
not count it. What says something there is the choice: of all that they might have reviewed, why do
the same accounts always choose the same? An audience does so too, but never most of it at a time.
"""

from dataclasses import replace

import numpy as np
import pyarrow as pa
from scipy.special import pdtrc

from detection.co_action_scales import SCALES, Scale, weigh
from detection.co_actions import Coincidences, coincidences
from detection.coded_actions import (
    CodedActions,
    Ints,
    Mask,
    code,
    ends_of_visits,
    spans,
    visits_near,
)
from detection.coordination import (
    MIN_OBJECTS,
    Floats,
    best_pairs,
    named_pairs,
    occasions,
    summed_up,
    supporters,
)

#: an hour and two days, whether or not an object lives longer, and hardly anybody else there
CREW_SCALES = tuple(replace(scale, lasting=0.0, crowd=30) for scale in SCALES if scale.lasting)
#: p-value over all scales up to which two chose the same things by more than chance
CHOICE = 1e-4
#: share that two have in common of what either of them came to in such company, from which they
#: come together: 3 of 7 for two who each come to three of five; an audience of half shares a third
TOGETHER = 3 / 7
#: share of such meetings that is with those one comes together with, from which one is no audience
OWN = 0.5
#: others that come together with both: a crew has four at least
SUPPORTERS = 2


def crew_pairs(actions: pa.Table, *, scales: tuple[Scale, ...] = CREW_SCALES) -> pa.Table:
    """Find pairs of one crew, source < target, in the columns of `coordination.PAIRS`, sorted.

    `actions` has account_id, object and at (milliseconds since 1970 UTC), in any order; repeated
    rows count once, and rows with a null not at all. InputError when times are absurdly far apart.

    Under the null an account acts when it does, but on what is acted on as often as it is around
    then, whoever else does so: the configuration model of Tumminello et al. 2011 in windows of
    time. Objects on which both acted within the window are then Poisson at most, with the greater
    mean of the two ways to count: one's actions, times the company that the other had, out of all
    actions while that was there. Those in one occasion count once. Two whose p-value is small met
    by choice; they are linked when they share most of what either came to in such company, when
    that is so for most meetings of each, and in near-cliques (as in CopyCatch).

    Of 30 groups of 5 to 14 reviewers, of whom each reviews four in five of some items within two
    days at most, it finds 77 to 100 % with 4 or 5 items and 87 to 100 % with 6 or more, and nobody
    else, in 18 simulated worlds with 1 to 40 ordinary reviews of an item in a year or a month;
    `coordination` finds 0 to 80 %. Trials are the objects on which the rarer one met somebody by
    choice. A million actions take about four seconds of CPU.

    It does not find: fewer than 3 joint objects, or occasions; groups of three; members who take
    part in less than about three of five; targets with more than 30 at a time. It does find an
    audience of which most come each time, or that came to ten things only, and colleagues who do
    all together.
    """
    coded = code(actions, max(scale.horizon_ms + scale.window_ms for scale in scales))
    found = [_crews(coded, scale, len(scales)) for scale in scales]
    return named_pairs(best_pairs(pa.concat_tables(found)), coded.account_ids)


def _crews(coded: CodedActions, scale: Scale, tests: int) -> pa.Table:
    """Pairs of crews at one scale, under their codes."""
    accounts = max(len(coded.account_ids), 1)
    usable, _ = weigh(coded, scale)
    met = coincidences(coded, scale.window_ms, usable, MIN_OBJECTS)
    pair, objects = np.unique(met.pair, return_counts=True)
    low, high = np.divmod(pair, accounts)
    expected = _expected(coded, scale, usable, low, high)
    count = np.minimum(objects, occasions(met, scale))
    p_value = np.minimum(1.0, tests * pdtrc(count - 1.0, expected))
    by_choice = (p_value <= CHOICE) & (count >= MIN_OBJECTS)
    came = _objects_with(met, np.repeat(by_choice, objects), accounts)
    either = np.maximum(came[low] + came[high] - objects, 1)
    together = by_choice & (objects / either >= TOGETHER)
    meetings, own = (
        np.bincount(low, objects * kept, accounts) + np.bincount(high, objects * kept, accounts)
        for kept in (by_choice, together)
    )
    is_own = own >= OWN * meetings
    kept = np.flatnonzero(together & is_own[low] & is_own[high])
    kept = kept[supporters(pair[kept], accounts) >= SUPPORTERS]
    trials = np.minimum(came[low], came[high])
    return summed_up(met, scale, trials, p_value).take(kept)


def _expected(coded: CodedActions, scale: Scale, usable: Mask, low: Ints, high: Ints) -> Floats:
    """On how many objects each pair would meet by chance, or more."""
    accounts, window = max(len(coded.account_ids), 1), scale.window_ms
    first, _ = ends_of_visits(coded, window)
    account, at = coded.account[first], coded.at[first]
    visits = np.bincount(account, minlength=accounts)
    since, until = spans(account, at, at, accounts)
    times = np.sort(at)
    around = np.searchsorted(times, until + window, "right")
    around -= np.searchsorted(times, since - window, "left")
    counted = first & usable
    company = visits_near(np.sort(coded.place[first]), coded.place[counted], window)
    share = np.bincount(coded.account[counted], company, accounts) / np.maximum(around, 1)
    return np.maximum(visits[low] * share[high], visits[high] * share[low])


def _objects_with(met: Coincidences, kept: Mask, accounts: int) -> Ints:
    """On how many objects each account met one of those that it is in a kept row with."""
    ends = np.concatenate(np.divmod(met.pair[kept], accounts))
    item = np.tile(met.object[kept].astype(np.int64), 2)
    return np.bincount(np.unique((ends << 32) + item) >> 32, minlength=accounts)
