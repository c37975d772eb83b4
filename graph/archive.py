"""Every accepted event, in Parquet: append, compact, read.

Ingest appends segments, a chain a partition without a gap. A compaction moves them into files of
one month each, sorted by account, and a manifest says which files count. Any engine can read what
`files` names.
"""

import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from graph.activity import ArchivedEvent, Place, Wanted, find_activity
from graph.archive_engine import Connection, failed, open_engine, read_table
from graph.archive_files import open_files
from graph.archive_manifest import Manifests
from graph.archive_schema import SCHEMA
from graph.archive_segments import Chains, View, view
from graph.archived_actions import (
    count_events,
    find_actions,
    find_beginnings,
    find_transfers,
)
from graph.compaction import CompactionResult, Compactor
from graph.errors import ArchiveError, QueryError

__all__ = ["SCHEMA", "Archive", "ArchivedEvent", "CompactionResult", "Place"]
T = TypeVar("T")

_EVENT = """
CREATE TEMP VIEW event AS
SELECT * EXCLUDE (body_hash, id_hash), epoch_ms(occurred_at) AS "at"
FROM {} WHERE occurred_at < make_timestamptz(getvariable('until'))
"""
_FILES = "read_parquet(getvariable('files'), hive_partitioning = false)"
_REMEMBERED = """
SELECT id_hash, body_hash, "offset", received_at
FROM read_parquet($files, hive_partitioning = false)
WHERE topic_id = $topic_id AND partition = $partition AND "offset" >= $from_offset
    AND (received_at IS NULL OR received_at >= make_timestamptz($received_since))
"""
_STATE = """
SELECT * FROM read_parquet($files, hive_partitioning = false)
ORDER BY topic_id, partition, "offset"
"""


@dataclass(frozen=True, slots=True)
class ArchiveStatus:
    """How an archive is."""

    url: str
    months: int
    #: month files, and the rows and bytes in them
    files: int
    rows: int
    bytes: int
    #: that are not in a month yet
    segments: int
    #: milliseconds since 1970; None before the first
    compacted_at: int | None


