"""Where the id of a ring leads that another took over: to the one that stands in the end."""

from typing import Any

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

#: for OpenAPI
REDIRECT: dict[int | str, dict[str, Any]] = {308: {"description": "merged into that ring"}}


def redirect(request: Request, heir: str) -> Response:
    """The same request about the heir, whose id needs no quoting."""
    before, _, after = request.url.path.partition("/rings/")
    _, slash, rest = after.partition("/")
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{before}/rings/{heir}{slash}{rest}{query}", status_code=308)
