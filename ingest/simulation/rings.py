"""Planted rings: who is in them, what they share, and since when.

Whatever is asked for, a ring has 4 to 40 members picked at random among all accounts; each member
uses each shared identifier with a probability of 0.5 to 0.9, and takes part in each joint action
with such a one. Each also lives like an ordinary account, with a household, perhaps an office, and
ordinary sessions beside those for the ring; a third of them borrow an ordinary account's phone or
card.
"""

import math
from dataclasses import dataclass

import numpy as np

from graph.times import DAY_MS
from ingest.simulation.belongings import Belongings
from ingest.simulation.countries import activity
from ingest.simulation.draws import Bits, Ints, Mask
from ingest.simulation.population import Population

KINDS = (
    *("shared_card", "shared_device", "sequential", "lockstep", "slow_growth", "money_circle"),
    *("weak_ties", "fan_in"),
)
#: kinds whose members act together, again and again
_TOGETHER = ("lockstep", "money_circle", "weak_ties", "fan_in")
SMALLEST, LARGEST = 4, 40
#: probabilities of a member using a shared identifier or taking part
USE = (0.5, 0.9)
#: members that also use an identifier of an ordinary account; at least 0.3 is promised
BORROWERS = 0.35

_MEAN_SIZE = 11
_MINUTE_MS = 60_000
#: fewest and most of each kind of identifier that a ring shares
_SHARED = {
    "shared_card": {"card": (2, 3)},
    "shared_device": {"device": (2, 3)},
    "sequential": {"device": (1, 3), "ip": (1, 2), "card": (1, 1)},
    "lockstep": {},
    "slow_growth": {"device": (1, 2), "card": (1, 2)},
    "money_circle": {"device": (0, 1)},
    "weak_ties": {"ip": (2, 3), "address": (0, 1)},
    "fan_in": {},
}


@dataclass(frozen=True)
class Shared:
    """An identifier that a ring shares."""

    #: device, ip, card or address
    column: str
    bits: Bits
    #: for each member, whether it uses the identifier
    used: Mask


@dataclass(frozen=True)
class Ring:
    """One planted ring; times are milliseconds after the start of the simulation."""

    number: int
    kind: str
    #: accounts; for sequential and slow growth in the order in which they were made
    members: Ints
    since: int
    #: probability of a member taking part in a joint action
    diligence: float
    shared: tuple[Shared, ...]
    #: when there are joint actions, sorted; empty for rings that only share identifiers
    rounds: Ints


@dataclass(frozen=True)
class Rings:
    """All planted rings."""

    rings: list[Ring]
    #: for each account, whether it is a member
    is_member: Mask


def plant_rings(belongings: Belongings, share: float, events_per_day: float) -> Rings:
    """Pick the members and decide what they share; their sign-ups move to where the ring's are."""
    people = belongings.people
    random = people.draws.generator("rings")
    sizes = _sizes(round(share * people.size), random)
    chosen = random.choice(people.size, sum(sizes), replace=False, shuffle=True)
    is_member = np.zeros(people.size, np.bool_)
    is_member[chosen] = True
    kinds = _kinds(len(sizes), random)
    rings, first = [], 0
    for number, (size, kind) in enumerate(zip(sizes, kinds, strict=True)):
        members = chosen[first : first + size]
        first += size
        since = _found(people, kind, members, random)
        rings.append(
            Ring(
                number=number,
                kind=kind,
                members=members,
                since=since,
                diligence=random.uniform(*USE),
                shared=_share(belongings, kind, number, size, random),
                rounds=_rounds(people, kind, since, events_per_day, random),
            )
        )
    return Rings(rings, is_member)


def ring_id(people: Population, ring: Ring) -> str:
    """Kind and a random number: a truth file tells how each kind was found."""
    return f"{ring.kind}-{int(people.draws.bits('ring', ring.number)[0]):016x}"


def _sizes(members: int, random: np.random.Generator) -> list[int]:
    sizes: list[int] = []
    while members >= SMALLEST:
        size = min(SMALLEST - 1 + int(random.geometric(1 / (_MEAN_SIZE - SMALLEST + 1))), LARGEST)
        # a rest too small for a ring of its own stays out
        sizes.append(min(size, members))
        members -= sizes[-1]
    return sizes