class Archive:
    """The archive at one place; appending is for one thread at a time, reading for any number."""

    def __init__(
        self, url: str, *, memory: str = "512MB", options: dict[str, Any] | None = None
    ) -> None:
        """`url` is a folder or an fsspec address, `options` what its fsspec class takes."""
        self._url = url
        self._files = open_files(url, options or {})
        self._manifests = Manifests(self._files)
        self._chains = Chains(self._files, self._manifests)
        self._compactor = Compactor(self._files, self._manifests, memory)
        self._memory = memory
        self._engine: Connection | None = None
        self._opening = threading.Lock()

    def close(self) -> None:
        """Give back the memory of past readings."""
        with self._opening:
            if self._engine is not None:
                self._engine.close()
                self._engine = None

    def next_offset(self, topic_id: str, partition: int) -> int | None:
        """The offset that is to be appended next; None when there is nothing of the partition."""
        return self._chains.end(topic_id, partition)

    def append(
        self,
        topic_id: str,
        partition: int,
        first: int,
        next_offset: int,
        rows: pa.Table | pa.RecordBatch,
    ) -> None:
        """Add the events of the offsets from `first` to before `next_offset`, durably.

        `rows` has the columns of SCHEMA; it may be empty. PositionError when the partition does
        not stand at `first`: another writer was here. ArchiveError when the disk is full or the
        storage does not answer; what is there then, `next_offset` says.
        """
        table = pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows
        self._chains.append(topic_id, partition, first, next_offset, table)

    def compact(self, now: int) -> CompactionResult:
        """Move segments into months and merge small files; `now` in milliseconds since 1970.

        Several may do it at once: one wins. What is replaced is deleted one compaction later.
        """
        return self._compactor.compact(now)

    def expire(self, before: int) -> int:
        """Drop the events that happened before an instant, from the disk too; returns how many."""
        return self._compactor.expire(before)

    def rename_keys(self, mapping: pa.Table) -> None:
        """Replace identifier keys, on the disk too; `mapping` has the columns `old` and `new`.

        All or nothing: after a crash it can be done again.
        """
        self._compactor.rename_keys(mapping)

    def activity(  # noqa: PLR0913  (the filters of one question)
        self,
        account_id: str,
        *,
        since: int | None = None,
        until: int | None = None,
        types: Sequence[str] = (),
        identifier_key: str | None = None,
        counterparty: str | None = None,
        after: Place | None = None,
        limit: int = 100,
    ) -> list[ArchivedEvent]:
        """An account's events, newest first, behind the place `after`.

        `since` (at or after) and `until` (before) in milliseconds since 1970. With `identifier_key`
        or `counterparty` these are the events behind an edge of the graph.
        """
        wanted = Wanted(account_id, since, until, tuple(types), identifier_key, counterparty, after)
        return self._read(
            lambda engine, now: find_activity(engine, self._files, now, wanted, limit)
        )

    def count(self, since: int, until: int) -> int:
        """How many events happened from `since` to before `until`, milliseconds since 1970."""
        return self._read(lambda engine, now: count_events(engine, self._at(now), since, until))

    def actions(self, since: int, until: int) -> pa.Table:
        """Who acted on what: account_id, object, at, in no order.

        From `since` to before `until`, milliseconds since 1970 as `at` is. An object is `target:`
        and what was acted on, or `payee:` and the account that was paid: a referral is neither.
        """
        return self._read(lambda engine, now: find_actions(engine, self._at(now), since, until))

    def transfers(self, since: int, until: int) -> pa.Table:
        """Money that accounts sent: payer, payee, at, amount_micros, currency, in no order.

        From `since` to before `until`, milliseconds since 1970. What failed is left out.
        """
        return self._read(lambda engine, now: find_transfers(engine, self._at(now), since, until))

    def beginnings(self, until: int) -> pa.Table:
        """When each account was first heard of: account_id, at, in no order.

        Before `until`, milliseconds since 1970 as `at` is; by itself or as a counterparty.
        """
        return self._read(lambda engine, now: find_beginnings(engine, self._at(now), until))

    def remembered(
        self, topic_id: str, partition: int, from_offset: int, received_since: int
    ) -> Iterator[pa.RecordBatch]:
        """id_hash, body_hash, offset and received_at of a partition's events, in no order.

        Those that came without a time are among them. ArchiveError when a compaction deletes what
        is being read: read again from the start.
        """
        names = view(self._files, self._manifests).names
        if not names:
            return
        parameters = {
            "files": [self._files.location(name) for name in names],
            "topic_id": topic_id,
            "partition": partition,
            "from_offset": from_offset,
            "received_since": received_since * 1000,
        }
        try:
            with self._cursor() as cursor:
                yield from cursor.execute(_REMEMBERED, parameters).to_arrow_reader(50_000)
        except (duckdb.Error, OSError) as error:
            raise ArchiveError(f"the archive changed while it was read: {error}") from error

    def ask(self, sql: str, until: int, parameters: dict[str, Any]) -> pa.Table:
        """What a statement returns about the relation `event`: all that happened before `until`.

        It has the archive's columns and `at`, milliseconds since 1970 as `until` is. QueryError for
        a statement that DuckDB does not understand, else as `with_engine`.
        """

        def answer(engine: Connection, files: list[str]) -> pa.Table:
            engine.register("nothing", SCHEMA.empty_table())
            engine.execute("SET VARIABLE files = $files", {"files": files})
            engine.execute("SET VARIABLE until = $until", {"until": until * 1000})
            engine.execute(_EVENT.format(_FILES if files else "nothing"))
            try:
                return read_table(engine, sql, parameters)
            except (duckdb.ProgrammingError, duckdb.DataError) as error:
                raise QueryError((str(error).splitlines() or ["?"])[0]) from error

        return self.with_engine(answer)

    def with_engine(self, work: Callable[[Connection, list[str]], T]) -> T:
        """What `work` makes of the files that are the archive just now, in a DuckDB of its own.

        That one may take 2 GB and moves what is more to the disk. ArchiveError when a compaction
        deletes what is being read: do it again.
        """
        with tempfile.TemporaryDirectory(prefix="ringtrace-archive-") as spill:
            engine = open_engine(self._files, "2GB", spill)
            try:
                return work(engine, self.files())
            except duckdb.Error as error:
                raise failed(error, f"disk under {spill}") from error
            finally:
                engine.close()

    def files(self) -> list[str]:
        """The Parquet files that are the archive just now: any engine can read exactly these."""
        return self._at(view(self._files, self._manifests))

    def status(self) -> ArchiveStatus:
        """Where the archive is and what is in it."""
        now = view(self._files, self._manifests)
        files = now.manifest.files
        return ArchiveStatus(
            url=self._url,
            months=len({file.month for file in files}),
            files=len(files),
            rows=sum(file.rows for file in files),
            bytes=sum(file.bytes for file in files),
            segments=len(now.segments),
            compacted_at=now.manifest.compacted_at or None,
        )

    def state(self) -> pa.Table:
        """Every event in the columns of SCHEMA, by topic id, partition and offset."""

        def read(engine: Connection, now: View) -> pa.Table:
            locations = self._at(now)
            if not locations:
                return SCHEMA.empty_table()
            return read_table(engine, _STATE, {"files": locations}).cast(SCHEMA)

        return self._read(read)

    def _at(self, now: View) -> list[str]:
        return [self._files.location(name) for name in now.names]

    def _read(self, query: Callable[[Connection, View], T]) -> T:
        """Answer from one state of the archive, a newer one when its files are gone."""
        while True:
            now = view(self._files, self._manifests)
            try:
                with self._cursor() as cursor:
                    return query(cursor, now)
            # what fails while its rows are read comes as an OSError
            except (duckdb.Error, OSError) as error:
                if view(self._files, self._manifests).manifest == now.manifest:
                    raise failed(error) from error

    def _cursor(self) -> Connection:
        with self._opening:
            if self._engine is None:
                self._engine = open_engine(self._files, self._memory)
            return self._engine.cursor()
