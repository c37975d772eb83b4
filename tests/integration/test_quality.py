"""Data quality by hour, its alerts, and the metrics of running processes."""

import csv
import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.world import World
from graph.outbox import due
from graph.quality import GRACE_MS, KEPT_DAYS, check_quality, read_hours
from graph.store import GraphStore
from graph.times import DAY_MS, HOUR_MS, now_ms
from ingest.consumer import ensure_topics
from ingest.quality import Counts, hour, rows
from ingest.replay import replay
from tests.conftest import CommandLine, free_port, wait_until
from tests.events import event
from tests.integration.test_ingest import run

FOREVER = 2**53


def save(store: GraphStore, counts: Counts, source: str = "test/0") -> None:
    store.write(lambda tx: tx.run("ingest/save_quality", rows=rows(counts), source=source))


def totals(store: GraphStore) -> Counter[str]:
    found: Counter[str] = Counter()
    for counts in read_hours(store, 0, FOREVER).values():
        found.update(counts)
    return found


@pytest.fixture
def noon() -> int:
    """An hour of this test's own: in a far year, so that no clock comes by."""
    return 4_102_444_800_000 + random.randrange(5_000) * 400 * DAY_MS + 12 * HOUR_MS


@contextmanager
def serving(cli: CommandLine) -> Iterator[httpx.Client]:
    """A client of a running `ringtrace serve`."""
    port = free_port()
    child = cli.start("serve", "--port", str(port))
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            wait_until("the service", lambda: answers(client, "/api/v1/ready"), 60)
            yield client
    finally:
        child.terminate()
        child.wait(60)


def answers(client: httpx.Client, path: str) -> bool:
    try:
        return client.get(path).is_success
    except httpx.TransportError:
        return False


