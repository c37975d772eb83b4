"""The explorer's pages."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.deps import AccountId, IdentifierKey, RingId, Store
from api.responses import AccountOut, RingOut
from graph.neighbourhoods import account_neighbourhood, identifier_neighbourhood, ring_graph
from graph.views import get_account, get_ring
from ui.explorer import ExplorerPage, render_explorer, render_queue

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

#: nodes of a first picture
FIRST_PICTURE = 300


@router.get("/", response_model=None)
def queue() -> HTMLResponse:
    """The start page: rings by risk."""
    return HTMLResponse(render_queue())


@router.get("/rings/{ring_id}", response_model=None)
def ring(store: Store, ring_id: RingId) -> Response:
    """A ring's page."""
    found, heir = get_ring(store, ring_id)
    if heir:
        return RedirectResponse(f"/rings/{heir}", status_code=308)
    graph = ring_graph(store, ring_id, FIRST_PICTURE)
    why = RingOut.of(found).model_dump()
    return HTMLResponse(render_explorer(ExplorerPage(f"Ring {ring_id}", graph, why=why)))


@router.get("/accounts/{account_id}", response_model=None)
def account(store: Store, account_id: AccountId) -> HTMLResponse:
    """An account's page."""
    found = AccountOut.of(get_account(store, account_id)).model_dump()
    graph = account_neighbourhood(store, account_id, [], FIRST_PICTURE)
    page = ExplorerPage(f"Account {account_id}", graph, account=found)
    return HTMLResponse(render_explorer(page))


@router.get("/identifiers/{key}", response_model=None)
def identifier(store: Store, key: IdentifierKey) -> HTMLResponse:
    """An identifier's page."""
    graph = identifier_neighbourhood(store, key, FIRST_PICTURE)
    return HTMLResponse(render_explorer(ExplorerPage(key, graph)))
