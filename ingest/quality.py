"""What came in, counted by hour: how much of it, and how good it was.

Everything here is a sum over messages, so neither the order nor the batches they came in matter.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from operator import attrgetter

from graph.breaches import OTHER_TYPE
from graph.kinds import identifier_kinds
from graph.store import Row
from graph.times import HOUR_MS
from ingest.batches import Accepted, Message
from ingest.dead_letters import DeadLetter
from ingest.events import Event

#: (start of the hour in milliseconds since 1970, measure) to how many
Counts = dict[tuple[int, str], int]

#: the types of the contract; any other is counted as one, so that a producer who makes up types
#: cannot fill the graph with counters (which types those were, the archive knows)
EVENT_TYPES = frozenset({
    "signup", "login", "payment", "transfer", "referral", "subscription", "content", "review",
    "device", "instrument", "chargeback",
})  # fmt: skip
#: fields that most events have; a payment's instrument and an amount's currency come beside them
USUAL_FIELDS = ("device_id", "ip", "country")
_LATE_MS = HOUR_MS
_VERY_LATE_MS = 24 * HOUR_MS
_ON_TIME, _FUTURE, _LATE, _VERY_LATE = range(4)
_LATENESS = {
    _ON_TIME: (),
    _FUTURE: ("future",),
    _LATE: ("late",),
    _VERY_LATE: ("late", "late_day"),
}
#: hour, type, lateness, whether there is an amount
_Group = tuple[int, str, int, bool]


def hour(at: int) -> int:
    """Start of the hour of an instant, both in milliseconds since 1970."""
    return at - at % HOUR_MS


def measure(
    events: Iterable[Accepted] = (),
    dead_letters: Iterable[DeadLetter] = (),
    duplicates: Iterable[Message] = (),
) -> Counts:
    """Count accepted events, unusable messages and repeated ones.

    The hour is the broker's; a message from a file has none, then it is that of the event, or 1970
    where there is no event to ask.
    """
    counts: Counts = {}
    groups: dict[_Group, list[Event]] = defaultdict(list)
    for accepted in events:
        groups[_group(accepted)].append(accepted.event)
    for group, alike in groups.items():
        for name, count in _measures(group, alike):
            _count(counts, group[0], name, count)
    for letter in dead_letters:
        _count(counts, hour(letter.message.timestamp), f"dead:{letter.reason}", 1)
    for message in duplicates:
        _count(counts, hour(message.timestamp), "duplicate", 1)
    return counts


def add(counts: Counts, more: Counts) -> None:
    """Add `more` to `counts`."""
    for key, count in more.items():
        counts[key] = counts.get(key, 0) + count


def rows(counts: Counts) -> list[Row]:
    """Rows for the statement `ingest/save_quality`, in an order that is always the same."""
    return [
        {"hour": at, "measure": name, "count": count}
        for (at, name), count in sorted(counts.items())
        if count
    ]


@cache
def _fields() -> tuple[str, ...]:
    carried = [kind.field for kind in identifier_kinds().values() if kind.field]
    return tuple(dict.fromkeys([*carried, *USUAL_FIELDS, "currency"]))


_values = attrgetter(*_fields())


def _group(accepted: Accepted) -> _Group:
    at, arrived = accepted.at, accepted.message.timestamp
    lateness = _ON_TIME
    if not arrived:
        arrived = at
    elif at > arrived:
        lateness = _FUTURE
    elif arrived - at > _LATE_MS:
        lateness = _VERY_LATE if arrived - at > _VERY_LATE_MS else _LATE
    has_amount = accepted.micros is not None
    return arrived - arrived % HOUR_MS, accepted.event.type, lateness, has_amount


def _measures(group: _Group, events: list[Event]) -> Iterator[tuple[str, int]]:
    """What the events of a group count as, and how often."""
    _, event_type, lateness, has_amount = group
    # by columns: an event costs less than a microsecond so
    columns = zip(*map(_values, events), strict=True)
    missing = {n: column.count(None) for n, column in zip(_fields(), columns, strict=True)}
    yield "events", len(events)
    yield (f"type:{event_type}" if event_type in EVENT_TYPES else OTHER_TYPE), len(events)
    for name in _LATENESS[lateness]:
        yield name, len(events)
    expected = [*USUAL_FIELDS]
    expected += ["payment_instrument"] * (event_type == "payment") + ["currency"] * has_amount
    for field in expected:
        yield f"missing:{field}", missing[field]
    yield "amounts", len(events) * has_amount
    for kind in identifier_kinds().values():
        if kind.field:
            yield f"used:{kind.name}", len(events) - missing[kind.field]
    for name, texts in chain.from_iterable(event.identifiers.items() for event in events):
        yield f"used:{name}", 1 if isinstance(texts, str) else len(texts)


def _count(counts: Counts, at: int, name: str, count: int) -> None:
    if not count:
        return
    key = (at, name)
    counts[key] = counts.get(key, 0) + count
