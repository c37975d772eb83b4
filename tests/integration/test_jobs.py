"""Jobs by the clock on a real graph: who fails or is late is told of, and what runs missed."""

import json
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from detection import pipeline
from detection.calibration import Source, read_calibration
from detection.jobs import Job, _missed, run_jobs
from detection.nightly import FULL_PASS, full_pass, unexplained_changes
from detection.pipeline import detect
from detection.recalibration import recalibrate
from detection.settings import DetectionSettings
from graph.deny_list import DenyList
from graph.errors import StoreAwayError
from graph.jobs import JobState, expect, read_jobs, tell_late
from graph.outbox import HELD, due
from graph.store import GraphStore
from graph.times import DAY_MS, millis, now_ms
from graph.views import RingFilter, all_rings
from tests.conftest import CommandLine, command_line, looked_at, own_settings, wait_until
from tests.events import as_lines, event, ring

pytestmark = pytest.mark.long
SETTINGS, NOBODY = DetectionSettings(), DenyList()
NOW = 1_800_000_000_000


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """Two rings, found by a run."""
    folder = tmp_path_factory.mktemp("jobs")
    cli = command_line(folder / "world", RINGTRACE_GRAPH_HEAP_SIZE="1g")
    friends = [
        event(f"f{group:02}-{n}", group * 3 + n, device_id=f"f{group:02}")
        for group in range(60)
        for n in range(3)
    ]
    with looked_at(cli, ring("one", 8) + ring("two", 8) + friends):
        yield cli


@pytest.fixture
def store(cli: CommandLine) -> Iterator[GraphStore]:
    with own_settings(cli.data_dir).store() as store:
        yield store


def told(store: GraphStore, measure: str) -> list[dict[str, Any]]:
    bodies = [json.loads(each.body) for each in due(store, HELD, 1000)]
    return [body["data"] for body in bodies if body["data"].get("measure") == measure]


def play(cli: CommandLine, events: list[dict[str, Any]]) -> None:
    file = Path(cli.data_dir).with_name("more.jsonl")
    file.write_bytes(as_lines(events))
    cli.run("replay", str(file), "--to", "graph")


def spoil(store: GraphStore, account_id: str) -> None:
    """As if a run had left an account out of its ring."""
    store.run_schema(f"MATCH (:Account {{id: '{account_id}'}})-[m:MEMBER_OF]->() DELETE m")


def test_a_full_pass_tells_of_what_the_runs_did_not_find(store: GraphStore) -> None:
    assert full_pass(store, SETTINGS, NOBODY, NOW) == []
    assert full_pass(store, SETTINGS, NOBODY, NOW) == []
    assert told(store, "job_differences") == []
    spoil(store, "one003")
    (change,) = full_pass(store, SETTINGS, NOBODY, NOW)
    assert change.joined == ("one003",)
    (data,) = told(store, "job_differences")
    assert (data["job"], data["value"], data["ring_ids"]) == (FULL_PASS, 1, [change.ring_id])
    assert change.ring_id in data["text"]
    # it is repaired, too
    assert full_pass(store, SETTINGS, NOBODY, NOW) == []


def test_what_was_touched_or_is_judged_otherwise_is_no_difference(
    cli: CommandLine, store: GraphStore
) -> None:
    full_pass(store, SETTINGS, NOBODY, NOW)
    spoil(store, "one003")
    play(cli, [event("one005", 900, device_id="new")])
    assert unexplained_changes(store, SETTINGS, NOBODY) == []
    others = DetectionSettings(high_score=60, critical_score=61)
    spoil(store, "two003")
    assert full_pass(store, others, NOBODY, NOW + DAY_MS) == []
    spoil(store, "two003")
    assert full_pass(store, others, DenyList(account_ids=frozenset({"x"})), NOW + DAY_MS) == []
    days = {data["caused_by"]["at"][:10] for data in told(store, "job_differences")}
    assert len(days) <= 1


