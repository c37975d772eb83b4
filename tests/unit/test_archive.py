"""What the archive promises to ingest and to those who read."""

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.archive import SCHEMA, Archive, ArchivedEvent, Place
from graph.archive_schema import FILE_ROWS
from graph.errors import ArchiveError, InputError, PositionError, SettingsError
from tests.archived import ACCOUNTS, DAY, START, rows

LATER = START + 400 * DAY
ROWS = rows("topic", 0, 0, 300)


def fill(archive: Archive, step: int = 100, end: int = 300) -> None:
    for first in range(0, end, step):
        archive.append("topic", 0, first, first + step, rows("topic", 0, first, first + step))


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    archive = Archive(str(tmp_path))
    yield archive
    archive.close()


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """ROWS, two thirds of them in months."""
    archive = Archive(str(tmp_path_factory.mktemp("mixed")))
    fill(archive, end=200)
    archive.compact(START)
    archive.append("topic", 0, 200, 300, rows("topic", 0, 200, 300))
    yield archive
    archive.close()


def test_an_empty_archive(archive: Archive) -> None:
    assert archive.next_offset("topic", 0) is None
    assert archive.activity("a") == []
    assert archive.files() == []
    assert archive.state().equals(SCHEMA.empty_table())
    assert list(archive.remembered("topic", 0, 0, 0)) == []
    assert archive.compact(LATER).files == 0
    assert archive.expire(LATER) == 0


def test_a_chain_begins_anywhere_and_goes_on_where_it_ends(archive: Archive) -> None:
    archive.append("topic", 0, 40, 50, rows("topic", 0, 40, 50))
    # offsets without an event count too
    archive.append("topic", 0, 50, 60, SCHEMA.empty_table())
    assert archive.next_offset("topic", 0) == 60
    for first in (0, 40, 50, 59, 61):
        with pytest.raises(PositionError, match=f"stands at 60, not at {first}"):
            archive.append("topic", 0, first, 70, SCHEMA.empty_table())
    assert archive.compact(START).segments == 2
    assert archive.next_offset("topic", 0) == 60
    assert archive.state().equals(rows("topic", 0, 40, 50))


def test_two_that_open_a_chain_at_different_offsets_are_told_apart(archive: Archive) -> None:
    archive.append("topic", 0, 0, 10, rows("topic", 0, 0, 10))
    other = Archive(archive.status().url)
    with pytest.raises(PositionError):
        other.append("topic", 0, 5, 15, rows("topic", 0, 5, 15))


def test_a_writer_left_behind_by_compactions_is_refused(archive: Archive) -> None:
    behind = Archive(archive.status().url)
    fill(behind, end=100)
    archive.append("topic", 0, 100, 200, rows("topic", 0, 100, 200))
    for _ in range(2):
        archive.compact(LATER)
    # the name of the segment that it wants to write is free again
    assert not list(Path(archive.status().url).rglob("segments/*/*/*.parquet"))
    with pytest.raises(PositionError, match="another writer"):
        behind.append("topic", 0, 100, 150, rows("topic", 0, 100, 150))
    assert archive.state().equals(rows("topic", 0, 0, 200))
    assert behind.next_offset("topic", 0) == 200


@pytest.mark.parametrize("topic_id", ["", "..", "a/b", ".hidden", "a b"])
def test_a_topic_id_never_leaves_its_folder(archive: Archive, topic_id: str) -> None:
    with pytest.raises(InputError):
        archive.next_offset(topic_id, 0)


def test_rows_must_be_of_the_stretch(archive: Archive) -> None:
    for first, next_offset in ((5, 5), (0, 99), (2, 100)):
        with pytest.raises(ValueError, match=r"stretch|between"):
            archive.append("topic", 0, first, next_offset, rows("topic", 0, 0, 100))


