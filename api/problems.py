"""Errors as RFC 9457 problem documents: what went wrong in one line, never a trace."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from graph.errors import InputError, NotFoundError, RingtraceError, StoreAwayError

log = logging.getLogger("ringtrace.api")
_STATUS: list[tuple[type[RingtraceError], HTTPStatus]] = [
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (InputError, HTTPStatus.BAD_REQUEST),
    (StoreAwayError, HTTPStatus.SERVICE_UNAVAILABLE),
]


class Problem(BaseModel):
    """RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


_MEDIA_TYPE = "application/problem+json"
#: what every route may answer besides its result, for OpenAPI
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": HTTPStatus(status).phrase,
        "content": {_MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
    }
    for status in (400, 404, 422, 503)
}


def add_handlers(app: FastAPI) -> None:
    """Answer every error of `app` with a problem document."""

    def known(_: Request, error: Exception) -> JSONResponse:
        status = next((s for kind, s in _STATUS if isinstance(error, kind)), None)
        return problem(status or HTTPStatus.INTERNAL_SERVER_ERROR, str(error))

    def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{place}: {first['msg']}")

    def http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return problem(HTTPStatus(error.status_code), str(error.detail), error.headers)

    def unexpected(_: Request, error: Exception) -> JSONResponse:
        log.error("unexpected error", exc_info=error)
        detail = "something went wrong here; the service's log says what"
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)

    app.add_exception_handler(RingtraceError, known)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, unexpected)


def problem(
    status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """A problem document."""
    body = Problem(title=status.phrase, status=status, detail=detail)
    return JSONResponse(body.model_dump(), status, headers, media_type=_MEDIA_TYPE)
