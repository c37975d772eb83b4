"""Sessions: an account is at a place with a device and does one thing or several."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graph.times import DAY_MS
from ingest.simulation.belongings import Belongings
from ingest.simulation.countries import COUNTRIES, HOUR_MS, activity, is_working_time
from ingest.simulation.draws import Bits, Ints
from ingest.simulation.population import Population

#: at: ms after the start; size: events; type: index into TYPES of the last event; the rest is 0, or
#: NOBODY, where it is not decided yet
SESSION = np.dtype(
    [
        ("at", np.int64),
        ("account", np.int64),
        ("size", np.int64),
        ("type", np.uint8),
        ("device", np.uint64),
        ("ip", np.uint64),
        ("card", np.uint64),
        ("address", np.uint64),
        ("target", np.uint64),
        ("counterparty", np.int64),
        ("cents", np.int64),
    ]
)
Sessions = NDArray[Any]

TYPES = (
    *("", "login", "signup", "payment", "transfer", "referral"),
    *("subscription", "content", "review", "instrument", "chargeback"),
)
NOBODY = -1

#: mean number of events of a session
MEAN_SIZE = 2.4
_OFFICE, _CARRIER, _WIFI, _KIOSK = 0.6, 0.1, 0.025, 0.15
_REFERRED = 0.12

CLOCKS = np.array([country.clock for country in COUNTRIES])


def sessions(at: Ints, account: Any, **fields: Any) -> Sessions:
    """Sessions of these accounts, everything else undecided or as given."""
    made = np.zeros(len(at), SESSION)
    made["counterparty"] = NOBODY
    made["size"] = 1
    made["at"] = at
    made["account"] = account
    for name, values in fields.items():
        made[name] = values
    return made


class Habits:
    """What all accounts do of their own accord."""

    def __init__(self, people: Population, events_per_day: float) -> None:
        self._people = people
        self._a_day = events_per_day / MEAN_SIZE
        #: activity of each country, which all together is the number of accounts
        self._loads = np.diff(np.append(self._total(people.borders), people.activity[-1]))

    def ordinary(self, since: int, until: int, random: np.random.Generator) -> Sessions:
        """Sessions from `since` to before `until` by the rhythm of day and week."""
        people = self._people
        step = min(until - since, HOUR_MS)
        slots = np.arange(since, until, step)[:, None]
        busy = activity(people.start + slots, CLOCKS) * self._loads
        counts = random.poisson(busy * self._a_day * step / DAY_MS)
        slot, country = np.nonzero(counts)
        repeats = counts[slot, country]
        at = np.repeat(slots[slot, 0], repeats) + random.integers(0, step, repeats.sum())
        country = np.repeat(country, repeats)
        before = self._total(people.borders)[country]
        drawn = before + random.random(len(at)) * self._loads[country]
        account = np.searchsorted(people.activity, drawn, side="right")
        account = np.minimum(account, people.size - 1)
        exists = people.joined[account] <= at
        at, account = at[exists], account[exists]
        return sessions(at, account, size=random.geometric(1 / MEAN_SIZE, len(at)))

    def sign_ups(self, newcomers: Ints, random: np.random.Generator) -> Sessions:
        """The first sessions of these accounts, and of those who told them to come."""
        people = self._people
        at = people.joined[newcomers]
        by = people.acquaintance(newcomers, 0)
        told = (random.random(len(at)) < _REFERRED) & (people.joined[by] < at)
        later = at[told] + random.integers(60_000, HOUR_MS, told.sum())
        return np.concatenate(
            [
                sessions(at, newcomers, type=TYPES.index("signup")),
                sessions(
                    later, by[told], type=TYPES.index("referral"), counterparty=newcomers[told]
                ),
            ]
        )

    def _total(self, account: Ints) -> Any:
        """Activity of all accounts before one."""
        return np.where(account > 0, self._people.activity[np.maximum(account, 1) - 1], 0.0)


def take_places(made: Sessions, belongings: Belongings, random: np.random.Generator) -> None:
    """Decide the device and the IP address of sessions where they are not decided."""
    people = belongings.people
    account, at = made["account"], made["at"]
    choice = random.random((4, len(made)))
    device = belongings.device(account, at, choice[0])
    ip = belongings.home_ip(account, at)
    clock = CLOCKS[people.country(account)]
    works = is_working_time(people.start + at, clock) & (choice[1] < _OFFICE)
    office = belongings.office_ip(account)
    ip = np.where(works & (office > 0), office, ip)
    wifi = choice[2] < _WIFI
    ip = np.where(wifi, belongings.wifi_ip(account, choice[2] / _WIFI), ip)
    # away from home it is the phone
    away = wifi | (choice[2] > 1 - _CARRIER)
    ip = np.where(away & ~wifi, belongings.carrier_ip(account, at), ip)
    device = np.where(away, people.phone(account, at), device)
    kiosk = (choice[3] < _KIOSK) & belongings.is_kiosk_user(account)
    device = np.where(kiosk, belongings.kiosk_device(account), device)
    ip = np.where(kiosk, belongings.kiosk_ip(account), ip)
    _fill(made, "device", device)
    _fill(made, "ip", ip)


def _fill(made: Sessions, name: str, values: Bits) -> None:
    made[name] = np.where(made[name] == 0, values, made[name])
