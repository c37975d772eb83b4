"""What routes ask for, so that they read as prose."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path, Query, Request

from api.clear_values import ClearValues
from api.responses import decode_id, read_cursor
from graph.errors import InputError, NotFoundError
from graph.store import GraphStore

#: end of time for listings, milliseconds
FOREVER = 2**53


def _store(request: Request) -> GraphStore:
    store: GraphStore = request.app.state.store
    return store


def _cursor(cursor: Annotated[str | None, Query(max_length=2048)] = None) -> tuple[int, str] | None:
    return read_cursor(cursor)


def _ring_id(ring_id: Annotated[str, Path(max_length=2048)]) -> str:
    return decode_id(ring_id)


def _account_id(account_id: Annotated[str, Path(max_length=2048)]) -> str:
    return decode_id(account_id)


def _clear_values(request: Request) -> ClearValues:
    clear: ClearValues = request.app.state.clear_values
    return clear


Store = Annotated[GraphStore, Depends(_store)]
Clear = Annotated[ClearValues, Depends(_clear_values)]


def _key(store: Store, clear: Clear, key: Annotated[str, Path(max_length=4096)]) -> str:
    keys = clear.keys_of(decode_id(key))
    if len(keys) == 1:
        return keys[0]
    # a clear value: never repeated in an answer
    there = {row["key"] for row in store.read("explore/identifier_nodes", keys=keys)}
    found = next((key for key in keys if key in there), None)
    if found is None:
        raise NotFoundError("there is no such identifier")
    return found


Cursor = Annotated[tuple[int, str] | None, Depends(_cursor)]
RingId = Annotated[str, Depends(_ring_id)]
AccountId = Annotated[str, Depends(_account_id)]
IdentifierKey = Annotated[str, Depends(_key)]
Limit = Annotated[int, Query(ge=1, le=1000)]


def millis(at: datetime | None, otherwise: int) -> int:
    """A query's time in milliseconds; InputError without a zone."""
    if at is None:
        return otherwise
    if at.tzinfo is None:
        raise InputError("a time needs a zone, for example 2026-01-01T00:00:00Z")
    return int(at.timestamp() * 1000)


def split_list(text: str | None) -> list[str]:
    """`a,b` as a list; nothing as an empty one."""
    return [part for part in (text or "").split(",") if part]
