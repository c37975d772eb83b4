"""Who a ring came out of, who came out of it, and who took whom over."""

from dataclasses import dataclass, field

from graph.errors import NotFoundError
from graph.model import RingStatus, RiskLevel
from graph.store import GraphStore, Row

#: how far relatives are looked up, in steps
MAX_DISTANCE = 50
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Relative:
    """A ring in the lineage of another."""

    ring_id: str
    status: RingStatus
    size: int
    risk_score: int
    risk_level: RiskLevel
    first_seen: int
    last_seen: int
    born_at: int
    #: None while it is open
    closed_at: int | None
    #: the ring that took it over, not what became of that one
    merged_into: str | None
    #: steps from the ring that was asked about, and the rings one step nearer
    distance: int
    via: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lineage:
    """Who a ring came out of, who came out of it, whom it took over; nearest first."""

    parents: list[Relative] = field(default_factory=list)
    children: list[Relative] = field(default_factory=list)
    absorbed: list[Relative] = field(default_factory=list)
    merged_into: list[Relative] = field(default_factory=list)
    #: there are more than were looked up
    is_cut: bool = False


def final_heir(store: GraphStore, ring_id: str) -> str | None:
    """The ring that took one over in the end, None for one that stands for itself.

    NotFoundError when there is no such ring.
    """
    rows = store.read("explore/ring_heir", ring_id=ring_id)
    if not rows:
        raise NotFoundError(f"there is no ring {ring_id!r}")
    heir: str | None = rows[0]["heir"]
    return heir


def read_lineage(store: GraphStore, ring_id: str, limit: int) -> Lineage:
    """The relatives of a ring in each direction, at most `limit` in all and MAX_DISTANCE away."""
    found: dict[str, dict[str, Relative]] = {
        "parents": {},
        "children": {},
        "absorbed": {},
        "merged_into": {},
    }
    frontier = [{"relation": relation, "ring_id": ring_id} for relation in found]
    is_cut = False
    for distance in range(1, MAX_DISTANCE + 1):
        # a ring may be next to many that were looked up: enough for each of them, and one more
        rows = store.read("explore/ring_relatives", rows=frontier, limit=_PAGE + 1)
        is_cut = is_cut or len(rows) > _PAGE
        new = _nearest(rows[:_PAGE], ring_id, found, distance)
        left = limit - sum(map(len, found.values()))
        is_cut = is_cut or len(new) > left
        for (relation, relative_id), relative in list(new.items())[:left]:
            found[relation][relative_id] = relative
        frontier = [{"relation": relation, "ring_id": each} for relation, each in new]
        if is_cut or not frontier:
            break
    else:
        is_cut = True
    return Lineage(**{name: list(each.values()) for name, each in found.items()}, is_cut=is_cut)


def _nearest(
    rows: list[Row], ring_id: str, found: dict[str, dict[str, Relative]], distance: int
) -> dict[tuple[str, str], Relative]:
    """Relatives that no shorter way leads to."""
    ways: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["ring_id"] != ring_id and row["ring_id"] not in found[row["relation"]]:
            ways.setdefault((row["relation"], row["ring_id"]), []).append(row)
    return {
        key: _relative(rows[0], distance, tuple(sorted(row["via"] for row in rows)))
        for key, rows in ways.items()
    }


def _relative(row: Row, distance: int, via: tuple[str, ...]) -> Relative:
    return Relative(
        ring_id=row["ring_id"],
        status=RingStatus(row["status"]),
        size=row["size"],
        risk_score=row["risk_score"],
        risk_level=RiskLevel(row["risk_level"]),
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        born_at=row["born_at"],
        closed_at=row["closed_at"],
        merged_into=row["merged_into"],
        distance=distance,
        via=via,
    )
