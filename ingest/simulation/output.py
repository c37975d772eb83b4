"""Simulated events and their truth as files."""

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import zstandard

from graph.errors import InputError

ENDINGS = (".jsonl", ".jsonl.gz", ".jsonl.zst")
#: events between two reports
_REPORT_EVERY = 1000


def write_events(
    values: Iterable[bytes], path: Path, report: Callable[[int], None] = lambda _: None
) -> int:
    """Write one event a line, packed as the file's ending says, and return how many.

    The file appears when it is complete. Raises InputError for another ending, or when it cannot
    be written.
    """
    check_ending(path)
    count = 0
    with _complete(path) as file, _packed(file, path.suffix) as packed:
        for count, value in enumerate(values, 1):
            packed.write(value + b"\n")
            if count % _REPORT_EVERY == 0:
                report(count)
    report(count)
    return count


def write_truth(rows: Iterable[tuple[str, int, str]], path: Path) -> tuple[int, int]:
    """Write the truth file and return how many accounts are in rings, and in how many rings."""
    members, rings = 0, set()
    with _complete(path) as file, io.TextIOWrapper(file, "utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("account_id", "label", "ring_id"))
        for row in rows:
            writer.writerow(row)
            if row[1]:
                members += 1
                rings.add(row[2])
    return members, len(rings)


def check_ending(path: Path) -> None:
    """Raise InputError unless events can be written to a file of this name."""
    if not path.name.endswith(ENDINGS):
        raise InputError(f"{path.name}: expected {', '.join(ENDINGS)}")


@contextmanager
def _complete(path: Path) -> Iterator[IO[bytes]]:
    """A file beside the path that takes its place at the end, and goes when that is not reached."""
    part = path.with_name(path.name + ".part")
    try:
        try:
            with part.open("wb") as file:
                yield file
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from error


@contextmanager
def _packed(file: IO[bytes], suffix: str) -> Iterator[IO[bytes]]:
    if suffix == ".gz":
        # without the time, so that the same events are the same file
        with gzip.GzipFile("", "wb", 5, file, mtime=0) as packed:
            yield packed  # type: ignore[misc]
    elif suffix == ".zst":
        with zstandard.ZstdCompressor(3).stream_writer(file, closefd=False) as packed:
            yield packed
    else:
        yield file
