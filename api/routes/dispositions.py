"""What investigators conclude about rings and identifiers."""

from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.bodies import body_schema, json_body
from api.deps import IdentifierKey, Limit, RingId, Store
from api.problems import PROBLEMS, Problem
from api.redirects import REDIRECT, redirect
from graph.dispositions import (
    MAX_EXCLUDED,
    Conclusion,
    Disposition,
    Verdict,
    dispose_identifier,
    dispose_ring,
    read_dispositions,
)
from graph.lineage import final_heir
from graph.times import now_ms, rfc3339
from graph.views import get_identifier

router = APIRouter(tags=["dispositions"], responses=PROBLEMS)
_REFUSED: dict[int | str, dict[str, Any]] = {
    status.value: {"model": Problem, "description": status.phrase}
    for status in (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
}
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
AccountId = Annotated[str, StringConstraints(min_length=1, max_length=512)]


class RingDispositionIn(BaseModel):
    """What is concluded about a ring."""

    model_config = ConfigDict(extra="forbid")

    disposition: Literal[Conclusion.CONFIRMED, Conclusion.DISMISSED, Conclusion.UNSURE]
    reason: Reason
    excluded_account_ids: list[AccountId] = Field(
        default=[],
        max_length=MAX_EXCLUDED,
        description="members of a confirmed ring that do not belong to it",
    )


class IdentifierDispositionIn(BaseModel):
    """What is concluded about an identifier."""

    model_config = ConfigDict(extra="forbid")

    disposition: Literal[Conclusion.BENIGN, Conclusion.UNSURE]
    reason: Reason


class DispositionOut(BaseModel):
    """What somebody concluded."""

    disposition_id: str
    at: str | None
    disposition: Conclusion
    reason: str
    excluded_account_ids: list[str]

    @classmethod
    def of(cls, disposition: Disposition) -> "DispositionOut":
        """The JSON form of a disposition."""
        return cls(
            disposition_id=disposition.id,
            at=rfc3339(disposition.at),
            disposition=disposition.disposition,
            reason=disposition.reason,
            excluded_account_ids=list(disposition.excluded_account_ids),
        )


class DispositionsOut(BaseModel):
    """What was concluded about something, the last first."""

    dispositions: list[DispositionOut]
    is_cut: bool = Field(description="whether there are more")

    @classmethod
    def of(cls, found: list[Disposition], limit: int) -> "DispositionsOut":
        """As many as were asked for, of a list that may have one more."""
        return cls(
            dispositions=[DispositionOut.of(each) for each in found[:limit]],
            is_cut=len(found) > limit,
        )


@router.post(
    "/rings/{ring_id}/dispositions",
    status_code=HTTPStatus.CREATED,
    response_model=DispositionOut,
    responses=REDIRECT | _REFUSED,
    openapi_extra=body_schema(RingDispositionIn),
)
def judge_ring(
    store: Store,
    request: Request,
    ring_id: RingId,
    wanted: Annotated[RingDispositionIn, Depends(json_body(RingDispositionIn))],
) -> DispositionOut | Response:
    """Confirm or dismiss a ring, or take back what was said before; the next run acts on it.

    Members of a confirmed ring stay together whatever they share, and its id stays in a merger;
    those excluded are kept out. `dismissed` and `unsure` take both back.
    """
    if heir := final_heir(store, ring_id):
        return redirect(request, heir)
    excluded = tuple(wanted.excluded_account_ids)
    verdict = Verdict(wanted.disposition, wanted.reason, excluded)
    return DispositionOut.of(dispose_ring(store, ring_id, verdict, now_ms()))


@router.get("/rings/{ring_id}/dispositions", response_model=DispositionsOut, responses=REDIRECT)
def of_ring(
    store: Store, request: Request, ring_id: RingId, limit: Limit = 50
) -> DispositionsOut | Response:
    """What was concluded about a ring, the last first: that is what counts."""
    if heir := final_heir(store, ring_id):
        return redirect(request, heir)
    return DispositionsOut.of(read_dispositions(store, ring_id=ring_id, limit=limit + 1), limit)


@router.post(
    "/identifiers/{key}/dispositions",
    status_code=HTTPStatus.CREATED,
    responses=_REFUSED,
    openapi_extra=body_schema(IdentifierDispositionIn),
)
def judge_identifier(
    store: Store,
    key: IdentifierKey,
    wanted: Annotated[IdentifierDispositionIn, Depends(json_body(IdentifierDispositionIn))],
) -> DispositionOut:
    """Call an identifier benign: it links nobody and is no reason; `unsure` takes that back."""
    verdict = Verdict(wanted.disposition, wanted.reason)
    return DispositionOut.of(dispose_identifier(store, key, verdict, now_ms()))


@router.get("/identifiers/{key}/dispositions")
def of_identifier(store: Store, key: IdentifierKey, limit: Limit = 50) -> DispositionsOut:
    """What was concluded about an identifier, the last first."""
    get_identifier(store, key)
    return DispositionsOut.of(read_dispositions(store, key=key, limit=limit + 1), limit)
