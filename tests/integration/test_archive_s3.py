"""The archive in a bucket: a real S3 server, started from its jars."""

import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import s3fs
from fsspec.implementations.local import LocalFileSystem

from graph import jvm
from graph.archive import SCHEMA, Archive
from graph.archive_files import Bucket, open_files
from graph.errors import ArchiveError, PositionError, SettingsError
from graph.ports import Ports, answers
from tests.archived import DAY, START, rows
from tests.conftest import ROOT

#: of org.gaul:s3proxy:4.1.0 and what it needs to keep objects in a folder
JAR_LOCK = ROOT / "tests" / "data" / "s3proxy_jars.lock"
_SETTINGS = """\
s3proxy.endpoint=http://127.0.0.1:{port}
s3proxy.authorization=aws-v2-or-v4
s3proxy.identity=test-key
s3proxy.credential=test-secret
jclouds.provider=filesystem-nio2
jclouds.filesystem.basedir={folder}
jclouds.identity=none
jclouds.credential=none
"""
_LOGGING = """\
<configuration>
  <appender name="console" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d %p %c{1}: %m%n</pattern></encoder>
  </appender>
  <root level="warn"><appender-ref ref="console"/></root>
</configuration>
"""


def options_for(port: int) -> dict[str, Any]:
    return {
        "key": "test-key",
        "secret": "test-secret",
        "endpoint_url": f"http://127.0.0.1:{port}",
        "config_kwargs": {"connect_timeout": 2, "retries": {"max_attempts": 1}},
    }


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a running S3 server."""
    home = tmp_path_factory.mktemp("s3") / "s3proxy"

    def prepare(ports: Ports, _: list[Path]) -> list[str]:
        (home / "objects").mkdir()
        settings = _SETTINGS.format(port=ports["s3"], folder=home / "objects")
        (home / "s3proxy.properties").write_text(settings)
        (home / "logback.xml").write_text(_LOGGING)
        logging = f"-Dlogback.configurationFile={home / 'logback.xml'}"
        main = ["org.gaul.s3proxy.Main", "--properties", str(home / "s3proxy.properties")]
        return ["-Xmx128m", logging, *main]

    server = jvm.JavaServer("S3Proxy", home, "4.1.0", JAR_LOCK, {"s3": 0})
    ports, _ = jvm.start(
        server, prepare, lambda ports: answers(ports["s3"]), keep_running=False, time_limit_s=60
    )
    yield ports["s3"]
    jvm.stop(home)


@pytest.fixture
def url(port: int) -> str:
    """An address in a bucket of this test's own."""
    bucket = f"test-{uuid.uuid4().hex[:12]}"
    store = s3fs.S3FileSystem(**options_for(port), skip_instance_cache=True)
    store.call_s3("create_bucket", Bucket=bucket)
    return f"s3://{bucket}/some/prefix"


@pytest.fixture
def archive(url: str, port: int) -> Iterator[Archive]:
    archive = Archive(url, options=options_for(port))
    yield archive
    archive.close()


def test_a_life_in_a_bucket(archive: Archive, url: str, port: int) -> None:
    for first in range(0, 300, 100):
        archive.append("+topic", 0, first, first + 100, rows("+topic", 0, first, first + 100))
        if first:
            archive.compact(START)
            assert archive.state().equals(rows("+topic", 0, 0, first + 100))
    table = rows("+topic", 0, 0, 300)
    limit = pa.scalar(START + 40 * DAY, SCHEMA.field("occurred_at").type)
    table = table.filter(pc.greater_equal(table["occurred_at"], limit))
    assert archive.expire(START + 40 * DAY) > 0
    other = Archive(url, options=options_for(port))
    assert other.state().equals(table)
    assert other.next_offset("+topic", 0) == 300
    offsets = [event.place.offset for event in other.activity("account-3")]
    of_account = table.filter(pc.equal(table["account_id"], "account-3"))
    assert sorted(offsets) == of_account["offset"].to_pylist()
    remembered = pa.Table.from_batches(other.remembered("+topic", 0, 0, 0))
    assert sorted(remembered["offset"].to_pylist()) == table["offset"].to_pylist()
    other.close()


def test_any_engine_reads_the_bucket(archive: Archive, port: int) -> None:
    archive.append("topic", 0, 0, 100, rows("topic", 0, 0, 100))
    archive.compact(START)
    archive.append("topic", 0, 100, 200, rows("topic", 0, 100, 200))
    store = s3fs.S3FileSystem(**options_for(port), skip_instance_cache=True)
    files = [path.removeprefix("s3://") for path in archive.files()]
    count = sum(pq.read_table(p, filesystem=store, partitioning=None).num_rows for p in files)
    assert count == rows("topic", 0, 0, 200).num_rows


def test_of_two_writers_at_one_offset_one_is_refused(archive: Archive, url: str, port: int) -> None:
    other = Archive(url, options=options_for(port))
    archive.append("topic", 0, 0, 10, rows("topic", 0, 0, 10))
    assert other.next_offset("topic", 0) == 10
    archive.append("topic", 0, 10, 20, rows("topic", 0, 10, 20))
    with pytest.raises(PositionError):
        other.append("topic", 0, 10, 15, rows("topic", 0, 10, 15))
    assert archive.state().equals(rows("topic", 0, 0, 20))


def test_many_at_once_make_each_object_once(url: str, port: int) -> None:
    writers = [open_files(url, options_for(port)) for _ in range(4)]
    made: list[tuple[str, int]] = []

    def make(writer: int) -> None:
        for number in range(25):
            if writers[writer].create(f"manifests/{number}.json", str(writer).encode()):
                made.append((f"manifests/{number}.json", writer))

    threads = [threading.Thread(target=make, args=[writer]) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(name for name, _ in made) == sorted({name for name, _ in made})
    assert len(made) == 25
    for name, writer in made:
        assert writers[0].read(name) == str(writer).encode()
    assert writers[0].names("probe") == []


class Careless(LocalFileSystem):  # type: ignore[misc]
    """Overwrites whatever it was told, as older stores do."""

    protocol = "careless"

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite") -> None:
        del mode
        super().pipe_file(path, value)


def test_a_store_that_overwrites_is_not_used(tmp_path: Path) -> None:
    fsspec.register_implementation("careless", Careless, clobber=True)
    files = Bucket(f"careless://{tmp_path}", {"auto_mkdir": True})
    with pytest.raises(SettingsError, match="overwrites"):
        files.create("manifests/1.json", b"x")
    assert files.names("probe") == []


def test_a_store_that_does_not_answer_is_said_in_one_line(port: int) -> None:
    with pytest.raises(ArchiveError) as caught:
        Archive("s3://bucket/prefix", options=options_for(1)).next_offset("topic", 0)
    assert "\n" not in str(caught.value)
    wrong = options_for(port) | {"secret": "wrong"}
    with pytest.raises(ArchiveError) as caught:
        Archive("s3://bucket/prefix", options=wrong).compact(START)
    assert "wrong" not in str(caught.value)
