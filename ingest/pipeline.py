"""The ingest on one screen: batches from a source, into the graph, until told to stop."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from graph.errors import BrokerError, PositionError, StoreAwayError
from graph.store import GraphStore
from ingest.batches import Batch, Partition
from ingest.duplicates import DuplicateStore
from ingest.writer import Writer, Written

log = logging.getLogger("ringtrace.ingest")

#: longest wait between two tries while the graph is away, seconds
MAX_BACKOFF_S = 30.0


class Source(Protocol):
    """Where batches come from: Kafka or files."""

    def batches(self) -> Iterator[Batch | None]:
        """Batches in order; None when there is nothing to read just now."""

    def done(self, batch: Batch) -> None:
        """The batch is in the graph."""

    def go_back(self) -> None:
        """The batch is not in the graph: start again from where the stores stand."""


def ingest(
    source: Source,
    writer: Writer,
    stop: threading.Event,
    report: Callable[[Written], None] = lambda _: None,
) -> None:
    """Move events from the source into the graph until `stop` is set or the source ends.

    A graph that is away is waited for; nothing is lost or counted twice meanwhile.
    """
    backoff = 1.0
    for batch in source.batches():
        if stop.is_set():
            return
        if batch is None:
            continue
        try:
            written = writer.write(batch, now=time.time_ns() // 1_000_000)
        except (StoreAwayError, PositionError, BrokerError) as error:
            log.warning("%s; trying again in %.0f s", error, backoff)
            stop.wait(backoff)
            backoff = min(backoff * 2, MAX_BACKOFF_S)
            source.go_back()
            continue
        backoff = 1.0
        source.done(batch)
        report(written)


def graph_offset(store: GraphStore, partition: Partition) -> int:
    """Where the graph stands in a partition; says so when the topic had another life before."""
    rows = store.read("ingest/read_positions", topic=partition.topic)
    mine = [row for row in rows if row["partition"] == partition.number]
    here = [row["next_offset"] for row in mine if row["topic_id"] == partition.topic_id]
    if mine and not here:
        log.warning(
            "topic %s was made anew: partition %d is read from its start, and events that were "
            "counted before are recognised by their ids",
            *(partition.topic, partition.number),
        )
    return int(here[0]) if here else 0


def lowest_offset(store: GraphStore, duplicates: DuplicateStore, partition: Partition) -> int:
    """From where to read so that no store misses a message."""
    return min(graph_offset(store, partition), duplicates.next_offset(partition))
