"""Messages into accepted events and dead letters."""

import hashlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from operator import attrgetter

from graph.kinds import IdentifierKind, identifier_kinds
from graph.pseudonyms import Pseudonyms
from ingest.batches import Accepted, Identified, Message
from ingest.dead_letters import DeadLetter
from ingest.events import Event, UnusableEventError, check_event, decode_event, normalised

#: identifiers of one kind whose keys are remembered; about 400 bytes each
_CACHED = 50_000


class Acceptance:
    """Tells the messages that can be used from those that cannot."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        kinds = identifier_kinds()
        #: what makes a text of each kind an identifier
        self._makers = {name: self._maker(kind) for name, kind in kinds.items()}
        # the fields of an event in their order, read at once: there are three or four each time
        fields = {name: kind.field for name, kind in kinds.items() if kind.field}
        self._fields = attrgetter(*fields.values())
        self._field_makers = [self._makers[name] for name in fields]

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
        at, micros = check_event(event, now)
        identifiers = [
            make(value if isinstance(value, str) else value.id)
            for make, value in zip(self._field_makers, self._fields(event), strict=True)
            if value is not None
        ]
        if event.identifiers:
            identifiers += self._further(event)
            identifiers = list({each.key: each for each in identifiers}.values())
        body = hashlib.blake2b(event.body(), digest_size=8).digest()
        return Accepted(message, event, at, micros, identifiers, _id_hash(event), body)

    def _further(self, event: Event) -> Iterator[Identified]:
        for name, values in event.identifiers.items():
            for text in (values,) if isinstance(values, str) else values:
                yield self._makers[name](text)

    def _maker(self, kind: IdentifierKind) -> Callable[[str], Identified]:
        def make(text: str) -> Identified:
            value = normalised(kind, text, self._pseudonyms.phone_region)
            return Identified(self._pseudonyms.key(kind, value), kind, value)

        return lru_cache(_CACHED)(make)


def _id_hash(event: Event) -> bytes:
    # the length keeps ("a", "bc") apart from ("ab", "c")
    text = f"{len(event.account_id)}:{event.account_id}{event.event_id}"
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
