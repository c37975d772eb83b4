"""From dispositions to lessons, to a challenger's scores, to what is shown of both."""

import dataclasses
import json
from collections.abc import Iterator

import pytest

from detection.account_scores import keep_scores
from detection.learning import read_lessons
from detection.settings import DetectionSettings
from graph.store import GraphStore
from graph.times import rfc3339
from tests.conftest import CommandLine, command_line, looked_at, own_settings
from tests.events import DAY, START, as_lines, event, ring

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


def test_trees_are_taught_once_there_are_examples_enough(
    cli: CommandLine, graph: GraphStore
) -> None:
    archive, settings = (
        own_settings(cli.data_dir).archive(),
        DetectionSettings(challenger="boosted"),
    )
    keep_scores(graph, archive, settings)
    differ = "MATCH (a:Account) WHERE a.shadow_score <> a.anomaly_score RETURN count(a) AS n"
    assert graph.run_schema(differ) == [{"n": 0}]
    # two days later; and as if a hundred of the crowd had been judged, half of them with friends
    later = [
        event(
            f"c{n:03}",
            5_000 + n,
            type="login",
            device_id=f"pair{n // 2}",
            occurred_at=rfc3339(START + DAY),
        )
        for n in range(60)
    ]
    later.append(event("c199", 9_000, occurred_at=rfc3339(START + 3 * DAY)))
    file = cli.data_dir.with_name("later.jsonl")
    file.write_bytes(as_lines(later))
    cli.run("replay", str(file), "--to", "graph")
    said = (
        "CREATE (:Ring {id: 'r%d', disposed_at: %d})<-[:ABOUT]-(:Disposition {number: %d, at: %d, "
    )
    said += "disposition: '%s', account_ids: %s, excluded_account_ids: []})"
    at = max(row["at"] for row in graph.read("detection/judged_accounts"))
    for n, word, some in ((901, "confirmed", range(60)), (902, "dismissed", range(60, 140))):
        graph.run_schema(said % (n, at + n, n, at + n, word, [f"c{n:03}" for n in some]))
    keep_scores(graph, archive, settings)
    assert keep_scores(graph, archive, settings) == 0
    shadow = "MATCH (a:Account) WHERE a.id IN %s RETURN min(a.shadow_score) AS least, "
    shadow += "max(a.shadow_score) AS most"
    (bad,) = graph.run_schema(shadow % [f"c{n:03}" for n in range(60)])
    (others,) = graph.run_schema(shadow % [f"c{n:03}" for n in range(60, 199)])
    assert bad["least"] > others["most"]


def test_an_experiment_swaps_the_detectors_for_whole_components(
    cli: CommandLine, graph: GraphStore
) -> None:
    archive = own_settings(cli.data_dir).archive()
    alone = DetectionSettings(challenger="forest")
    keep_scores(graph, archive, alone)
    both = (
        "MATCH (a:Account) RETURN a.id AS id, a.component AS component, a.in_experiment AS is_in, "
    )
    both += "a.anomaly_score AS live, a.shadow_score AS other ORDER BY id"
    before = {row["id"]: row for row in graph.run_schema(both)}
    swapped = DetectionSettings(challenger="forest", experiment_share=50)
    keep_scores(graph, archive, swapped)
    assert keep_scores(graph, archive, swapped) == 0
    after = graph.run_schema(both)
    for row in after:
        was = before[row["id"]]
        now = (row["other"], row["live"]) if row["is_in"] else (row["live"], row["other"])
        assert now == (was["live"], was["other"])
    treated = {row["id"] for row in after if row["is_in"]}
    assert 60 < len(treated) < len(after) - 60
    components = {row["component"] for row in after if row["component"]}
    assert len(components) == 2
    assert all(
        len({row["is_in"] for row in after if row["component"] == each}) == 1 for each in components
    )
    same = [graph.read("explore/compared_rings")]
    keep_scores(graph, archive, alone)
    assert same == [graph.read("explore/compared_rings")]
    refused = dataclasses.replace(
        cli, environment=cli.environment | {"RINGTRACE_DETECTION_EXPERIMENT_SHARE": "5"}
    )
    del refused.environment["RINGTRACE_DETECTION_CHALLENGER"]
    assert "needs RINGTRACE_DETECTION_CHALLENGER" in refused.run("detect", expect=1).stderr