def test_a_lost_segment_is_said_before_anything_is_done(archive: Archive) -> None:
    fill(archive)
    files = sorted(Path(archive.status().url).rglob("segments/*/*/*.parquet"))
    files[1].unlink()
    with pytest.raises(ArchiveError, match="a segment is missing before"):
        archive.compact(LATER)
    files[1].write_bytes(b"PAR1 and then nothing")
    with pytest.raises(ArchiveError, match="damaged"):
        archive.compact(LATER)
    with pytest.raises(ArchiveError) as caught:
        archive.activity("account-1")
    assert "\n" not in str(caught.value)


def test_any_engine_reads_the_same(mixed: Archive) -> None:
    assert mixed.state().equals(ROWS)
    read = pa.concat_tables([pq.read_table(path, partitioning=None) for path in mixed.files()])
    assert read.sort_by("offset").equals(ROWS)


def test_months_hold_each_account_in_one_place(mixed: Archive) -> None:
    files = [path for path in mixed.files() if "/months/" in path]
    assert len({path.split("/")[-2] for path in files}) == len(files) >= 3
    for path in files:
        table = pq.read_table(path, partitioning=None)
        keys = ("account_id", "occurred_at", "topic_id", "partition", "offset")
        assert table.equals(table.sort_by([(key, "ascending") for key in keys]))
        month = pc.strftime(table["occurred_at"], "%Y-%m")
        assert pc.unique(month).to_pylist() == [path.split("/")[-2]]


def events_of(table: pa.Table) -> list[ArchivedEvent]:
    """Rows as the archive tells them, newest first; written without the archive's code."""
    import json

    found = []
    for row in table.to_pylist():
        at, received = row["occurred_at"], row["received_at"]
        place = (round(at.timestamp() * 1000), row["topic_id"], row["partition"], row["offset"])
        names = ArchivedEvent.__slots__[1:]
        event = {name: row[name] for name in names} | {
            "received_at": received and round(received.timestamp() * 1000),
            "identifier_keys": tuple(row["identifier_keys"]),
            "attributes": json.loads(row["attributes"] or "{}"),
        }
        found.append(ArchivedEvent(Place(*place), **event))
    return sorted(found, key=lambda event: event.place, reverse=True)


EVENTS = events_of(ROWS)
TIMES = (
    st.none()
    | st.integers(START - DAY, START + 101 * DAY)
    | st.sampled_from([event.place.occurred_at for event in EVENTS])
)


@settings(max_examples=150, deadline=None)
@given(
    account=st.integers(0, ACCOUNTS),
    since=TIMES,
    until=TIMES,
    types=st.lists(st.sampled_from(["login", "payment", "none"])),
    key=st.none() | st.sampled_from(["device:1", "ip:10.0.0.3", "ip:none"]),
    counterparty=st.none() | st.sampled_from(["account-3", "account-7"]),
    limit=st.integers(1, 8),
)
def test_activity_is_what_a_plain_filter_finds(
    mixed: Archive,
    account: int,
    since: int | None,
    until: int | None,
    types: list[str],
    key: str | None,
    counterparty: str | None,
    limit: int,
) -> None:
    expected = [
        event
        for event in EVENTS
        if event.account_id == f"account-{account}"
        and (since is None or event.place.occurred_at >= since)
        and (until is None or event.place.occurred_at < until)
        and (not types or event.type in types)
        and (key is None or key in event.identifier_keys)
        and (counterparty is None or event.counterparty_account_id == counterparty)
    ]
    found: list[ArchivedEvent] = []
    while True:
        page = mixed.activity(
            f"account-{account}",
            since=since,
            until=until,
            types=types,
            identifier_key=key,
            counterparty=counterparty,
            after=found[-1].place if found else None,
            limit=limit,
        )
        assert len(page) <= limit
        found += page
        if len(page) < limit:
            break
    assert found == expected


