"""Writes the archive's month files: events of one month in the order of their accounts."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graph.archive_files import Files
from graph.archive_manifest import MonthFile, month_file_name
from graph.archive_schema import FILE_ROWS, ROW_GROUP, SCHEMA, WRITE_OPTIONS


class MonthWriter:
    """Writes one run: files of one month, each going on where the one before ended."""

    def __init__(self, files: Files, work: Path, month: str, number: int, run: int) -> None:
        """For manifest `number`; `work` is a folder for what is not finished."""
        self.month = month
        self._files = files
        self._unfinished = work / f"{uuid.uuid4().hex}.parquet"
        self._like = MonthFile("", month, run, 0, 0, "", "", 0, 0, None)
        self._number = number
        self._open: tuple[pq.ParquetWriter, MonthFile] | None = None
        self._written: list[MonthFile] = []

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows; they come in the order of their accounts."""
        if not batch.num_rows:
            return
        if self._open is None:
            writer = pq.ParquetWriter(self._unfinished, SCHEMA, **WRITE_OPTIONS)
            self._open = writer, self._like
        writer, file = self._open
        writer.write_batch(batch.cast(SCHEMA), row_group_size=ROW_GROUP)
        self._open = writer, _widened(file, batch)
        if self._open[1].rows >= FILE_ROWS:
            self._finish_file()

    def finish(self) -> list[MonthFile]:
        """The files, all of them durable; none when there were no rows."""
        if self._open is not None:
            self._finish_file()
        return self._written

    def _finish_file(self) -> None:
        assert self._open is not None
        writer, file = self._open
        writer.close()
        self._open = None
        name = month_file_name(file.month, self._number, len(self._written), uuid.uuid4().hex[:8])
        size = self._unfinished.stat().st_size
        self._files.put(self._unfinished, name)
        self._written.append(replace(file, path=name, bytes=size))


def rewritten(
    files: Files,
    work: Path,
    file: MonthFile,
    number: int,
    change: Callable[[pa.RecordBatch], pa.RecordBatch],
) -> list[MonthFile]:
    """A file again for manifest `number`, each batch of its rows changed or made shorter."""
    writer = MonthWriter(files, work, file.month, number, file.run)
    for batch in batches(files, file):
        writer.write(change(batch))
    return writer.finish()


def batches(files: Files, file: MonthFile) -> Iterator[pa.RecordBatch]:
    """The rows of a month file in their order."""
    with files.open(file.path) as source:
        yield from pq.ParquetFile(source).iter_batches(ROW_GROUP)


def month_bounds(month: str) -> tuple[int, int]:
    """Where a month begins and ends, milliseconds since 1970 UTC.

    >>> month_bounds("1970-01")
    (0, 2678400000)
    """
    year, number = map(int, month.split("-"))
    starts = (year, number), (year + number // 12, number % 12 + 1)
    first, last = (datetime(*start, 1, tzinfo=UTC) for start in starts)
    return int(first.timestamp()) * 1000, int(last.timestamp()) * 1000


def _widened(file: MonthFile, batch: pa.RecordBatch) -> MonthFile:
    """What is said of a file after another batch."""
    at = pc.min_max(batch["occurred_at"].cast(pa.timestamp("ms", "UTC")).cast(pa.int64())).as_py()
    received = pc.max(batch["received_at"].cast(pa.timestamp("ms", "UTC")).cast(pa.int64())).as_py()
    accounts = batch["account_id"]
    known = [] if file.max_received is None else [file.max_received]
    return replace(
        file,
        rows=file.rows + batch.num_rows,
        min_account=file.min_account if file.rows else accounts[0].as_py(),
        max_account=accounts[-1].as_py(),
        min_at=min(file.min_at, at["min"]) if file.rows else at["min"],
        max_at=max(file.max_at, at["max"]) if file.rows else at["max"],
        max_received=max([*known, *([received] if received is not None else [])], default=None),
    )
