"""What must leave the house: messages written in the transaction that causes them."""

from dataclasses import dataclass
from typing import Any

import msgspec

from graph.store import GraphStore, Row, Transaction
from graph.times import rfc3339

#: what is due then is held back until somebody releases it
HELD = 2**62


@dataclass(frozen=True, slots=True)
class Message:
    """A message to the outside."""

    #: receivers tell a repeated message by it
    id: str
    #: for example `ring.alerted`
    event_type: str
    body: dict[str, Any]


def message(message_id: str, event_type: str, at: int, data: dict[str, Any]) -> Message:
    """A message about something that was so at an instant, milliseconds since 1970."""
    body = {"type": event_type, "timestamp": rfc3339(at), "data": data}
    return Message(message_id, event_type, body)


@dataclass(frozen=True, slots=True)
class Pending:
    """A message whose time has come."""

    id: str
    event_type: str
    #: JSON as it is signed and sent
    body: str
    #: tries before this one
    attempts: int


def enqueue(tx: Transaction, messages: list[Message], due_at: int) -> None:
    """Put messages into the outbox of this transaction; a known id is not added again."""
    rows: list[Row] = [
        {
            "id": message.id,
            "event_type": message.event_type,
            "body": msgspec.json.encode(message.body).decode(),
            "due_at": due_at,
        }
        for message in messages
    ]
    tx.run("outbox/add", rows=rows)


def release(tx: Transaction) -> None:
    """Let go what was held back."""
    tx.run("outbox/release", held=HELD)


def due(store: GraphStore, now: int, limit: int) -> list[Pending]:
    """Messages to deliver now (milliseconds), oldest first."""
    return [Pending(**row) for row in store.read("outbox/due", now=now, limit=limit)]


def note(store: GraphStore, message_id: str, state: str, due_at: int, answer: str) -> None:
    """Write down what became of a try: state `waiting`, `delivered` or `failed`."""
    store.write(
        lambda tx: tx.run(
            "outbox/tried", id=message_id, state=state, due_at=due_at, answer=answer[:500]
        )
    )
