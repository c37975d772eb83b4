"""Events from other services, straight onto the topic."""

from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from api.bodies import JsonBytes
from api.event_schema import event_schema
from api.problems import Problem, problem
from graph.errors import BrokerError, ServerError
from graph.times import now_ms
from ingest.events import UnusableEventError, parse_event
from ingest.replay import EventTopic

MAX_EVENTS = 1000

router = APIRouter(prefix="/events", tags=["events"])


class AcceptedOut(BaseModel):
    """How many events Kafka has now."""

    accepted: int


class UnusableOut(BaseModel):
    """One event that cannot be used."""

    index: int = Field(description="its place in the array, from 0")
    reason: str
    detail: str


class UnusableProblem(Problem):
    """Which events cannot be used; none of the request was sent."""

    errors: list[UnusableOut]


def _problems(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    return {status.value: {"model": Problem, "description": status.phrase} for status in statuses}


@router.post(
    "",
    status_code=HTTPStatus.ACCEPTED,
    response_model=AcceptedOut,
    responses=_problems(
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.SERVICE_UNAVAILABLE,
    )
    | {422: {"model": UnusableProblem, "description": "Events that cannot be used"}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "anyOf": [
                            event_schema(),
                            {"type": "array", "items": event_schema(), "maxItems": MAX_EVENTS},
                        ]
                    }
                }
            },
        }
    },
)
def send(request: Request, body: JsonBytes) -> AcceptedOut | Response:
    """Send one event, or an array of at most 1,000; answers when Kafka has them all.

    All or nothing: when one event cannot be used, none is sent, and the answer 422 says which and
    why. After a 503 some may have been sent: send the same again, each counts once. An event whose
    `event_id` came before with another body is taken here and becomes a dead letter later.
    """
    events = _split(body)
    if len(events) > MAX_EVENTS:
        return _unusable(f"{len(events)} events, at most {MAX_EVENTS} a request", [])
    keyed, errors, now = [], [], now_ms()
    for index, event in enumerate(events):
        try:
            keyed.append((parse_event(event, now).account_id, event))
        except UnusableEventError as error:
            errors.append(UnusableOut(index=index, reason=error.reason, detail=error.detail))
    if errors:
        wrong = f"{len(errors)} of {len(events)} events cannot be used; nothing was sent"
        return _unusable(wrong, errors)
    topic: EventTopic | None = request.app.state.event_topic
    try:
        if topic is None:
            raise ServerError("this service has no Kafka")
        topic.send(keyed)
    except (BrokerError, ServerError) as error:
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
    return AcceptedOut(accepted=len(keyed))


def _split(body: bytes) -> list[bytes]:
    """The events of a body, each as its sender wrote it."""
    is_array = body.lstrip(b" \t\r\n").startswith(b"[")
    try:
        if is_array:
            return [bytes(raw) for raw in msgspec.json.decode(body, type=list[msgspec.Raw])]
        return [bytes(msgspec.json.decode(body, type=msgspec.Raw))]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise HTTPException(HTTPStatus.BAD_REQUEST, "the body is no JSON") from None


def _unusable(detail: str, errors: list[UnusableOut]) -> JSONResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    body = UnusableProblem(title=status.phrase, status=status, detail=detail, errors=errors)
    return JSONResponse(body.model_dump(), status, media_type="application/problem+json")
