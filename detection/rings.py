"""Rings that last: a community keeps the id of the ring it grew out of."""

import hashlib
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from detection.evidence import RingEvidence
from detection.innocence import fewest_links, innocent_reading
from detection.risk import risk_level, score
from detection.settings import DetectionSettings
from graph.model import Ring, RingStatus, RiskLevel

#: least weighted Jaccard between a ring and the community that continues it
MIN_SIMILARITY = 0.3
#: members that a new ring has of another, at least, for having come out of it
MIN_SPLIT = 2
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class Dismissal:
    """What a ring was when somebody dismissed it."""

    account_ids: frozenset[str]
    risk_level: RiskLevel
    #: alerts it had raised by then
    alert_count: int


@dataclass(frozen=True, slots=True)
class KnownRing:
    """An open ring as the last run left it."""

    ring_id: str
    risk_score: int
    risk_level: RiskLevel
    #: level of its last alert, None before the first
    alerted_level: RiskLevel | None
    alert_count: int
    #: account to how strongly it was tied in, millionths
    members: dict[str, int]
    #: of all that is saved of it but its members: a ring with the same one need not be saved
    digest: str | None = None
    #: somebody confirmed it, or it is in a case: its id is the one that people know
    is_kept: bool = False
    #: if that is the last word on it
    dismissal: Dismissal | None = None


@dataclass(frozen=True, slots=True)
class Matching:
    """Which community continues which ring."""

    #: ring id of each community, in the order they came
    ring_ids: list[str]
    #: new ring to those it came out of; they still are, or lapsed, or another took them over
    parents: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: ring that ended to the ring that took it over, or None when it lapsed
    ended: dict[str, str | None] = field(default_factory=dict)


def make_ring(
    evidence: RingEvidence,
    ring_id: str,
    parents: tuple[str, ...],
    settings: DetectionSettings,
) -> Ring:
    """An open ring with its score."""
    reasons = score(evidence)
    points = sum(reason.points for reason in reasons)
    return Ring(
        ring_id,
        RingStatus.OPEN,
        points,
        risk_level(points, settings),
        evidence.account_ids,
        evidence.ring_identifiers,
        reasons,
        evidence.first_seen,
        evidence.last_seen,
        parents,
        innocent_reading(evidence, reasons),
        fewest_links(evidence, settings.high_score),
    )


def match_rings(
    communities: list[dict[str, int]],
    known: list[KnownRing],
    founded_at: list[int],
    used: Collection[str] = (),
) -> Matching:
    """Give each community (account to strength) the id of a known ring, or a new one.

    A new id is none of the known rings' and none of `used`: ids of closed rings never come back.

    One to one, in this order: rings that are kept (confirmed, or in a case) before all others, then
    by weighted Jaccard from the highest down, then the older id. A kept ring continues in whatever
    holds half of its strength, too, however small a part of it that makes: what it merges with
    takes its id. A new community that shares members with a ring is its child (a split), unless it
    took that ring over; a ring that no community continues merges into the one that holds at least
    half of its strength, or lapses.
    """
    similarity = _similarities(communities, known)
    used = {*used, *(ring.ring_id for ring in known)}
    taken: dict[int, str] = {}
    continued: set[str] = set()
    for ring_id, number in _order(communities, known, similarity):
        if number not in taken and ring_id not in continued:
            taken[number] = ring_id
            continued.add(ring_id)
    ring_ids = [
        taken.get(number) or _unused_id(founded_at[number], tuple(sorted(community)), used)
        for number, community in enumerate(communities)
    ]
    homes: dict[str, list[int]] = defaultdict(list)
    for ring_id, number in similarity:
        homes[ring_id].append(number)
    ended = {
        ring.ring_id: _heir(ring, communities, ring_ids, homes[ring.ring_id])
        for ring in known
        if ring.ring_id not in continued
    }
    parents = {
        ring_ids[number]: found
        for number, community in enumerate(communities)
        if number not in taken and (found := _parents(ring_ids[number], community, known, ended))
    }
    return Matching(ring_ids, parents, ended)


def _order(
    communities: list[dict[str, int]],
    known: list[KnownRing],
    similarity: dict[tuple[str, int], float],
) -> list[tuple[str, int]]:
    """Which ring may continue in which community, the first choice first."""
    rings = {ring.ring_id: ring for ring in known}
    fitting = []
    for (ring_id, number), share in similarity.items():
        ring = rings[ring_id]
        if share >= MIN_SIMILARITY or (ring.is_kept and _holds_half(communities[number], ring)):
            fitting.append((not ring.is_kept, -share, ring_id, number))
    return [(ring_id, number) for _, _, ring_id, number in sorted(fitting)]


def _unused_id(founded_at: int, account_ids: tuple[str, ...], used: Collection[str]) -> str:
    """A new id; founders that split off again, or come back after a lapse, get another one."""
    ring_id = new_ring_id(founded_at, account_ids)
    if ring_id in used:
        return _unused_id(founded_at, (*account_ids, ring_id), used)
    return ring_id


def new_ring_id(founded_at: int, account_ids: tuple[str, ...]) -> str:
    """A ULID of the founding time (milliseconds) and a hash of the founding members.

    >>> len(new_ring_id(0, ("a", "b"))), new_ring_id(0, ("a", "b"))[:10]
    (26, '0000000000')
    """
    digest = hashlib.blake2b("\0".join(account_ids).encode(), digest_size=10).digest()
    number = (max(founded_at, 0) << 80) | int.from_bytes(digest, "big")
    return "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


def _similarities(
    communities: list[dict[str, int]], known: list[KnownRing]
) -> dict[tuple[str, int], float]:
    """Weighted Jaccard of each ring and community that share a member.

    An account weighs what ties it in now, or did when it left: new links inside a ring must not
    make it another ring.
    """
    homes: dict[str, list[int]] = defaultdict(list)
    for number, community in enumerate(communities):
        for account_id in community:
            homes[account_id].append(number)
    result = {}
    for ring in known:
        for number in {n for account_id in ring.members for n in homes.get(account_id, ())}:
            community = communities[number]
            weights = ring.members | community
            shared = sum(weights[a] for a in community.keys() & ring.members.keys())
            result[ring.ring_id, number] = shared / (sum(weights.values()) or 1)
    return result


def _parents(
    ring_id: str, community: dict[str, int], known: list[KnownRing], ended: dict[str, str | None]
) -> tuple[str, ...]:
    """The rings that a new one came out of; those it took over whole are its past, not parents."""
    return tuple(
        sorted(
            ring.ring_id
            for ring in known
            if ended.get(ring.ring_id) != ring_id
            and len(community.keys() & ring.members.keys()) >= MIN_SPLIT
        )
    )


def _heir(
    ring: KnownRing, communities: list[dict[str, int]], ring_ids: list[str], homes: list[int]
) -> str | None:
    """The ring that now holds at least half of this one's strength."""
    shared = {ring_ids[number]: _held(communities[number], ring) for number in homes}
    best = max(sorted(shared), key=lambda ring_id: shared[ring_id], default=None)
    if best is None or shared[best] * 2 < sum(ring.members.values()):
        return None
    return best


def _held(community: dict[str, int], ring: KnownRing) -> int:
    """How much of a ring's strength is in a community."""
    return sum(ring.members[a] for a in community if a in ring.members)


def _holds_half(community: dict[str, int], ring: KnownRing) -> bool:
    return _held(community, ring) * 2 >= sum(ring.members.values())
