"""One side of the ingest benchmark in a process of its own: servers, three phases, figures as JSON.

`python -m tests.benchmarks.ingest_side SIDE FOLDER`: FOLDER holds warm.jsonl, cold.jsonl and
mature.jsonl and a key file that both sides share; the side's servers are started anew in it. Each
phase is in the topic before its clock starts, with the first messages polled; it stops when the
last counter is in the graph.
"""

import json
import resource
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
from neo4j import GraphDatabase

from api.world import World
from graph import metrics
from graph.settings import GraphSettings, PrivacySettings
from graph.store import GraphStore
from ingest.consumer import ensure_topics
from ingest.pipeline import ingest, tune_interpreter
from ingest.replay import DeadLetterTopic, replay
from ingest.settings import IngestSettings
from ingest.writer import Writer, Written
from tests.benchmarks.plain_consumer import consume

PHASES = ("warm", "cold", "mature")


@dataclass
class Phase:
    """What one phase took."""

    events: int
    wall_s: float
    #: seconds of CPU: ours, Neo4j's, Kafka's
    cpu_s: dict[str, float]
    #: seconds by part of the work, where the side says
    parts_s: dict[str, float]
    rss_mb: float


class Stopwatch:
    """Runs from its first look on."""

    def __init__(self, folder: Path) -> None:
        self._java = {
            Path(process.info["cwd"] or "").name: process
            for process in psutil.process_iter(["name", "cwd"])
            if process.info["name"] == "java" and folder in Path(process.info["cwd"] or "/").parents
        }
        self._began: tuple[float, dict[str, float]] | None = None

    def start(self) -> None:
        """The first messages are here; later calls do nothing."""
        if self._began is None:
            self._began = time.perf_counter(), self._cpu()

    def stop(self, events: int, parts: dict[str, float]) -> Phase:
        """All is in the graph."""
        assert self._began is not None
        began, cpu = self._began
        spent = {name: seconds - cpu[name] for name, seconds in self._cpu().items()}
        wall_s = time.perf_counter() - began
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return Phase(events, wall_s, spent, parts, rss)

    def _cpu(self) -> dict[str, float]:
        seconds = {"consumer": time.process_time()}
        for name, process in self._java.items():
            times = process.cpu_times()
            seconds[name] = times.user + times.system
        return seconds


def main() -> None:
    """Run one side."""
    side, folder = sys.argv[1], Path(sys.argv[2])
    world = World(
        folder / side,
        GraphSettings(),
        IngestSettings(),
        PrivacySettings(keys_file=folder / "keys.json"),
    )
    started = world.start_servers(origin="http://127.0.0.1:8000")
    try:
        with world.store() as store:
            play = {"ringtrace": _Ringtrace, "plain": _Plain}[side](world, store)
            found: dict[str, Any] = {}
            for phase in PHASES:
                values = (folder / f"{phase}.jsonl").read_bytes().splitlines()
                settings = IngestSettings(
                    topic=phase, dead_letter_topic=f"{phase}-dead", group_id=phase
                )
                ensure_topics(settings, world.bootstrap_servers)
                replay(values, phase, world.bootstrap_servers)
                found[phase] = asdict(play.run(settings, len(values), Stopwatch(folder)))
            play.close()
            found["graph"] = _graph(store, play.key)
    finally:
        world.stop_servers(started)
    print(json.dumps(found))  # noqa: T201


class _Ringtrace:
    """The real ingest, one writer for all phases as in a process that runs for long."""

    def __init__(self, world: World, store: GraphStore) -> None:
        tune_interpreter()
        self._world, self._store = world, store
        self._letters = DeadLetterTopic("dead", world.bootstrap_servers)
        self._context = world.writer(store, self._letters)
        self._writer: Writer = self._context.__enter__()

    def key(self, key: str) -> str:
        """The graph's own key."""
        return key

    def close(self) -> None:
        """Let go."""
        self._context.__exit__(None, None, None)
        self._letters.close()

    def run(self, settings: IngestSettings, events: int, watch: Stopwatch) -> Phase:
        """One topic, until the last checkpoint."""
        world = World(self._world.data_dir, self._world.graph, settings, self._world.privacy)
        stop, source, done = threading.Event(), world.kafka_source(self._store, self._writer), 0

        def report(written: Written) -> None:
            nonlocal done
            done += written.messages
            if done == events:
                stop.set()

        before = _parts()
        ingest(
            _Watched(source, watch.start), self._writer, stop, settings.checkpoint_seconds, report
        )
        parts = {name: seconds - before.get(name, 0.0) for name, seconds in _parts().items()}
        phase = watch.stop(events, parts)
        source.close()
        assert done == events
        return phase


class _Watched:
    """A source that says when its first batch is there."""

    def __init__(self, source: Any, first: Callable[[], None]) -> None:
        self._source, self._first = source, first

    def batches(self) -> Any:
        for batch in self._source.batches():
            if batch is not None:
                self._first()
            yield batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


class _Plain:
    """What people write first."""

    def __init__(self, world: World, store: GraphStore) -> None:
        self._world = world
        self._pseudonyms = world.pseudonyms(store)
        local = world.neo4j()
        assert local is not None
        self._driver = GraphDatabase.driver(local.uri, auth=(local.user, local.password))

    def key(self, key: str) -> str:
        """The key that Ringtrace would have given it."""
        (known, *_) = self._pseudonyms.keys_of(key)
        return known

    def close(self) -> None:
        """Let go."""
        self._driver.close()

    def run(self, settings: IngestSettings, events: int, watch: Stopwatch) -> Phase:
        """One topic, until its last commit."""
        for _ in consume(self._driver, self._world.bootstrap_servers, settings.topic, events):
            watch.start()
        return watch.stop(events, {})


def _parts() -> dict[str, float]:
    return {
        sample.labels["part"]: sample.value
        for sample in metrics.BATCH_SECONDS.collect()[0].samples
        if sample.name.endswith("_sum")
    }


def _graph(store: GraphStore, key: Callable[[str], str]) -> dict[str, str]:
    """A hash of each part of the graph, keys as Ringtrace has them."""
    from tests.graph_state import graph_state

    return dict(
        zip(
            ("accounts", "identifiers", "uses", "transfers", "referrals"),
            graph_state(store, key),
            strict=True,
        )
    )


if __name__ == "__main__":
    main()
