"""The identifier kinds and their policy, read from identifier_kinds.toml."""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path


class Role(StrEnum):
    """What sharing one value of a kind says about two accounts."""

    CONNECTS = "connects"
    SUPPORTS = "supports"


class Privacy(StrEnum):
    """What the graph and the archive hold of a kind's values."""

    CLEAR = "clear"
    TOKEN = "token"
    TOKEN_SEALED = "token+sealed"


@dataclass(frozen=True, slots=True)
class IdentifierKind:
    """One kind of identifier and how far it is trusted."""

    name: str
    #: second label of its nodes
    label: str
    role: Role
    #: most accounts on a value before it is a hub
    cap: int
    #: weight of one shared value, 0 to 1
    prior: float
    normaliser: str
    privacy: Privacy
    #: event field that carries it; None for kinds that come in `identifiers`
    field: str | None = None


@cache
def identifier_kinds() -> dict[str, IdentifierKind]:
    """All kinds by name, in the file's order."""
    tables = tomllib.loads(Path(__file__).with_name("identifier_kinds.toml").read_text("utf-8"))
    return {
        name: IdentifierKind(
            name=name,
            **(table | {"role": Role(table["role"]), "privacy": Privacy(table["privacy"])}),
        )
        for name, table in tables.items()
    }


def kinds_that(role: Role) -> list[str]:
    """Names of the kinds with this role, in the file's order."""
    return [kind.name for kind in identifier_kinds().values() if kind.role is role]


def hub_caps() -> dict[str, int]:
    """Kind to the most accounts before a value is a hub."""
    return {kind.name: kind.cap for kind in identifier_kinds().values()}
