"""The HTTP service: REST under /api/v1 and the explorer's pages."""

from collections.abc import Awaitable, Callable
from importlib.metadata import version

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.staticfiles import StaticFiles

from api.deps import Store
from api.problems import PROBLEMS, add_handlers
from api.routes import accounts, alerts, pages, rings
from api.settings import ApiSettings
from graph.store import GraphStore
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


def create_app(store: GraphStore, settings: ApiSettings) -> FastAPI:
    """The service over one graph."""
    app = FastAPI(
        title="Ringtrace",
        version=version("ringtrace"),
        description="Rings, their risk scores and the graph around them.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.state.store = store
    for router in (health, rings.router, accounts.router, alerts.router):
        app.include_router(router, prefix="/api/v1")
    app.include_router(pages.router)
    app.mount("/static/vis", StaticFiles(directory=vis_directory()))
    app.mount("/static/app", StaticFiles(directory=static_directory()))
    add_handlers(app)
    app.middleware("http")(_add_headers)
    # a page of another origin that points its own name at this address gets no answer
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(settings.allowed_hosts))
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
