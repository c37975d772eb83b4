"""A batch: messages together with how far they move each partition."""

from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from graph.kinds import IdentifierKind
from ingest.events import Event


class Partition(NamedTuple):
    """A partition of one life of a topic: a re-created or cut-off topic has another id."""

    topic: str
    topic_id: str
    number: int


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message as it came."""

    partition: Partition
    offset: int
    value: bytes | None
    #: when the broker took it, milliseconds since 1970; 0 for a message from a file
    timestamp: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages and, inseparable from them, the offsets that follow them."""

    messages: list[Message]
    next_offsets: dict[Partition, int]


class Identified(msgspec.Struct, frozen=True, gc=False):
    """One identifier of an event, ready for the graph."""

    #: `<kind>:<value or token>`
    key: str
    kind: IdentifierKind
    #: normalised and in clear: for sealing only
    value: str

    @property
    def clear_value(self) -> str | None:
        """The value if it is in the key anyway."""
        return self.value if self.key == f"{self.kind.name}:{self.value}" else None


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """An event that can be used, with what all stores need of it."""

    message: Message
    event: Event
    #: when it happened, milliseconds since 1970 UTC
    at: int
    #: its amount in millionths
    micros: int | None
    #: each once, although an event may name a value twice
    identifiers: list[Identified]
    id_hash: bytes
    body_hash: bytes
