"""Personal identifiers: in clear nowhere but in Kafka's own event topic, and still found.

In a world of their own, since keys are a whole graph's.
"""

import base64
import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from api.world import World
from graph.keyring import make_keyring
from graph.store import GraphStore
from ingest.consumer import ensure_topics
from ingest.replay import replay
from tests.conftest import (
    ROOT,
    CommandLine,
    command_line,
    free_port,
    is_caught_up,
    own_settings,
    wait_until,
)
from tests.events import as_lines, event
from tests.integration.test_ingest import dead_letters
from tests.personal import (
    CONTROL,
    FORMS,
    OPEN,
    SECRETS,
    found_in,
    hostile,
    into_graph,
    personal,
    rows,
)

EVERYTHING = (
    "MATCH (n) RETURN labels(n) AS labels, properties(n) AS node, "
    "[(n)-[r]->() | properties(r)] AS relationships"
)


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


@pytest.mark.long
def test_no_byte_of_a_tokenised_value_is_kept(own: World, data_dir: Path, tmp_path: Path) -> None:
    line = command_line(data_dir, RINGTRACE_LOG_LEVEL="DEBUG")
    values = messages()
    said = through_kafka(own, line, values, tmp_path / "ingest.log")
    with own.store() as store:
        kinds = rows(store, "MATCH (i:Identifier) RETURN i.kind AS k, count(*) AS n ORDER BY k")
        assert {row["k"]: row["n"] for row in kinds} == dict.fromkeys((*SECRETS, "device", "ip"), 1)
        said += from_file(line, tmp_path / "events.jsonl") + listings(line)
        assert '"ring_id"' in said
        everything = json.dumps(rows(store, EVERYTHING), ensure_ascii=False, default=str)
    letters = dead_letters(own)
    assert len(letters) == len(hostile("")) + 1
    assert found_in(everything.encode(), CONTROL)
    assert found_in(everything.encode(), FORMS) == []
    assert found_in(json.dumps(letters, ensure_ascii=False).encode(), FORMS) == []
    assert found_in(said.encode(), FORMS) == []
    sealed_letters_open(own, letters, values)
    line.run("servers", "stop")
    try:
        search_files(data_dir)
    finally:
        line.run("servers", "start")


def messages() -> list[bytes]:
    """Good and bad ones, each with every secret."""
    accounts = [f"member-{n % 8}" for n in range(24)]
    good = [event(name, n, **personal(), **OPEN, country="DE") for n, name in enumerate(accounts)]
    conflicting = event(accounts[0], 0, **personal(), **OPEN, country="FR")
    # spelled otherwise, for the same identifiers
    other = {"email": SECRETS["email"].upper(), "address": SECRETS["address"].upper()}
    good.append(event("member-8", 99, **other, phone="0049 1590 / 7734421", **OPEN))
    return [*(json.dumps(e).encode() for e in [*good, conflicting]), *hostile("member-")]


def through_kafka(own: World, line: CommandLine, values: list[bytes], log: Path) -> str:
    """Ingest messages; what the ingest said."""
    ensure_topics(own.ingest, own.bootstrap_servers)
    with own.store() as store, log.open("wb") as output:
        ingesting = subprocess.Popen(
            line.command("ingest"), cwd=ROOT, env=line.environment, stdout=output, stderr=output
        )
        try:
            replay(values, own.ingest.topic, own.bootstrap_servers)
            wait_until("the graph to catch up", lambda: is_caught_up(own, store))
        finally:
            ingesting.send_signal(signal.SIGTERM)
            code = ingesting.wait(60)
    assert code == 0
    return log.read_text()


def from_file(line: CommandLine, path: Path) -> str:
    """The same past Kafka."""
    said = into_graph(line, path, [event("member-9", 5, **personal(), **OPEN)])
    path.write_bytes(b"\n".join(hostile("member-")) + b"\n")
    return said + line.run("replay", str(path), "--to", "graph").stderr


def listings(line: CommandLine) -> str:
    """What the other commands say."""
    said = ""
    for command in (
        ("detect", "--full"),
        ("rings", "--format", "jsonl"),
        ("rings",),
        ("accounts", "--format", "jsonl"),
        ("keys", "status"),
        ("keys", "rotate"),
    ):
        done = line.run(*command)
        said += done.stdout + done.stderr
    return said


