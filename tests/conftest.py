"""Fixtures: real servers in a folder of the test run, and the real command line.

Servers are started once in each process that runs tests, and stopped at its end. Tests that share
them keep apart by topics and account ids of their own; nobody empties a graph.
"""

import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from api.app import create_app
from api.settings import ApiSettings
from api.world import World
from graph.settings import GraphSettings, PrivacySettings
from graph.store import GraphStore
from ingest.consumer import progress
from ingest.settings import IngestSettings
from tests.events import as_lines

ROOT = Path(__file__).resolve().parents[1]
P2P = ROOT / "tests" / "data" / "p2p"


def own_settings(data_dir: Path, keys_file: Path | None = None, **ingest: object) -> World:
    """A world whose settings come from nowhere but here."""
    graph = GraphSettings(heap_size="1g", page_cache_size="256m")
    privacy = PrivacySettings(keys_file=keys_file)
    return World(data_dir, graph, IngestSettings(**ingest), privacy)  # type: ignore[arg-type]


@dataclass(frozen=True)
class CommandLine:
    """The real `ringtrace` for one data folder."""

    data_dir: Path
    environment: dict[str, str]

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "api", *arguments, "--data-dir", str(self.data_dir)]

    def run(
        self, *arguments: str, expect: int = 0, timeout: int = 590
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end; a wrong exit code or a stack trace fails the test."""
        done = subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=self.environment,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == expect, (arguments, done.stdout[-2000:], done.stderr[-2000:])
        assert "Traceback" not in done.stderr + done.stdout, done.stderr
        return done

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start and leave running; the caller ends it."""
        return subprocess.Popen(self.command(*arguments), cwd=ROOT, env=self.environment)


def command_line(data_dir: Path, **environment: str) -> CommandLine:
    """The command line without this shell's own Ringtrace settings."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RINGTRACE_")}
    return CommandLine(data_dir, clean | environment)


@contextmanager
def servers_of(cli: CommandLine) -> Iterator[None]:
    """The servers of its world, for as long as something is done with them."""
    cli.run("servers", "start")
    try:
        yield
    finally:
        cli.run("servers", "stop")


@contextmanager
def looked_at(cli: CommandLine, events: list[dict[str, Any]]) -> Iterator[None]:
    """The servers of its world, with these events in the graph and one run behind them."""
    file = cli.data_dir.with_name("events.jsonl")
    file.write_bytes(as_lines(events))
    with servers_of(cli):
        cli.run("replay", str(file), "--to", "graph")
        cli.run("detect")
        yield


def wait_until(what: str, is_true: Callable[[], bool], seconds: float = 120) -> None:
    """Poll until something holds; says what it waited for when it never does."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.2)


def is_caught_up(world: World, store: GraphStore) -> bool:
    """Whether every message of the world's topic is counted."""
    done, total = progress(store, world.ingest.topic, world.bootstrap_servers)
    return done == total


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a running Neo4j and Kafka."""
    data_dir = tmp_path_factory.mktemp("world")
    world = own_settings(data_dir)
    started = world.start_servers(origin="http://127.0.0.1:8000")
    yield data_dir
    world.stop_servers(started)


@pytest.fixture
def world(servers: Path) -> World:
    """The shared servers with topics of this test's own."""
    name = uuid.uuid4().hex[:12]
    settings = {"topic": f"test-{name}", "dead_letter_topic": f"test-{name}-dead"}
    return own_settings(servers, group_id=f"test-{name}", partitions=3, **settings)


@pytest.fixture
def store(servers: Path) -> Iterator[GraphStore]:
    """The shared graph."""
    with own_settings(servers).store() as store:
        yield store


@pytest.fixture
def cli(world: World) -> CommandLine:
    """The command line on this test's topics."""
    ingest = world.ingest
    return command_line(
        world.data_dir,
        RINGTRACE_INGEST_TOPIC=ingest.topic,
        RINGTRACE_INGEST_DEAD_LETTER_TOPIC=ingest.dead_letter_topic,
        RINGTRACE_INGEST_GROUP_ID=ingest.group_id,
        RINGTRACE_INGEST_PARTITIONS=str(ingest.partitions),
    )


@pytest.fixture
def prefix() -> str:
    """Start of this test's account ids."""
    return uuid.uuid4().hex[:10] + "-"


@pytest.fixture
def client(store: GraphStore) -> Iterator[httpx.Client]:
    """A client of the service."""
    port = free_port()
    app = create_app(store, ApiSettings())
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until("the service", lambda: server.started, 10)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        yield client
    server.should_exit = True
    thread.join()
