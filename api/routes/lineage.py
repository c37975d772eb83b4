"""How a ring became what it is: its changes, and its relatives."""

import re
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import TypeAdapter, ValidationError

from api.deps import Cursor, Limit, RingId, Store, millis
from api.histories import ChangeOut, ChangesPage, LineageOut, NetOut, RunOut
from api.problems import PROBLEMS
from api.redirects import REDIRECT, redirect
from api.responses import next_cursor
from graph.errors import InputError
from graph.lineage import final_heir, read_lineage
from graph.ring_changes import LAST_RUN, Since, last_run, list_changes, read_difference
from graph.views import get_ring

router = APIRouter(prefix="/rings", tags=["rings"], responses=PROBLEMS)
_RUN = re.compile(r"run-(\d{8,15})")
_TIME = TypeAdapter(datetime)


@router.get("/{ring_id}/changes", response_model=ChangesPage, responses=REDIRECT)
def changes(
    store: Store,
    request: Request,
    ring_id: RingId,
    cursor: Cursor,
    since: Annotated[
        str | None,
        Query(
            max_length=64,
            description="a time: changes at or after it; or the run_id of an `as_of`: later ones",
        ),
    ] = None,
    limit: Limit = 50,
) -> ChangesPage | Response:
    """What happened to a ring since then, oldest first, and what it comes to.

    Times are those of the graph: the greatest event time when a run began. Who asks again with the
    `as_of.run_id` of the last answer misses nothing and hears nothing twice.
    """
    ring, heir = get_ring(store, ring_id)
    if heir:
        return redirect(request, heir)
    run = last_run(store)
    wanted = _since(since, run.number if run else LAST_RUN)
    found = list_changes(store, ring_id, wanted, _after(cursor), limit)
    last = (found[-1].run.number, str(found[-1].position)) if found else (0, "")
    return ChangesPage(
        ring_id=ring_id,
        as_of=RunOut.of(run) if run else None,
        changes=[ChangeOut.of(record) for record in found],
        # of all changes, so it is the same on every page
        net=None if cursor else NetOut.of(read_difference(store, ring, wanted)),
        next_cursor=next_cursor(last, len(found), limit),
    )


@router.get("/{ring_id}/lineage", response_model=LineageOut, responses=REDIRECT)
def lineage(
    store: Store,
    request: Request,
    ring_id: RingId,
    limit: Annotated[int, Query(ge=1, le=1000, description="most relatives in all")] = 200,
) -> LineageOut | Response:
    """The rings it came out of, that came out of it, that it took over; nearest first."""
    if heir := final_heir(store, ring_id):
        return redirect(request, heir)
    return LineageOut.of(ring_id, read_lineage(store, ring_id, limit))


def _since(text: str | None, until_run: int) -> Since:
    if text is None:
        return Since(until_run=until_run)
    if run := _RUN.fullmatch(text):
        return Since(after_run=int(run[1]), until_run=until_run)
    try:
        at = _TIME.validate_strings(text)
    except ValidationError:
        raise InputError("since takes a time such as 2026-01-01T00:00:00Z, or a run_id") from None
    return Since(at=millis(at, 0), until_run=until_run)


def _after(cursor: tuple[int, str] | None) -> tuple[int, int]:
    if cursor is None:
        return 0, 0
    number, position = cursor
    if not re.fullmatch(r"\d{1,15}", position, re.ASCII):
        raise InputError("this cursor is not one of ours: start again without it")
    return number, int(position)
