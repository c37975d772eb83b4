"""kafka-python against confluent-kafka: the whole ingest, from the topic into Neo4j.

Both sides read the same events from the same broker, decode, tell duplicates and write the same
graph; only the consuming client differs. Runs alternate (A B B A …) after a warm-up that creates
the nodes, each on a new topic with a new memory of duplicates, so every run does the same work.
The clock runs from the end of the first batch: how long a client takes to join its group is paid
once, and one side is assigned its partitions by hand.
"""

import os
import resource
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition
from rich.console import Console
from rich.table import Table

from graph.settings import GraphSettings
from graph.store import GraphStore
from graph.times import now_ms
from ingest.batches import Batch, Message
from ingest.consumer import ensure_topics, read_partitions
from ingest.files import read_events
from ingest.pipeline import Source, ingest
from ingest.positions import Place
from ingest.replay import DeadLetterTopic, replay
from ingest.settings import IngestSettings
from ingest.writer import Writer, Written
from tests.conftest import P2P, World

EVENTS = 120_000
PAIRS = 4
NAMES = ("kafka-python", "confluent-kafka")


class ConfluentSource:
    """The event topic through librdkafka, with the same batches as ingest.consumer."""

    def __init__(self, settings: IngestSettings, bootstrap_servers: str, writer: Writer) -> None:
        partitions = read_partitions(settings.topic, bootstrap_servers)
        self._partitions = {p.number: p for p in partitions}
        writer.hold([Place(partition) for partition in partitions], now_ms())
        self._settings = settings
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": settings.group_id,
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 100,
            }
        )
        self._consumer.assign([TopicPartition(p.topic, p.number, 0) for p in partitions])

    def batches(self) -> Iterator[Batch | None]:
        """Batches for ever."""
        while True:
            records = self._consumer.consume(
                self._settings.batch_size, self._settings.batch_wait_ms / 1000
            )
            messages = [
                Message(self._partitions[r.partition()], r.offset(), r.value(), r.timestamp()[1])
                for r in records
            ]
            ends = {m.partition: m.offset + 1 for m in messages}
            yield Batch(messages, ends) if ends else None

    def done(self, batch: Batch) -> None:
        """Commit, as the other side does."""
        del batch
        self._consumer.commit(asynchronous=True)

    def go_back(self) -> None:
        """Nothing competes here."""

    def shrink(self) -> None:
        """Nothing is too large here."""

    def close(self) -> None:
        """Leave."""
        self._consumer.close()


@dataclass(frozen=True)
class Timing:
    """One run from its first batch on: events, wall seconds and this process's CPU seconds."""

    events: int
    wall_s: float
    cpu_s: float


def run(scale: str = "full") -> dict[str, float]:
    """Measure, print and return the figures."""
    values = _events()[: 5_000 if scale == "small" else None]
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), GraphSettings(), IngestSettings())
        started = world.start_servers(origin="http://127.0.0.1:8000")
        try:
            with world.store() as store:
                _one(world, store, values, NAMES[0])
                timings: dict[str, list[Timing]] = {name: [] for name in NAMES}
                for pair in range(PAIRS):
                    for name in NAMES if pair % 2 == 0 else reversed(NAMES):
                        timings[name].append(_one(world, store, values, name))
        finally:
            world.stop_servers(started)
    return _report(timings)


def _events() -> list[bytes]:
    values, _ = read_events([P2P], "p2p")
    return [value for value, _ in zip(values, range(EVENTS), strict=False)]


def _one(world: World, store: GraphStore, values: list[bytes], name: str) -> Timing:
    topic = f"bench-{uuid.uuid4().hex[:8]}"
    settings = IngestSettings(topic=topic, dead_letter_topic=f"{topic}-dead", group_id=topic)
    ensure_topics(settings, world.bootstrap_servers)
    replay(values, topic, world.bootstrap_servers)
    for path in world.data_dir.glob("duplicates-*"):
        path.unlink()
    here = World(world.data_dir, world.graph, settings)
    letters = DeadLetterTopic(settings.dead_letter_topic, world.bootstrap_servers)
    stop = threading.Event()
    done: list[tuple[int, float, float]] = []

    def report(written: Written) -> None:
        so_far = done[-1][0] if done else 0
        done.append((so_far + written.events, time.perf_counter(), time.process_time()))
        if done[-1][0] == len(values):
            stop.set()

    with here.writer(store, letters) as writer:
        source: Source = (
            here.kafka_source(store, writer)
            if name == NAMES[0]
            else ConfluentSource(settings, world.bootstrap_servers, writer)
        )
        ingest(source, writer, stop, settings.checkpoint_seconds, report)
        source.close()  # type: ignore[attr-defined]
    letters.close()
    first, last = done[0], done[-1]
    return Timing(last[0] - first[0], last[1] - first[1], last[2] - first[2])


def _report(timings: dict[str, list[Timing]]) -> dict[str, float]:
    table = Table("client", "events/s median", "lowest", "highest", "our CPU s", title="Ingest")
    rates = {name: sorted(t.events / t.wall_s for t in runs) for name, runs in timings.items()}
    for name, runs in timings.items():
        low, high = f"{rates[name][0]:,.0f}", f"{rates[name][-1]:,.0f}"
        cpu = f"{statistics.median(t.cpu_s for t in runs):.2f}"
        table.add_row(name, f"{statistics.median(rates[name]):,.0f}", low, high, cpu)
    pairs = zip(timings[NAMES[0]], timings[NAMES[1]], strict=True)
    ratios = sorted((b.events / b.wall_s) / (a.events / a.wall_s) for a, b in pairs)
    ratio = statistics.median(ratios)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    out = Console()
    out.print(table)
    out.print(
        f"{NAMES[1]} is {ratio:.2f} times as fast (pairs {ratios[0]:.2f} to {ratios[-1]:.2f}); "
        f"peak memory {peak:.0f} MB; load {os.getloadavg()[0]:.1f}"
    )
    return {
        "kafka_python_events_per_s": statistics.median(rates[NAMES[0]]),
        "confluent_kafka_events_per_s": statistics.median(rates[NAMES[1]]),
        "client_ratio": ratio,
        "peak_rss_mb": peak,
    }