def samples(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_came_in_is_counted_exactly_once(world: World, store: GraphStore, prefix: str) -> None:
    ensure_topics(world.ingest, world.bootstrap_servers)
    now = now_ms()
    good = [
        json.dumps(event(f"{prefix}{n % 7}", n, occurred_at=now, device_id=f"{prefix}d{n}"))
        for n in range(40)
    ]
    late = json.dumps(event(f"{prefix}0", 100, occurred_at=now - 2 * HOUR_MS, type="made_up"))
    values = [text.encode() for text in (*good, *good[:5], late, "{", "")]
    before = totals(store)
    replay(values, world.ingest.topic, world.bootstrap_servers)
    run(world, store)
    first = totals(store)
    expected = Counter(
        {
            "events": 41,
            "type:login": 40,
            "type:other": 1,
            "late": 1,
            "duplicate": 5,
            "missing:device_id": 1,
            "missing:ip": 41,
            "missing:country": 41,
            "used:device": 40,
            "new:device": 40,
            "dead:invalid_json": 1,
            "dead:empty": 1,
        }
    )
    assert first - before == expected
    replay(values, world.ingest.topic, world.bootstrap_servers)
    run(world, store)
    again = Counter({"duplicate": 46, "dead:invalid_json": 1, "dead:empty": 1})
    assert totals(store) - first == again


def test_a_breach_goes_out_once_a_measure_and_day(
    store: GraphStore, noon: int, prefix: str
) -> None:
    measure = f"dead:{prefix}x"
    quiet: Counts = {}
    for at in range(noon - 5 * DAY_MS, noon + 2 * DAY_MS, HOUR_MS):
        quiet[at, "events"] = 1_000
    save(store, quiet)
    for at in (noon, noon + HOUR_MS, noon + DAY_MS):
        save(store, {(at, measure): 250})

    def sent() -> list[dict[str, object]]:
        found = [each for each in due(store, FOREVER, 10_000) if measure in each.id]
        assert {each.event_type for each in found} <= {"service.degraded"}
        assert all(len(each.body.encode()) < 20_000 for each in found)
        return [json.loads(each.body) for each in found]

    assert check_quality(store, noon + GRACE_MS) == []
    assert sent() == []
    for at in (noon, noon + HOUR_MS):
        now = at + HOUR_MS + GRACE_MS
        for again in range(2):
            (breach,) = check_quality(store, now + again)
            assert (breach.measure, breach.hour, breach.value) == (measure, at, 0.2)
    (body,) = sent()
    assert body["type"] == "service.degraded"
    data = body["data"]
    assert isinstance(data, dict)
    assert (data["measure"], data["value"], data["usual"], data["days"]) == (measure, 0.2, 0, 5)
    assert "20.0 % of 1,250 messages were dead letters" in str(data["text"])
    check_quality(store, noon + DAY_MS + HOUR_MS + GRACE_MS)
    assert len(sent()) == 2


def test_old_hours_are_forgotten(store: GraphStore, noon: int) -> None:
    now = noon + KEPT_DAYS * DAY_MS
    save(store, {(noon - HOUR_MS, "events"): 1, (noon, "events"): 1, (now, "events"): 3})
    save(store, {(noon, "events"): 1}, "test/1")
    check_quality(store, now)
    assert read_hours(store, noon - HOUR_MS, now + 1) == {noon: {"events": 2}, now: {"events": 3}}


def test_command_and_rest_show_the_same(cli: CommandLine, store: GraphStore, prefix: str) -> None:
    measure, present = f"dead:{prefix}y", hour(now_ms())
    save(store, {(present, "events"): 120, (present - HOUR_MS, measure): 30})
    lines = [
        json.loads(line) for line in cli.run("quality", "--format", "jsonl").stdout.split("\n")[:-1]
    ]
    assert 2 <= len(lines) <= 25
    found = {line["hour"]: line for line in lines}
    assert [line["counts"][measure] for line in lines if measure in line["counts"]] == [30]
    table = cli.run("quality").stdout
    assert "not as usual" in table
    written = csv.DictReader(cli.run("quality", "--format", "csv").stdout.splitlines())
    assert [row["count"] for row in written if row["measure"] == measure] == ["30"]
    with serving(cli) as client:
        shown = client.get("/api/v1/quality").json()["hours"]
        assert {line["hour"]: line for line in shown if line["hour"] in found} == found
        assert len(client.get("/api/v1/quality?hours=1").json()["hours"]) == 1
        assert client.get("/api/v1/quality?hours=0").status_code == 422


def test_the_service_shows_its_metrics_and_what_the_graph_knows(
    cli: CommandLine, world: World, store: GraphStore, prefix: str
) -> None:
    ensure_topics(world.ingest, world.bootstrap_servers)
    value = json.dumps(event(f"{prefix}a", 1)).encode()
    replay([value] * 3, world.ingest.topic, world.bootstrap_servers)
    run(world, store)
    complete = hour(now_ms() - GRACE_MS) - HOUR_MS
    save(store, {(complete, f"dead:{prefix}z"): 7})
    with serving(cli) as client:
        client.get("/api/v1/rings/none")
        client.get("/api/v1/rings/nothing")
        client.get(f"/{prefix}")
        client.request("BREW", "/api/v1/health")
        answer = client.get("/api/v1/metrics")
        assert answer.headers["content-type"].startswith("text/plain")
        found = samples(answer.text)
    requests = "ringtrace_http_requests_total"
    assert found[requests, "GET", "/api/v1/rings/{ring_id}", "404"] == 2
    assert found[requests, "GET", "other", "404"] == 1
    assert found[requests, "other", "/api/v1/health", "405"] == 1
    assert found["ringtrace_http_request_seconds_count", "GET", "/api/v1/rings/{ring_id}"] == 2
    assert found["ringtrace_graph_up",] == 1
    assert found["ringtrace_last_hour", f"dead:{prefix}z"] == 7
    offsets = [
        v
        for name, v in found.items()
        if name[0] == "ringtrace_position_offset" and world.ingest.topic in name
    ]
    assert sum(offsets) == 3
    assert {"waiting", "failed"} == {n[1] for n in found if n[0] == "ringtrace_outbox_messages"}
    assert found["process_resident_memory_bytes",] > 1_000_000


def test_a_stage_shows_its_own_metrics(cli: CommandLine) -> None:
    port = free_port()
    stage = CommandLine(cli.data_dir, cli.environment | {"RINGTRACE_METRICS_PORT": str(port)})
    child = stage.start("ingest")
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            wait_until("the metrics", lambda: answers(client, "/metrics"), 60)
            found = samples(client.get("/metrics").text)
        assert found["ringtrace_events_total",] == 0
        assert child.poll() is None
    finally:
        child.terminate()
        code = child.wait(60)
    assert code == 0
    wrong = CommandLine(
        cli.data_dir,
        cli.environment
        | {"RINGTRACE_METRICS_HOST": "192.0.2.1"}
        | {"RINGTRACE_METRICS_PORT": str(port)},
    )
    assert "metrics cannot be shown" in wrong.run("ingest", expect=1).stderr
