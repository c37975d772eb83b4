"""What came in, counted by hour: how much of it, and how good it was.

Everything here is a sum over messages, so neither the order nor the batches they came in matter.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from operator import attrgetter

from graph.breaches import HOUR_MS, OTHER_TYPE
from graph.kinds import identifier_kinds
from graph.store import Row
from ingest.batches import Accepted, Message
from ingest.dead_letters import DeadLetter

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
#: hour, type, lateness, whether there is an amount, which fields there are, further identifiers
_Shape = tuple[int, str, int, bool, tuple[bool, ...], tuple[tuple[str, int], ...]]


def hour(at: int) -> int:
    """Start of the hour of an instant, both in milliseconds since 1970."""
    return at - at % HOUR_MS


def measure(
    events: Iterable[Accepted],
    dead_letters: Iterable[DeadLetter],
    duplicates: Iterable[Message],
) -> Counts:
    """Count accepted events, unusable messages and repeated ones.

    The hour is the broker's; a message from a file has none, then it is that of the event, or 1970
    where there is no event to ask.
    """
    counts: Counts = {}
    # there are few shapes: counting them first makes an event cost about a microsecond
    for shape, count in Counter([_shape(each) for each in events]).items():
        for name, times in _measures(shape):
            _count(counts, shape[0], name, times * count)
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


def _shape(accepted: Accepted) -> _Shape:
    event, at, arrived = accepted.event, accepted.at, accepted.message.timestamp
    lateness = _ON_TIME
    if not arrived:
        arrived = at
    elif at > arrived:
        lateness = _FUTURE
    elif arrived - at > _LATE_MS:
        lateness = _VERY_LATE if arrived - at > _VERY_LATE_MS else _LATE
    further = event.identifiers
    return (
        arrived - arrived % HOUR_MS,
        event.type,
        lateness,
        accepted.micros is not None,
        tuple(map(bool, _values(event))),
        _sizes(further) if further else (),
    )


def _sizes(further: dict[str, str | list[str]]) -> tuple[tuple[str, int], ...]:
    return tuple(
        (kind, 1 if isinstance(values, str) else len(values))
        for kind, values in sorted(further.items())
    )


def _measures(shape: _Shape) -> Iterator[tuple[str, int]]:
    """What one event of this shape counts as, and how often."""
    _, event_type, lateness, has_amount, present, further = shape
    has = dict(zip(_fields(), present, strict=True))
    yield "events", 1
    yield (f"type:{event_type}" if event_type in EVENT_TYPES else OTHER_TYPE), 1
    for name in _LATENESS[lateness]:
        yield name, 1
    for field in _missing(event_type, has_amount, has):
        yield f"missing:{field}", 1
    if has_amount:
        yield "amounts", 1
    for kind in identifier_kinds().values():
        if kind.field and has[kind.field]:
            yield f"used:{kind.name}", 1
    for name, times in further:
        yield f"used:{name}", times


def _missing(event_type: str, has_amount: bool, has: dict[str, bool]) -> Iterator[str]:
    for field in USUAL_FIELDS:
        if not has[field]:
            yield field
    if event_type == "payment" and not has["payment_instrument"]:
        yield "payment_instrument"
    if has_amount and not has["currency"]:
        yield "currency"


def _count(counts: Counts, at: int, name: str, count: int) -> None:
    key = (at, name)
    counts[key] = counts.get(key, 0) + count
