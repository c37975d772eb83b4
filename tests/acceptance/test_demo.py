"""The demo as a newcomer runs it, and what holds in the graph afterwards, whatever happened."""

import csv
import json
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count, groupby
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from api.world import World
from detection.rules import rules
from graph.store import GraphStore
from graph.views import RingFilter, all_rings
from ingest.files import read_events
from tests.conftest import P2P, CommandLine, command_line, is_caught_up, own_settings, wait_until
from tests.graph_state import graph_state

ACCOUNTS = 33_732
EVENTS = 321_526


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A key file of all worlds here: with other keys every token would be another."""
    return str(tmp_path_factory.mktemp("keys") / "pseudonyms.json")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, keys: str) -> tuple[CommandLine, str]:
    """The folder and the output of one `ringtrace demo --once`."""
    cli = command_line(tmp_path_factory.mktemp("demo"), RINGTRACE_PRIVACY_KEYS_FILE=keys)
    return cli, cli.run("demo", "--once").stdout


@pytest.fixture(scope="module")
def after_demo(demo: tuple[CommandLine, str]) -> Iterator[tuple[World, GraphStore]]:
    """The demo's world, started again."""
    world = own_settings(demo[0].data_dir)
    started = world.start_servers(origin="http://127.0.0.1:8000")
    assert started == ["Neo4j", "Kafka"], "the demo left a server running"
    with world.store() as store:
        yield world, store
    world.stop_servers(started)


def test_summary_names_the_riskiest_ring(demo: tuple[CommandLine, str]) -> None:
    output = demo[1]
    assert f"{ACCOUNTS:,}" in output
    assert re.search(r"http://127\.0\.0\.1:\d+/rings/[0-9A-Z]{26}", output)
    for level in ("critical", "high", "medium", "low"):
        assert level in output


def test_known_facts_of_the_data(after_demo: tuple[World, GraphStore]) -> None:
    _, store = after_demo
    assert _one(store, "MATCH (a:Account) RETURN count(a) AS n") == ACCOUNTS
    assert _one(store, "MATCH (a:Account) RETURN sum(a.event_count) AS n") == EVENTS
    shared = "MATCH (i:{}) WHERE COUNT {{ (i)<-[:USED]-() }} > 1 RETURN count(i) AS n"
    assert _one(store, shared.format("PaymentInstrument")) == 8_490
    assert _one(store, shared.format("Device")) == 2_745
    pairs = (
        "MATCH (a:Account)-[:TRANSFERRED]->(b:Account) "
        "WHERE EXISTS { (a)-[:USED]->(:PaymentInstrument)<-[:USED]-(b) } "
        "RETURN count(DISTINCT [a.id, b.id]) AS n"
    )
    assert _one(store, pairs) == 6_240


# py2neo is at its end of life and leaves sockets open: it gets a process of its own
_PY2NEO = """
import json, sys
from py2neo import Graph

uri, user, password = json.load(sys.stdin)
graph = Graph(uri, auth=(user, password))
print(json.dumps([
    graph.run("MATCH (a:Account) RETURN count(a)").evaluate(),
    graph.run(
        "MATCH (r:Ring {status: 'open'}) RETURN r.id AS ring_id, r.size AS size, "
        "COUNT { (r)<-[m:MEMBER_OF]-() WHERE m.until IS NULL } AS members "
        "ORDER BY r.risk_score DESC, ring_id LIMIT 1"
    ).data()[0],
]))
"""


