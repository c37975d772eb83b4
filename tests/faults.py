"""Kills, restarts and rebalances under a running ingest, by a seed; and what must be equal then."""

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from api.world import World
from graph.archive import Archive
from graph.local import start_neo4j
from graph.store import GraphStore
from ingest.consumer import ensure_topics
from ingest.local import start_kafka
from ingest.replay import replay
from tests.conftest import CommandLine, is_caught_up, wait_until
from tests.graph_state import graph_state

#: events between two faults
PIECE = 400
BOTH = 2


class FaultyIngest:
    """Ingest processes of one group, and somebody who keeps killing them and their servers."""

    def __init__(self, cli: CommandLine, world: World, seed: int) -> None:
        self.happened: Counter[str] = Counter()
        self._cli = cli
        self._world = world
        self._random = random.Random(seed)
        self._children: list[subprocess.Popen[bytes]] = []
        self._faults: list[tuple[Callable[[], None], float]] = [
            (self.kill, 60),
            (self.stop, 12),
            (self.join, 16),
            (self.pause, 2),
            (self.kill_compaction, 6),
        ]

    def with_servers(self) -> "FaultyIngest":
        """Have the servers die now and then, too."""
        self._faults += [(self.kill_neo4j, 2), (self.kill_kafka, 2)]
        return self

    def run(self, values: list[bytes], faults: int) -> None:
        """Play events in pieces with a fault after each; the rest at the end, in peace."""
        ensure_topics(self._world.ingest, self._world.bootstrap_servers)
        work, weights = zip(*self._faults, strict=True)
        pieces = [values[at : at + PIECE] for at in range(0, len(values), PIECE)]
        for number in range(max(faults, len(pieces))):
            if number < len(pieces):
                replay(pieces[number], self._world.ingest.topic, self._world.bootstrap_servers)
            if number < faults:
                while len(self._children) < BOTH:
                    self._children.append(self._cli.start("ingest"))
                # starting takes 2 to 3 s: some faults hit that, some a batch, some a checkpoint
                time.sleep(self._random.uniform(0.2, 4.0))
                (fault,) = self._random.choices(work, weights)
                fault()
                self.happened[fault.__name__] += 1
                self._children = [child for child in self._children if child.poll() is None]
        while len(self._children) < BOTH:
            self._children.append(self._cli.start("ingest"))
        with self._world.store() as store:
            wait_until("the graph to catch up", lambda: is_caught_up(self._world, store), 300)

    def end(self) -> None:
        """Stop every process in peace."""
        for child in self._children:
            child.terminate()
        for child in self._children:
            # one that was still starting has no handler yet
            assert child.wait(60) in (0, -signal.SIGTERM)

    def kill(self) -> None:
        """One process, without a word."""
        child = self._random.choice(self._children)
        child.kill()
        child.wait()

    def stop(self) -> None:
        """One process, which may finish what it does."""
        child = self._random.choice(self._children)
        child.terminate()
        child.wait(60)

    def join(self) -> None:
        """One process more: partitions move."""
        self._children.append(self._cli.start("ingest"))
        if len(self._children) > BOTH + 1:
            self.kill()

    def pause(self) -> None:
        """One process sleeps until its partitions are somebody else's, and then goes on."""
        child = self._random.choice(self._children)
        child.send_signal(signal.SIGSTOP)
        time.sleep(14)
        child.send_signal(signal.SIGCONT)

    def kill_compaction(self) -> None:
        """A compaction of the archive, killed in its midst."""
        child = self._cli.start("archive", "compact")
        time.sleep(self._random.uniform(0.3, 3.0))
        child.kill()
        child.wait()

    def kill_neo4j(self) -> None:
        """The database, without a word, and again with an empty page cache."""
        _kill_java(self._cli.data_dir / "neo4j")
        start_neo4j(self._cli.data_dir)

    def kill_kafka(self) -> None:
        """The broker, without a word."""
        _kill_java(self._cli.data_dir / "kafka")
        start_kafka(self._cli.data_dir)


def state(world: World, store: GraphStore) -> dict[str, Any]:
    """Everything that must be equal after any faults: graph, archive and what was counted."""
    # how late an event was is between its time and the broker's: another day, another answer
    quality = store.run_schema(
        "MATCH (q:Quality) WHERE NOT q.measure IN ['late', 'late_day', 'future'] "
        "RETURN q.measure AS measure, sum(q.count) AS n ORDER BY measure"
    )
    return {
        "graph": graph_state(store),
        "archive": archived_events(world.archive()),
        "quality": [(row["measure"], row["n"]) for row in quality],
    }


def archived_events(archive: Archive) -> list[str]:
    """Each archived event once for each row that it has, without its place in the topic."""
    table = archive.state().drop_columns(["topic_id", "offset", "received_at"])
    archive.close()
    return sorted(str(row) for row in table.to_pylist())


def _kill_java(folder: Path) -> None:
    for process in psutil.process_iter(["name", "cwd"]):
        if process.info["name"] == "java" and process.info["cwd"] == str(folder):
            process.kill()
            process.wait(30)
            return
    raise AssertionError(f"no server runs in {folder}")
