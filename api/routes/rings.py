"""Rings: list, one, its score and its picture."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from api.deps import Cursor, Limit, RingId, Store, millis
from api.problems import PROBLEMS
from api.redirects import REDIRECT, redirect
from api.responses import ReasonOut, RingOut, RingPage, RingScoreOut, next_cursor
from graph.lineage import final_heir
from graph.model import RingStatus, RiskLevel
from graph.neighbourhoods import ring_graph
from graph.views import RingFilter, get_ring, list_rings
from ui.explorer import graph_json
from ui.layout import place

router = APIRouter(prefix="/rings", tags=["rings"], responses=PROBLEMS)


class Wanted(BaseModel):
    """Which rings to list."""

    min_level: RiskLevel = RiskLevel.LOW
    status: RingStatus = RingStatus.OPEN
    min_size: int = Field(0, ge=0, le=10**9)
    since: datetime | None = Field(None, description="last seen at or after")


@router.get("")
def list_page(
    store: Store, cursor: Cursor, query: Annotated[Wanted, Depends()], limit: Limit = 50
) -> RingPage:
    """Rings, highest risk first."""
    since = millis(query.since, 0)
    wanted = RingFilter(query.min_level, (query.status,), query.min_size, since)
    rings = list_rings(store, wanted, cursor, limit)
    last = (rings[-1].risk_score, rings[-1].ring_id) if rings else (0, "")
    return RingPage(
        rings=[RingOut.of(ring) for ring in rings],
        next_cursor=next_cursor(last, len(rings), limit),
    )


@router.get("/{ring_id}", response_model=RingOut, responses=REDIRECT)
def one(store: Store, request: Request, ring_id: RingId) -> RingOut | Response:
    """One ring; an id that was merged leads to the ring that took it over."""
    ring, heir = get_ring(store, ring_id)
    return redirect(request, heir) if heir else RingOut.of(ring)


@router.get("/{ring_id}/score", response_model=RingScoreOut, responses=REDIRECT)
def score(store: Store, request: Request, ring_id: RingId) -> RingScoreOut | Response:
    """A ring's risk score with the reasons that add up to it."""
    ring, heir = get_ring(store, ring_id)
    if heir:
        return redirect(request, heir)
    return RingScoreOut(
        ring_id=ring.ring_id,
        risk_score=ring.risk_score,
        risk_level=ring.risk_level.value,
        reasons=[ReasonOut.of(reason) for reason in ring.reasons],
        innocent_reading=ring.innocent_reading,
        fewest_links=list(ring.fewest_links),
    )


@router.get("/{ring_id}/graph", response_model=dict[str, Any], responses=REDIRECT)
def graph(
    store: Store,
    request: Request,
    ring_id: RingId,
    limit: Annotated[int, Query(ge=1, le=2000)] = 300,
) -> dict[str, Any] | Response:
    """The picture of a ring: members, what they share, outsiders on that; says when it is cut."""
    if heir := final_heir(store, ring_id):
        return redirect(request, heir)
    drawn = ring_graph(store, ring_id, limit)
    return graph_json(drawn, place(drawn))
