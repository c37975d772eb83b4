"""Accounts and identifiers: one, and what is around it."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.deps import FOREVER, AccountId, Cursor, IdentifierKey, Limit, Store, millis, split_list
from api.problems import PROBLEMS
from api.responses import AccountOut, FlaggedAccountOut, FlaggedPage, next_cursor
from detection.rules import rules
from graph.errors import InputError
from graph.kinds import identifier_kinds
from graph.neighbourhoods import ACCOUNT, account_neighbourhood, identifier_neighbourhood
from graph.views import get_account, list_flagged
from ui.explorer import graph_json
from ui.layout import place

router = APIRouter(tags=["accounts"], responses=PROBLEMS)
Neighbours = Annotated[int, Query(ge=1, le=500, description="most neighbours to show")]


@router.get("/accounts/{account_id}")
def one(store: Store, account_id: AccountId) -> AccountOut:
    """One account with its scores and flags."""
    return AccountOut.of(get_account(store, account_id))


@router.get("/accounts/{account_id}/neighbourhood")
def neighbourhood(
    store: Store,
    account_id: AccountId,
    hops: Annotated[int, Query(ge=1, le=1)] = 1,  # noqa: ARG001  (named in the contract)
    kinds: Annotated[
        str | None, Query(description="kinds with commas between; all without")
    ] = None,
    limit: Neighbours = 50,
) -> dict[str, Any]:
    """What an account used and whom it dealt with, riskiest first."""
    wanted = split_list(kinds)
    if unknown := sorted(set(wanted) - {*identifier_kinds(), ACCOUNT}):
        raise InputError(f"there is no kind {unknown[0]!r}")
    drawn = account_neighbourhood(store, account_id, wanted, limit)
    return graph_json(drawn, place(drawn))


@router.get("/identifiers/{key}/neighbourhood")
def identifier(store: Store, key: IdentifierKey, limit: Neighbours = 50) -> dict[str, Any]:
    """The accounts on an identifier, riskiest first."""
    drawn = identifier_neighbourhood(store, key, limit)
    return graph_json(drawn, place(drawn))


@router.get("/flagged-accounts")
def flagged(
    store: Store,
    cursor: Cursor,
    reason: Annotated[str | None, Query(description="a rule; all without")] = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: Limit = 50,
) -> FlaggedPage:
    """Accounts that a rule flagged, latest first."""
    if reason is not None and reason not in rules():
        raise InputError(f"there is no rule {reason!r}")
    wanted = [reason] if reason else sorted(rules())
    between = (millis(since, 0), millis(until, FOREVER))
    found = list_flagged(store, wanted, between, cursor, limit)
    last = (found[-1].at, found[-1].account_id) if found else (0, "")
    return FlaggedPage(
        accounts=[FlaggedAccountOut.of(account) for account in found],
        next_cursor=next_cursor(last, len(found), limit),
    )
