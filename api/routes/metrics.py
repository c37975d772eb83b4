"""Metrics in Prometheus' text format: of this process, and what the graph knows."""

import time

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.deps import Store
from graph.metrics import HTTP_REQUEST_SECONDS, HTTP_REQUESTS
from graph.stored_metrics import StoredMetrics

router = APIRouter(prefix="/metrics", tags=["service"])

_API = "/api/v1"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@router.get("", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def read_metrics(store: Store) -> Response:
    """All metrics of this process and of the graph; it answers without the graph too."""
    stored = CollectorRegistry()
    stored.register(StoredMetrics(store))
    return Response(
        generate_latest(REGISTRY) + generate_latest(stored),
        headers={"content-type": CONTENT_TYPE_LATEST},
    )


class RequestMetrics:
    """Counts requests and their time, around everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and count its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # what the client sees when no answer was begun
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        begun = time.perf_counter()
        try:
            await self._app(scope, receive, noting)
        finally:
            _count(scope, status, time.perf_counter() - begun)


def _count(scope: Scope, status: int, seconds: float) -> None:
    # a stranger may send any method and any path: neither may become a label
    method = scope["method"] if scope["method"] in _METHODS else "other"
    route = _template(scope)
    HTTP_REQUESTS.labels(method, route, str(status)).inc()
    HTTP_REQUEST_SECONDS.labels(method, route).observe(seconds)


def _template(scope: Scope) -> str:
    """The path as it is declared: newer versions of FastAPI keep a router's prefix out of it."""
    path: str = getattr(scope.get("route"), "path", "other")
    is_short = scope["path"].startswith(f"{_API}/") and path.startswith("/")
    return path if path.startswith(_API) or not is_short else _API + path
