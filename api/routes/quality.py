"""How good the events of the last hours were."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import Store
from api.problems import PROBLEMS
from api.quality import QualityOut, last_hours
from graph.times import now_ms

router = APIRouter(prefix="/quality", tags=["service"], responses=PROBLEMS)


@router.get("")
def read_quality(store: Store, hours: Annotated[int, Query(ge=1, le=168)] = 24) -> QualityOut:
    """Counts and shares by hour of arrival, oldest first, and what was not as usual."""
    return QualityOut(hours=last_hours(store, hours, now_ms()))
