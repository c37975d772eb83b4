"""Which events were counted before: `(account_id, event_id)` counts once.

A local SQLite file keeps a hash of each event's id with the place it came from. It is written
before the graph, so after a crash it may know more than the graph but never less; an event
is a duplicate unless the remembered place is its own, so what the graph lacks is counted again
and nothing else. Its own positions say how far it has read: when it is behind the graph (a
lost file, another machine) the consumer starts there and fills it from the topic.
"""

import hashlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from ingest.batches import Message, Partition
from ingest.events import Event, canonical_body

_SCHEMA = """
CREATE TABLE IF NOT EXISTS source (id INTEGER PRIMARY KEY, topic_id TEXT, partition INTEGER,
    next_offset INTEGER NOT NULL, UNIQUE (topic_id, partition));
CREATE TABLE IF NOT EXISTS seen (hash BLOB PRIMARY KEY, source INTEGER NOT NULL,
    offset INTEGER NOT NULL, body BLOB NOT NULL, seen_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS seen_when ON seen (seen_at);
"""
_DAY_MS = 24 * 3600 * 1000
#: values in one look-up; SQLite allows 32,766
_CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class Sorted:
    """A batch's events, told apart."""

    fresh: list[tuple[Message, Event]]
    #: the same id with another body
    conflicting: list[Message]


class DuplicateStore:
    """The events of the last `window_days`, by the hash of their id."""

    def __init__(self, path: Path, window_days: int, now: int) -> None:
        self._db = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + _SCHEMA)
        self._db.execute("DELETE FROM seen WHERE seen_at < ?", (now - window_days * _DAY_MS,))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def next_offset(self, partition: Partition) -> int:
        """How far this store has read a partition."""
        row = self._db.execute(
            "SELECT next_offset FROM source WHERE topic_id = ? AND partition = ?",
            (partition.topic_id, partition.number),
        ).fetchone()
        return int(row[0]) if row else 0

    def sort(
        self,
        events: list[tuple[Message, Event]],
        next_offsets: dict[Partition, int],
        now: int,
    ) -> Sorted:
        """Tell fresh events from repeated ones and remember the fresh ones, durably."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            sources = {p: self._advance(p, offset) for p, offset in next_offsets.items()}
            result = self._sort(events, sources, now)
            self._db.execute("COMMIT")
        except BaseException:
            # a full disk makes SQLite roll back by itself
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return result

    def _advance(self, partition: Partition, next_offset: int) -> int:
        row = self._db.execute(
            "INSERT INTO source (topic_id, partition, next_offset) VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET next_offset = max(next_offset, excluded.next_offset) "
            "RETURNING id",
            (partition.topic_id, partition.number, next_offset),
        ).fetchone()
        return int(row[0])

    def _sort(
        self, events: list[tuple[Message, Event]], sources: dict[Partition, int], now: int
    ) -> Sorted:
        hashed = [(_id_hash(event), message, event) for message, event in events]
        known = self._known([digest for digest, _, _ in hashed])
        fresh, conflicting, new = [], [], []
        for digest, message, event in hashed:
            place = (sources[message.partition], message.offset)
            body = _body_hash(message.value or b"")
            seen = known.setdefault(digest, (*place, body))
            if seen[:2] == place:
                fresh.append((message, event))
                new.append((digest, *place, body, now))
            elif seen[2] != body:
                conflicting.append(message)
        self._db.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?, ?)", new)
        return Sorted(fresh, conflicting)

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


def _id_hash(event: Event) -> bytes:
    # the length keeps ("a", "bc") apart from ("ab", "c")
    text = f"{len(event.account_id)}:{event.account_id}{event.event_id}"
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _body_hash(value: bytes) -> bytes:
    return hashlib.blake2b(canonical_body(value), digest_size=8).digest()