def test_events_of_one_moment_are_not_lost_between_pages(archive: Archive) -> None:
    moment = pa.array([START] * ROWS.num_rows, SCHEMA.field("occurred_at").type)
    position = SCHEMA.get_field_index("occurred_at")
    table = ROWS.set_column(position, SCHEMA.field("occurred_at"), moment)
    archive.append("topic", 0, 0, 300, table)
    archive.compact(START)
    expected = [event for event in events_of(table) if event.account_id == "account-5"]
    found: list[ArchivedEvent] = []
    while page := archive.activity("account-5", limit=2, after=found[-1].place if found else None):
        found += page
    assert found == expected


def test_many_months_are_read_newest_first_and_only_as_far_as_needed(archive: Archive) -> None:
    count = 40
    at = pa.array([START + n * 31 * DAY for n in range(count)], SCHEMA.field("occurred_at").type)
    table = ROWS.slice(0, count).set_column(5, SCHEMA.field("occurred_at"), at)
    accounts = pa.array(["one"] * count)
    table = table.set_column(7, SCHEMA.field("account_id"), accounts)
    archive.append("topic", 0, 0, 300, table)
    assert archive.compact(START).files == count
    expected = events_of(table)
    for limit in (1, 12, 13, 39, 40, 100):
        assert archive.activity("one", limit=limit) == expected[:limit]
    # the oldest months are not even opened
    for path in sorted(archive.files())[:10]:
        Path(path).write_bytes(b"")
    assert archive.activity("one", limit=20) == expected[:20]
    with pytest.raises(ArchiveError):
        archive.activity("one", limit=40)


def test_what_is_remembered_of_a_partition(archive: Archive) -> None:
    fill(archive)
    archive.append("topic", 1, 0, 50, rows("topic", 1, 0, 50))
    archive.compact(START)
    archive.append("topic", 0, 300, 400, rows("topic", 0, 300, 400))
    for from_offset, since in ((0, 0), (150, 0), (0, START + 200_000), (350, START + 390_000)):
        table = rows("topic", 0, 0, 400)
        received = table["received_at"].cast(pa.int64())
        recent = pc.or_(pc.is_null(received), pc.greater_equal(pc.fill_null(received, 0), since))
        expected = table.filter(
            pc.and_(recent, pc.greater_equal(table["offset"], from_offset))
        ).select(["id_hash", "body_hash", "offset", "received_at"])
        found = pa.Table.from_batches(archive.remembered("topic", 0, from_offset, since))
        found = found.cast(pa.schema([replace_field(f) for f in expected.schema]))
        assert found.sort_by("offset").equals(expected)


def replace_field(field: pa.Field) -> pa.Field:
    return field.with_nullable(True) if field.nullable else field


def test_what_expired_is_on_no_disk(archive: Archive) -> None:
    table = rows("topic", 0, 0, 300)
    fill(archive, end=200)
    archive.compact(START)
    archive.append("topic", 0, 200, 300, table.filter(pc.greater_equal(table["offset"], 200)))
    before = START + 40 * DAY
    limit = pa.scalar(before, SCHEMA.field("occurred_at").type)
    kept = table.filter(pc.greater_equal(table["occurred_at"], limit))
    assert archive.expire(before) == table.num_rows - kept.num_rows > 50
    assert archive.state().equals(kept)
    assert archive.expire(before) == 0
    paths = {str(path) for path in Path(archive.status().url).rglob("*.parquet")}
    assert paths == set(archive.files())
    assert archive.next_offset("topic", 0) == 300


def test_keys_are_renamed_on_every_disk(archive: Archive) -> None:
    fill(archive, end=200)
    archive.compact(START)
    archive.append("topic", 0, 200, 300, rows("topic", 0, 200, 300))
    mapping = {"device:1": "device:new", "ip:10.0.0.3": "ip:new", "ip:unknown": "ip:never"}
    archive.rename_keys(pa.table({"old": list(mapping), "new": list(mapping.values())}))
    keys = [[mapping.get(key, key) for key in row] for row in ROWS["identifier_keys"].to_pylist()]
    field = SCHEMA.field("identifier_keys")
    expected = ROWS.set_column(SCHEMA.get_field_index(field.name), field, pa.array(keys))
    assert archive.state().equals(expected)
    for path in Path(archive.status().url).rglob("*.parquet"):
        assert "device:1" not in str(pq.read_table(path, partitioning=None).to_pylist())


