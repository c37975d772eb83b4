"""A batch: messages together with how far they move each partition."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from ingest.events import Event

#: sums of money stop here: beyond 64 bits the graph would refuse the batch for ever
MAX_MICROS = 4 * 10**18


class Partition(NamedTuple):
    """A partition of one life of a topic: a re-created topic has another id."""

    topic: str
    topic_id: str
    number: int


class Message(NamedTuple):
    """One message as it came."""

    partition: Partition
    offset: int
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages and, inseparable from them, the offsets that follow them."""

    messages: list[Message]
    #: where the graph must stand for this batch to be written
    expected: dict[Partition, int]
    #: where it stands afterwards
    next_offsets: dict[Partition, int]


@dataclass(slots=True)
class Fold:
    """What one account did with one identifier or one other account, in a batch."""

    event_count: int = 0
    amount_micros: int = 0
    first_seen: int | None = None
    last_seen: int | None = None

    def add(self, at: int, amount_micros: int = 0) -> None:
        """Count one event."""
        self.event_count += 1
        self.amount_micros = min(self.amount_micros + amount_micros, MAX_MICROS)
        self.first_seen = at if self.first_seen is None else min(at, self.first_seen)
        self.last_seen = at if self.last_seen is None else max(at, self.last_seen)


@dataclass(slots=True)
class GraphRows:
    """A batch folded to the nodes and relationships it changes."""

    accounts: dict[str, Fold] = field(default_factory=dict)
    #: key to kind name, label and value
    identifiers: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    uses: dict[tuple[str, str], Fold] = field(default_factory=dict)
    transfers: dict[tuple[str, str, str], Fold] = field(default_factory=dict)
    referrals: dict[tuple[str, str], Fold] = field(default_factory=dict)


def fold(events: Iterable[Event]) -> GraphRows:
    """Fold events to distinct nodes and relationships; the order of events makes no difference."""
    rows = GraphRows()
    for event in events:
        at = event.at
        rows.accounts.setdefault(event.account_id, Fold()).add(at)
        # an event that names one value twice used it once
        for kind, value in dict.fromkeys(event.identifier_keys()):
            key = f"{kind.name}:{value}"
            rows.identifiers[key] = (kind.name, kind.label, value)
            rows.uses.setdefault((event.account_id, key), Fold()).add(at)
        _fold_counterparty(event, at, rows)
    return rows


def _fold_counterparty(event: Event, at: int, rows: GraphRows) -> None:
    other = event.counterparty_account_id
    if other is None or other == event.account_id:
        return
    rows.accounts.setdefault(other, Fold())
    if event.type == "referral":
        rows.referrals.setdefault((event.account_id, other), Fold()).add(at)
    else:
        # XXX is ISO 4217's code for "no currency"
        pair = (event.account_id, other, event.currency or "XXX")
        rows.transfers.setdefault(pair, Fold()).add(at, event.amount_micros)
