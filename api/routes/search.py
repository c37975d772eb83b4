"""Search: what somebody typed or pasted, and where it is."""

import base64
import re
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.deps import Clear, Store
from api.problems import PROBLEMS
from graph.pseudonyms import label

router = APIRouter(tags=["search"], responses=PROBLEMS)

_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*\Z")
_PAGES = {"account": "accounts", "ring": "rings"}


class FoundOut(BaseModel):
    """Something that was meant, or may have been."""

    kind: str = Field(description="account, ring or an identifier kind")
    id: str
    label: str = Field(description="what people see; never the clear value of a tokenised kind")
    link: str = Field(description="path of its page")


class SearchOut(BaseModel):
    """All that was found."""

    results: list[FoundOut]


@router.get("/search")
def search(
    store: Store,
    clear: Clear,
    q: Annotated[
        str,
        Query(
            min_length=1,
            max_length=1024,
            description="an account id, a ring id, an identifier's key, or a value of any kind",
        ),
    ],
) -> SearchOut:
    """Find an account, a ring or an identifier by its exact id or value."""
    text = q.strip()
    rows = store.read(
        "explore/search",
        account_id=text.removeprefix("account:"),
        ring_id=text.upper(),
        keys=clear.keys_of(text),
    )
    return SearchOut(results=[_found(row["kind"], row["id"], row["value"]) for row in rows])


def _found(kind: str, found_id: str, value: str | None) -> FoundOut:
    shown = found_id if kind in _PAGES else label(found_id, value)
    page = f"/{_PAGES.get(kind, 'identifiers')}/{_path_id(found_id)}"
    return FoundOut(kind=kind, id=found_id, label=shown, link=page)


def _path_id(text: str) -> str:
    """An id as a part of an address: as it is, or `~` and base64url."""
    if _PLAIN.match(text):
        return text
    return "~" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
