"""Files of events or of foreign rows: .jsonl, .csv and .parquet, plain, .gz or .zst."""

import csv
import gzip
import hashlib
import io
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from graph.errors import InputError
from graph.times import now_ms
from ingest.batches import Batch, Message, Partition
from ingest.cells import event_of
from ingest.mapping import load_mapping, select
from ingest.positions import Place
from ingest.rows import map_rows

_ENDINGS = (".jsonl", ".csv", ".parquet")
_ZSTD_CHUNK = 16 * 1024
_READ_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    RecursionError,
    zlib.error,
    zstandard.ZstdError,
    csv.Error,
    pa.ArrowException,
    msgspec.DecodeError,
)


class Line(NamedTuple):
    """A message with its place: the row, or the line of a .jsonl file, counted from 1."""

    value: bytes
    path: Path
    row: int


def read_events(paths: list[Path], mapping: str | None) -> tuple[Iterator[bytes], int | None]:
    """Messages of all files, and how many there are where that is known beforehand.

    Without a mapping each line or row is an event as the contract says. Raises InputError for
    a file that cannot be read.
    """
    lines = read_lines(paths, mapping)
    if mapping is None or any(table.sorted for table in load_mapping(mapping).tables):
        return (line.value for line in lines), None
    values = [line.value for line in lines]
    return iter(values), len(values)


def read_lines(paths: list[Path], mapping: str | None) -> Iterator[Line]:
    """Messages of all files with their places; InputError for a file that cannot be read."""
    if missing := [path for path in paths if not path.exists()]:
        raise InputError(f"there is no file {missing[0]}")
    if mapping is None:
        return _plain(paths)
    known = load_mapping(mapping)
    files = [(path, read_rows(path)) for path in select(known, paths)]
    return (Line(msgspec.json.encode(m.event), m.path, m.row) for m in map_rows(known, files))


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a file as objects."""
    with _readable(path) as (file, ending):
        if ending == ".parquet":
            for batch in pq.ParquetFile(file).iter_batches():
                yield from batch.to_pylist()
        elif ending == ".csv":
            reader = csv.DictReader(io.TextIOWrapper(file, "utf-8-sig", newline=""))
            for row in reader:
                if None in row:
                    raise csv.Error(f"line {reader.line_num} has more values than the header")
                yield row
        else:
            for line in file:
                if line.strip():
                    yield msgspec.json.decode(line, type=dict[str, Any])


def _plain(paths: list[Path]) -> Iterator[Line]:
    for path in paths:
        if ".jsonl" in path.suffixes:
            with _readable(path) as (file, _):
                # a line that is no JSON is sent as it is: it becomes a dead letter with its place
                for number, line in enumerate(file, 1):
                    if line.strip():
                        yield Line(line.rstrip(b"\r\n"), path, number)
        else:
            for number, row in enumerate(read_rows(path), 1):
                try:
                    event = event_of(row)
                except ValueError as error:
                    raise InputError(f"{path}: row {number}: {error}") from error
                yield Line(msgspec.json.encode(event), path, number)


@contextmanager
def _readable(path: Path) -> Iterator[tuple[IO[bytes], str]]:
    ending = next((e for e in _ENDINGS if e in path.suffixes[-2:]), None)
    if ending is None:
        raise InputError(f"{path.name}: expected .jsonl, .csv or .parquet, plain, .gz or .zst")
    try:
        with path.open("rb") as raw, _unpacked(raw, path.suffix) as file:
            # Parquet is read from its end, and a decompressor cannot seek backwards
            packed = ending == ".parquet" and path.suffix != ending
            yield (io.BytesIO(file.read()) if packed else file), ending
    except _READ_ERRORS as error:
        raise InputError(f"{path}: {error}") from error


def _unpacked(raw: IO[bytes], suffix: str) -> Any:
    if suffix == ".gz":
        return gzip.GzipFile(fileobj=raw)
    if suffix == ".zst":
        return io.BufferedReader(_ZstdReader(raw))
    return raw


class _ZstdReader(io.RawIOBase):
    """Frames of zstd one after the other; unlike zstandard's own it notices a cut file."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._pieces = self._unpack(raw)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer from the next piece."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    @staticmethod
    def _unpack(raw: IO[bytes]) -> Iterator[bytes]:
        frame = None
        while packed := raw.read(_ZSTD_CHUNK):
            while packed:
                frame = frame or zstandard.ZstdDecompressor().decompressobj()
                yield frame.decompress(packed)
                packed, frame = (frame.unused_data, None) if frame.eof else (b"", frame)
        if frame is not None:
            raise EOFError("the file ends inside a zstd frame")


class FileSource:
    """Files as a source of batches, without Kafka: `replay --to graph`.

    The content of the files is the topic: the same files played again, or after a crash, go on
    where the stores stand. `hold` says from where to read. Meanwhile the messages lie in `spool`,
    an empty file: memory would not hold a year of them.
    """

    def __init__(
        self,
        values: Iterable[bytes],
        batch_size: int,
        hold: Callable[[list[Place], int], dict[Partition, int]],
        spool: IO[bytes],
    ) -> None:
        digest = hashlib.blake2b(digest_size=16)
        self._spool = spool
        #: where each message begins in it, and at last its end
        self._starts = array("q", [0])
        for value in values:
            digest.update(len(value).to_bytes(8, "big") + value)
            self._spool.write(value)
            self._starts.append(self._starts[-1] + len(value))
        self._partition = Partition("files", digest.hexdigest(), 0)
        self._batch_size = batch_size
        self._hold = hold
        self._start: int | None = None

    def __len__(self) -> int:
        """How many messages the files have."""
        return len(self._starts) - 1

    def batches(self) -> Iterator[Batch]:
        """The rest of the files."""
        while True:
            if self._start is None:
                self._start = self._hold([Place(self._partition)], now_ms())[self._partition]
            end = min(self._start + self._batch_size, len(self))
            if self._start == end:
                return
            self._spool.seek(self._starts[self._start])
            messages = [
                Message(self._partition, offset, self._spool.read(to - since))
                for offset, (since, to) in enumerate(
                    pairwise(self._starts[self._start : end + 1]), self._start
                )
            ]
            yield Batch(messages, {self._partition: end})

    def done(self, batch: Batch) -> None:
        """Go on behind this batch."""
        self._start = batch.next_offsets[self._partition]

    def go_back(self) -> None:
        """Read again from where the stores stand."""
        self._start = None

    def shrink(self) -> None:
        """Halve the batches."""
        self._batch_size = max(1, self._batch_size // 2)
