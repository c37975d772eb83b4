"""One account's activity out of 1, 10 and 50 million archived events, warm, and how it grows."""

import hashlib
import multiprocessing
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from graph.archive import SCHEMA, Archive
from graph.archive_engine import open_engine
from graph.archive_files import Files, open_files
from graph.archive_manifest import Manifest, Manifests, MonthFile
from graph.archive_schema import ROW_GROUP
from graph.month_files import MonthWriter, month_bounds

SIZES = (1_000_000, 10_000_000, 50_000_000)
#: each has about 50 events a year at 50 million
ACCOUNTS = 1_000_000
LOOKUPS = 100
#: appended one after the other, with their rows: a fast catching-up, and then what four partitions
#: at ten million events a day leave in the five minutes before they are compacted
APPENDED = ((0, 0), (20, 50_000), (60, 600))
MONTHS = [f"2025-{number:02}" for number in range(1, 13)]
#: 100 bytes a row, and as much again to sort
_BYTES_A_ROW = 200

_ROWS = """
SELECT 'benchmark' AS topic_id, 0::INTEGER AS partition, i AS "offset",
    substr(md5(i::VARCHAR), 1, 20) AS event_id,
    ['login', 'payment', 'transfer', 'content'][1 + (hash(i, 1) % 4)::INTEGER] AS type,
    make_timestamptz(($start + (i - $first) * ($end - $start) // $count) * 1000) AS occurred_at,
    occurred_at + INTERVAL 1 SECOND AS received_at,
    substr(md5('a' || account), 1, 16) AS account_id,
    ['device:' || substr(md5('d' || account % 700_000), 1, 16),
     'ip:' || hash(account) % 223 || '.' || hash(account, 1) % 255 || '.7.' || hash(i, 2) % 4,
     'payment_instrument:' || md5('p' || account)] AS identifier_keys,
    'card' AS instrument_kind,
    substr(md5('a' || hash(i, 3) % $accounts), 1, 16) AS counterparty_account_id,
    NULL::VARCHAR AS target_id, (hash(i, 4) % 500_000_000)::BIGINT AS amount_micros,
    'EUR' AS currency, 'DE' AS country, NULL::DOUBLE AS latitude, NULL::DOUBLE AS longitude,
    'success' AS outcome,
    'Mozilla/5.0 (X11; Linux x86_64) Version/' || hash(account, 5) % 60 AS user_agent,
    NULL::VARCHAR AS attributes,
    unhex(substr(md5('b' || i), 1, 16)) AS body_hash, unhex(md5('h' || i)) AS id_hash
FROM (SELECT i, (hash(i) % $accounts)::BIGINT AS account FROM range($first, $first + $count) r(i))
"""


@dataclass(frozen=True)
class Measured:
    """What looking up one account took."""

    #: of months
    files: int
    #: found
    events: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    read_mb: float
    rss_mb: float


def run(scale: str = "full") -> dict[str, float]:
    """Measure, print and return the figures."""
    sizes = SIZES[:1] if scale == "small" else SIZES
    out, figures = Console(width=110), dict[str, float]()
    columns = ("events", "files", "segments", "found", "p50 ms", "p99 ms", "CPU ms", "MB read")
    table = Table(*columns, "memory MB", title=f"Activity of {LOOKUPS} accounts, warm")
    with tempfile.TemporaryDirectory(prefix="ringtrace-bench-") as folder:
        needed, free = sizes[-1] * _BYTES_A_ROW, shutil.disk_usage(folder).free
        if free < needed:
            raise SystemExit(
                f"{folder} has {free / 1e9:.0f} GB free, {needed / 1e9:.0f} are needed"
            )
        for size in sizes:
            root = Path(folder) / str(size)
            _fill_months(root, size)
            segments, events = 0, size
            for more, rows in APPENDED:
                _append_segments(root, more, rows)
                segments, events = segments + more, events + more * rows
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    found = pool.apply(_measure, (str(root), segments))
                table.add_row(f"{events:,}", *_cells(found, segments))
                name = f"activity_{size // 1_000_000}m_{segments}"
                for figure in ("p50_ms", "p99_ms", "read_mb", "rss_mb"):
                    figures[f"{name}_{figure}"] = getattr(found, figure)
            shutil.rmtree(root)
    out.print(table)
    out.print(f"load {os.getloadavg()[0]:.1f}")
    return figures


def _cells(found: Measured, segments: int) -> list[str]:
    return [
        *(str(found.files), str(segments), f"{found.events:.1f}"),
        *(f"{found.p50_ms:.1f}", f"{found.p99_ms:.1f}", f"{found.cpu_ms:.1f}"),
        *(f"{found.read_mb:.2f}", f"{found.rss_mb:.0f}"),
    ]


def _fill_months(root: Path, size: int) -> None:
    files: Files = open_files(str(root), {})
    count = size // len(MONTHS)
    written: list[MonthFile] = []
    for number, month in enumerate(MONTHS):
        with files.workspace() as work:
            writer = MonthWriter(files, work, month, 1, 1)
            order = 'ORDER BY account_id, occurred_at, topic_id, partition, "offset"'
            for batch in _generate(files, work, number * count, count, month, order):
                writer.write(batch)
            written += writer.finish()
    covered = {"benchmark/0": count * len(MONTHS)}
    assert Manifests(files).publish(Manifest(1, tuple(written), covered))


def _append_segments(root: Path, segments: int, rows: int) -> None:
    files = open_files(str(root), {})
    with closing(Archive(str(root))) as archive, files.workspace() as work:
        for _ in range(segments):
            first = archive.next_offset("benchmark", 0)
            assert first is not None
            batches = _generate(files, work, first, rows, MONTHS[-1], "ORDER BY i")
            table = pa.Table.from_batches(batches).cast(SCHEMA)
            archive.append("benchmark", 0, first, first + rows, table)


def _generate(
    files: Files, work: Path, first: int, count: int, month: str, order: str
) -> Iterator[pa.RecordBatch]:
    start, end = month_bounds(month)
    parameters = {"first": first, "count": count, "start": start, "end": end, "accounts": ACCOUNTS}
    with closing(open_engine(files, "2GB", str(work))) as engine:
        yield from engine.execute(_ROWS + order, parameters).to_arrow_reader(ROW_GROUP)


def _measure(root: str, segments: int) -> Measured:
    """In a process of its own, as the service is."""
    me, accounts = psutil.Process(), random.Random(1).sample(range(ACCOUNTS), LOOKUPS)
    # md5 makes the ids look like random ones, in DuckDB and here alike
    ids = [hashlib.md5(f"a{number}".encode()).hexdigest()[:16] for number in accounts]
    with closing(Archive(root)) as archive:
        found = sum(len(archive.activity(account_id)) for account_id in ids)
        times, cpu_s, read = [], time.process_time(), me.io_counters().read_chars
        for account_id in ids:
            begin = time.perf_counter()
            archive.activity(account_id)
            times.append((time.perf_counter() - begin) * 1000)
        return Measured(
            files=len(archive.files()) - segments,
            events=found / LOOKUPS,
            p50_ms=statistics.median(times),
            p99_ms=sorted(times)[LOOKUPS * 99 // 100],
            cpu_ms=(time.process_time() - cpu_s) * 1000 / LOOKUPS,
            read_mb=(me.io_counters().read_chars - read) / LOOKUPS / 1e6,
            rss_mb=me.memory_info().rss / 1e6,
        )
