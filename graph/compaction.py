"""Turns the archive's segments into account-sorted months, and rewrites months.

Every change is: write new files, publish the next manifest, delete what no manifest names. A crash
before the manifest leaves files that count nowhere; one after it leaves files that count no more.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from graph.archive_engine import Connection, failed, open_engine
from graph.archive_files import Files
from graph.archive_manifest import Manifest, Manifests, MonthFile
from graph.archive_schema import ROW_GROUP
from graph.archive_segments import View, contiguous, list_segments, view
from graph.errors import ArchiveError
from graph.month_files import MonthWriter, month_bounds, rewritten
from graph.month_merges import plan_merges
from graph.times import DAY_MS

#: segments moved at once
_SEGMENTS = 1_000
_TRIES = 10

_FRESH = """
SELECT strftime(occurred_at AT TIME ZONE 'UTC', '%Y-%m') AS month, count(*)
FROM read_parquet($files, hive_partitioning = false) GROUP BY month ORDER BY month
"""
_SORTED = """
SELECT * FROM read_parquet($files, hive_partitioning = false)
WHERE occurred_at >= make_timestamptz($start) AND occurred_at < make_timestamptz($end)
ORDER BY account_id, occurred_at, topic_id, partition, "offset"
"""
#: what a change makes of the archive, in a folder for unfinished files; None for nothing to do
_Change = Callable[[View, Path], Manifest | None]


@dataclass(frozen=True, slots=True)
class CompactionResult:
    """What a compaction did."""

    #: moved into months
    segments: int
    #: events in them
    rows: int
    #: month files there are now
    files: int


@dataclass(frozen=True, slots=True)
class Published:
    """A change of the archive that counts: the manifest before it and its own."""

    before: Manifest
    after: Manifest

    @property
    def rows(self) -> int:
        """How many more rows the months have."""
        return sum(f.rows for f in self.after.files) - sum(f.rows for f in self.before.files)


class Compactor:
    """Changes the set of month files."""

    def __init__(self, files: Files, manifests: Manifests, memory: str) -> None:
        """`memory` bounds what DuckDB sorts with."""
        self._files = files
        self._manifests = manifests
        self._memory = memory

    def compact(self, now: int) -> CompactionResult:
        """See `Archive.compact`."""
        self._files.delete_unfinished(now - DAY_MS)
        segments = rows = changes = 0
        while done := self._publish(lambda base, work: self._compacted(base, work, now)):
            past = self._past_segments(done.after)
            segments += len(past) - len(self._past_segments(done.before))
            rows, changes = rows + done.rows, changes + 1
            # readers that began before may still need the rest
            self._files.delete(self._past_segments(done.before))
            self._manifests.delete_past(keep=(file.path for file in done.before.files))
        if not changes:
            self._delete_past()
        return CompactionResult(segments, rows, len(self._manifests.newest().files))

    def expire(self, before: int) -> int:
        """See `Archive.expire`."""

        def keep(batch: pa.RecordBatch) -> pa.RecordBatch:
            limit = pa.scalar(before * 1000, pa.timestamp("us", "UTC"))
            return batch.filter(pc.greater_equal(batch["occurred_at"], limit))

        done = self._rewrite(lambda file: file.min_at < before, keep)
        return -done.rows if done else 0

    def rename_keys(self, mapping: pa.Table) -> None:
        """See `Archive.rename_keys`."""
        old, new = (mapping[name].combine_chunks() for name in ("old", "new"))

        def rename(batch: pa.RecordBatch) -> pa.RecordBatch:
            lists = batch["identifier_keys"]
            place = pc.index_in(lists.flatten(), value_set=old)
            renamed = pc.coalesce(pc.take(new, place), lists.flatten())
            changed = pa.ListArray.from_arrays(lists.offsets, renamed)
            position = batch.schema.get_field_index("identifier_keys")
            return batch.set_column(position, "identifier_keys", changed)

        self._rewrite(lambda _: True, rename)

    def _rewrite(
        self,
        concerns: Callable[[MonthFile], bool],
        change: Callable[[pa.RecordBatch], pa.RecordBatch],
    ) -> Published | None:
        """Change the rows of some files, and leave nothing of their old form on the disk."""
        self.compact(self._manifests.newest().compacted_at)

        def make(base: View, work: Path) -> Manifest | None:
            old = [file for file in base.manifest.files if concerns(file)]
            number = base.manifest.number + 1
            new = [f for file in old for f in rewritten(self._files, work, file, number, change)]
            kept = [file for file in base.manifest.files if file not in old]
            return base.manifest.next(files=_ordered(kept + new)) if old else None

        done = self._publish(make)
        self._delete_past()
        return done

    def _compacted(self, base: View, work: Path, now: int) -> Manifest | None:
        found = list(islice(contiguous(self._files, base), _SEGMENTS))
        if not found and not plan_merges(base.manifest.files, {}, now):
            return None
        locations = [self._files.location(s.name) for s, contents in found if contents.rows]
        with closing(open_engine(self._files, self._memory, str(work))) as engine:
            fresh: dict[str, int] = {}
            if locations:
                fresh = dict(engine.execute(_FRESH, {"files": locations}).fetchall())
            plan = plan_merges(base.manifest.files, fresh, now)
            files, number = list(base.manifest.files), base.manifest.number + 1
            for month, runs in plan.items():
                old = [file for file in files if file.month == month and file.run in runs]
                sources = [self._files.location(file.path) for file in old]
                writer = MonthWriter(self._files, work, month, number, number)
                sources += locations if month in fresh else []
                files = [f for f in files if f not in old] + _sort(engine, sources, writer)
        covered = {s.chain: contents.next_offset for s, contents in found}
        return base.manifest.next(
            files=_ordered(files), covered=base.manifest.covered | covered, compacted_at=now
        )

    def _publish(self, change: _Change) -> Published | None:
        """Have a change count; starts again when another one was first."""
        for _ in range(_TRIES):
            base = view(self._files, self._manifests)
            try:
                with self._files.workspace() as work:
                    made = change(base, work)
            except (duckdb.Error, FileNotFoundError) as error:
                if self._manifests.newest().number != base.manifest.number:
                    continue
                raise failed(error) from error
            except OSError as error:
                raise failed(error) from error
            if made is None:
                return None
            if self._manifests.publish(made):
                return Published(base.manifest, made)
        raise ArchiveError("other compactions of the archive were first each time: try again")

    def _delete_past(self) -> None:
        """Delete all that does not count now, even under a reader's eyes: it looks again."""
        self._files.delete(self._past_segments(self._manifests.newest()))
        self._manifests.delete_past()

    def _past_segments(self, manifest: Manifest) -> list[str]:
        found = list_segments(self._files)
        return [s.name for s in found if s.number < manifest.covered.get(s.chain, 0)]


def _sort(engine: Connection, sources: list[str], writer: MonthWriter) -> list[MonthFile]:
    start, end = month_bounds(writer.month)
    parameters = {"files": sources, "start": start * 1000, "end": end * 1000}
    # not by `sql`: its reader holds the whole month in memory
    for batch in engine.execute(_SORTED, parameters).to_arrow_reader(ROW_GROUP):
        writer.write(batch)
    return writer.finish()


def _ordered(files: list[MonthFile]) -> tuple[MonthFile, ...]:
    return tuple(sorted(files, key=lambda file: file.path))