def test_a_large_month_has_several_files_with_other_accounts(archive: Archive) -> None:
    count = FILE_ROWS + 1000
    table = ROWS.take(np.arange(count) % ROWS.num_rows)
    at = pa.array(np.full(count, START), pa.int64()).cast(SCHEMA.field("occurred_at").type)
    offsets = pa.array(np.arange(count), pa.int64())
    table = table.set_column(5, SCHEMA.field("occurred_at"), at)
    table = table.set_column(2, SCHEMA.field("offset"), offsets)
    archive.append("topic", 0, 0, count, table)
    assert archive.compact(START).files == 2
    first, second = (pq.read_table(path, partitioning=None) for path in sorted(archive.files()))
    assert (first.num_rows, second.num_rows) == (FILE_ROWS, 1000)
    assert pc.max(first["account_id"]).as_py() <= pc.min(second["account_id"]).as_py()
    assert archive.expire(START + 1) == count
    assert archive.files() == []


def test_replaced_files_stay_for_readers_until_the_next_compaction(archive: Archive) -> None:
    fill(archive, end=100)
    old = archive.files()
    archive.compact(START)
    assert all(Path(path).exists() for path in old)
    archive.compact(START)
    assert not any(Path(path).exists() for path in old)


@contextmanager
def full_disk(free_bytes: int) -> Iterator[None]:
    """No file of this process can get larger than that, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    assert signal.getsignal(signal.SIGXFSZ) == signal.SIG_IGN
    resource.setrlimit(resource.RLIMIT_FSIZE, (free_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_said_and_loses_nothing(archive: Archive) -> None:
    fill(archive, end=200)
    more = rows("topic", 0, 200, 300)
    for _ in range(2):
        with full_disk(1_000), pytest.raises(ArchiveError, match="File too large") as caught:
            archive.append("topic", 0, 200, 300, more)
        assert "\n" not in str(caught.value)
        assert archive.next_offset("topic", 0) == 200
        with full_disk(1_000), pytest.raises(ArchiveError):
            archive.compact(START)
        assert archive.state().equals(rows("topic", 0, 0, 200))
    archive.append("topic", 0, 200, 300, more)
    archive.compact(START)
    assert archive.state().equals(ROWS)
    assert not list(Path(archive.status().url).rglob(".*"))


def test_an_address_that_cannot_be_is_a_setting_to_mend(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nothing"):
        Archive("nothing://bucket/prefix")
    archive = Archive(str(tmp_path), memory="much")
    fill(archive)
    with pytest.raises(ArchiveError, match=r"(?i)memory|parse"):
        archive.compact(START)


def test_what_killed_processes_left_goes_and_nothing_of_others(tmp_path: Path) -> None:
    archive = Archive(str(tmp_path))
    fill(archive, end=100)
    folder = tmp_path / "segments" / "topic" / "0"
    left = [folder / ".ringtrace-unfinished-1", tmp_path / ".ringtrace-unfinished-2" / "file"]
    foreign = [tmp_path / ".profile", tmp_path / ".config" / "file", folder / ".hidden"]
    recent = folder / ".ringtrace-unfinished-3"
    for path in (*left, *foreign, recent):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
        for old in (path, path.parent):
            os.utime(old, (START / 1000, START / 1000))
    os.utime(recent, (LATER / 1000, LATER / 1000))
    archive.compact(LATER)
    assert [path.exists() for path in (*left, *foreign, recent)] == [False] * 2 + [True] * 4
    assert archive.state().equals(rows("topic", 0, 0, 100))
