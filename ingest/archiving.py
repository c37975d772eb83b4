"""Accepted events as rows of the archive."""

from itertools import accumulate
from typing import Any

import msgspec
import pyarrow as pa

from graph.archive import SCHEMA, Archive
from ingest.batches import Accepted, Partition


class Segment:
    """The events of one partition that the archive does not have yet."""

    def __init__(self, partition: Partition, first: int) -> None:
        self.partition = partition
        self._batches: list[pa.RecordBatch] = []
        #: where the archive stands
        self.first = first
        self._next_offset = first
        self.rows = 0

    def add(self, events: list[Accepted], next_offset: int) -> None:
        """Have events wait; those that the archive has are left out."""
        if events and events[0].message.offset >= self.first:
            missing = events
        else:
            missing = [event for event in events if event.message.offset >= self.first]
        if missing:
            self._batches.append(record_batch(missing))
            self.rows += len(missing)
        self._next_offset = max(self._next_offset, next_offset)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write, not even a stretch without events."""
        return self._next_offset == self.first

    def cut(self) -> "Segment":
        """Take what waits, and begin anew behind it."""
        taken = Segment(self.partition, self.first)
        taken._batches, taken._next_offset = self._batches, self._next_offset
        self._batches, self.first, self.rows = [], self._next_offset, 0
        return taken

    def write(self, archive: Archive) -> None:
        """Move the archive on to everything that was added.

        Raises PositionError when somebody else did.
        """
        table = pa.Table.from_batches(self._batches, SCHEMA)
        place = (self.partition.topic_id, self.partition.number)
        archive.append(*place, self.first, self._next_offset, table)


def record_batch(events: list[Accepted]) -> pa.RecordBatch:
    """Events of one partition in the archive's columns (`graph.archive.SCHEMA`), a row each."""
    bodies = [accepted.event for accepted in events]
    messages = [accepted.message for accepted in events]
    partition = messages[0].partition
    columns: dict[str, Any] = {
        "topic_id": pa.repeat(pa.scalar(partition.topic_id, pa.string()), len(events)),
        "partition": pa.repeat(pa.scalar(partition.number, pa.int32()), len(events)),
        "offset": [m.offset for m in messages],
        "event_id": [e.event_id for e in bodies],
        "type": [e.type for e in bodies],
        "occurred_at": [accepted.at for accepted in events],
        "received_at": [m.timestamp or None for m in messages],
        "account_id": [e.account_id for e in bodies],
        "identifier_keys": _identifier_keys(events),
        "instrument_kind": [getattr(e.payment_instrument, "kind", None) for e in bodies],
        "counterparty_account_id": [e.counterparty_account_id for e in bodies],
        "target_id": [e.target_id for e in bodies],
        "amount_micros": [accepted.micros for accepted in events],
        "currency": [e.currency for e in bodies],
        "country": [e.country for e in bodies],
        "latitude": [e.latitude for e in bodies],
        "longitude": [e.longitude for e in bodies],
        "outcome": [e.outcome for e in bodies],
        "user_agent": [e.user_agent for e in bodies],
        "attributes": [_json(e.attributes) if e.attributes else None for e in bodies],
        "body_hash": [accepted.body_hash for accepted in events],
        "id_hash": [accepted.id_hash for accepted in events],
    }
    return pa.RecordBatch.from_pydict(columns, SCHEMA)


def _identifier_keys(events: list[Accepted]) -> pa.ListArray:
    # flat: Arrow takes twice as long for lists in a list
    ends = accumulate((len(accepted.identifiers) for accepted in events), initial=0)
    keys = [each.key for accepted in events for each in accepted.identifiers]
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(keys, pa.string()))


def _json(attributes: dict[str, str | int | float | bool | None]) -> str:
    return msgspec.json.encode(attributes, order="deterministic").decode()
