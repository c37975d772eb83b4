"""Accepted events for unit tests, made by the real parser."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from graph.archive import SCHEMA, Archive
from graph.keyring import Keyring, KeyVersion
from graph.pseudonyms import Pseudonyms
from ingest.acceptance import Acceptance
from ingest.archiving import record_batch
from ingest.batches import Accepted, Message, Partition

NOW = 1_700_000_000_000
ZERO = Partition("events", "life-1", 0)
ONE = Partition("events", "life-1", 1)
_KEYS = KeyVersion(1, "2026-01-01T00:00:00Z", b"t" * 32, b"s" * 32)
CLEAR = Pseudonyms(
    Keyring(Path("keys.json"), 1, {1: _KEYS}),
    {"payment_instrument": "clear", "email": "clear", "tax_id": "clear"},
)
_ACCEPTANCE = Acceptance(CLEAR)


def message(offset: int = 0, partition: Partition = ZERO, **fields: object) -> Message:
    value = {"event_id": "e", "type": "login", "occurred_at": 5, "account_id": "a"} | fields
    return Message(partition, offset, json.dumps(value).encode(), NOW)


def accepted(offset: int = 0, partition: Partition = ZERO, **fields: object) -> Accepted:
    (event,), letters = _ACCEPTANCE.accept([message(offset, partition, **fields)], NOW)
    assert not letters
    return event


def archived(folder: Path, events: list[dict[str, Any]], now: int) -> Archive:
    """An archive of these events, all of which came at `now`."""
    archive = Archive(str(folder))
    messages = [Message(ZERO, n, json.dumps(e).encode(), now) for n, e in enumerate(events)]
    found, letters = Acceptance(CLEAR).accept(messages, now)
    assert letters == []
    table = pa.Table.from_batches([record_batch(found)], SCHEMA)
    archive.append(ZERO.topic_id, 0, 0, len(events), table)
    return archive