def sealed_letters_open(own: World, letters: list[dict[str, Any]], values: list[bytes]) -> None:
    """Whoever holds the keys can read what could not be used."""
    pseudonyms = own.load_pseudonyms()
    for letter in letters:
        about = f"{letter['topic']}/{letter['partition']}/{letter['offset']}".encode()
        head = pseudonyms.unseal_bytes(letter["value_head"], about)
        assert any(value.startswith(head) for value in values)


def search_files(data_dir: Path) -> None:
    """No file but Kafka's holds a secret, and the search would have seen one."""
    files = [
        path
        for path in sorted(data_dir.rglob("*"))
        if path.is_file() and path.relative_to(data_dir).parts[0] != "kafka"
    ]
    areas: dict[str, int] = {}
    for path in files:
        data = path.read_bytes()
        if path.suffix == ".parquet":
            data += json.dumps(pq.read_table(path).to_pylist(), default=str).encode()
        assert found_in(data, FORMS) == [], path
        area = path.relative_to(data_dir).parts[0]
        areas[area] = areas.get(area, 0) + bool(found_in(data, CONTROL))
    assert areas["neo4j"] >= 2, "the control is in the store or its index, and in the log"
    assert areas["archive"] >= 1
    assert {"keys", "dead_letters.jsonl"} <= areas.keys()
    assert any(area.startswith("duplicates") for area in areas)


def coded(text: str) -> str:
    return "~" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.fixture
def shared(line: CommandLine, tmp_path: Path) -> str:
    """The prefix of three accounts that share everything."""
    prefix = f"s{time.time_ns()}-"
    number = int(prefix[-6:-1]) % 9000 + 1000
    events = [event(f"{prefix}{n}", n, **personal(number), **OPEN) for n in range(3)]
    into_graph(line, tmp_path / "shared.jsonl", events)
    line.run("detect")
    return f"{prefix}|{number}"


@pytest.fixture
def client(line: CommandLine) -> Iterator[httpx.Client]:
    """A client of the real service."""
    port = free_port()
    serving = line.start("serve", "--port", str(port))
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=30) as client:

        def answers() -> bool:
            try:
                return client.get("/ready").status_code == 200
            except httpx.TransportError:
                return False

        try:
            wait_until("the service", answers, 30)
            yield client
        finally:
            serving.terminate()
            serving.wait(30)


def test_clear_values_are_found_and_never_repeated(client: httpx.Client, shared: str) -> None:
    prefix, number = shared.split("|")
    fields = personal(int(number))
    typed = {
        "email": f" {fields['email'].upper()} ",
        "payment_instrument": fields["payment_instrument"]["id"],
        "phone": fields["phone"].replace("+", "00"),
        "address": fields["address"],
        "tax_id": fields["identifiers"]["tax_id"][0].lower(),
    }
    for kind, text in typed.items():
        answer = client.get("/search", params={"q": text})
        (found,) = answer.json()["results"]
        assert found["kind"] == kind
        assert found["id"].startswith(f"{kind}:t")
        assert found["label"].startswith(kind.replace("_", " ") + " ")
        for path in (coded(found["id"]), coded(f"{kind}:{text.strip()}"), coded(text.strip())):
            one = client.get(f"/identifiers/{path}")
            assert one.json() | {"key": found["id"], "account_count": 3} == one.json()
            around = client.get(f"/identifiers/{path}/neighbourhood")
            ids = {node["id"] for node in around.json()["nodes"]}
            assert ids == {found["id"], *(f"account:{prefix}{n}" for n in range(3))}
            for each in (answer, one, around):
                assert text.strip().lower()[-12:] not in each.text.lower()
        page = client.get(f"http://{client.base_url.netloc.decode()}{found['link']}")
        assert page.status_code == 200
        assert found["label"].rstrip("…") in page.text
        assert text.strip().lower()[-12:] not in page.text.lower()


def test_search_finds_accounts_rings_and_keys(client: httpx.Client, shared: str) -> None:
    prefix = shared.split("|")[0]
    account = client.get(f"/accounts/{prefix}0").json()
    ring_id = account["ring_ids"][0]

    def search(text: str) -> list[dict[str, str]]:
        return list(client.get("/search", params={"q": text}).json()["results"])

    assert search(f"{prefix}0") == search(f"account:{prefix}0")
    assert search(f"{prefix}0")[0]["link"] == f"/accounts/{prefix}0"
    assert [r["id"] for r in search(ring_id.lower())] == [ring_id]
    assert search(ring_id)[0]["link"] == f"/rings/{ring_id}"
    (device,) = search(OPEN["device_id"])
    assert device == search(f"device:{OPEN['device_id']}")[0]
    assert device["label"] == OPEN["device_id"]
    assert search("nothing of the kind") == []
    assert client.get("/search").status_code == 422


