"""The whole graph as one comparable value: every node, relationship, count and time."""

import hashlib
import json
from collections.abc import Callable

from graph.store import GraphStore

_PARTS = (
    "MATCH (a:Account) RETURN a.id AS id, a.event_count AS n, a.first_seen AS f, a.last_seen AS l",
    "MATCH (i:Identifier) RETURN i.key AS key, i.kind AS kind, labels(i) AS labels",
    "MATCH (a:Account)-[u:USED]->(i:Identifier) RETURN a.id AS id, i.key AS key, "
    "u.event_count AS n, u.first_seen AS f, u.last_seen AS l",
    "MATCH (a:Account)-[t:TRANSFERRED]->(b:Account) RETURN a.id AS id, b.id AS other, "
    "t.currency AS currency, t.event_count AS n, t.amount_micros AS m, t.first_seen AS f, "
    "t.last_seen AS l",
    "MATCH (a:Account)-[r:REFERRED]->(b:Account) RETURN a.id AS id, b.id AS other, "
    "r.event_count AS n, r.at AS at",
)


def graph_state(store: GraphStore, key: Callable[[str], str] = str) -> list[str]:
    """A hash of each part of the graph; `key` renames the keys of identifiers first."""
    return [_hash(store.run_schema(part), key) for part in _PARTS]


def _hash(rows: list[dict[str, object]], key: Callable[[str], str]) -> str:
    for row in rows:
        if "key" in row:
            row["key"] = key(str(row["key"]))
    lines = sorted(json.dumps(row) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
