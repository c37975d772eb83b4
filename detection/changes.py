"""What a run did to each ring, in words that add up: before, what changed, after."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from detection.rings import KnownRing, Matching
from graph.model import ChangeKind, Ring, RingChange
from graph.store import Row


def ring_changes(
    rings: list[Ring], before: Mapping[str, KnownRing], matching: Matching
) -> list[RingChange]:
    """All changes of a run, in order of ring; a ring that stayed as it was has none.

    Of one that took others over and split at once, the first change names who joined and left.
    """
    absorbed: dict[str, list[str]] = defaultdict(list)
    for ring_id, heir in sorted(matching.ended.items()):
        if heir is not None:
            absorbed[heir].append(ring_id)
    children: dict[str, list[str]] = defaultdict(list)
    for child, parents in sorted(matching.parents.items()):
        for parent in parents:
            children[parent].append(child)
    found: list[RingChange] = []
    for ring in rings:
        taken, split = tuple(absorbed[ring.ring_id]), tuple(children[ring.ring_id])
        known = before.get(ring.ring_id)
        if known is None:
            found += _birth(ring, matching.parents.get(ring.ring_id, ()), taken)
        else:
            found += _life(ring, known, taken, split)
    for ring_id, heir in matching.ended.items():
        found += _end(before[ring_id], heir, tuple(children[ring_id]))
    # stable: those of one ring stay in order
    return sorted(found, key=lambda change: change.ring_id)


def change_rows(changes: list[RingChange]) -> list[Row]:
    """The changes as the graph keeps them."""
    return [
        {
            "ring_id": change.ring_id,
            "position": position,
            "kind": change.kind.value,
            "joined": list(change.joined),
            "left": list(change.left),
            "score_before": change.score_before,
            "score_after": change.score_after,
            "level_before": change.level_before and change.level_before.value,
            "level_after": change.level_after and change.level_after.value,
            "others": list(change.others),
        }
        for position, change in enumerate(changes)
    ]


def _birth(ring: Ring, parents: tuple[str, ...], taken: tuple[str, ...]) -> Iterator[RingChange]:
    score, level = ring.risk_score, ring.risk_level
    yield RingChange(
        ring.ring_id, ChangeKind.BORN, ring.account_ids, (), None, score, None, level, parents
    )
    if taken:
        yield RingChange(
            ring.ring_id, ChangeKind.ABSORBED, (), (), score, score, level, level, taken
        )


def _life(
    ring: Ring, known: KnownRing, taken: tuple[str, ...], children: tuple[str, ...]
) -> Iterator[RingChange]:
    joined = tuple(sorted(set(ring.account_ids) - known.members.keys()))
    left = tuple(sorted(known.members.keys() - set(ring.account_ids)))
    score, level = ring.risk_score, ring.risk_level
    kinds = [(ChangeKind.ABSORBED, taken)] if taken else []
    kinds += [(ChangeKind.SPLIT, children)] if children else []
    rescored = (score, level) != (known.risk_score, known.risk_level)
    if not kinds and (joined or left or rescored):
        kinds = [(_kind(joined, left), ())]
    was = known.risk_score, known.risk_level
    for kind, others in kinds:
        yield RingChange(ring.ring_id, kind, joined, left, was[0], score, was[1], level, others)
        joined, left, was = (), (), (score, level)


def _kind(joined: tuple[str, ...], left: tuple[str, ...]) -> ChangeKind:
    if joined and left:
        return ChangeKind.CHANGED
    if joined:
        return ChangeKind.GREW
    return ChangeKind.SHRANK if left else ChangeKind.RESCORED


def _end(known: KnownRing, heir: str | None, children: tuple[str, ...]) -> Iterator[RingChange]:
    score, level, ring_id = known.risk_score, known.risk_level, known.ring_id
    if children:
        yield RingChange(ring_id, ChangeKind.SPLIT, (), (), score, score, level, level, children)
    kind = ChangeKind.LAPSED if heir is None else ChangeKind.MERGED
    left, others = tuple(sorted(known.members)), () if heir is None else (heir,)
    yield RingChange(ring_id, kind, (), left, score, None, level, None, others)
