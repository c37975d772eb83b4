"""Where accounts live: their clocks, currencies and telephone numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from graph.times import DAY_MS
from ingest.simulation.draws import Floats, Ints, Mask

HOUR_MS = DAY_MS // 24
#: 1 January 1970 was a Thursday, counted from Monday
_EPOCH_WEEKDAY = 3


@dataclass(frozen=True)
class Country:
    """One country and how its accounts differ from others."""

    code: str
    #: of all accounts
    share: float
    #: hours ahead of UTC, all year
    clock: int
    currency: str
    #: what costs 1 euro
    price: float
    #: has cents
    has_cents: bool
    #: starts of mobile numbers
    dialled: tuple[str, ...]
    #: smallest and next after the largest number behind them
    subscribers: tuple[int, int]


_EIGHT = (0, 100_000_000)
COUNTRIES = (
    Country(
        *("US", 0.30, -6, "USD", 1.1, True),
        ("+1212", "+1305", "+1312", "+1415", "+1512", "+1617", "+1702", "+1713", "+1818", "+1917"),
        (2_000_000, 10_000_000),
    ),
    Country("DE", 0.15, 1, "EUR", 1.0, True, ("+49151", "+49160", "+49175"), (10_000_000, 10**8)),
    Country("FR", 0.11, 1, "EUR", 1.0, True, ("+3360", "+3361", "+3366"), (100_000, 10_000_000)),
    Country("GB", 0.11, 0, "GBP", 0.85, True, ("+4474",), _EIGHT),
    Country("BR", 0.10, -3, "BRL", 5.5, True, ("+55119", "+55219", "+55319"), (70_000_000, 10**8)),
    Country("IN", 0.09, 5, "INR", 90.0, True, ("+9198", "+9199"), _EIGHT),
    Country("JP", 0.06, 9, "JPY", 160.0, False, ("+8180", "+8190"), (10_000_000, 10**8)),
    Country("ES", 0.04, 1, "EUR", 1.0, True, ("+346",), (10_000_000, 90_000_000)),
    Country("PL", 0.04, 1, "PLN", 4.3, True, ("+4850", "+4860", "+4869"), (100_000, 10_000_000)),
)

#: by hour of the local day, night first
_HOURS = np.array(
    [6, 4, 3, 2, 2, 3, 6, 12, 17, 20, 21, 22, 24, 23, 22, 22, 23, 26, 30, 33, 34, 30, 21, 12]
)
#: from Monday
_WEEKDAYS = np.array([1.0, 0.98, 1.0, 1.02, 1.1, 1.04, 0.86])


def activity(at: Ints, clock: Any) -> Floats:
    """How busy instants (ms since 1970 UTC) are; 1 is the mean of a week."""
    local = at + clock * HOUR_MS
    hours, weekdays = _HOURS * (24 / _HOURS.sum()), _WEEKDAYS * (7 / _WEEKDAYS.sum())
    busy: Floats = hours[local % DAY_MS // HOUR_MS] * weekdays[weekday(local)]
    return busy


def is_working_time(at: Ints, clock: Any) -> Mask:
    """Whether instants are from 8 to 18 on a working day where people are."""
    local = at + clock * HOUR_MS
    hour = local % DAY_MS // HOUR_MS
    works: Mask = (weekday(local) < 5) & (hour >= 8) & (hour < 18)
    return works


def weekday(local: Ints) -> Ints:
    """0 for Monday to 6 for Sunday."""
    return (local // DAY_MS + _EPOCH_WEEKDAY) % 7
