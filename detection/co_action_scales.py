"""What acting together means: how near in time, and how near it comes about by chance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.coded_actions import CodedActions, Mask, ends_of_visits, visits_near
from graph.times import DAY_MS, HOUR_MS

_MINUTE_MS = 60_000
#: how much denser visits lie inside a window than around it where an object gets old: a stream
#: that halves within two windows
_PEAK = 1.5


@dataclass(frozen=True, slots=True)
class Scale:
    """One meaning of together; times in milliseconds.

    A visit is the first action of an account on an object in a cell of a window's length.
    """

    #: two actions on one object at most so far apart are a coincidence
    window_ms: int
    #: at most so far apart they are a trial: what might have been a coincidence
    horizon_ms: int
    #: coincidences in one cell of this length are one occasion: whoever goes through a list or a
    #: shopping street acts on many objects at one time
    occasion_ms: int
    #: how many times as likely as with evenly spread times a trial is a coincidence by chance. Two
    #: who are both there for three hours of each evening have 8 for a horizon of 12 hours
    factor: float
    #: more visits than this within the window of an action are a crowd, which counts for nobody
    crowd: int = 60
    #: windows around an action whose visits say how fast the object's visits follow each other
    around: int = 10
    #: visits outside the window for each one in it, below which an object does not count: what
    #: lives for an hour brings everybody together within an hour
    lasting: float = 0.0
    #: times that are multiples of this are rounded, or a scheduler's: no coincidence at this scale
    round_ms: int | None = None
    #: accounts that, each weakly linked with both, make a weak link a link; None: no such links
    supporters: int | None = None

    @property
    def chance(self) -> float:
        """The least probability that a trial is a coincidence by chance."""
        return min(1.0, self.factor * self.window_ms / self.horizon_ms)


#: seconds for machines, an hour for people at work, and days where only dates are known
SCALES = (
    Scale(_MINUTE_MS, 12 * HOUR_MS, 30 * _MINUTE_MS, factor=6, round_ms=HOUR_MS, supporters=3),
    Scale(HOUR_MS, 14 * DAY_MS, 12 * HOUR_MS, factor=6, lasting=1.0, round_ms=HOUR_MS),
    Scale(
        2 * DAY_MS,
        90 * DAY_MS,
        2 * DAY_MS,
        factor=3,
        crowd=40,
        around=5,
        # what ordinary people do with an item goes on for longer than two days
        lasting=0.25,
        supporters=3,
    ),
)


def weigh(coded: CodedActions, scale: Scale) -> tuple[Mask, NDArray[np.float64]]:
    """Which rows count for coincidences at a scale, and each row's probability of one by chance.

    The probability is that of a visit within the horizon to be within the window: of evenly spread
    visits times the factor, or what the object's visits around the row say where they are denser.
    Those within the window say nothing: a ring that is alone with an object must not excuse itself.
    """
    first, last = ends_of_visits(coded, scale.window_ms)
    # in the order of places, in which searching is several times as fast
    order = coded.by_place
    place = coded.place[order]
    visits = place[first[order]]
    inside = visits_near(visits, place, scale.window_ms)
    around = visits_near(visits, place, scale.around * scale.window_ms) - inside
    outside = visits_near(visits, place, scale.horizon_ms) - inside
    counts = (inside <= scale.crowd) & (outside >= scale.lasting * inside)
    seen = _PEAK * around / ((scale.around - 1) * (outside + 1.0))
    chance = np.empty(len(order), np.float64)
    chance[order] = np.clip(seen, scale.chance, 1.0)
    usable = first | last
    if scale.round_ms is not None:
        usable &= coded.at % scale.round_ms != 0
    usable[order] &= counts
    return usable, chance
