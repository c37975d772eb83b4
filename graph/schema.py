"""Constraints and indexes: applied before any data, and checked."""

from graph.errors import StoreError
from graph.queries import CYPHER, statements
from graph.store import GraphStore

WORLD = "schema/world"


def apply_schema(store: GraphStore) -> str:
    """Create what is missing and return the id of this graph; doing it twice changes nothing."""
    for name in _files():
        for statement in statements(name):
            store.run_schema(statement)
    store.run_schema("CALL db.awaitIndexes(120)")
    return str(store.run_schema(statements(WORLD)[0])[0]["world_id"])


def check_schema(store: GraphStore) -> list[str]:
    """Names of constraints and indexes that are missing, sorted."""
    wanted = {
        statement.split()[2]
        for name in _files()
        for statement in statements(name)
        if statement.startswith("CREATE ")
    }
    there = {
        row["name"]
        for kind in ("CONSTRAINTS", "INDEXES")
        for row in store.run_schema(f"SHOW {kind} YIELD name")
    }
    return sorted(wanted - there)


def world_id(store: GraphStore) -> str:
    """The id this graph got when its schema was applied; StoreError when it has none."""
    rows = store.read("ingest/read_world")
    if not rows:
        raise StoreError("the graph has no schema yet: run `ringtrace schema apply`")
    return str(rows[0]["world_id"])


def _files() -> list[str]:
    return sorted(
        f"schema/{path.stem}"
        for path in (CYPHER / "schema").glob("*.cypher")
        if f"schema/{path.stem}" != WORLD
    )