def test_py2neo_reads_the_same_graph(after_demo: tuple[World, GraphStore]) -> None:
    world, store = after_demo
    local = world.neo4j()
    assert local is not None
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _PY2NEO],
        input=json.dumps([local.uri, local.user, local.password]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    accounts, top = json.loads(done.stdout)
    ring = next(all_rings(store, RingFilter()))
    assert accounts == ACCOUNTS
    assert top == {"ring_id": ring.ring_id, "size": ring.size, "members": ring.size}


@pytest.mark.usefixtures("after_demo")
def test_backtest_counts_whom_each_rule_flags(
    demo: tuple[CommandLine, str], tmp_path: Path
) -> None:
    with (P2P / "chargebacks_2017.csv").open(newline="") as file:
        bad = {row["account_id"] for row in csv.DictReader(file)}
    accounts = map(str, pq.read_table(P2P / "accounts.parquet")["account_id"].to_pylist())
    truth, figures = tmp_path / "truth.csv", tmp_path / "figures.json"
    rows = "".join(f"{account},{int(account in bad)}\n" for account in accounts)
    truth.write_text(f"account_id,label\n{rows}")
    done = demo[0].run("backtest", "--truth", str(truth), "--json", str(figures))
    found = json.loads(figures.read_text())
    assert found.keys() == rules().keys()
    for rule, row in found.items():
        assert rule in done.stdout
        assert row["flagged"] == row["labelled_1"] + row["labelled_0"]
    # what the README says
    assert (found["many_cards"]["flagged"], found["many_cards"]["labelled_1"]) == (421, 19)
    assert (found["shared_device"]["flagged"], found["shared_device"]["labelled_1"]) == (925, 12)
    some = demo[0].run("backtest", "fan_out", "--truth", str(truth)).stdout
    assert "fan_out" in some
    assert "fan_in" not in some
    for arguments in (("fan_outt",), ("--truth", "none.csv")):
        demo[0].run("backtest", "--truth", str(truth), *arguments, expect=1)


@pytest.mark.long
def test_played_again_in_part_and_killed_nothing_changes(
    demo: tuple[CommandLine, str], after_demo: tuple[World, GraphStore], tmp_path: Path
) -> None:
    cli, (world, store) = demo[0], after_demo
    before = graph_state(store)
    half = tmp_path / "half"
    half.mkdir()
    for name in ("card_links", "transfers"):
        table = pq.read_table(P2P / f"{name}.parquet")
        pq.write_table(table.slice(0, table.num_rows // 2), half / f"{name}.parquet")
    cli.run("replay", str(half), "--mapping", "p2p")
    cli.run("replay", str(P2P), "--mapping", "p2p")
    _ingest_with_kills(cli, world, store, random.Random(20), kills=2)
    assert graph_state(store) == before


@pytest.mark.long
def test_any_order_and_any_crash_give_the_same_graph_and_rings(
    demo: tuple[CommandLine, str],
    after_demo: tuple[World, GraphStore],
    keys: str,
    tmp_path: Path,
) -> None:
    """The demo's folder took the data in order and in peace, this one shuffled and killed."""
    store = after_demo[1]
    demo[0].run("detect", "--full")
    cli = command_line(tmp_path / "world", RINGTRACE_PRIVACY_KEYS_FILE=keys)
    world = own_settings(cli.data_dir)
    events = tmp_path / "events.jsonl"
    _write_shuffled(events, random.Random(1))
    started = world.start_servers(origin="http://127.0.0.1:8000")
    try:
        cli.run("replay", str(events))
        with world.store() as other:
            _ingest_with_kills(cli, world, other, random.Random(21), kills=5)
            assert graph_state(other) == graph_state(store)
        cli.run("detect", "--full")
        rings = cli.run("rings", "--format", "jsonl").stdout
    finally:
        world.stop_servers(started)
    assert rings.count("\n") > 100
    assert rings == demo[0].run("rings", "--format", "jsonl").stdout


def _ingest_with_kills(
    cli: CommandLine, world: World, store: GraphStore, rng: random.Random, kills: int
) -> None:
    """Ingest to the end, killing the process without warning at random moments.

    Each process has a group of its own: the positions are the graph's, and nobody waits until the
    broker has given up the one before, so most kills hit a batch.
    """
    groups = (
        CommandLine(cli.data_dir, cli.environment | {"RINGTRACE_INGEST_GROUP_ID": f"try{n}"})
        for n in count()
    )
    for _ in range(kills):
        child = next(groups).start("ingest")
        # start-up takes 2 to 3 s: some kills hit it, most hit a batch
        time.sleep(rng.uniform(2, 7))
        child.send_signal(signal.SIGKILL)
        child.wait()
    child = next(groups).start("ingest")
    try:
        wait_until("the graph to catch up", lambda: is_caught_up(world, store), 300)
    finally:
        child.terminate()
        assert child.wait(60) == 0


def _write_shuffled(path: Path, rng: random.Random) -> None:
    """The P2P events with the order within each day at random."""
    values, _ = read_events([P2P], "p2p")
    with path.open("wb") as file:
        days = groupby(values, lambda v: msgspec.json.decode(v)["occurred_at"] // 86_400_000)
        for _, day in days:
            events = list(day)
            rng.shuffle(events)
            file.writelines(event + b"\n" for event in events)


def _one(store: GraphStore, statement: str) -> int:
    return int(store.run_schema(statement)[0]["n"])
