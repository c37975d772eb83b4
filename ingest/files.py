"""Files of events or of foreign rows: .jsonl, .csv and .parquet, plain, .gz or .zst."""

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from graph.errors import InputError
from ingest.batches import Batch, Message, Partition
from ingest.mapping import load_mapping, map_rows, select

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


def read_events(paths: list[Path], mapping: str | None) -> tuple[Iterator[bytes], int | None]:
    """Messages of all files, and how many there are where that is known beforehand.

    Without a mapping each line or row is an event as the contract says. Raises InputError for
    a file that cannot be read.
    """
    if missing := [path for path in paths if not path.exists()]:
        raise InputError(f"there is no file {missing[0]}")
    if mapping is None:
        return _plain(paths), None
    known = load_mapping(mapping)
    files = [(path, read_rows(path)) for path in select(known, paths)]
    events = map_rows(known, files)
    return (msgspec.json.encode(event) for event in events), len(events)


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


def _plain(paths: list[Path]) -> Iterator[bytes]:
    for path in paths:
        if ".jsonl" in path.suffixes:
            with _readable(path) as (file, _):
                # a line that is no JSON is sent as it is: it becomes a dead letter with its place
                yield from (line.rstrip(b"\r\n") for line in file if line.strip())
        else:
            for row in read_rows(path):
                event = {key: value for key, value in row.items() if value not in (None, "")}
                yield msgspec.json.encode(event)


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
    where the graph stands.
    """

    def __init__(self, values: list[bytes], batch_size: int) -> None:
        digest = hashlib.blake2b(digest_size=16)
        for value in values:
            digest.update(len(value).to_bytes(8, "big") + value)
        self.partition = Partition("files", digest.hexdigest(), 0)
        self._values = values
        self._batch_size = batch_size
        self._start = self._expected = 0

    def start_at(self, lowest: int, expected: int) -> None:
        """Read from `lowest`; the graph stands at `expected`."""
        self._start, self._expected = lowest, expected

    def batches(self) -> Iterator[Batch]:
        """The rest of the files."""
        while self._start < len(self._values):
            end = min(self._start + self._batch_size, len(self._values))
            messages = [
                Message(self.partition, offset, self._values[offset])
                for offset in range(self._start, end)
            ]
            yield Batch(messages, {self.partition: self._expected}, {self.partition: end})

    def done(self, batch: Batch) -> None:
        """The batch is in the graph: go on behind it."""
        self._start = batch.next_offsets[self.partition]
        self._expected = max(self._expected, self._start)

    def go_back(self) -> None:
        """Nothing moved: the same batch comes again."""
