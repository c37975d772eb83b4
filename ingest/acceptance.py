"""Messages into accepted events and dead letters."""

import hashlib
from collections.abc import Iterator
from operator import attrgetter

from graph.kinds import IdentifierKind, identifier_kinds
from graph.pseudonyms import Pseudonyms
from ingest.batches import Accepted, Identified, Message
from ingest.dead_letters import DeadLetter
from ingest.events import Event, UnusableEventError, check_event, decode_event, normalised

#: identifiers of one kind whose keys are remembered; about 400 bytes each
_REMEMBERED = 2_000


class Acceptance:
    """Tells the messages that can be used from those that cannot."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        kinds = identifier_kinds()
        self._made = {name: _Made(pseudonyms, kind) for name, kind in kinds.items()}
        # the fields of an event in their order, read at once: there are three or four each time
        fields = {name: kind.field for name, kind in kinds.items() if kind.field}
        self._fields = attrgetter(*fields.values())
        self._made_by_field = [self._made[name] for name in fields]

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
            made[value if isinstance(value, str) else value.id]
            for made, value in zip(self._made_by_field, self._fields(event), strict=True)
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
                yield self._made[name][text]


class _Made(dict[str, Identified]):
    """Texts of one kind and the identifiers they are; forgets all when there are too many.

    A look-up costs a third of one in an LRU cache, which writes to memory at each.
    """

    def __init__(self, pseudonyms: Pseudonyms, kind: IdentifierKind) -> None:
        super().__init__()
        self._pseudonyms = pseudonyms
        self._kind = kind

    def __missing__(self, text: str) -> Identified:
        value = normalised(self._kind, text, self._pseudonyms.phone_region)
        if len(self) >= _REMEMBERED:
            self.clear()
        made = Identified(self._pseudonyms.key(self._kind, value), self._kind, value)
        self[text] = made
        return made


def _id_hash(event: Event) -> bytes:
    # the length keeps ("a", "bc") apart from ("ab", "c")
    text = f"{len(event.account_id)}:{event.account_id}{event.event_id}"
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
