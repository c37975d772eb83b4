"""A change of keys: everything is as it was, but for the keys."""

import json
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from api.world import World
from detection.rules import finding_id
from graph.keyring import load_keyring
from graph.model import Finding
from graph.store import GraphStore
from ingest.consumer import ensure_topics
from ingest.replay import replay
from tests.conftest import ROOT, CommandLine, command_line, is_caught_up, own_settings, wait_until
from tests.events import as_lines, event
from tests.personal import OPEN, TAIL, into_graph, personal, rows, uses


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("private")
    started = own_settings(folder).start_servers(origin="http://127.0.0.1:8000")
    yield folder
    own_settings(folder).stop_servers(started)


@pytest.fixture(scope="module")
def own(data_dir: Path) -> World:
    return own_settings(data_dir)


@pytest.fixture(scope="module")
def line(data_dir: Path) -> CommandLine:
    return command_line(data_dir)


@pytest.fixture
def graph(own: World) -> Iterator[GraphStore]:
    with own.store() as store:
        yield store


@pytest.fixture
def shared(line: CommandLine, tmp_path: Path) -> str:
    """The prefix of three accounts that share everything."""
    prefix = f"s{time.time_ns()}-"
    number = int(prefix[-6:-1]) % 9000 + 1000
    events = [event(f"{prefix}{n}", n, **personal(number), **OPEN) for n in range(3)]
    into_graph(line, tmp_path / "shared.jsonl", events)
    line.run("detect")
    return f"{prefix}|{number}"


def comparable(line: CommandLine, graph: GraphStore) -> tuple[Any, ...]:
    """Everything that a change of keys must leave as it is."""
    own = own_settings(line.data_dir)
    value_of = {
        row["key"]: f"{row['kind']}:{own.load_pseudonyms().unseal(row['key'], row['sealed'])}"
        for row in rows(
            graph,
            "MATCH (i:Identifier) WHERE i.sealed IS NOT NULL RETURN i.key AS key, "
            "i.kind AS kind, i.sealed AS sealed",
        )
    }
    rings = []
    for text in line.run("rings", "--format", "jsonl").stdout.splitlines():
        ring = json.loads(text)
        for identifier in ring["identifiers"]:
            identifier["key"] = value_of.get(identifier["key"], identifier["key"])
        ring["identifiers"].sort(key=lambda i: i["key"])
        for reason in ring["reasons"]:
            evidence = [value_of.get(key, key) for key in reason["evidence"]]
            assert not any(".t" in key and key not in value_of for key in evidence)
            reason["evidence"] = sorted(evidence)
            reason["text"] = relabelled(reason["text"], value_of)
        rings.append(ring)
    findings = [
        (value_of.get(f["key"], f["key"]), f["rule"], relabelled(f["detail"], value_of), f["n"])
        for f in rows(
            graph,
            "MATCH (f:Finding) RETURN f.identifier_key AS key, f.rule AS rule, "
            "f.detail AS detail, COUNT { (f)<-[:FLAGGED_BY]-() } AS n",
        )
    ]
    return uses(own, graph), rings, sorted(findings)


def relabelled(text: str, value_of: dict[str, str]) -> str:
    """A sentence with whole values in the place of the starts of tokens."""
    for key, value in value_of.items():
        text = text.replace(f"{key.rpartition('.')[2][:6]}…", value)
    return text


def check_findings(graph: GraphStore) -> None:
    """Every finding has the id that the next detection run will give it."""
    for row in rows(
        graph,
        "MATCH (f:Finding)<-[:FLAGGED_BY]-(a:Account) RETURN f.id AS id, f.rule AS rule, "
        "f.identifier_key AS key, collect(a.id) AS ids",
    ):
        finding = Finding(row["rule"], row["key"], tuple(sorted(row["ids"])), 0, 0, "")
        assert row["id"] == finding_id(finding)


def archived_keys(data_dir: Path) -> set[str]:
    with_keys = [
        pq.read_table(path, columns=["identifier_keys"]).column(0).to_pylist()
        for path in (data_dir / "archive").rglob("*.parquet")
    ]
    return {key for table in with_keys for keys in table for key in keys}


@pytest.mark.long
def test_a_change_of_keys_changes_nothing_but_keys(
    line: CommandLine, graph: GraphStore, data_dir: Path, shared: str
) -> None:
    line.run("detect", "--full")
    keys_file = own_settings(data_dir).keys_file
    before, version = comparable(line, graph), load_keyring(keys_file).version
    done = line.run("keys", "rekey")
    after = load_keyring(keys_file)
    assert (after.version, after.pending) == (version + 1, None)
    assert f"version {after.version}" in done.stdout
    assert comparable(line, graph) == before
    check_findings(graph)
    keys = identifier_keys(graph)
    assert not with_version(keys | archived_keys(data_dir), version)
    assert with_version(archived_keys(data_dir), after.version) <= keys
    assert shared.split("|")[0] in str(before)


def test_known_values_find_their_nodes_after_a_change_of_keys(
    line: CommandLine, graph: GraphStore, shared: str, tmp_path: Path
) -> None:
    prefix, number = shared.split("|")
    line.run("detect", "--full")
    rings = {ring["ring_id"] for ring in comparable(line, graph)[1]}
    line.run("keys", "rekey")
    keys = identifier_keys(graph)
    more = [event(f"{prefix}late", n, **personal(int(number)), **OPEN) for n in range(5)]
    into_graph(line, tmp_path / "more.jsonl", more)
    assert identifier_keys(graph) == keys
    # everything is said anew, in whatever order the new tokens have
    line.run("detect", "--full")
    check_findings(graph)
    assert rings == {ring["ring_id"] for ring in comparable(line, graph)[1]}


