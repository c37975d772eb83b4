"""Rows of events out of sessions, stretch by stretch, in the order in which they come in."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.actions import expand
from ingest.simulation.belongings import Belongings
from ingest.simulation.draws import Ints
from ingest.simulation.population import Population
from ingest.simulation.ring_work import RingWork
from ingest.simulation.rings import Rings
from ingest.simulation.scenario import Simulation
from ingest.simulation.sessions import Habits, take_places

#: stretches that are made in one go; the shortest that has about this many events a stretch
_MINUTES = (1440, 720, 480, 240, 120, 60, 30, 15, 5)
_STRETCH = 50_000
#: events that come in late, by minutes, and such that come in twice
_LATE, _TWICE = 0.005, 0.002
_MINUTE_MS = 60_000
_LATEST_MS = 55 * _MINUTE_MS


class Traffic:
    """All events of a simulation."""

    def __init__(self, simulation: Simulation, belongings: Belongings, rings: Rings) -> None:
        self._people: Population = belongings.people
        self._belongings = belongings
        self._habits = Habits(self._people, simulation.events_per_day)
        self._work = RingWork(belongings, rings, simulation.events_per_day)
        self._stretch = _stretch(simulation)
        self._newcomers = self._sorted_newcomers()

    def rows(self) -> Iterator[NDArray[Any]]:
        """Events as arrays of ROW, sorted by the time they come in, each batch after the last."""
        length, waiting = self._people.length, None
        for number, since in enumerate(range(0, length, self._stretch)):
            until = since + self._stretch
            rows = self._between(since, until, number)
            if waiting is not None:
                rows = np.concatenate([waiting, rows])
            rows = rows[np.argsort(rows["sent_at"], kind="stable")]
            split = np.searchsorted(rows["sent_at"], until)
            # a copy: a view would keep the whole stretch in memory
            ready, waiting = rows[:split], rows[split:].copy()
            yield ready
        if waiting is not None:
            yield waiting

    def _between(self, since: int, until: int, number: int) -> NDArray[Any]:
        random = self._people.draws.generator("stretch", number)
        joined = self._people.joined[self._newcomers]
        from_, to = np.searchsorted(joined, [since, until])
        made = np.concatenate(
            [
                self._habits.ordinary(since, until, random),
                self._habits.sign_ups(self._newcomers[from_:to], random),
                self._work.between(since, until, random),
            ]
        )
        take_places(made, self._belongings, random)
        rows = expand(made, self._belongings, random)
        rows = rows[rows["at"] < self._people.length]
        serial = np.arange(len(rows)) + (number << 32)
        rows["event"] = self._people.draws.bits("event", serial)
        return _send(rows, random)

    def _sorted_newcomers(self) -> Ints:
        """Accounts that sign up by themselves during the simulation, in that order."""
        joined = self._people.joined
        new = (joined >= 0) & (joined < self._people.length)
        new[self._work.signed_up] = False
        newcomers = np.flatnonzero(new)
        return newcomers[np.argsort(joined[newcomers], kind="stable")]


def _stretch(simulation: Simulation) -> int:
    """Milliseconds made in one go: they bound the memory, and belong to the stream's identity."""
    a_day = simulation.accounts * simulation.events_per_day
    fitting = [minutes for minutes in _MINUTES if a_day * minutes / 1440 <= _STRETCH]
    return max(fitting, default=_MINUTES[-1]) * _MINUTE_MS


def _send(rows: NDArray[Any], random: np.random.Generator) -> NDArray[Any]:
    """When each comes in, and some of them again."""
    rows["sent_at"] = rows["at"]
    late = np.flatnonzero(random.random(len(rows)) < _LATE)
    delay = _MINUTE_MS + random.exponential(8 * _MINUTE_MS, len(late))
    rows["sent_at"][late] += np.minimum(delay, _LATEST_MS).astype(np.int64)
    again = rows[random.random(len(rows)) < _TWICE]
    delay = 1000 + random.exponential(3 * _MINUTE_MS, len(again))
    again["sent_at"] += np.minimum(delay, 10 * _MINUTE_MS).astype(np.int64)
    # nothing comes in more than an hour after it happened
    again["sent_at"] = np.minimum(again["sent_at"], again["at"] + 60 * _MINUTE_MS - 1)
    return np.concatenate([rows, again])
