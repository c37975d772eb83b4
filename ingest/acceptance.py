"""Messages into accepted events and dead letters."""

import hashlib
from functools import lru_cache

from graph.kinds import IdentifierKind, identifier_kinds
from graph.pseudonyms import Pseudonyms
from ingest.batches import Accepted, Identified, Message
from ingest.dead_letters import DeadLetter
from ingest.events import Event, UnusableEventError, check_event, decode_event, normalised

#: identifiers whose keys are remembered; about 400 bytes each
_CACHED = 100_000


class Acceptance:
    """Tells the messages that can be used from those that cannot."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._identify = lru_cache(_CACHED)(self._identified)

    def accept(self, messages: list[Message], now: int) -> tuple[list[Accepted], list[DeadLetter]]:
        """Accepted events and dead letters, each in their order.

        `now`, milliseconds since 1970, bounds how far ahead an event may be.
        """
        accepted, letters = [], []
        for message in messages:
            try:
                accepted.append(self._accept(message, now))
            except UnusableEventError as error:
                letters.append(DeadLetter(message, error.reason, error.detail))
        return accepted, letters

    def _accept(self, message: Message, now: int) -> Accepted:
        event = decode_event(message.value)
        at = check_event(event, now)
        identifiers = [self._identify(kind.name, text) for kind, text in event.identifier_texts()]
        if len(identifiers) > 1:
            identifiers = list({each.key: each for each in identifiers}.values())
        body = hashlib.blake2b(event.body(), digest_size=8).digest()
        return Accepted(message, event, at, identifiers, _id_hash(event), body)

    def _identified(self, kind_name: str, text: str) -> Identified:
        kind: IdentifierKind = identifier_kinds()[kind_name]
        value = normalised(kind, text, self._pseudonyms.phone_region)
        return Identified(self._pseudonyms.key(kind, value), kind, value)


def _id_hash(event: Event) -> bytes:
    # the length keeps ("a", "bc") apart from ("ab", "c")
    text = f"{len(event.account_id)}:{event.account_id}{event.event_id}"
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
