"""Detection over the real graph, and the webhook that comes out of it."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from detection.engines import community_finder
from detection.pipeline import Run, detect
from detection.settings import DetectionSettings
from graph.model import ChangeKind, Ring, RingStatus
from graph.store import GraphStore
from graph.views import RingFilter, all_rings, get_account, get_ring
from tests.conftest import CommandLine, wait_until
from tests.events import as_lines, event, ring

SETTINGS = DetectionSettings()
KEY = b"0123456789abcdef0123456789abcdef"


def play(cli: CommandLine, folder: Path, events: list[dict[str, Any]]) -> None:
    path = folder / "events.jsonl"
    path.write_bytes(as_lines(events))
    cli.run("replay", str(path), "--to", "graph")


def mine(run: Run | None, prefix: str) -> list[Ring]:
    assert run is not None
    return [ring for ring in run.rings if ring.account_ids[0].startswith(prefix)]


def test_a_ring_is_found_scored_kept_and_grows(
    cli: CommandLine, store: GraphStore, prefix: str, tmp_path: Path
) -> None:
    play(cli, tmp_path, ring(prefix, 6))
    (first,) = mine(detect(store, SETTINGS), prefix)
    assert first.size == 6
    assert sum(reason.points for reason in first.reasons) == first.risk_score
    assert {"shared_instrument", "shared_device", "new_account_burst"} <= {
        reason.code for reason in first.reasons
    }
    assert get_ring(store, first.ring_id)[0] == first
    account = get_account(store, f"{prefix}000")
    assert account.ring_ids == (first.ring_id,)
    assert account.risk_score == first.risk_score
    assert {flag.rule for flag in account.flags} >= {"shared_device", "shared_instrument"}

    play(cli, tmp_path, ring(prefix, 8)[18:])
    run = detect(store, SETTINGS)
    (second,) = mine(run, prefix)
    assert second.ring_id == first.ring_id
    assert second.size == 8
    assert run is not None
    changes = [c for c in run.changes if c.ring_id == first.ring_id]
    assert [(c.kind, c.joined) for c in changes] == [
        (ChangeKind.GREW, (f"{prefix}006", f"{prefix}007"))
    ]
    assert detect(store, SETTINGS) is None


def test_a_run_over_what_was_touched_equals_a_full_one(
    cli: CommandLine, store: GraphStore, prefix: str, tmp_path: Path
) -> None:
    for number in range(3):
        play(cli, tmp_path, ring(f"{prefix}{number}-", 5 + number))
        detect(store, SETTINGS)
    before = list(all_rings(store, RingFilter()))
    assert detect(store, SETTINGS, full=True) is not None
    after = list(all_rings(store, RingFilter()))
    assert [r for r in after if r.account_ids[0].startswith(prefix)] == [
        r for r in before if r.account_ids[0].startswith(prefix)
    ]


def test_two_rings_that_join_become_one_and_the_other_id_leads_to_it(
    cli: CommandLine, store: GraphStore, prefix: str, tmp_path: Path
) -> None:
    left, right = ring(f"{prefix}l", 5), ring(f"{prefix}r", 4)
    play(cli, tmp_path, left + right)
    rings = mine(detect(store, SETTINGS), prefix)
    assert len(rings) == 2
    names = [f"{prefix}l{n:03}" for n in range(5)] + [f"{prefix}r{n:03}" for n in range(4)]
    joined = [
        event(name, 100 + n, payment_instrument=f"{prefix}joined{card}", device_id=f"{prefix}j")
        for n, name in enumerate(names)
        for card in range(1)
    ]
    play(cli, tmp_path, joined)
    (one,) = mine(detect(store, SETTINGS), prefix)
    assert one.size == 9
    (gone,) = {r.ring_id for r in rings} - {one.ring_id}
    ended, heir = get_ring(store, gone)
    assert (ended.status, heir) == (RingStatus.MERGED, one.ring_id)


def test_an_identifier_that_becomes_a_hub_lets_its_ring_lapse(
    cli: CommandLine, store: GraphStore, prefix: str, tmp_path: Path
) -> None:
    few = [event(f"{prefix}{n:03}", n, device_id=f"{prefix}kiosk") for n in range(6)]
    play(cli, tmp_path, few)
    (first,) = mine(detect(store, SETTINGS), prefix)
    many = [event(f"{prefix}{n:03}", n, device_id=f"{prefix}kiosk") for n in range(6, 60)]
    play(cli, tmp_path, many)
    assert mine(detect(store, SETTINGS), prefix) == []
    assert get_ring(store, first.ring_id)[0].status is RingStatus.LAPSED
    flags = get_account(store, f"{prefix}000").flags
    assert [flag.rule for flag in flags] == ["crowded_identifier"]


@contextmanager
def receiver(statuses: list[int]) -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A real HTTP server that keeps what it gets; it answers with the statuses, then with 204."""
    got: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(statuses.pop(0) if statuses else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_new_high_ring_reaches_the_webhook_signed_and_is_tried_again(
    cli: CommandLine, store: GraphStore, prefix: str, tmp_path: Path
) -> None:
    play(cli, tmp_path, ring(prefix, 12, devices=2, cards=1))
    (found,) = mine(detect(store, SETTINGS), prefix)
    assert found.risk_level in ("high", "critical")
    with receiver([500]) as (url, got):
        environment = cli.environment | {
            "RINGTRACE_ESCALATION_WEBHOOK_URL": url,
            "RINGTRACE_ESCALATION_WEBHOOK_SECRET": "whsec_" + base64.b64encode(KEY).decode(),
            "RINGTRACE_ESCALATION_ALLOW_PRIVATE_ADDRESSES": "true",
        }
        child = CommandLine(cli.data_dir, environment).start("deliver")
        try:
            bodies: list[dict[str, Any]] = []

            def arrived() -> bool:
                bodies[:] = [json.loads(body) for _, body in got]
                ids = [h["webhook-id"] for h, body in got if found.ring_id.encode() in body]
                # the first try was refused: the same message comes again under the same id
                return got[0][0]["webhook-id"] in [h["webhook-id"] for h, _ in got[1:]] and bool(
                    ids
                )

            wait_until("the webhook", lambda: len(got) > 1 and arrived(), 60)
        finally:
            child.terminate()
            assert child.wait(30) == 0
    assert len({h["webhook-id"] for h, _ in got}) == len(got) - 1
    for headers, body in got:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        digest = hmac.new(KEY, signed, hashlib.sha256).digest()
        assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
        assert len(body) < 20_000
    body = next(b for b in bodies if b["data"].get("ring_id") == found.ring_id)
    assert body["type"] == "ring.alerted"
    assert body["data"]["sequence"] == 1
    assert sum(r["points"] for r in body["data"]["reasons"]) == body["data"]["risk_score"]


def test_a_private_receiver_is_refused(cli: CommandLine) -> None:
    environment = cli.environment | {
        "RINGTRACE_ESCALATION_WEBHOOK_URL": "http://169.254.169.254/latest",
        "RINGTRACE_ESCALATION_WEBHOOK_SECRET": "whsec_" + base64.b64encode(KEY).decode(),
    }
    done = CommandLine(cli.data_dir, environment).run("deliver", expect=1)
    assert "private network" in done.stderr


@pytest.mark.parametrize("engine", ["leiden", "louvain"])
def test_both_engines_find_a_clear_ring(
    cli: CommandLine, store: GraphStore, prefix: str, tmp_path: Path, engine: str
) -> None:
    play(cli, tmp_path, ring(prefix, 6, devices=1, cards=1))
    (found,) = mine(detect(store, DetectionSettings(engine=engine)), prefix)  # type: ignore[arg-type]
    assert found.size == 6


def test_the_settings_choose_the_engine(store: GraphStore) -> None:
    def version(settings: DetectionSettings) -> str:
        return community_finder(settings, store).version

    assert version(DetectionSettings(engine="louvain")) == "louvain"
    assert version(DetectionSettings(engine="leiden", resolution=0.2)) == "leiden-cpm-0.2"


@pytest.mark.parametrize("engine", ["gds-leiden", "gds-louvain"])
def test_an_engine_that_the_server_lacks_is_one_line_that_says_what_to_do(
    cli: CommandLine, engine: str
) -> None:
    environment = cli.environment | {"RINGTRACE_DETECTION_ENGINE": engine}
    done = CommandLine(cli.data_dir, environment).run("detect", expect=1)
    assert len(done.stderr.splitlines()) == 1
    assert "RINGTRACE_GRAPH_GDS=true" in done.stderr


def test_a_ring_that_lapsed_and_comes_back_gets_another_id(
    cli: CommandLine, store: GraphStore, prefix: str, tmp_path: Path
) -> None:
    events = ring(prefix, 12, devices=1, cards=1)
    play(cli, tmp_path, events)
    (first,) = mine(detect(store, SETTINGS), prefix)
    more = [
        event(f"{prefix}x{n:03}", 500 + n, device_id=f"{prefix}device0", payment_instrument=card)
        for n, card in enumerate([f"{prefix}card0"] * 45)
    ]
    play(cli, tmp_path, more)
    assert mine(detect(store, SETTINGS), prefix) == []
    again = [
        event(f"{prefix}{n:03}", 900 + n, payment_instrument=f"{prefix}new") for n in range(12)
    ]
    play(cli, tmp_path, again)
    run = detect(store, SETTINGS)
    (second,) = mine(run, prefix)
    assert second.account_ids == first.account_ids
    assert second.ring_id != first.ring_id
    assert get_ring(store, first.ring_id)[0].status is RingStatus.LAPSED
