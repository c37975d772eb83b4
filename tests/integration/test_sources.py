"""Where events come from: foreign files, other services, and whatever arrives broken."""

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from api.app import create_app
from api.settings import ApiSettings
from api.world import World
from graph.store import GraphStore
from ingest.consumer import MAX_MESSAGE_BYTES, ensure_topics
from ingest.replay import EventTopic
from tests.bad_events import HOSTILE, Maker, at_the_limits, encode
from tests.conftest import ROOT, CommandLine, free_port, wait_until
from tests.events import event
from tests.integration.test_ingest import counts, dead_letters, run

SOURCES = ROOT / "tests" / "data" / "sources"
EVENTS = "/api/v1/events"
SEED = 20_260_402


def send_all(world: World, messages: list[tuple[str, bytes | None]]) -> None:
    """Put messages on the topic as any producer might, keyed and in this order."""
    with closing(
        KafkaProducer(bootstrap_servers=world.bootstrap_servers, max_request_size=MAX_MESSAGE_BYTES)
    ) as producer:
        for key, value in messages:
            producer.send(world.ingest.topic, value, key=key.encode())
        producer.flush()


def arrived(world: World) -> list[tuple[bytes | None, bytes]]:
    """Key and value of every message on the topic, partition by partition."""
    topic = world.ingest.topic
    partitions = [TopicPartition(topic, n) for n in range(world.ingest.partitions)]
    with closing(
        KafkaConsumer(bootstrap_servers=world.bootstrap_servers, auto_offset_reset="earliest")
    ) as consumer:
        consumer.assign(partitions)
        total = sum(consumer.end_offsets(partitions).values())
        found: list[tuple[bytes | None, bytes]] = []
        while len(found) < total:
            for records in consumer.poll(timeout_ms=500).values():
                found += [(record.key, record.value) for record in records]
    return found


def sha256(value: bytes | None) -> str:
    return hashlib.sha256(value or b"").hexdigest()


class Mixture:
    """Ten thousand bad messages between good ones, and what must come of them."""

    def __init__(self, make: Maker) -> None:
        self._make = make
        self.messages: list[tuple[str, bytes | None]] = []
        #: dead letters by hash of the message and reason
        self.letters: Counter[tuple[str, str]] = Counter()
        #: events by account
        self.good: Counter[str] = Counter()
        for value in at_the_limits(make):
            self._put_good(value)
        for name in HOSTILE * 3:
            self._put_good(encode(make.good(account_id=f"{make.prefix}{name}", device_id=name)))
        for number in range(9_800):
            self._put_bad(*make.bad()[:2], f"{number}")
            if number % 10 == 0:
                self._put_good(encode(make.good(account_id=f"{make.prefix}{number % 7}")))
        make.random.shuffle(self.messages)
        self._put_contradictions()

    def _put_contradictions(self) -> None:
        """What contradicts an event comes after it, and has its key."""
        for number in range(200):
            first = self._make.good(account_id=f"{self._make.prefix}twice{number}")
            self._put_good(encode(first))
            changed = encode(first | {"device_id": "another"})
            self._put_bad(changed, "conflicting_body", first["account_id"])

    def _put_good(self, value: bytes) -> None:
        account_id = json.loads(value)["account_id"]
        self.good[account_id] += 1
        self.messages.append((account_id, value))

    def _put_bad(self, value: bytes | None, reason: str, key: str) -> None:
        self.letters[sha256(value), reason] += 1
        self.messages.append((key, value))


def test_ten_thousand_bad_events_are_ten_thousand_dead_letters(
    world: World, store: GraphStore, prefix: str
) -> None:
    sent = Mixture(Maker(SEED, int(time.time() * 1000), prefix))
    assert sum(sent.letters.values()) == 10_000
    ensure_topics(world.ingest, world.bootstrap_servers)
    send_all(world, sent.messages)
    run(world, store)

    letters = dead_letters(world)
    found = Counter((x["value_sha256"], x["reason"]) for x in letters)
    assert found == sent.letters
    assert len({(x["topic"], x["partition"], x["offset"]) for x in letters}) == 10_000
    assert all(letter["detail"] for letter in letters)
    assert {account_id: n for account_id, n in counts(store, prefix) if n} == dict(sent.good)


@pytest.mark.parametrize(
    ("name", "accounts", "uses"),
    [
        ("paysim", {"C1900000002": 2, "C1900000007": 1, "C1600000001": 0}, 0),
        ("ecommerce", {"90012": 2, "90013": 2, "90015": 2}, 12),
    ],
)
def test_a_shipped_mapping_from_the_file_to_the_graph(
    cli: CommandLine,
    world: World,
    store: GraphStore,
    name: str,
    accounts: dict[str, int],
    uses: int,
) -> None:
    path = str(SOURCES / f"{name}.csv")
    for _ in range(2):
        cli.run("replay", path, "--mapping", name)
        run(world, store)
    assert dead_letters(world) == []
    rows = store.run_schema("MATCH (a:Account) RETURN a.id AS id, a.event_count AS n")
    found = {row["id"]: row["n"] for row in rows}
    assert {account_id: found.get(account_id) for account_id in accounts} == accounts
    if uses:
        rows = store.run_schema(
            "MATCH (a:Account)-[:USED]->(i:Device|IP) WHERE a.id STARTS WITH '9001' "
            "RETURN count(*) AS n"
        )
        assert rows[0]["n"] == uses


