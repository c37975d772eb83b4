"""The explorer in a real browser, over hostile data that came the whole way from events."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from detection.pipeline import detect
from detection.settings import DetectionSettings
from graph.store import GraphStore
from tests.conftest import ROOT, CommandLine, command_line, free_port, wait_until
from tests.events import as_lines, event

HOSTILE = [
    "<img src=x onerror=window.__pwned=1>",
    "</script><script>window.__pwned=2</script>",
    "javascript:window.__pwned=3//href",
    "'\"`${window.__pwned=4}",
    "{{7*7}}{% raw %}",
    "\u202egnp.exe",
    "=HYPERLINK(1)",
    "a/b?c#d%2e..",
]
pytestmark = pytest.mark.extra


@pytest.fixture
def page(
    servers: Path, store: GraphStore, prefix: str, tmp_path: Path
) -> Iterator[tuple[str, str]]:
    """A running service, and the path of the page of a ring with 300 nodes around it."""
    cli = command_line(servers)
    path = tmp_path / "events.jsonl"
    path.write_bytes(as_lines(list(_big_ring(prefix))))
    cli.run("replay", str(path), "--to", "graph")
    run = detect(store, DetectionSettings())
    assert run is not None
    ring = max(run.rings, key=lambda ring: ring.size)
    port = free_port()
    child = CommandLine(servers, cli.environment).start("serve", "--port", str(port))
    base = f"http://127.0.0.1:{port}"
    try:
        wait_until("the page", lambda: _answers(f"{base}/api/v1/ready"), 30)
        yield base, f"/rings/{ring.ring_id}"
    finally:
        child.terminate()
        child.wait(30)


def _big_ring(prefix: str) -> Iterator[dict[str, Any]]:
    """120 accounts on six of eighteen cards each and on 180 shared devices: over 300 nodes."""
    chance = random.Random(0)
    for n in range(120):
        name = f"{prefix}{n:03}{HOSTILE[n % len(HOSTILE)]}"
        for m in range(3):
            pair = (n + m) % 120 // 2
            device = f"{prefix}d{m}-{pair}{HOSTILE[pair % len(HOSTILE)]}"
            yield event(name, 10 * n + m, device_id=device)
        for m in chance.sample(range(18), 6):
            card = f"{prefix}c{m}{HOSTILE[m % len(HOSTILE)]}"
            yield event(name, 10 * n + 5 + m, payment_instrument=card)


def test_a_picture_of_300_nodes_and_hostile_labels_do_nothing(
    page: tuple[str, str], tmp_path: Path
) -> None:
    modules = _playwright_core(tmp_path)
    shot = Path(os.environ.get("RINGTRACE_TEST_SCREENSHOT", tmp_path / "ring.png"))
    _walk(modules, page, shot)  # the browser's own first start is not the page's
    seen = _walk(modules, page, shot)
    sys.stdout.write(f"first picture after {seen['drawn_ms']} ms\n")
    assert seen["nodes"] == 300
    assert shot.stat().st_size > 20_000
    assert seen["why_sum"] == seen["score"] > 0
    assert "against it" in seen["innocent"]
    assert seen["moved_px"] == 0
    assert seen["undo_ok"]
    for name in ("console_errors", "csp_violations", "outside_requests", "dialogs"):
        assert seen[name] == [], name
    assert not seen["window_pwned"]


def _walk(modules: Path, page: tuple[str, str], shot: Path) -> dict[str, Any]:
    done = subprocess.run(
        [
            str(_driver() / "node"),
            str(ROOT / "tests" / "acceptance" / "explorer_browser.mjs"),
            "--modules",
            str(modules),
            *page,
            str(shot),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"RINGTRACE_TEST_CHROMIUM": _chromium()},
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def _driver() -> Path:
    import playwright

    return Path(str(playwright.__file__)).parent / "driver"


def _playwright_core(folder: Path) -> Path:
    modules = folder / "node_modules"
    modules.mkdir()
    (modules / "playwright-core").symlink_to(_driver() / "package")
    return folder


def _chromium() -> str:
    found = os.environ.get("RINGTRACE_TEST_CHROMIUM") or shutil.which("chromium")
    assert found, "this test needs a browser: install Debian's chromium"
    return found


def _answers(url: str) -> bool:
    import httpx

    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.HTTPError:
        return False
