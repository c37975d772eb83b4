"""An account's events, out of the archive."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from api.clear_values import ClearValues
from api.deps import AccountId, Clear, Cursor, Limit, Store, millis, split_list
from api.problems import PROBLEMS
from api.responses import decode_id, next_cursor
from graph.archive import Archive, ArchivedEvent, Place
from graph.errors import ArchiveError, InputError
from graph.store import GraphStore
from graph.times import rfc3339
from graph.views import get_account

router = APIRouter(tags=["accounts"], responses=PROBLEMS)
#: the year 10000, milliseconds
_END_MS = 253_402_300_800_000
_Text = Annotated[str | None, Query(max_length=2048)]


class EventOut(BaseModel):
    """An event as it was accepted."""

    event_id: str
    type: str
    occurred_at: str | None
    received_at: str | None = Field(description="when the broker took it")
    account_id: str
    identifiers: list[str] = Field(description="keys; some hold a token and no clear value")
    instrument_kind: str | None
    counterparty_account_id: str | None
    target_id: str | None
    amount: str | None = Field(description="decimal")
    currency: str | None
    country: str | None
    latitude: float | None
    longitude: float | None
    outcome: str | None
    user_agent: str | None
    attributes: dict[str, str | int | float | bool | None]

    @classmethod
    def of(cls, event: ArchivedEvent) -> "EventOut":
        """The JSON form of an event."""
        return cls(
            event_id=event.event_id,
            type=event.type,
            occurred_at=rfc3339(event.place.occurred_at),
            received_at=rfc3339(event.received_at),
            account_id=event.account_id,
            identifiers=list(event.identifier_keys),
            instrument_kind=event.instrument_kind,
            counterparty_account_id=event.counterparty_account_id,
            target_id=event.target_id,
            amount=_decimal(event.amount_micros),
            currency=event.currency,
            country=event.country,
            latitude=event.latitude,
            longitude=event.longitude,
            outcome=event.outcome,
            user_agent=event.user_agent,
            attributes=event.attributes,
        )


class EventPage(BaseModel):
    """A page of events, newest first."""

    events: list[EventOut]
    next_cursor: str | None


class Behind(BaseModel):
    """Which of an account's events."""

    since: datetime | None = Field(None, description="at or after")
    until: datetime | None = Field(None, description="before")
    type: str | None = Field(None, description="types with commas between; all without")


def _archive(request: Request) -> Archive:
    archive: Archive | None = request.app.state.archive
    if archive is None:
        raise ArchiveError("this service was started without an archive")
    return archive


@router.get("/accounts/{account_id}/activity")
def activity(  # noqa: PLR0913  (the contract's query)
    store: Store,
    archive: Annotated[Archive, Depends(_archive)],
    clear: Clear,
    account_id: AccountId,
    cursor: Cursor,
    query: Annotated[Behind, Depends()],
    identifier: _Text = None,
    counterparty: _Text = None,
    limit: Limit = 50,
) -> EventPage:
    """An account's events, newest first.

    With `identifier` (its key, or `<kind>:<clear value>`) or `counterparty` (an account) these are
    the events behind that edge of the graph.
    """
    get_account(store, account_id)
    found = archive.activity(
        account_id,
        since=millis(query.since, 0) if query.since else None,
        until=millis(query.until, 0) if query.until else None,
        types=split_list(query.type),
        identifier_key=_key(store, clear, identifier),
        counterparty=decode_id(counterparty) if counterparty else None,
        after=read_place(cursor),
        limit=limit,
    )
    at, *rest = found[-1].place if found else (0,)
    last = (at, "/".join(map(str, rest)))
    return EventPage(
        events=[EventOut.of(event) for event in found],
        next_cursor=next_cursor(last, len(found), limit),
    )


def read_place(cursor: tuple[int, str] | None) -> Place | None:
    """The place in an account's activity that a cursor names; InputError for a strange one."""
    if cursor is None:
        return None
    at, text = cursor
    topic_id, *numbers = text.rsplit("/", 2)
    if (
        len(numbers) != 2
        or not all(n.isascii() and n.isdigit() and len(n) < 19 for n in numbers)
        or not 0 <= at < _END_MS
    ):
        raise InputError("this cursor is not one of ours: start again without it")
    return Place(at, topic_id, *map(int, numbers))


def _key(store: GraphStore, clear: ClearValues, identifier: str | None) -> str | None:
    if not identifier:
        return None
    keys = clear.keys_of(decode_id(identifier))
    there = {row["key"] for row in store.read("explore/identifier_nodes", keys=keys)}
    # one that is unknown has no events, and its clear value is in no answer
    return next((key for key in keys if key in there), keys[0])


def _decimal(micros: int | None) -> str | None:
    if micros is None:
        return None
    return format((Decimal(micros) / 1_000_000).normalize(), "f")
