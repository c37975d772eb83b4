"""Real servers, started, found, lost and stopped."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from kafka.admin import KafkaAdminClient, NewTopic

from graph.errors import ServerError
from graph.local import LocalNeo4j, find_neo4j, start_neo4j, stop_neo4j
from graph.store import GraphStore
from ingest.local import LocalKafka, find_kafka, start_kafka, stop_kafka
from tests.conftest import wait_until

ROOT = Path(__file__).resolve().parents[2]
PARENT = """
import sys, time
from pathlib import Path
from ingest.local import start_kafka
start_kafka(Path(sys.argv[1]), keep_running=sys.argv[2] == "keep")
print("up", flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("world") / "data with a space"
    yield folder
    stop_neo4j(folder)
    stop_kafka(folder)


@pytest.fixture(scope="module")
def neo4j(data_dir: Path) -> LocalNeo4j:
    assert find_neo4j(data_dir) is None
    local, started = start_neo4j(data_dir)
    assert started
    return local


@pytest.fixture(scope="module")
def kafka(data_dir: Path) -> LocalKafka:
    local, started = start_kafka(data_dir)
    assert started
    return local


def javas_of(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            line = process.cmdline()
        except psutil.Error:
            continue
        if line and Path(line[0]).name == "java" and str(folder) in " ".join(line):
            found.append(process)
    return found


def wait_for_none(folder: Path, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while left := javas_of(folder):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


@contextmanager
def starting_process(folder: Path, how: str = "with me") -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder), how],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        try:
            assert parent.stdout.readline() == "up\n"
            yield parent
        finally:
            parent.kill()


def test_a_second_start_finds_the_running_server(
    data_dir: Path, neo4j: LocalNeo4j, kafka: LocalKafka
) -> None:
    assert start_neo4j(data_dir) == (neo4j, False)
    assert start_kafka(data_dir) == (kafka, False)
    assert find_neo4j(data_dir) == neo4j
    assert find_kafka(data_dir) == kafka


def test_the_password_is_for_this_user_only(data_dir: Path, neo4j: LocalNeo4j) -> None:
    home = data_dir / "neo4j"
    assert (home / "password").stat().st_mode & 0o777 == 0o600
    assert (home / "server.json").stat().st_mode & 0o777 == 0o600
    assert data_dir.stat().st_mode & 0o777 == 0o700
    assert home.stat().st_mode & 0o777 == 0o700
    assert neo4j.password not in repr(neo4j)
    assert neo4j.password not in (home / "logs" / "console.log").read_text()


@pytest.mark.usefixtures("neo4j", "kafka")
def test_every_port_is_on_the_loopback_address_only(data_dir: Path) -> None:
    listening = [
        connection.laddr.ip.removeprefix("::ffff:")
        for process in javas_of(data_dir)
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}
    assert len(listening) == 4


def test_the_browser_page_is_served(neo4j: LocalNeo4j) -> None:
    page = httpx.get(neo4j.browser_url)
    assert page.status_code == 200
    assert "<html" in page.text


@pytest.mark.parametrize("path", ["/", "/db/neo4j/tx/commit"])
def test_a_foreign_page_may_not_read_the_graph(neo4j: LocalNeo4j, path: str) -> None:
    foreign = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    for method in ("GET", "OPTIONS", "POST"):
        answer = httpx.request(method, neo4j.http_url + path, headers=foreign)
        assert answer.headers.get("access-control-allow-origin") in (None, "http://127.0.0.1:8000")


def test_a_restart_keeps_data_password_and_ports(
    data_dir: Path, neo4j: LocalNeo4j, kafka: LocalKafka
) -> None:
    with GraphStore(neo4j.uri, neo4j.user, neo4j.password) as store:
        store.run_schema("CREATE (:Kept {name: 'yes'})")
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    admin.create_topics([NewTopic("kept", num_partitions=1, replication_factor=1)])
    admin.close()

    assert stop_neo4j(data_dir)
    assert stop_kafka(data_dir)
    assert javas_of(data_dir) == []
    assert find_neo4j(data_dir) is None
    assert find_kafka(data_dir) is None
    assert not stop_neo4j(data_dir)
    assert not stop_kafka(data_dir)

    assert start_neo4j(data_dir) == (neo4j, True)
    assert start_kafka(data_dir) == (kafka, True)
    with GraphStore(neo4j.uri, neo4j.user, neo4j.password) as store:
        assert store.run_schema("MATCH (n:Kept) RETURN n.name AS name") == [{"name": "yes"}]
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    assert "kept" in admin.list_topics()
    admin.close()


def is_let_go(folder: Path) -> None:
    # a process that ends loses its name first and its locks last
    wait_until("the lock of a server that ended", lambda: find_kafka(folder) is None, 10)


def test_a_killed_parent_leaves_no_java_behind(tmp_path: Path) -> None:
    with starting_process(tmp_path) as parent:
        assert find_kafka(tmp_path) is not None
        assert len(javas_of(tmp_path)) == 1
        parent.kill()
        wait_for_none(tmp_path)
    is_let_go(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_a_killed_supervisor_leaves_no_java_behind(tmp_path: Path) -> None:
    with starting_process(tmp_path):
        [java] = javas_of(tmp_path)
        supervisor = java.parent()
        assert supervisor is not None
        supervisor.kill()
        wait_for_none(tmp_path)
        is_let_go(tmp_path)


def test_a_server_told_to_keep_running_outlives_its_parent(tmp_path: Path) -> None:
    with starting_process(tmp_path, "keep"):
        pass
    try:
        time.sleep(1)
        assert find_kafka(tmp_path) is not None
        assert len(javas_of(tmp_path)) == 1
    finally:
        assert stop_kafka(tmp_path)
    assert javas_of(tmp_path) == []


@pytest.mark.parametrize("start", [start_neo4j, start_kafka])
def test_a_heap_java_refuses_is_one_line(tmp_path: Path, start: object) -> None:
    assert callable(start)
    with pytest.raises(ServerError, match=r"Too small .* heap.*console\.log") as caught:
        start(tmp_path, heap_size="1k")
    assert "\n" not in str(caught.value)
    assert javas_of(tmp_path) == []


def test_a_setting_neo4j_refuses_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="much") as caught:
        start_neo4j(tmp_path, page_cache_size="much")
    assert "\n" not in str(caught.value)


def test_a_time_limit_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"within 0\.3 s"):
        start_kafka(tmp_path, time_limit_s=0.3)
    assert javas_of(tmp_path) == []


def test_a_lost_password_is_told_before_the_start(tmp_path: Path) -> None:
    (tmp_path / "neo4j" / "data").mkdir(parents=True)
    with pytest.raises(ServerError, match="restore it"):
        start_neo4j(tmp_path)
