"""One identifier."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.deps import IdentifierKey, Store
from api.problems import PROBLEMS
from graph.times import rfc3339
from graph.views import Identifier, get_identifier

router = APIRouter(tags=["accounts"], responses=PROBLEMS)


class IdentifierDetailOut(BaseModel):
    """One identifier and how it was used."""

    key: str
    kind: str
    label: str = Field(description="its value, or its kind and a part of its token")
    account_count: int
    is_hub: bool = Field(description="on too many accounts to mean anything")
    event_count: int
    first_seen: str | None
    last_seen: str | None
    benign_at: str | None = Field(description="since when it links nobody: somebody said so")

    @classmethod
    def of(cls, identifier: Identifier) -> "IdentifierDetailOut":
        """The JSON form of an identifier."""
        return cls(
            key=identifier.key,
            kind=identifier.kind,
            label=identifier.label,
            account_count=identifier.account_count,
            is_hub=identifier.is_hub,
            event_count=identifier.event_count,
            first_seen=rfc3339(identifier.first_seen),
            last_seen=rfc3339(identifier.last_seen),
            benign_at=rfc3339(identifier.benign_at),
        )


@router.get("/identifiers/{key}")
def one(store: Store, key: IdentifierKey) -> IdentifierDetailOut:
    """One identifier, by its key or as `<kind>:<clear value>`."""
    return IdentifierDetailOut.of(get_identifier(store, key))
