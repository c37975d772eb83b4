"""DuckDB over the archive's files: small, alone, and never on the network by itself."""

from typing import Any

import duckdb
import pyarrow as pa

from graph.archive_files import Bucket, Files
from graph.errors import ArchiveError

Connection = duckdb.DuckDBPyConnection
#: rows in a batch
_BATCH = 100_000


def open_engine(files: Files, memory: str, spill: str = "") -> Connection:
    """A DuckDB of its own that can read `files`.

    It stays below `memory` and moves what is more to the folder `spill`; without one it fails.
    """
    settings: dict[str, Any] = {
        "memory_limit": memory,
        "temp_directory": spill,
        # ingest's machine has two cores, and Neo4j wants one
        "threads": 2,
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        # no parquet_metadata_cache: it takes 5 kB a column of a row group, which no limit bounds,
        # and saves a tenth of the time
    }
    try:
        engine = duckdb.connect(":memory:", config=settings)
    except duckdb.Error as error:
        raise failed(error) from error
    if isinstance(files, Bucket):
        engine.register_filesystem(files.filesystem)
    return engine


def read_table(engine: Connection, sql: str, parameters: dict[str, Any]) -> pa.Table:
    """All rows of a query.

    By a reader: its batches are outside of DuckDB's memory, and it lets other threads go on, where
    `to_arrow_table` waits for ever for one that has a file of a bucket to close.
    """
    table: pa.Table = engine.execute(sql, parameters).to_arrow_reader(_BATCH).read_all()
    return table


def failed(error: Exception, memory: str = "RINGTRACE_ARCHIVE_MEMORY") -> ArchiveError:
    """What DuckDB or the disk says, in one line; `memory` is what to give it more of."""
    if "Out of Memory" in str(error):
        return ArchiveError(f"the archive failed for want of memory: give it more {memory}")
    return ArchiveError(f"the archive failed: {(str(error).splitlines() or ['?'])[0]}")
