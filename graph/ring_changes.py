"""What runs did to a ring, and what that comes to since somebody last looked."""

from collections.abc import Iterable
from dataclasses import dataclass

from graph.model import ChangeKind, Ring, RingChange, RiskLevel
from graph.store import GraphStore, Row

#: larger than the number of any run
LAST_RUN = 2**53
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class DetectionRun:
    """A run that finished."""

    number: int
    run_id: str
    #: time of the graph when it began, milliseconds
    at: int


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """A change as it is kept."""

    run: DetectionRun
    #: order of the changes of a run
    position: int
    change: RingChange


@dataclass(frozen=True, slots=True)
class Since:
    """From when to when changes are wanted."""

    #: at or after, milliseconds
    at: int = 0
    #: of later runs only
    after_run: int = 0
    until_run: int = LAST_RUN


@dataclass(frozen=True, slots=True)
class NetDifference:
    """What some changes of a ring come to: who came and left again is not in it."""

    joined: tuple[str, ...]
    left: tuple[str, ...]
    #: None when it was not born yet
    score_before: int | None
    #: None when it ended
    score_after: int | None
    level_before: RiskLevel | None
    level_after: RiskLevel | None
    #: rings that it took over
    absorbed: tuple[str, ...]
    #: rings that came out of it
    split_into: tuple[str, ...]


def last_run(store: GraphStore) -> DetectionRun | None:
    """The last run that finished."""
    rows = store.read("explore/last_run")
    return DetectionRun(**rows[0]) if rows else None


def list_changes(
    store: GraphStore, ring_id: str, since: Since, after: tuple[int, int], limit: int
) -> list[ChangeRecord]:
    """A page of a ring's changes, oldest first, behind `after` (number of a run, and position)."""
    rows = store.read(
        "explore/ring_changes",
        ring_id=ring_id,
        since=since.at,
        after_run=since.after_run,
        until_run=since.until_run,
        after_number=after[0],
        after_position=after[1],
        limit=limit,
    )
    return [_record(row) for row in rows]


def read_difference(store: GraphStore, ring: Ring, since: Since) -> NetDifference:
    """What all changes of a ring since then come to."""
    changes: list[RingChange] = []
    after = (0, 0)
    while page := list_changes(store, ring.ring_id, since, after, _PAGE):
        changes += [record.change for record in page]
        after = (page[-1].run.number, page[-1].position)
        if len(page) < _PAGE:
            break
    return net_difference(changes, ring)


def net_difference(changes: Iterable[RingChange], ring: Ring) -> NetDifference:
    """What changes come to, oldest first; `ring` is as it was before when there are none."""
    moved: dict[str, bool] = {}
    scores: list[tuple[int | None, RiskLevel | None]] = [(ring.risk_score, ring.risk_level)]
    others: dict[ChangeKind, set[str]] = {ChangeKind.ABSORBED: set(), ChangeKind.SPLIT: set()}
    for number, change in enumerate(changes):
        if number == 0:
            scores = [(change.score_before, change.level_before)]
        scores[1:] = [(change.score_after, change.level_after)]
        _move(moved, change)
        others.get(change.kind, set()).update(change.others)
    return NetDifference(
        tuple(sorted(account_id for account_id, joined in moved.items() if joined)),
        tuple(sorted(account_id for account_id, joined in moved.items() if not joined)),
        scores[0][0],
        scores[-1][0],
        scores[0][1],
        scores[-1][1],
        tuple(sorted(others[ChangeKind.ABSORBED])),
        tuple(sorted(others[ChangeKind.SPLIT])),
    )


def _move(moved: dict[str, bool], change: RingChange) -> None:
    """Keep who is in now and was not, or was and is not: coming and going cancel out."""
    for joined, account_ids in ((True, change.joined), (False, change.left)):
        for account_id in account_ids:
            if moved.get(account_id, joined) is joined:
                moved[account_id] = joined
            else:
                del moved[account_id]


def _record(row: Row) -> ChangeRecord:
    run = DetectionRun(row["number"], row["run_id"], row["at"])
    change = RingChange(
        ring_id=row["ring_id"],
        kind=ChangeKind(row["kind"]),
        joined=tuple(row["joined"]),
        left=tuple(row["left"]),
        score_before=row["score_before"],
        score_after=row["score_after"],
        level_before=_level(row["level_before"]),
        level_after=_level(row["level_after"]),
        others=tuple(row["others"]),
    )
    return ChangeRecord(run, row["position"], change)


def _level(name: str | None) -> RiskLevel | None:
    return None if name is None else RiskLevel(name)