def test_a_running_ingest_stops_at_a_change_of_keys(
    own: World, line: CommandLine, graph: GraphStore, shared: str, tmp_path: Path
) -> None:
    prefix, number = shared.split("|")
    log = tmp_path / "ingest.log"
    first = [event(f"{prefix}first", n, **personal(int(number))) for n in range(5)]
    more = [event(f"{prefix}late", n, **personal(int(number))) for n in range(5)]
    ensure_topics(own.ingest, own.bootstrap_servers)
    with log.open("wb") as output:
        ingesting = subprocess.Popen(
            line.command("ingest"), cwd=ROOT, env=line.environment, stdout=output, stderr=output
        )
        try:
            replay(as_lines(first).splitlines(), own.ingest.topic, own.bootstrap_servers)
            wait_until("the graph to catch up", lambda: is_caught_up(own, graph))
            line.run("keys", "rekey")
            keys = identifier_keys(graph)
            replay(as_lines(more).splitlines(), own.ingest.topic, own.bootstrap_servers)
            assert ingesting.wait(60) == 1
        finally:
            ingesting.kill()
            ingesting.wait()
    (said,) = [text for text in log.read_text().splitlines() if text.startswith("ringtrace: ")]
    assert "start again" in said or "are being changed" in said
    assert "Traceback" not in log.read_text()
    assert identifier_keys(graph) == keys


def identifier_keys(graph: GraphStore) -> set[str]:
    return {row["key"] for row in rows(graph, "MATCH (i:Identifier) RETURN i.key AS key")}


def with_version(keys: set[str], version: int) -> set[str]:
    return {key for key in keys if f":t{version}." in key}


@pytest.mark.long
@pytest.mark.usefixtures("shared")
def test_a_change_of_keys_can_be_killed_at_any_moment(
    line: CommandLine, graph: GraphStore, data_dir: Path, tmp_path: Path
) -> None:
    many = [
        event(f"many-{n}", n, email=f"person.{n}.{TAIL}@example.org", phone=f"+4930{n:07}")
        for n in range(5_000)
    ]
    into_graph(line, tmp_path / "many.jsonl", many)
    line.run("detect", "--full")
    keys_file = own_settings(data_dir).keys_file
    before, version = comparable(line, graph), load_keyring(keys_file).version
    assert killed(line, graph, 0)
    assert killed(line, graph, 2_000)
    refused = tmp_path / "one.jsonl"
    refused.write_bytes(as_lines([event("many-1", 99_999, email="x@example.org")]))
    said = line.run("replay", str(refused), "--to", "graph", expect=1).stderr
    assert "are being changed" in said
    if all(killed(line, graph, goal) for goal in (5_000, 9_000, 10_002)):
        line.run("keys", "rekey")
    assert load_keyring(keys_file).version == version + 1
    assert comparable(line, graph) == before
    check_findings(graph)
    assert not with_version(identifier_keys(graph) | archived_keys(data_dir), version)


def killed(line: CommandLine, graph: GraphStore, goal: int) -> bool:
    """Kill a change of keys soon after it has renamed so many; whether it was not done by then."""
    pause = random.Random(goal).uniform(0, 0.1)
    rekeying = line.start("keys", "rekey")
    while renamed(graph) < goal and rekeying.poll() is None:
        time.sleep(0.01)
    time.sleep(pause)
    rekeying.kill()
    rekeying.wait()
    return renamed(graph) >= 0


def renamed(graph: GraphStore) -> int:
    """Identifiers that have their new keys; -1 while keys are not being changed."""
    (world,) = rows(graph, "MATCH (w:World) RETURN w.rekeying_to AS version")
    if world["version"] is None:
        return -1
    return len(with_version(identifier_keys(graph), world["version"]))


def test_kinds_whose_values_are_not_kept_stay_with_their_keys(
    data_dir: Path, line: CommandLine, graph: GraphStore, tmp_path: Path
) -> None:
    mine = {"RINGTRACE_PRIVACY_KINDS": '{"advertising_id": "token"}'}
    tokens = CommandLine(data_dir, line.environment | mine)
    first = [event("adv-1", 1, identifiers={"advertising_id": TAIL})]
    into_graph(tokens, tmp_path / "adv.jsonl", first)
    query = "MATCH (i:AdvertisingId) RETURN i.key AS key, i.sealed AS sealed, i.value AS value"
    (before,) = rows(graph, query)
    assert (before["sealed"], before["value"]) == (None, None)
    assert "never kept" in tokens.run("keys", "unseal", before["key"], expect=1).stderr
    said = tokens.run("keys", "rekey").stdout
    assert "advertising_id" in said
    assert "stays with version" in said
    more = [event("adv-2", 1, identifiers={"advertising_id": TAIL})]
    into_graph(tokens, tmp_path / "more.jsonl", more)
    assert rows(graph, query) == [before]
    # without the setting the same value would get a second node: refused
    path = tmp_path / "more.jsonl"
    said = line.run("replay", str(path), "--to", "graph", expect=1).stderr
    assert "advertising_id identifiers as tokens" in said
    graph.run_schema("MATCH (i:AdvertisingId) DETACH DELETE i")
