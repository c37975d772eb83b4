"""Messages that could not be used, kept with the reason."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from graph.pseudonyms import Pseudonyms
from graph.times import rfc3339
from ingest.batches import Message

#: how much of the message is kept, bytes
HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One unusable message, its place and its reason."""

    message: Message
    reason: str
    detail: str

    @property
    def key(self) -> bytes:
        """Topic, partition and offset: the same message always has the same key."""
        partition = self.message.partition
        return f"{partition.topic}/{partition.number}/{self.message.offset}".encode()

    def body(self, pseudonyms: Pseudonyms, now: int) -> bytes:
        """The letter as JSON; `now` in milliseconds since 1970.

        The head of the message is sealed unless every kind of identifier is kept in clear.
        """
        partition = self.message.partition
        value = self.message.value or b""
        head = value[:HEAD_BYTES]
        return msgspec.json.encode(
            {
                "reason": self.reason,
                "detail": self.detail[:1000].encode("utf-8", "replace").decode(),
                "topic": partition.topic,
                "partition": partition.number,
                "offset": self.message.offset,
                "value_head": pseudonyms.seal_bytes(head, self.key)
                if pseudonyms.is_on
                else head.decode("utf-8", "replace"),
                "value_bytes": len(value),
                "value_sha256": hashlib.sha256(value).hexdigest(),
                "seen_at": rfc3339(now),
            }
        )


class DeadLetterBox(Protocol):
    """Where dead letters go; they are safe there when `post` returns."""

    def post(self, letters: list[tuple[bytes, bytes]]) -> None:
        """Keep letters, each a key and a body; a repeated run may post one again."""


class DeadLetterFile:
    """A file of dead letters, for events that never went through Kafka."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def post(self, letters: list[tuple[bytes, bytes]]) -> None:
        """Append the letters, a line each."""
        if letters:
            with self.path.open("ab") as file:
                file.writelines(body + b"\n" for _, body in letters)
