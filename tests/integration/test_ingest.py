"""Ingest through the real broker into the real graph: exact, and nothing is lost."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from api.world import World
from graph.store import GraphStore
from graph.times import now_ms
from ingest.consumer import ensure_topics
from ingest.pipeline import ingest
from ingest.replay import DeadLetterTopic, replay
from tests.bad_events import Maker
from tests.conftest import CommandLine, is_caught_up, wait_until
from tests.events import as_lines, event, ring


@contextmanager
def running(world: World, store: GraphStore) -> Iterator[None]:
    """A running ingest."""
    stop = threading.Event()
    letters = DeadLetterTopic(world.ingest.dead_letter_topic, world.bootstrap_servers)
    with world.writer(store, letters) as writer:
        source = world.kafka_source(store, writer)
        thread = threading.Thread(target=ingest, args=(source, writer, stop, 1.0), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            source.close()
    letters.close()


def run(world: World, store: GraphStore) -> None:
    """Ingest until the graph has everything."""
    with running(world, store):
        wait_until("the graph to catch up", lambda: is_caught_up(world, store))


def counts(store: GraphStore, prefix: str) -> list[tuple[str, int]]:
    rows = store.run_schema("MATCH (a:Account) RETURN a.id AS id, a.event_count AS n ORDER BY id")
    return [(row["id"], row["n"]) for row in rows if row["id"].startswith(prefix)]


def dead_letters(world: World) -> list[dict[str, Any]]:
    consumer = KafkaConsumer(
        bootstrap_servers=world.bootstrap_servers, auto_offset_reset="earliest"
    )
    topic = world.ingest.dead_letter_topic
    partitions = [TopicPartition(topic, n) for n in range(world.ingest.partitions)]
    consumer.assign(partitions)
    total = sum(consumer.end_offsets(partitions).values())
    found = []
    while len(found) < total:
        for records in consumer.poll(timeout_ms=500).values():
            found += [json.loads(record.value) for record in records]
    consumer.close()
    return found


def test_the_same_event_counts_once_and_a_changed_one_is_a_dead_letter(
    world: World, store: GraphStore, prefix: str
) -> None:
    ensure_topics(world.ingest, world.bootstrap_servers)
    lines = [json.dumps(event(f"{prefix}a", n, device_id="d")).encode() for n in range(20)]
    changed = json.dumps(event(f"{prefix}a", 3, device_id="another")).encode()
    reordered = json.dumps(dict(reversed(event(f"{prefix}a", 5, device_id="d").items()))).encode()
    replay([*lines, *lines, changed, reordered], world.ingest.topic, world.bootstrap_servers)
    run(world, store)
    assert counts(store, prefix) == [(f"{prefix}a", 20)]
    assert [letter["reason"] for letter in dead_letters(world)] == ["conflicting_body"]
    replay(lines, world.ingest.topic, world.bootstrap_servers)
    run(world, store)
    assert counts(store, prefix) == [(f"{prefix}a", 20)]


def test_bad_input_becomes_dead_letters_and_the_stream_goes_on(
    world: World, store: GraphStore, prefix: str
) -> None:
    good = event(f"{prefix}good", 1)
    bad = {
        "invalid_json": [
            json.dumps(good).encode()[:-7],
            b"\xff\xfe\x00",
            json.dumps(good | {"event_id": "s"}).replace(good["account_id"], "\\ud800").encode(),
        ],
        "invalid_field": [
            json.dumps(good | {"account_id": 7}).encode(),
            json.dumps(good | {"account_id": "a\0b"}).encode(),
            json.dumps(good | {"ip": "300.1.1.1"}).encode(),
            b'"just text"',
            b"[" * 50_000,
        ],
        "too_large": [json.dumps(good | {"user_agent": "x" * 1_000_000}).encode()],
        "time_out_of_range": [json.dumps(good | {"occurred_at": "2999-01-01T00:00:00Z"}).encode()],
    }
    ensure_topics(world.ingest, world.bootstrap_servers)
    values = [value for group in bad.values() for value in group]
    last = json.dumps(event(f"{prefix}good", 2)).encode()
    replay([*values, last], world.ingest.topic, world.bootstrap_servers)
    run(world, store)
    assert counts(store, prefix) == [(f"{prefix}good", 1)]
    letters = dead_letters(world)
    found = sorted(letter["reason"] for letter in letters)
    assert found == sorted(reason for reason, group in bad.items() for _ in group)
    pseudonyms = world.pseudonyms(store)
    heads = []
    for letter in letters:
        assert letter["detail"]
        assert letter["topic"] == world.ingest.topic
        place = f"{letter['topic']}/{letter['partition']}/{letter['offset']}".encode()
        heads.append(pseudonyms.unseal_bytes(letter["value_head"], place))
        assert len(letter["value_sha256"]) == 64
    assert sorted(heads) == sorted(v[:4096] for group in bad.values() for v in group)


def test_ten_thousand_bad_events_do_not_stop_the_stream(
    world: World, store: GraphStore, prefix: str
) -> None:
    ensure_topics(world.ingest, world.bootstrap_servers)
    make = Maker(20_261_121, now_ms(), prefix)
    bad = [make.bad() for _ in range(10_000)]
    values = [each.value or b"" for each in bad]
    for place in range(0, len(values), 100):
        values.insert(place, json.dumps(event(f"{prefix}good", place)).encode())
    replay(values, world.ingest.topic, world.bootstrap_servers)
    run(world, store)
    assert counts(store, f"{prefix}good") == [(f"{prefix}good", 100)]
    found = Counter(letter["reason"] for letter in dead_letters(world))
    assert found == Counter(each.reason for each in bad)


def test_a_lost_duplicates_file_is_filled_from_the_archive(
    world: World, store: GraphStore, prefix: str
) -> None:
    ensure_topics(world.ingest, world.bootstrap_servers)
    lines = as_lines([event(f"{prefix}a", n) for n in range(50)]).splitlines()
    replay(lines, world.ingest.topic, world.bootstrap_servers)
    run(world, store)
    for path in world.data_dir.glob("duplicates-*"):
        path.unlink()
    replay(lines, world.ingest.topic, world.bootstrap_servers)
    run(world, store)
    assert counts(store, prefix) == [(f"{prefix}a", 50)]


def test_files_straight_into_the_graph(
    cli: CommandLine, store: GraphStore, prefix: str, tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(as_lines(ring(prefix, 5)) + b"not json\n")
    for _ in range(2):
        cli.run("replay", str(path), "--to", "graph")
    assert [n for _, n in counts(store, prefix)] == [3] * 5
    letters = (cli.data_dir / "dead_letters.jsonl").read_text().splitlines()
    found = [json.loads(letter) for letter in letters]
    assert [x["reason"] for x in found if x["value_bytes"] == len("not json")] == ["invalid_json"]


def test_a_command_that_cannot_work_says_why_in_one_line(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 this is none")
    (tmp_path / "odd.xlsx").write_bytes(b"")
    for arguments in (
        ("replay", str(tmp_path / "missing.jsonl")),
        ("replay", str(tmp_path / "broken.parquet")),
        ("replay", str(tmp_path / "odd.xlsx")),
        ("replay", str(tmp_path / "odd.xlsx"), "--mapping", "nothing"),
        ("deliver",),
    ):
        done = cli.run(*arguments, expect=1)
        assert done.stderr.startswith("ringtrace: ")
        assert done.stderr.count("\n") == 1, done.stderr
    assert cli.run("replay", expect=2).stdout == ""
    other = CommandLine(tmp_path / "empty", cli.environment)
    assert "servers start" in other.run("rings", expect=1).stderr
