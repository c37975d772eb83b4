"""What routes take as a body: JSON of a bounded size, and nothing a foreign page can just send."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

MAX_BODY_BYTES = 1024 * 1024
M = TypeVar("M", bound=BaseModel)


async def json_bytes(request: Request) -> bytes:
    """The body of a request, as long as it may be; no more than that is ever held."""
    # a page of another origin can send this type only after asking, and is told no
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json")
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BODY_BYTES:
                detail = f"at most {MAX_BODY_BYTES} bytes a request"
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    except ClientDisconnect:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "the body ended early") from None
    return bytes(body)


JsonBytes = Annotated[bytes, Depends(json_bytes)]


def json_body(kind: type[M]) -> Callable[[bytes], M]:
    """A dependency that reads the body as one of these."""

    def read(body: JsonBytes) -> M:
        try:
            return kind.model_validate_json(body)
        except ValidationError as error:
            raise RequestValidationError(error.errors()) from error

    return read


def body_schema(kind: type[BaseModel]) -> dict[str, Any]:
    """OpenAPI of a route whose body is read by `json_body`."""
    schema = {"application/json": {"schema": kind.model_json_schema()}}
    return {"requestBody": {"required": True, "content": schema}}
