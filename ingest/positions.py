"""Where the graph stands in each partition, and who may move it."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from graph.errors import PositionError
from graph.keyring import Keyring
from graph.store import GraphStore, Row, Transaction
from graph.world_keys import join_world
from ingest.batches import Partition

log = logging.getLogger("ringtrace.ingest")

#: between a topic's id and how often its end was cut off
_CUT = "+cut"


@dataclass(frozen=True, slots=True)
class Place:
    """A partition of the present life of a topic."""

    partition: Partition
    #: earlier lives that are new to be earlier, each with how far it was counted
    earlier: tuple[tuple[str, int], ...] = ()


def find_place(store: GraphStore, partition: Partition, end: int) -> Place:
    """The present life of a partition whose last message is before `end`; says what changed.

    A topic that was made anew has another id. One whose end was cut off (its log lost messages)
    keeps its id: from then on its messages are told apart by a longer one.
    """
    rows = store.read("ingest/read_positions", topic=partition.topic)
    mine = [row for row in rows if row["partition"] == partition.number]
    lives = [row for row in mine if row["topic_id"].split(_CUT)[0] == partition.topic_id]
    if mine and not lives:
        log.warning(
            "topic %s was made anew: partition %d is read from its start, and events that were "
            "counted before are recognised by their ids",
            *(partition.topic, partition.number),
        )
    if not lives:
        return Place(partition, _counted(mine))
    latest = max(lives, key=lambda row: _cuts(row["topic_id"]))
    cuts = _cuts(latest["topic_id"])
    if latest["next_offset"] <= end:
        return Place(partition._replace(topic_id=latest["topic_id"]))
    log.warning(
        "partition %d of %s ends at %d but was read to %d: its end was cut off, and it is read "
        "from its start; events that were counted before are recognised by their ids",
        *(partition.number, partition.topic, end, latest["next_offset"]),
    )
    topic_id = f"{partition.topic_id}{_CUT}{cuts + 1}"
    return Place(partition._replace(topic_id=topic_id), _counted([latest]))


def take_positions(
    store: GraphStore, places: list[Place], owner: str, keyring: Keyring
) -> dict[Partition, int]:
    """Become the only writer of these partitions; the offset up to which each was counted.

    Raises PrivacyError when the graph's identifiers were written with other keys.
    """
    rows = [_row(place.partition) for place in places]

    def take(tx: Transaction) -> list[Row]:
        join_world(tx, keyring)
        return tx.run("ingest/take_positions", rows=rows, owner=owner)

    found = store.write(take)
    offsets = {(row["topic_id"], row["partition"]): row["next_offset"] for row in found}
    return {p: offsets[p.topic_id, p.number] for p in sorted(place.partition for place in places)}


def check_positions(tx: Transaction, expected: dict[Partition, int], owner: str) -> None:
    """Lock the positions for this transaction; PositionError unless they are as expected."""
    rows = tx.run("ingest/lock_positions", rows=position_keys(expected))
    found = {(row["topic_id"], row["partition"]): row for row in rows}
    for partition, offset in expected.items():
        row = found.get((partition.topic_id, partition.number))
        if row is None or row["owner"] != owner:
            raise PositionError(f"partition {partition.number} went to another writer")
        if row["next_offset"] != offset:
            raise PositionError(
                f"partition {partition.number}: the graph is at offset {row['next_offset']}, "
                f"this writer was at {offset}"
            )


def _counted(rows: list[Row]) -> tuple[tuple[str, int], ...]:
    return tuple((row["topic_id"], row["next_offset"]) for row in rows)


def _cuts(topic_id: str) -> int:
    return int(topic_id.partition(_CUT)[2] or 0)


def position_keys(partitions: Iterable[Partition]) -> list[Row]:
    """What names their positions in the graph, sorted."""
    return [{"topic_id": p.topic_id, "partition": p.number} for p in sorted(partitions)]


def _row(partition: Partition) -> Row:
    return {
        "topic": partition.topic,
        "topic_id": partition.topic_id,
        "partition": partition.number,
    }
