"""Metrics that the graph holds: read when somebody asks, the same from every process."""

import logging
from collections.abc import Iterator

from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from graph.errors import RingtraceError
from graph.metrics import (
    GRAPH_UP,
    LAST_HOUR,
    OPEN_RINGS,
    OUTBOX_MESSAGES,
    POSITION_OFFSET,
    Declared,
)
from graph.quality import last_complete_hour, read_hours
from graph.store import GraphStore, Row
from graph.times import HOUR_MS, now_ms

log = logging.getLogger("ringtrace.metrics")


class StoredMetrics(Collector):
    """What the graph knows, asked whenever the metrics are read."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The metrics of the graph; without it only that it is away."""
        try:
            found = list(self._families())
        except RingtraceError as error:
            log.debug("metrics without the graph: %s", error)
            found = [_family(GRAPH_UP, [((), 0)])]
        yield from found

    def _families(self) -> Iterator[GaugeMetricFamily]:
        read = self._store.read
        yield _family(GRAPH_UP, [((), 1)])
        positions = read("explore/positions")
        yield _family(POSITION_OFFSET, [(_place(row), row["next_offset"]) for row in positions])
        states = read("explore/outbox_states")
        yield _family(OUTBOX_MESSAGES, [((row["state"],), row["count"]) for row in states])
        levels = read("explore/ring_levels")
        yield _family(OPEN_RINGS, [((row["risk_level"],), row["count"]) for row in levels])
        hour = last_complete_hour(now_ms())
        counts = read_hours(self._store, hour, hour + HOUR_MS).get(hour, {})
        yield _family(LAST_HOUR, [((name,), count) for name, count in counts.items()])


def _place(row: Row) -> tuple[str, ...]:
    return row["topic"], row["topic_id"], str(row["partition"])


def _family(declared: Declared, values: list[tuple[tuple[str, ...], float]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(declared.name, declared.sentence, labels=declared.labels)
    for labels, value in values:
        family.add_metric(labels, value)
    return family
