"""From rings that are none to a threshold, to alerts that say how sure they are, to the freeze."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from detection.calibration import Source, read_calibration, simulated
from detection.drift import watch_drift
from graph.outbox import HELD, due
from graph.store import GraphStore
from graph.views import list_alerts
from tests.conftest import CommandLine, command_line, looked_at, own_settings
from tests.events import as_lines, event, ring

pytestmark = pytest.mark.long
FRIENDS = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Sixty groups of three with a device in common, which are no rings, and who is in them."""
    folder = tmp_path_factory.mktemp("calibration")
    friends = [f"f{group:02}-{n}" for group in range(FRIENDS) for n in range(3)]
    events = [event(a, n, device_id=a.partition("-")[0]) for n, a in enumerate(friends)]
    (folder / "ring.jsonl").write_bytes(as_lines(ring("bad", 12)))
    with (folder / "truth.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["account_id", "label"])
        rows.writerows([account, 0] for account in friends)
        rows.writerows([f"bad{n:03}", 1] for n in range(12))
    with looked_at(command(folder), events):
        yield folder


def command(folder: Path) -> CommandLine:
    return command_line(folder / "world", RINGTRACE_GRAPH_HEAP_SIZE="1g")


@pytest.fixture(scope="module")
def store(folder: Path) -> Iterator[GraphStore]:
    with own_settings(folder / "world").store() as store:
        yield store


def words(text: str) -> str:
    return " ".join(text.split())


def test_rings_that_were_drawn_and_dismissed_set_the_threshold(
    folder: Path, store: GraphStore
) -> None:
    cli = command(folder)
    assert "no rings were drawn yet" in cli.run("calibrate", expect=1).stderr
    assert read_calibration(store) == simulated()
    drawn = words(cli.run("calibrate", "--sample", "50").stdout)
    ids = [row["ring_id"] for row in store.read("cases/drawn_rings")]
    assert len(ids) == 50
    assert all(ring_id in drawn for ring_id in ids)
    for ring_id in ids[:2]:
        cli.run("dispose", ring_id, "--as", "dismissed", "--reason", "friends")
    said = words(cli.run("calibrate").stdout)
    assert "50 open rings were drawn, 48 of them wait to be judged" in said
    assert "2 benign rings are too few" in said
    assert read_calibration(store) == simulated()
    # one that nobody drew says nothing
    other = next(row["ring_id"] for row in store.read("cases/undrawn_rings"))
    cli.run("dispose", other, "--as", "dismissed", "--reason", "friends")
    assert "50 open rings were drawn, 48" in words(cli.run("calibrate").stdout)
    # as if the others had been judged by hand, too
    at = "MATCH (r:Ring {id: '%s'}) SET r.disposed_at = 7 CREATE (:Disposition {id: '%s', at: 7, "
    at += "disposition: 'dismissed', excluded_account_ids: []})-[:ABOUT]->(r)"
    for ring_id in ids[2:]:
        store.run_schema(at % (ring_id, ring_id))
    said = words(cli.run("calibrate").stdout)
    found = read_calibration(store)
    assert (found.source, found.count) == (Source.DISPOSITIONS, 50)
    assert sum(found.everybody) >= FRIENDS - 1
    assert f"threshold {found.threshold} by 50 benign rings (dispositions" in said
    # what was judged before can be drawn, too
    drawn = words(cli.run("calibrate", "--sample", "99").stdout)
    assert other in drawn
    assert "dismissed" in drawn
    # those that wait to be judged are taken for benign
    cli.run("calibrate")
    assert read_calibration(store).count == len(store.read("cases/drawn_rings")) >= FRIENDS
    assert "not drawn before" in words(cli.run("calibrate", "--sample", "1", expect=1).stderr)


def test_alerts_say_how_seldom_a_benign_ring_scores_so_high(
    folder: Path, store: GraphStore
) -> None:
    cli, figures = command(folder), folder / "figures.json"
    cli.run("calibrate", "--truth", str(folder / "truth.csv"), "--json", str(figures))
    found = read_calibration(store)
    assert (found.source, found.is_calibrated) == (Source.TRUTH, True)
    assert json.loads(figures.read_text())["benign"] == list(found.benign)
    cli.run("replay", str(folder / "ring.jsonl"), "--to", "graph")
    cli.run("detect")
    (alert,) = list_alerts(store, None, 10)
    assert alert.calibration == found.says(alert.risk_score) != "not calibrated"
    (message,) = due(store, HELD - 1, 10)
    assert json.loads(message.body)["data"]["calibration"] == alert.calibration
    cli.run("evaluate", "--truth", str(folder / "truth.csv"), "--json", str(figures))
    measured = json.loads(figures.read_text())
    assert (measured["calibrated"], measured["threshold"]) == (True, found.threshold)
    assert measured["benign_rings"] == found.count
    assert measured["benign_share_at_threshold"] <= measured["benign_share_bound"]
    assert measured["recall_at_threshold"] == 1.0


def test_when_rings_score_otherwise_nobody_is_called_but_once(
    folder: Path, store: GraphStore
) -> None:
    now = 1_800_000_000_000
    index = watch_drift(store, now)
    assert index is not None
    assert index < 0.25
    assert not read_calibration(store).is_frozen
    # all rings get forty points more than when it was made
    more = "MATCH (r:Ring {status: 'open'}) SET r.risk_score = r.risk_score %s 40"
    store.run_schema(more % "+")
    messages = len(due(store, HELD - 1, 100))
    for minute in range(3):
        index = watch_drift(store, now + minute)
        assert index is not None
        assert index > 0.25
    assert read_calibration(store).is_frozen
    frozen = due(store, HELD - 1, 100)
    assert [each.event_type for each in frozen[messages:]] == ["service.degraded"]
    assert "alerts are listed" in frozen[-1].body
    # an alert is raised and listed meanwhile, and waits
    (folder / "more.jsonl").write_bytes(as_lines(ring("worse", 12)))
    cli = command(folder)
    cli.run("replay", str(folder / "more.jsonl"), "--to", "graph")
    cli.run("detect")
    alerts = list_alerts(store, None, 10)
    assert len(alerts) == 2
    assert any("not calibrated any more" in alert.calibration for alert in alerts)
    assert len(due(store, HELD - 1, 100)) == len(frozen)
    assert len(due(store, HELD, 100)) == len(frozen) + 1
    store.run_schema(more % "-")
    watch_drift(store, now)
    assert not read_calibration(store).is_frozen
    assert len(due(store, HELD - 1, 100)) == len(frozen) + 1