def _kinds(count: int, random: np.random.Generator) -> list[str]:
    """Each kind as often as the others."""
    turn = random.integers(len(KINDS))
    return [KINDS[(turn + number) % len(KINDS)] for number in range(count)]


def _found(people: Population, kind: str, members: Ints, random: np.random.Generator) -> int:
    """When the ring begins; its accounts are old ones unless its kind makes them."""
    length = people.length
    if kind == "sequential":
        # one after the other in a sitting, or in several where they are many
        gaps = random.exponential(25 * _MINUTE_MS, len(members)) + _MINUTE_MS
        gaps *= min(1.0, 0.25 * length / gaps.sum())
        people.joined[members] = int(0.7 * length * random.random()) + np.cumsum(gaps).astype(int)
        return int(people.joined[members[0]])
    if kind == "slow_growth":
        last = random.uniform(0.5, 0.95) * length
        gaps = random.uniform(1.5, 5, len(members)) * DAY_MS
        people.joined[members] = (last - np.cumsum(gaps)).astype(int)[::-1]
        return max(0, int(people.joined[members[0]]))
    since = int(0.5 * length * random.random())
    late = people.joined[members] >= 0
    old = -(random.exponential(60 * DAY_MS, len(members))).astype(int) - 1
    people.joined[members] = np.where(late, old, people.joined[members])
    return since


def _share(
    belongings: Belongings, kind: str, number: int, size: int, random: np.random.Generator
) -> tuple[Shared, ...]:
    shared = []
    for column, (fewest, most) in _SHARED[kind].items():
        for turn in range(random.integers(fewest, most, endpoint=True)):
            if column == "ip":
                bits = belongings.address("operator", number, turn)
            else:
                bits = belongings.people.draws.bits(f"shared {column}", number, turn)
            used = random.random(size) < random.uniform(*USE)
            shared.append(Shared(column, bits, used))
    return tuple(shared)


def _rounds(
    people: Population, kind: str, since: int, events_per_day: float, random: np.random.Generator
) -> Ints:
    """When members act together: at least 8 times, more often the longer one looks."""
    if kind not in _TOGETHER:
        return np.zeros(0, np.int64)
    often = 0.3 * min(1.0, events_per_day) * people.length / DAY_MS
    count = 8 + random.poisson(min(often, 100.0))
    until = people.length - round_length(people.length)
    times = random.integers(min(since, until - 1), until, (3, count))
    # at busy hours, like everybody
    busiest = np.argmax(activity(people.start + times, 0), axis=0)
    return np.unique(times[busiest, np.arange(count)])


def round_length(length: int) -> int:
    """The longest time that a joint action takes."""
    return min(length // 4, DAY_MS // 2)


def borrowed(
    belongings: Belongings, rings: Rings, random: np.random.Generator
) -> tuple[Ints, dict[str, Bits]]:
    """Who uses a phone or card that a member borrows, the member or the lender, and which."""
    people = belongings.people
    members = np.flatnonzero(rings.is_member)
    count = math.ceil(BORROWERS * len(members))
    borrower = np.sort(random.permutation(members)[:count])
    lender = _ordinary_neighbour(people, rings.is_member, borrower)
    now = np.full(count, people.length // 2)
    is_phone = random.random(count) < 0.6
    nothing = np.zeros(count, np.uint64)
    phone = np.where(is_phone, people.phone(lender, now), nothing)
    card = np.where(is_phone, nothing, belongings.card(lender, now, 0.5))
    # the lender's use too, who may do nothing else in a short time
    both = np.concatenate([borrower, lender])
    return both, {"device": np.tile(phone, 2), "card": np.tile(card, 2)}


def _ordinary_neighbour(people: Population, is_member: Mask, account: Ints) -> Ints:
    """The next acquaintance who is in no ring."""
    lender = people.acquaintance(account, 1)
    for number in range(2, 40):
        taken = is_member[lender]
        if not taken.any():
            break
        other = (lender + number) % people.size
        lender = np.where(taken, other, lender)
    return lender
