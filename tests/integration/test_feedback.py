"""From dispositions to lessons, to a challenger's scores, to what is shown of both."""

import json
from collections.abc import Iterator

import pytest

from detection.learning import read_lessons
from graph.store import GraphStore
from tests.conftest import CommandLine, command_line, looked_at, own_settings
from tests.events import event, ring

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """Two rings and a crowd, with a challenger that learns."""
    folder = tmp_path_factory.mktemp("feedback")
    cli = command_line(
        folder / "world",
        RINGTRACE_GRAPH_HEAP_SIZE="1g",
        RINGTRACE_DETECTION_CHALLENGER="learned",
    )
    crowd = [event(f"c{n:03}", n, device_id=f"own{n}") for n in range(200)]
    with looked_at(cli, ring("bad", 8) + ring("good", 8) + crowd):
        yield cli


@pytest.fixture(scope="module")
def graph(cli: CommandLine) -> Iterator[GraphStore]:
    with own_settings(cli.data_dir).store() as store:
        yield store


def rings(cli: CommandLine) -> dict[str, str]:
    """Ring id by the first letters of its members."""
    found = map(json.loads, cli.run("rings", "--format", "jsonl").stdout.splitlines())
    return {each["account_ids"][0].rstrip("0123456789"): each["ring_id"] for each in found}


def test_what_was_said_is_learnt_once_and_shown(cli: CommandLine, graph: GraphStore) -> None:
    assert "no ring was confirmed or dismissed yet" in cli.run("detectors").stdout
    # nothing was learnt: the challenger says what the live one does
    same = "MATCH (a:Account) WHERE a.shadow_score <> a.anomaly_score RETURN count(a) AS n"
    everybody = "MATCH (a:Account) WHERE a.shadow_score IS NULL RETURN count(a) AS n"
    assert graph.run_schema(same) == graph.run_schema(everybody) == [{"n": 0}]
    assert read_lessons(graph) == (None, 0)
    ids = rings(cli)
    cli.run(
        *("dispose", ids["bad"], "--as", "confirmed", "--reason", "fraud"),
        *("--exclude", "bad007"),
    )
    cli.run("dispose", ids["good"], "--as", "dismissed", "--reason", "a club")
    cli.run("detect")
    learnt, until = read_lessons(graph)
    assert learnt is not None
    assert until > 0
    assert any(weight != 1 for weight in learnt.weights)
    cli.run("detect")
    assert read_lessons(graph) == (learnt, until)
    labels = graph.read("detection/new_labels", since=0)
    assert [(len(row["account_ids"]), row["excluded_account_ids"]) for row in labels] == [
        (7, ["bad007"]),
        (8, []),
    ]
    shown = cli.run("detectors").stdout
    assert "live: tails; challenger: learned" in shown
    assert ids["good"] in shown
    lines = [line.split() for line in shown.splitlines()]
    assert any(line[1:6] == ["all", "rings", "1", "1", "50.0"] for line in lines)
    assert any(line[1:5] == ["shared_device", "1", "1", "50.0"] for line in lines)
    # taken back, it counts no more
    cli.run("dispose", ids["good"], "--as", "unsure", "--reason", "look again")
    lines = [line.split() for line in cli.run("detectors").stdout.splitlines()]
    assert any(line[1:6] == ["all", "rings", "1", "0", "100.0"] for line in lines)