@contextmanager
def service(store: GraphStore, topic: EventTopic | None) -> Iterator[httpx.Client]:
    port = free_port()
    app = create_app(store, ApiSettings(), event_topic=topic)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until("the service", lambda: server.started, 10)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def client(world: World, store: GraphStore) -> Iterator[httpx.Client]:
    """A client of the service with this test's topics."""
    with (
        closing(EventTopic(world.ingest, lambda: world.bootstrap_servers)) as topic,
        service(store, topic) as client,
    ):
        yield client


def post(client: httpx.Client, content: bytes, **headers: str) -> httpx.Response:
    sent = {"content-type": "application/json"} | {
        k.replace("_", "-"): v for k, v in headers.items()
    }
    return client.post(EVENTS, content=content, headers=sent)


def test_events_are_on_the_topic_as_they_were_sent(
    client: httpx.Client, world: World, store: GraphStore, prefix: str
) -> None:
    exact = (
        f'{{ "event_id":"1","type":"login","occurred_at":1700000000000,\n"amount":1.50, '
        f'"account_id":"{prefix}\u00e9","mine":{{"a":[1]}} }}'
    )
    answer = post(client, b" " + exact.encode() + b"\n")
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1})
    many = [event(f"{prefix}{n % 50}", n, device_id="d") for n in range(1000)]
    answer = post(client, json.dumps(many).encode(), content_type="application/json; charset=utf-8")
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1000})
    assert post(client, b"[]").json() == {"accepted": 0}
    found = arrived(world)
    assert len(found) == 1001
    assert (f"{prefix}\u00e9".encode(), exact.encode()) in found
    for key, value in found:
        assert json.loads(value)["account_id"].encode() == key
    run(world, store)
    assert sum(n for _, n in counts(store, prefix)) == 1001
    assert dead_letters(world) == []


def test_one_bad_event_keeps_all_away(client: httpx.Client, world: World, prefix: str) -> None:
    good = event(f"{prefix}a", 1)
    bad = [good | {"occurred_at": "2999-01-01T00:00:00Z"}, 5, good | {"ip": "300.1.1.1"}]
    answer = post(client, json.dumps([good, *bad, good]).encode())
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == 422
    assert "3 of 5" in problem["detail"]
    assert [(e["index"], e["reason"]) for e in problem["errors"]] == [
        (1, "time_out_of_range"),
        (2, "invalid_field"),
        (3, "invalid_field"),
    ]
    assert all(e["detail"] for e in problem["errors"])
    one = post(client, json.dumps(bad[0]).encode()).json()
    assert [e["index"] for e in one["errors"]] == [0]
    assert arrived_or_none(world) == []


def arrived_or_none(world: World) -> list[Any]:
    ensure_topics(world.ingest, world.bootstrap_servers)
    return arrived(world)


def test_every_bad_event_is_refused_here_with_its_reason(
    client: httpx.Client, world: World, prefix: str
) -> None:
    make = Maker(SEED, int(time.time() * 1000), prefix)
    seen: Counter[int] = Counter()
    for bad in (make.bad() for _ in range(300)):
        if (bad.value or b"").startswith(b"["):
            # here an array is a number of events
            continue
        answer = post(client, bad.value or b"")
        seen[answer.status_code] += 1
        assert answer.headers["content-type"] == "application/problem+json"
        if answer.status_code == 422:
            assert answer.json()["errors"][0]["reason"] == bad.reason, bad
        else:
            assert answer.status_code == 400, bad
            assert bad.reason in ("invalid_json", "empty", "too_large"), bad
    assert min(seen[400], seen[422]) > 20
    assert arrived_or_none(world) == []


def test_limits_of_a_request(client: httpx.Client, world: World, prefix: str) -> None:
    good = json.dumps(event(f"{prefix}a", 1)).encode()
    assert post(client, b"[" + good + (b"," + good) * 1000 + b"]").status_code == 422
    spaces = b" " * (1024 * 1024 - len(good))
    assert post(client, good + spaces).status_code == 202
    assert post(client, good + spaces + b" ").status_code == 413
    for wrong in (b"", b"nonsense", b"[", good[:-1], b"[" * 500_000, b"\xff"):
        answer = post(client, wrong)
        assert (answer.status_code, answer.json()["detail"]) == (400, "the body is no JSON")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"):
        assert post(client, good, content_type=kind).status_code == 415
    assert client.get(EVENTS).status_code == 405
    assert len(arrived(world)) == 1


def test_without_kafka_it_says_so_and_everything_else_works(
    world: World, store: GraphStore, prefix: str
) -> None:
    good = json.dumps(event(f"{prefix}a", 1)).encode()
    with service(store, None) as client:
        assert post(client, good).status_code == 503
        assert client.get("/api/v1/ready").status_code == 200
    closed = f"127.0.0.1:{free_port()}"
    brokers = [closed]
    with (
        closing(EventTopic(world.ingest, lambda: brokers[0])) as topic,
        service(store, topic) as client,
    ):
        began = time.monotonic()
        answer = post(client, good)
        assert answer.status_code == 503
        assert answer.json()["detail"].count("\n") == 0
        assert time.monotonic() - began < 20
        assert post(client, good).elapsed.total_seconds() < 1
        assert client.get("/api/v1/ready").status_code == 200
        brokers[0] = world.bootstrap_servers
        wait_until("Kafka again", lambda: post(client, good).status_code == 202, 30)


def test_the_dry_run_needs_no_server(cli: CommandLine, tmp_path: Path) -> None:
    alone = CommandLine(tmp_path / "empty", cli.environment)
    done = alone.run("replay", str(SOURCES / "paysim.csv"), "--mapping", "paysim", "--dry-run")
    assert "checked          10" in done.stdout
    assert "dead letters     0" in done.stdout
    assert not (tmp_path / "empty").exists()
