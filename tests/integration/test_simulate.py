"""Simulated events through the real command, broker and graph: every one counts once."""

import csv
import threading
from collections import Counter
from pathlib import Path

import msgspec

from api.world import World
from graph.store import GraphStore
from ingest.pipeline import ingest
from ingest.replay import DeadLetterTopic
from ingest.simulate import Simulation, simulate, truth
from tests.conftest import CommandLine, is_caught_up, wait_until

ARGUMENTS = ("--accounts", "600", "--days", "10", "--seed", "77", "--rings", "0.1")
SAME = Simulation(accounts=600, days=10, seed=77, ring_share=0.1)


def test_each_simulated_event_counts_once_in_the_graph(
    cli: CommandLine, world: World, store: GraphStore, tmp_path: Path
) -> None:
    truth_file = tmp_path / "truth.csv"
    done = cli.run("simulate", *ARGUMENTS, "--out", "kafka", "--truth", str(truth_file))
    sent = list(simulate(SAME))
    assert f"simulated {len(sent)} events" in done.stdout
    stop = threading.Event()
    letters = DeadLetterTopic(world.ingest.dead_letter_topic, world.bootstrap_servers)
    with world.writer(store, letters) as writer:
        source = world.kafka_source(store, writer)
        thread = threading.Thread(target=ingest, args=(source, writer, stop, 1.0))
        thread.start()
        wait_until("the graph to catch up", lambda: is_caught_up(world, store))
        stop.set()
        thread.join()
        source.close()
    letters.close()
    with truth_file.open(newline="") as file:
        rows = [(r["account_id"], int(r["label"]), r["ring_id"]) for r in csv.DictReader(file)]
    assert rows == list(truth(SAME))
    distinct = [msgspec.json.decode(value) for value in set(sent)]
    assert len(distinct) < len(sent)
    expected = Counter(event["account_id"] for event in distinct)
    known = {account for account, _, _ in rows}
    found = store.run_schema("MATCH (a:Account) RETURN a.id AS id, a.event_count AS n")
    counted = {row["id"]: row["n"] for row in found if row["id"] in known and row["n"]}
    assert counted == dict(expected)


def test_files_are_the_same_on_every_run_and_wrong_calls_are_said_in_a_line(
    cli: CommandLine, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.jsonl.zst", tmp_path / "second.jsonl.zst"
    for path in (first, second):
        cli.run("simulate", *ARGUMENTS, "--out", str(path), "--start", "2025-03-01")
    assert first.read_bytes() == second.read_bytes()
    for wrong in (("--out", "odd.xlsx"), ("--out", str(tmp_path / "no" / "x.jsonl"))):
        done = cli.run("simulate", *ARGUMENTS, *wrong, expect=1)
        assert done.stderr.startswith("ringtrace: ")
        assert done.stderr.count("\n") == 1
    for wrong in (("--start", "soon"), ("--rate", "0"), ("--rate", "fast")):
        cli.run("simulate", *ARGUMENTS, "--out", str(first), *wrong, expect=2)
