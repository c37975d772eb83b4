"""What members of planted rings do beside their ordinary life."""

from typing import NamedTuple

import numpy as np

from graph.times import DAY_MS
from ingest.simulation.belongings import Belongings
from ingest.simulation.countries import HOUR_MS, activity
from ingest.simulation.draws import Bits, Ints
from ingest.simulation.joint_actions import joint_action
from ingest.simulation.population import Population
from ingest.simulation.rings import Ring, Rings, Shared, borrowed
from ingest.simulation.sessions import CLOCKS, MEAN_SIZE, TYPES, Sessions, sessions

_MINUTE_MS = 60_000
#: uses of a shared identifier a day and member where the mean account has 1 event a day
_OFTEN = 0.1
#: the busiest hour of the week is less than this many times the mean
_BUSIEST = 2.3
#: ordinary sessions beside each one for the ring: with 2.4 events each, above 30 % of all events
_CAMOUFLAGE = 0.6


class _Uses(NamedTuple):
    """Members with the shared identifiers they use, one a row; unused columns are 0."""

    account: Ints
    #: when it is used first
    since: Ints
    device: Bits
    ip: Bits
    card: Bits
    #: uses a day
    often: "np.ndarray[tuple[int], np.dtype[np.float64]]"


class RingWork:
    """Sessions of all rings in any stretch of the simulation."""

    def __init__(self, belongings: Belongings, rings: Rings, events_per_day: float) -> None:
        self._people = belongings.people
        self._rings = rings.rings
        random = self._people.draws.generator("ring work")
        self._uses = _uses(belongings, rings, _OFTEN * events_per_day, random)
        self._sign_ups = _sign_ups(self._people, self._rings)
        first = np.concatenate([self._sign_ups, _first_uses(self._uses)])
        self._first = first[np.argsort(first["at"], kind="stable")]
        rounds = sorted((int(at), ring.number) for ring in self._rings for at in ring.rounds)
        self._rounds = np.array(rounds, np.int64).reshape(-1, 2)

    @property
    def signed_up(self) -> Ints:
        """Accounts whose sign-up is a ring's."""
        return self._sign_ups["account"]

    def between(self, since: int, until: int, random: np.random.Generator) -> Sessions:
        """Sessions from `since` to before `until`, and the camouflage after each."""
        from_, to = np.searchsorted(self._first["at"], [since, until])
        work = [self._first[from_:to], self._repeats(since, until, random)]
        from_, to = np.searchsorted(self._rounds[:, 0], [since, until])
        for at, number in self._rounds[from_:to].tolist():
            work.append(joint_action(self._people, self._rings[number], at, random))
        together = np.concatenate(work)
        return np.concatenate([together, self._camouflage(together, random)])

    def _repeats(self, since: int, until: int, random: np.random.Generator) -> Sessions:
        uses, people = self._uses, self._people
        counts = random.poisson(uses.often * (_BUSIEST * (until - since) / DAY_MS))
        row = np.repeat(np.arange(len(counts)), counts)
        at = random.integers(since, until, len(row))
        busy = activity(people.start + at, CLOCKS[people.country(uses.account[row])])
        # thinned to the rhythm of the day
        kept = (random.random(len(row)) * _BUSIEST < busy) & (uses.since[row] < at)
        return _sessions(uses, row[kept], at[kept])

    def _camouflage(self, work: Sessions, random: np.random.Generator) -> Sessions:
        beside = work[random.random(len(work)) < _CAMOUFLAGE]
        left = np.minimum(8 * HOUR_MS, self._people.length - beside["at"])
        at = beside["at"] + (left * random.random(len(beside))).astype(np.int64)
        size = random.geometric(1 / MEAN_SIZE, len(at))
        return sessions(at, beside["account"], size=size)


def _sessions(uses: _Uses, row: Ints, at: Ints) -> Sessions:
    card = uses.card[row]
    return sessions(
        at,
        uses.account[row],
        size=2,
        type=np.where(card > 0, TYPES.index("payment"), 0),
        device=uses.device[row],
        ip=uses.ip[row],
        card=card,
    )


def _first_uses(uses: _Uses) -> Sessions:
    return _sessions(uses, np.arange(len(uses.since)), uses.since)


def _sign_ups(people: Population, rings: list[Ring]) -> Sessions:
    """Sign-ups that a ring makes, on its own devices and addresses where the member uses them."""
    made = []
    for ring in rings:
        if ring.kind in ("sequential", "slow_growth"):
            joined = people.joined[ring.members]
            new = (joined >= 0) & (joined < people.length)
            one = sessions(joined, ring.members, type=TYPES.index("signup"))
            for shared in reversed(ring.shared):
                if shared.column != "card":
                    one[shared.column][shared.used] = shared.bits
            made.append(one[new])
    return np.concatenate(made) if made else sessions(np.zeros(0, np.int64), 0)


def _uses(belongings: Belongings, rings: Rings, often: float, random: np.random.Generator) -> _Uses:
    people = belongings.people
    parts = [
        _uses_of(people, ring, shared, often, random)
        for ring in rings.rings
        # weak ties are used in joint sittings only
        if ring.kind != "weak_ties"
        for shared in ring.shared
    ]
    account, columns = borrowed(belongings, rings, random)
    earliest = np.maximum(people.joined[account], 0)
    since = earliest + ((people.length - earliest) * random.random(len(account))).astype(np.int64)
    nothing = np.zeros(len(account), np.uint64)
    rate = np.full(len(account), often)
    parts.append(_Uses(account, since, columns["device"], nothing, columns["card"], rate))
    return _Uses(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _uses_of(
    people: Population, ring: Ring, shared: Shared, often: float, random: np.random.Generator
) -> _Uses:
    account = ring.members[shared.used]
    since = _first_times(people, ring, account, random)
    values = dict.fromkeys(("device", "ip", "card"), np.zeros(len(account), np.uint64))
    values[shared.column] = np.repeat(shared.bits, len(account))
    # a card that is passed along has been given away
    passed_on = ring.kind == "sequential" and shared.column == "card"
    rate = np.full(len(account), 0.0 if passed_on else often)
    # early enough for all events of the session
    return _Uses(account, np.minimum(since, people.length - HOUR_MS // 2), **values, often=rate)


def _first_times(
    people: Population, ring: Ring, account: Ints, random: np.random.Generator
) -> Ints:
    joined, length = people.joined[account], people.length
    if ring.kind == "sequential":
        return joined + random.exponential(20 * _MINUTE_MS, len(account)).astype(np.int64)
    anywhere = ring.since + (length - ring.since) * random.random(len(account))
    if ring.kind == "slow_growth":
        soon = joined + random.exponential(DAY_MS, len(account))
        return np.where(joined >= 0, soon, anywhere).astype(np.int64)
    # whoever runs the accounts goes through them in a few sittings
    sittings = anywhere[: random.integers(2, 7)]
    if not len(sittings):
        return anywhere.astype(np.int64)
    sitting = sittings[random.integers(0, len(sittings), len(account))]
    return (sitting + random.exponential(30 * _MINUTE_MS, len(account))).astype(np.int64)
