"""The whole graph as one comparable value: every node, relationship, count and time."""

import hashlib
import json

from graph.store import GraphStore

_PARTS = (
    "MATCH (a:Account) RETURN a.id AS id, a.event_count AS n, a.first_seen AS f, a.last_seen AS l "
    "ORDER BY id",
    "MATCH (i:Identifier) RETURN i.key AS key, i.kind AS kind, labels(i) AS labels ORDER BY key",
    "MATCH (a:Account)-[u:USED]->(i:Identifier) RETURN a.id AS id, i.key AS key, "
    "u.event_count AS n, u.first_seen AS f, u.last_seen AS l ORDER BY id, key",
    "MATCH (a:Account)-[t:TRANSFERRED]->(b:Account) RETURN a.id AS id, b.id AS other, "
    "t.currency AS currency, t.event_count AS n, t.amount_micros AS m, t.first_seen AS f, "
    "t.last_seen AS l ORDER BY id, other, currency",
    "MATCH (a:Account)-[r:REFERRED]->(b:Account) RETURN a.id AS id, b.id AS other, "
    "r.event_count AS n, r.at AS at ORDER BY id, other",
)


def graph_state(store: GraphStore) -> list[str]:
    """A hash of each part of the graph, in a fixed order."""
    return [
        hashlib.sha256(json.dumps(store.run_schema(part)).encode()).hexdigest() for part in _PARTS
    ]