def test_what_is_not_there_is_not_repeated(client: httpx.Client) -> None:
    for text in ("email:nobody.at.all@example.org", "nobody.at.all@example.org"):
        for path in ("", "/neighbourhood"):
            answer = client.get(f"/identifiers/{coded(text)}{path}")
            assert answer.status_code == 404
            assert "nobody" not in answer.text


def test_sentences_name_tokens_by_their_start(graph: GraphStore, shared: str) -> None:
    prefix = shared.split("|")[0]
    found = rows(
        graph,
        f"MATCH (a:Account {{id: '{prefix}0'}})-[:FLAGGED_BY]->(f:Finding) "
        "RETURN f.rule AS rule, f.identifier_key AS key, f.detail AS detail",
    )
    detail = {row["rule"]: row for row in found}["shared_instrument"]
    token = detail["key"].rpartition(".")[2]
    assert f"payment instrument {token[:6]}… is used by 3 accounts" == detail["detail"]
    assert all(row["detail"] for row in found)


def test_whoever_holds_the_keys_can_unseal(
    line: CommandLine, graph: GraphStore, shared: str
) -> None:
    fields = personal(int(shared.split("|")[1]))
    wanted = {fields["email"].casefold(), fields["payment_instrument"]["id"]}
    keys = rows(graph, "MATCH (i:Identifier) WHERE i.sealed IS NOT NULL RETURN i.key AS key")
    values = {line.run("keys", "unseal", row["key"]).stdout.strip() for row in keys[:2]}
    assert all(values)
    key = own_settings(line.data_dir).load_pseudonyms().keys_of(f"email:{fields['email']}")[0]
    assert line.run("keys", "unseal", key).stdout.strip() in wanted
    assert "no such" in line.run("keys", "unseal", "email:t1.x", expect=1).stderr


@pytest.mark.usefixtures("shared")
def test_a_lost_or_foreign_key_file_is_noticed(
    data_dir: Path, line: CommandLine, tmp_path: Path
) -> None:
    keys_file = own_settings(data_dir).keys_file
    kept = tmp_path / "kept.json"
    shutil.move(keys_file, kept)
    path = tmp_path / "one.jsonl"
    path.write_bytes(as_lines([event("x", 1, email="x@example.org")]))
    commands = (("ingest",), ("replay", str(path), "--to", "graph"), ("keys", "status"))
    for command in commands:
        done = line.run(*command, expect=1)
        assert f"key file {keys_file}" in done.stderr
        assert "restore it" in done.stderr
        assert done.stderr.count("\n") == 1
        assert not keys_file.exists()
    foreign = own_settings(tmp_path / "other")
    make_keyring(foreign.keys_file, 0)
    shutil.copy(foreign.keys_file, keys_file)
    for command in (*commands, ("keys", "rekey")):
        done = line.run(*command, expect=1)
        assert "is not the one this graph was written with" in done.stderr
    assert keys_file.read_bytes() == foreign.keys_file.read_bytes()
    shutil.move(kept, keys_file)
    line.run("replay", str(path), "--to", "graph")
    assert "was written with these keys" in line.run("keys", "status").stdout


def test_what_is_denied_connects_nobody(line: CommandLine, shared: str, tmp_path: Path) -> None:
    prefix, number = shared.split("|")
    fields = personal(int(number))

    def ring_of_the_three() -> set[str]:
        listed = [
            json.loads(text)["account_ids"]
            for text in line.run("rings", "--format", "jsonl").stdout.splitlines()
        ]
        return {a for ids in listed for a in ids if a.startswith(prefix)}

    line.run("detect", "--full")
    assert len(ring_of_the_three()) == 3
    path = tmp_path / "deny.txt"
    denied = [
        fields["email"],
        f"payment_instrument:{fields['payment_instrument']['id']}",
        fields["phone"],
        fields["identifiers"]["tax_id"][0],
        OPEN["device_id"],
        fields["address"],
        OPEN["ip"],
    ]
    path.write_text("\n".join(denied) + "\n", "utf-8")
    line.run("detect", "--full", "--deny-list", str(path))
    assert ring_of_the_three() == set()
    path.write_text(f"account:{prefix}0\n", "utf-8")
    setting = {"RINGTRACE_DETECTION_DENY_LIST": str(path)}
    CommandLine(line.data_dir, line.environment | setting).run("detect", "--full")
    assert f"{prefix}0" not in ring_of_the_three()
