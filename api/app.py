"""The HTTP service: REST under /api/v1 and the explorer's pages."""

from collections.abc import Awaitable, Callable
from importlib.metadata import version

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.staticfiles import StaticFiles

from api.clear_values import ClearValues
from api.deps import Store
from api.problems import PROBLEMS, add_handlers
from api.routes import (
    accounts,
    activity,
    alerts,
    dispositions,
    events,
    identifiers,
    lineage,
    pages,
    rings,
    search,
)
from api.routes.detectors import router as detectors
from api.routes.metrics import RequestMetrics
from api.routes.metrics import router as metrics
from api.routes.quality import router as quality
from api.settings import ApiSettings
from graph.archive import Archive
from graph.store import GraphStore
from ingest.replay import EventTopic
from ui.explorer import static_directory, vis_directory

#: no inline code, no other host: hostile labels have nothing to run with
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

health = APIRouter(tags=["service"])


@health.get("/health")
def is_alive() -> dict[str, str]:
    """Whether the process answers."""
    return {"status": "ok"}


@health.get("/ready", responses={503: PROBLEMS[503]})
def is_ready(store: Store) -> dict[str, str]:
    """Whether the graph answers too."""
    store.check()
    return {"status": "ok"}


def create_app(
    store: GraphStore,
    settings: ApiSettings,
    clear_values: ClearValues | None = None,
    event_topic: EventTopic | None = None,
    archive: Archive | None = None,
) -> FastAPI:
    """The service over one graph.

    Without `clear_values` it knows identifiers by key only, without `event_topic` it takes no
    events, without `archive` it has none to show.
    """
    app = FastAPI(
        title="Ringtrace",
        version=version("ringtrace"),
        description="Rings, their risk scores and the graph around them.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.state.store = store
    app.state.clear_values = clear_values or ClearValues()
    app.state.event_topic = event_topic
    app.state.archive = archive
    for router in (
        health,
        rings.router,
        lineage.router,
        dispositions.router,
        accounts.router,
        activity.router,
        identifiers.router,
        alerts.router,
        events.router,
        search.router,
        quality,
        detectors,
        metrics,
    ):
        app.include_router(router, prefix="/api/v1")
    app.include_router(pages.router)
    app.mount("/static/vis", StaticFiles(directory=vis_directory()))
    app.mount("/static/app", StaticFiles(directory=static_directory()))
    add_handlers(app)
    app.middleware("http")(_add_headers)
    # a page of another origin that points its own name at this address gets no answer
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(settings.allowed_hosts))
    app.add_middleware(RequestMetrics)
    return app


async def _add_headers(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call_next(request)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    if not request.url.path.startswith("/static/"):
        response.headers["Cache-Control"] = "no-store"
    return response
