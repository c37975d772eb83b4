"""What would become of the messages of files, without sending any."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from ingest.events import UnusableEventError, parse_event
from ingest.files import Line

#: events that are shown
SHOWN = 10
#: messages that are checked at most: their ids are held to find those that contradict each other
MOST_CHECKED = 100_000


@dataclass(slots=True)
class Unusable:
    """Messages that one reason makes dead letters, with the first as an example."""

    example: Line
    detail: str
    count: int = 0


@dataclass(slots=True)
class DryRun:
    """What was found in the first messages."""

    #: the first messages, as they would be sent
    first: list[bytes] = field(default_factory=list)
    checked: int = 0
    #: there are more messages than were checked
    is_cut: bool = False
    #: how many would be known already, and count once
    repeated: int = 0
    #: by reason
    unusable: dict[str, Unusable] = field(default_factory=dict)

    @property
    def dead_letters(self) -> int:
        """How many of the checked messages would be dead letters."""
        return sum(found.count for found in self.unusable.values())


def dry_run(lines: Iterable[Line], now: int) -> DryRun:
    """Check at most the first MOST_CHECKED messages as the ingest would.

    `now`, milliseconds since 1970, bounds how far ahead an event may be.
    """
    found = DryRun()
    seen: dict[tuple[str, str], int] = {}
    lines = iter(lines)
    for line in islice(lines, MOST_CHECKED):
        found.checked += 1
        if len(found.first) < SHOWN:
            found.first.append(line.value)
        try:
            found.repeated += _is_repeated(line.value, now, seen)
        except UnusableEventError as error:
            found.unusable.setdefault(error.reason, Unusable(line, error.detail)).count += 1
    found.is_cut = next(lines, None) is not None
    return found


def _is_repeated(value: bytes, now: int, seen: dict[tuple[str, str], int]) -> bool:
    event = parse_event(value, now)
    key, body = (event.account_id, event.event_id), hash(event.body())
    known = seen.get(key)
    if known is None:
        seen[key] = body
    elif known != body:
        raise UnusableEventError("conflicting_body", "the same id came before with another body")
    return known is not None
