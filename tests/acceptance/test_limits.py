"""A graph short of memory for a batch, and a full disk under the archive: nothing is lost."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest

from api.world import World
from graph import local
from ingest.simulate import Simulation, simulate
from tests.conftest import CommandLine, command_line, is_caught_up, own_settings, wait_until
from tests.faults import archived_events

EVENTS = 10_000


@contextmanager
def ingesting(cli: CommandLine, world: World) -> Iterator[Path]:
    """A running ingest of a file of simulated events; where its log is."""
    events, log = cli.data_dir / "events.jsonl", cli.data_dir / "ingest.log"
    values = islice(simulate(Simulation(accounts=2_000, days=12, seed=3)), EVENTS)
    events.write_bytes(b"".join(value + b"\n" for value in values))
    cli.run("replay", str(events))
    with log.open("wb") as errors:
        child = subprocess.Popen(cli.command("ingest"), env=cli.environment, stderr=errors)
    try:
        yield log
        assert child.poll() is None
    finally:
        child.terminate()
        code = child.wait(60)
    assert code == 0
    assert "Traceback" not in log.read_text()
    with world.store() as store:
        assert is_caught_up(world, store)
    archive = archived_events(world.archive())
    assert len(archive) == len(set(archive))
    assert len(archive) == _counted(world)


@pytest.mark.long
def test_a_batch_beyond_the_memory_of_a_transaction_is_halved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "_SETTINGS", local._SETTINGS + "db.memory.transaction.max=6m\n")
    cli = command_line(tmp_path / "world")
    world = own_settings(cli.data_dir)
    started = world.start_servers(origin="http://127.0.0.1:8000")
    try:
        with ingesting(cli, world) as log, world.store() as store:
            wait_until("the graph", lambda: is_caught_up(world, store), 120)
        assert "trying smaller ones" in log.read_text()
    finally:
        world.stop_servers(started)


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_under_the_archive_is_waited_for(tmp_path: Path) -> None:
    cli = command_line(tmp_path / "world", RINGTRACE_INGEST_CHECKPOINT_SECONDS="1")
    world = own_settings(cli.data_dir)
    disk = cli.data_dir / "archive"
    disk.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=150k", "tmpfs", str(disk)]
    subprocess.run(mount, check=True)
    started = world.start_servers(origin="http://127.0.0.1:8000")
    try:
        with ingesting(cli, world) as log, world.store() as store:
            wait_until("the full disk", lambda: "the archive" in log.read_text(), 60)
            assert not is_caught_up(world, store)
            subprocess.run(["mount", "-o", "remount,size=100m", str(disk)], check=True)
            wait_until("the graph", lambda: is_caught_up(world, store), 120)
            counted = _counted(world)
            wait_until("the archive", lambda: len(archived_events(world.archive())) == counted)
        lines = [line for line in log.read_text().splitlines() if "archive" in line]
        # one when it was full, one when it was back
        assert len(lines) == 2, lines
    finally:
        world.stop_servers(started)
        subprocess.run(["umount", str(disk)], check=True)


def _counted(world: World) -> int:
    with world.store() as store:
        rows = store.run_schema("MATCH (a:Account) RETURN sum(a.event_count) AS n")
    return int(rows[0]["n"])
