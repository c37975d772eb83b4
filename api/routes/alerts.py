"""Alerts."""

from fastapi import APIRouter

from api.deps import Cursor, Limit, Store
from api.problems import PROBLEMS
from api.responses import AlertOut, AlertPage, next_cursor
from graph.views import list_alerts

router = APIRouter(prefix="/alerts", tags=["alerts"], responses=PROBLEMS)


@router.get("")
def list_page(store: Store, cursor: Cursor, limit: Limit = 50) -> AlertPage:
    """Alerts, newest first."""
    found = list_alerts(store, cursor, limit)
    last = (found[-1].at, found[-1].alert_id) if found else (0, "")
    return AlertPage(
        alerts=[AlertOut.of(alert) for alert in found],
        next_cursor=next_cursor(last, len(found), limit),
    )
