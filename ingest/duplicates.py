"""Which events were counted before: `(account_id, event_id)` counts once.

A local SQLite file keeps a hash of each event's id with the place it came from. It is written
before the graph, so after a crash it may know more than the graph but never less; an event
is a duplicate unless the remembered place is its own, so what the graph lacks is counted again
and nothing else. Its own positions say how far it has read: when it is behind (a lost file,
another machine) it is filled from the archive, and from there on from the topic.
"""

import sqlite3
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from pathlib import Path

from graph.archive import Archive
from graph.times import DAY_MS
from ingest.batches import Accepted, Message, Partition
from ingest.positions import Place

_SCHEMA = """
CREATE TABLE IF NOT EXISTS source (id INTEGER PRIMARY KEY, topic_id TEXT, partition INTEGER,
    next_offset INTEGER NOT NULL, UNIQUE (topic_id, partition));
CREATE TABLE IF NOT EXISTS seen (hash BLOB PRIMARY KEY, source INTEGER NOT NULL,
    offset INTEGER NOT NULL, body BLOB NOT NULL, seen_at INTEGER NOT NULL) WITHOUT ROWID;
DROP INDEX IF EXISTS seen_when;
"""
#: values in one look-up; SQLite allows 32,766
_CHUNK = 10_000
#: rows remembered by one statement: between two of them other threads may take the interpreter
_ROWS = 1_000
_REMEMBER = "INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?, ?)"
_REMEMBER_ROWS = _REMEMBER + ", (?, ?, ?, ?, ?)" * (_ROWS - 1)
#: SQLite's own memory, KiB, and the pages of 4 KiB that are written before they are moved to their
#: places: hashes come in no order, so small ones mean that each page is written again and again
_CACHE_KB, _LOG_PAGES = 32_768, 10_000
#: rows looked at for what to forget, and a hash that is greater than any
_STRETCH = 50_000
_PAST_ALL = b"\xff" * 17


@dataclass(frozen=True, slots=True)
class Sorted:
    """A batch's events, told apart."""

    fresh: list[Accepted]
    repeated: list[Message]
    #: the same id with another body
    conflicting: list[Message]


class DuplicateStore:
    """The events of the last `window_days`, by the hash of their id."""

    def __init__(self, path: Path, window_days: int) -> None:
        self._window_ms = window_days * DAY_MS
        self._pruned_to = b""
        self._db = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + _SCHEMA)
        self._db.execute(f"PRAGMA cache_size=-{_CACHE_KB}")
        self._db.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def fill(self, place: Place, archive: Archive, now: int) -> int:
        """Learn from the archive what is missing of a partition; how far this store then knows it.

        `now` in milliseconds since 1970.
        """
        partition = place.partition
        for topic_id, counted in place.earlier:
            # what waited for its counters when that life ended was never counted
            self._db.execute(
                "DELETE FROM seen WHERE offset >= ? AND source = "
                "(SELECT id FROM source WHERE topic_id = ? AND partition = ?)",
                (counted, topic_id, partition.number),
            )
        start = self._next_offset(partition)
        archived = archive.next_offset(partition.topic_id, partition.number) or 0
        if archived <= start:
            return start
        self._db.execute("BEGIN IMMEDIATE")
        try:
            source = self._advance(partition, archived)
            for batch in archive.remembered(
                partition.topic_id, partition.number, start, now - self._window_ms
            ):
                rows = (
                    (row["id_hash"], source, row["offset"], row["body_hash"], now)
                    for row in batch.to_pylist()
                )
                self._db.executemany(_REMEMBER, rows)
            self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        return archived

    def prune(self, now: int) -> None:
        """Forget what is older than the window in the next stretch of all; call it now and then.

        Stretch by stretch: an index by time would cost more than half of the file.
        """
        row = self._db.execute(
            "SELECT hash FROM seen WHERE hash > ? ORDER BY hash LIMIT 1 OFFSET ?",
            (self._pruned_to, _STRETCH),
        ).fetchone()
        end = row[0] if row else _PAST_ALL
        self._db.execute(
            "DELETE FROM seen WHERE hash > ? AND hash <= ? AND seen_at < ?",
            (self._pruned_to, end, now - self._window_ms),
        )
        self._pruned_to = end if row else b""

    def sort(
        self,
        events: list[Accepted],
        next_offsets: dict[Partition, int],
        now: int,
    ) -> Sorted:
        """Tell fresh events from repeated ones and remember the fresh ones, durably."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            sources = {p: self._advance(p, offset) for p, offset in next_offsets.items()}
            result = self._sort(events, sources, now)
            self._db.execute("COMMIT")
        finally:
            # a full disk makes SQLite roll back by itself
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        return result

    def _next_offset(self, partition: Partition) -> int:
        row = self._db.execute(
            "SELECT next_offset FROM source WHERE topic_id = ? AND partition = ?",
            (partition.topic_id, partition.number),
        ).fetchone()
        return int(row[0]) if row else 0

    def _advance(self, partition: Partition, next_offset: int) -> int:
        row = self._db.execute(
            "INSERT INTO source (topic_id, partition, next_offset) VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET next_offset = max(next_offset, excluded.next_offset) "
            "RETURNING id",
            (partition.topic_id, partition.number, next_offset),
        ).fetchone()
        return int(row[0])

    def _sort(self, events: list[Accepted], sources: dict[Partition, int], now: int) -> Sorted:
        before = self._db.total_changes
        rows = [
            (e.id_hash, sources[e.message.partition], e.message.offset, e.body_hash, now)
            for e in events
        ]
        # of equal ones the first stays the first
        rows.sort(key=itemgetter(0))
        whole = len(rows) - len(rows) % _ROWS
        for start in range(0, whole, _ROWS):
            self._db.execute(_REMEMBER_ROWS, list(chain.from_iterable(rows[start : start + _ROWS])))
        self._db.executemany(_REMEMBER, rows[whole:])
        if self._db.total_changes - before == len(events):
            return Sorted(events, [], [])
        known = self._known([event.id_hash for event in events])
        result = Sorted([], [], [])
        for event in events:
            message = event.message
            source, offset, body = known[event.id_hash]
            if (source, offset) == (sources[message.partition], message.offset):
                result.fresh.append(event)
            elif body != event.body_hash:
                result.conflicting.append(message)
            else:
                result.repeated.append(message)
        return result

    def _known(self, digests: list[bytes]) -> dict[bytes, tuple[int, int, bytes]]:
        known = {}
        for start in range(0, len(digests), _CHUNK):
            chunk = digests[start : start + _CHUNK]
            marks = ",".join("?" * len(chunk))
            for digest, source, offset, body in self._db.execute(
                f"SELECT hash, source, offset, body FROM seen WHERE hash IN ({marks})", chunk
            ):
                known[digest] = (source, offset, body)
        return known