def test_what_comes_while_a_pass_is_reading_is_no_difference(
    cli: CommandLine, store: GraphStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, numbers = pipeline.look_at_all, count(2_000)

    def look_late(*arguments: Any) -> Any:
        # its notes were read before
        play(
            cli, [event("two007", next(numbers), device_id="one002's"), event("late", 1, type="x")]
        )
        play(cli, [event(f"two{n:03}", next(numbers), device_id="fresh") for n in (1, 7)])
        play(cli, [event("late", next(numbers), device_id="twodevice0")])
        return look(*arguments)

    monkeypatch.setattr(pipeline, "look_at_all", look_late)
    run_before = detect(store, SETTINGS)
    assert run_before is None or run_before.run_id
    assert unexplained_changes(store, SETTINGS, NOBODY) == []
    (after,) = [ring for ring in all_rings(store, RingFilter()) if "late" in ring.account_ids]
    assert "two000" in after.account_ids


def test_a_pass_that_was_cut_short_is_missed() -> None:
    at = CronTrigger(hour=3, minute=6, timezone=UTC)
    job = Job(FULL_PASS, int, at, 27 * 3600, "rings", is_first=False)

    def missed(now: str, succeeded: str | None, due: str) -> bool:
        ms = {
            t: millis(datetime.fromisoformat(t + ":00+00:00")) for t in (now, succeeded, due) if t
        }
        state = JobState(FULL_PASS, ms[due], ms.get(succeeded or ""), None, None, None, None)
        return _missed(job, {FULL_PASS: state}, ms[now])

    assert not _missed(job, {}, NOW)
    well = "2026-03-04T03:09", "2026-03-05T06:09"
    assert not missed("2026-03-04T12:00", *well)
    assert not missed("2026-03-05T03:05", *well)
    assert missed("2026-03-05T03:08", *well)
    assert missed("2026-03-09T03:08", *well)
    # registered the day before, and never well
    assert missed("2026-03-05T03:08", None, "2026-03-05T15:00")
    assert not missed("2026-03-05T03:00", None, "2026-03-05T15:00")


def test_a_service_that_begins_again_and_again_is_late_all_the_same(store: GraphStore) -> None:
    def away() -> None:
        raise StoreAwayError("as if killed")

    job = Job("never", away, CronTrigger(hour=3, timezone=UTC), 60, "lane", is_first=False)
    expect(store, "never", 5)
    for _ in range(2):
        stop = threading.Event()
        threading.Timer(2, stop.set).start()
        run_jobs(store, [job], stop)
    assert "never" in tell_late(store, 6)


def test_a_job_that_fails_is_told_once_and_does_not_end_the_others(store: GraphStore) -> None:
    stop, turns = threading.Event(), {"bad": 0, "good": 0, "away": 0}

    def bad() -> None:
        turns["bad"] += 1
        raise ValueError("secret of ann@example.org")

    def good() -> None:
        turns["good"] += 1

    def away() -> None:
        turns["away"] += 1
        if turns["away"] < 3:
            raise StoreAwayError("the graph is away")

    often = IntervalTrigger(seconds=0.1)
    jobs = [
        Job(name, work, often, 60, "lane")
        for name, work in (("bad", bad), ("good", good), ("away", away))
    ]
    thread = threading.Thread(target=run_jobs, args=(store, jobs, stop))
    thread.start()
    wait_until("turns", lambda: min(turns.values()) > 3)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    states = {job.name: job for job in read_jobs(store)}
    assert states["good"].succeeded_at
    assert states["away"].succeeded_at
    assert states["bad"].succeeded_at is None
    assert states["bad"].failure == "ValueError"
    (data,) = [data for data in told(store, "job_failed") if data["job"] == "bad"]
    assert "ValueError" in data["text"]
    assert "ann" not in data["text"]


def test_a_service_that_was_killed_is_missed(cli: CommandLine, store: GraphStore) -> None:
    service = cli.start("detect", "--every", "1")
    names = {"runs", "events", "quality", "drift", "calibration", FULL_PASS}
    try:
        wait_until(
            "the jobs",
            lambda: names - {FULL_PASS} <= {j.name for j in read_jobs(store) if j.succeeded_at},
        )
        shown = cli.run("jobs").stdout
        assert all(name in shown for name in names)
        # the nightly pass waits for its hour
        assert not any(j.succeeded_at for j in read_jobs(store) if j.name == FULL_PASS)
    finally:
        service.send_signal(signal.SIGKILL)
        service.wait()
    now = now_ms()
    assert not names & set(tell_late(store, now))
    assert not names & {data["job"] for data in told(store, "job_late")}
    for later in (DAY_MS, DAY_MS + 1):
        assert "runs" in tell_late(store, now + later)
    late = [data for data in told(store, "job_late") if data["job"] == "runs"]
    assert len(late) == 1
    assert "the job runs is late: it went well 20" in late[0]["text"]


def test_a_pass_that_was_missed_is_made_up_for(cli: CommandLine, store: GraphStore) -> None:
    store.run_schema("MATCH (j:Job {name: 'full_pass'}) SET j.due_by = 1, j.succeeded_at = null")
    service = cli.start("detect", "--every", "1")
    try:
        wait_until(
            "the pass",
            lambda: any(j.name == FULL_PASS and j.succeeded_at for j in read_jobs(store)),
        )
    finally:
        service.terminate()
        assert service.wait(60) == 0


def test_thresholds_follow_what_is_said_of_drawn_rings(store: GraphStore, cli: CommandLine) -> None:
    cli.run("calibrate", "--sample", "62")
    assert recalibrate(store, NOW) is None
    ids = [row["ring_id"] for row in store.read("cases/drawn_rings")]
    said = "MATCH (r:Ring {id: '%s'}) SET r.disposed_at = %d CREATE (:Disposition {id: '%s', "
    said += "at: r.disposed_at, disposition: 'dismissed', excluded_account_ids: []})-[:ABOUT]->(r)"
    for ring_id in ids[:50]:
        store.run_schema(said % (ring_id, NOW - 5, ring_id))
    made = recalibrate(store, NOW)
    assert made is not None
    assert (made.source, made.at) == (Source.DISPOSITIONS, NOW)
    assert read_calibration(store) == made
    # nothing new was said; then something, but messages are held back
    assert recalibrate(store, NOW + 1) is None
    store.run_schema(said % (ids[50], NOW + 2, ids[50]))
    frozen = "MATCH (c:Calibration) SET c.frozen_at = %s"
    store.run_schema(frozen % "1")
    assert recalibrate(store, NOW + 3) is None
    store.run_schema(frozen % "null")
    assert recalibrate(store, NOW + 3) is not None
