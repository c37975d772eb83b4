"""What members of a ring do together, again and again, at about the same time."""

import numpy as np

from ingest.simulation.draws import Ints
from ingest.simulation.population import Population
from ingest.simulation.rings import Ring, round_length
from ingest.simulation.sessions import TYPES, Sessions, sessions

_MINUTE_MS = 60_000
#: ms in which a lockstep ring acts
_LOCKSTEP_MS = _MINUTE_MS
#: ms of a sitting at an operator's
_SITTING_MS = 30 * _MINUTE_MS
#: ms in which money comes in at a collector, and the longest time until some of it moves on
_COLLECT_MS, _KEEP_MS = 60 * _MINUTE_MS, 90 * _MINUTE_MS
#: smallest and largest amount, in cents of a euro
_AMOUNTS = (20_000, 200_000)
_TRANSFER, _PAYMENT = TYPES.index("transfer"), TYPES.index("payment")


def joint_action(people: Population, ring: Ring, at: int, random: np.random.Generator) -> Sessions:
    """The sessions of one of the ring's rounds, which begins at `at`; none where too few come."""
    if ring.kind == "weak_ties":
        return _sitting(people, ring, at, random)
    if ring.kind == "fan_in":
        return _fan_in(people, ring, at, random)
    members = ring.members[random.random(len(ring.members)) < ring.diligence]
    if ring.kind == "lockstep":
        return _lockstep(people, ring, members, at, random)
    return _circle(people, members, at, random)


def _lockstep(
    people: Population, ring: Ring, members: Ints, at: int, random: np.random.Generator
) -> Sessions:
    target = people.draws.bits("item", random.integers(10, 10 + people.size // 20))
    when = at + random.integers(0, _LOCKSTEP_MS, len(members))
    kind = TYPES.index(("review", "content")[ring.number % 2])
    return sessions(when, members, type=kind, target=target)


def _circle(people: Population, members: Ints, at: int, random: np.random.Generator) -> Sessions:
    if len(members) < 3:
        return sessions(members[:0], members[:0])
    gaps = _MINUTE_MS + random.exponential(20 * _MINUTE_MS, len(members))
    gaps *= min(1.0, round_length(people.length) / gaps.sum())
    cents = random.uniform(*_AMOUNTS) * 0.98 ** np.arange(len(members))
    return sessions(
        at + np.cumsum(gaps).astype(np.int64),
        members,
        type=_TRANSFER,
        counterparty=np.roll(members, -1),
        cents=cents.astype(np.int64),
    )


def _sitting(people: Population, ring: Ring, at: int, random: np.random.Generator) -> Sessions:
    """Members at one of the ring's lines, each on its own phone, or orders to its address.

    Sittings take the shared identifiers in turn. Who uses one at all comes to one of its sittings
    for certain.
    """
    turn, kinds = int(np.searchsorted(ring.rounds, at)), len(ring.shared)
    shared = ring.shared[turn % kinds]
    sittings = len(ring.rounds[turn % kinds :: kinds])
    certain = people.draws.below(sittings, "certain sitting", ring.members, turn % kinds)
    comes = (certain == turn // kinds) | (random.random(len(ring.members)) < ring.diligence)
    members = ring.members[shared.used & comes]
    when = at + (_SITTING_MS * random.random(len(members))).astype(np.int64)
    made = sessions(when, members, size=2)
    made[shared.column] = shared.bits
    if shared.column == "ip":
        made["device"] = people.phone(members, when)
    else:
        made["type"] = _PAYMENT
    return made


def _fan_in(people: Population, ring: Ring, at: int, random: np.random.Generator) -> Sessions:
    """Members pay one of them about the same each, who passes a part on to another or outwards."""
    collector, others = ring.members[:1], ring.members[1:]
    senders = others[random.random(len(others)) < ring.diligence]
    if len(senders) < 2:
        return sessions(senders[:0], senders[:0])
    cents = random.uniform(*_AMOUNTS) * random.uniform(0.85, 1.15, len(senders))
    paid = sessions(
        at + (_COLLECT_MS * random.random(len(senders))).astype(np.int64),
        senders,
        type=_TRANSFER,
        counterparty=collector,
        cents=cents.astype(np.int64),
    )
    later = at + _COLLECT_MS + (_KEEP_MS * random.random(1)).astype(np.int64)
    receiver = random.choice(others, 1)
    outside = people.acquaintance(collector, random.integers(6))
    if random.random() < 0.5 and people.joined[outside[0]] < later[0]:
        receiver = outside
    part = (cents.sum() * random.uniform(0.5, 0.95, 1)).astype(np.int64)
    moved = sessions(later, collector, type=_TRANSFER, counterparty=receiver, cents=part)
    # as the others, a collector does not always do its part
    return np.concatenate([paid, moved[random.random(1) < ring.diligence]])
