"""`ringtrace up`: an event becomes a ring by itself, and nothing is left behind however it ends."""

import re
import signal
import subprocess
from pathlib import Path

import httpx
import psutil
import pytest

from tests.conftest import CommandLine, command_line, free_port, own_settings, wait_until
from tests.events import as_lines, ring


def processes_of(folder: Path) -> list[str]:
    """Command lines of living processes that name the folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if process.info["status"] != psutil.STATUS_ZOMBIE and any(str(folder) in w for w in words):
            found.append(" ".join(words)[:200])
    return found


@pytest.fixture
def up(tmp_path: Path) -> tuple[CommandLine, str]:
    """The command line of an empty folder and the address its page will have."""
    port = free_port()
    folder = tmp_path / "up"
    return command_line(folder, RINGTRACE_API_PORT=str(port)), f"http://127.0.0.1:{port}"


def is_ready(page: str) -> bool:
    try:
        return httpx.get(f"{page}/api/v1/ready", timeout=2).is_success
    except httpx.HTTPError:
        return False


def test_an_event_becomes_a_ring_and_ctrl_c_stops_everything(
    up: tuple[CommandLine, str], tmp_path: Path
) -> None:
    cli, page = up
    child = cli.start("up")
    try:
        wait_until("the page", lambda: is_ready(page), 90)
        assert own_settings(cli.data_dir).start_servers(origin=page) == [], "found the running ones"
        status = cli.run("servers", "status").stdout
        assert re.search(r"Neo4j +bolt://127\.0\.0\.1:\d+", status)
        events = tmp_path / "events.jsonl"
        events.write_bytes(as_lines(ring("a", 8, cards=1)))
        cli.run("replay", str(events))
        rings = f"{page}/api/v1/rings"
        wait_until("a ring", lambda: bool(httpx.get(rings, timeout=10).json()["rings"]), 60)
        found = httpx.get(rings, timeout=10).json()["rings"]
        assert [r["size"] for r in found] == [8]
    finally:
        child.send_signal(signal.SIGINT)
        try:
            code = child.wait(60)
        finally:
            child.kill()
    assert code == 0
    wait_until("the end of every process", lambda: not processes_of(cli.data_dir), 10)


@pytest.mark.long
def test_killed_outright_it_leaves_nothing_behind(up: tuple[CommandLine, str]) -> None:
    cli, page = up
    child = subprocess.Popen(
        cli.command("up"), env=cli.environment, stdout=subprocess.DEVNULL, cwd=Path.cwd()
    )
    try:
        wait_until("the page", lambda: is_ready(page), 90)
    finally:
        child.kill()
        child.wait()
    wait_until("the end of every process", lambda: not processes_of(cli.data_dir), 60)
