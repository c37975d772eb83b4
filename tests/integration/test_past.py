"""As of a time: the archive gives what a run at that time gave, ids and all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.times import rfc3339
from tests.conftest import CommandLine, command_line, own_settings
from tests.events import START, as_lines, event, ring

pytestmark = pytest.mark.long
LATER = 3 * 24 * 60


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    world = own_settings(tmp_path_factory.mktemp("past"))
    started = world.start_servers(origin="http://127.0.0.1:8000")
    yield command_line(world.data_dir)
    world.stop_servers(started)


def test_as_of_is_what_a_run_then_gave(line: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    family = [event(f"f{n}", 50 + n, device_id="tablet", ip="192.0.2.7") for n in range(3)]
    first = [*ring("r", 6), *ring("s", 9), *family]
    path.write_bytes(as_lines(first))
    line.run("replay", str(path), "--to", "graph")
    line.run("detect", "--full")
    then = [line.run(what, "--format", "jsonl").stdout for what in ("rings", "accounts")]
    assert len(then[0].splitlines()) == 3

    kiosk = [event(f"k{n:02}", LATER + n, device_id="rdevice0") for n in range(60)]
    path.write_bytes(
        as_lines([*kiosk, family[0] | {"event_id": "x", "occurred_at": START + LATER * 60_000}])
    )
    line.run("replay", str(path), "--to", "graph")
    line.run("detect", "--full")
    assert line.run("rings", "--format", "jsonl").stdout != then[0]

    at = max(e["occurred_at"] for e in first)
    assert at < START + LATER * 60_000
    for what, expected in zip(("rings", "accounts"), then, strict=True):
        assert line.run(what, "--as-of", str(rfc3339(at)), "--format", "jsonl").stdout == expected


def test_a_time_that_is_none_is_a_wrong_call(line: CommandLine) -> None:
    done = line.run("rings", "--as-of", "yesterday", expect=2)
    assert "is no time" in done.stderr
