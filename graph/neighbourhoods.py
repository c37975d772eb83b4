"""Parts of the graph small enough to draw: around a ring, an account or an identifier."""

from collections import Counter
from collections.abc import Sequence

from graph.errors import NotFoundError
from graph.kinds import hub_caps, identifier_kinds
from graph.model import CONCLUDED, GraphLink, GraphNode, Neighbourhood, RiskLevel
from graph.pseudonyms import label
from graph.store import GraphStore, Row
from graph.views import get_ring

ACCOUNT = "account"
#: ties of one account to others in step that a picture shows: all of a ring are tied to all
_TIES = 5


def ring_graph(store: GraphStore, ring_id: str, limit: int) -> Neighbourhood:
    """A ring's members, what they share, and the outsiders on that, in this order up to `limit`."""
    ring, _ = get_ring(store, ring_id)
    rows = store.read("explore/ring_surroundings", ring_id=ring_id, caps=hub_caps())
    members = [f"{ACCOUNT}:{account_id}" for account_id in ring.account_ids]
    outsiders = Counter(account_id for row in rows for account_id in row["outsiders"])
    ids = [
        *members,
        *(row["key"] for row in rows),
        *(f"{ACCOUNT}:{a}" for a, _ in sorted(outsiders.items(), key=lambda o: (-o[1], o[0]))),
    ]
    return _draw(store, ring_id, ids, limit, set(members))


def account_neighbourhood(
    store: GraphStore, account_id: str, kinds: Sequence[str], limit: int
) -> Neighbourhood:
    """An account and its nearest `limit` neighbours of these kinds (all when empty)."""
    wanted = list(kinds) or [*identifier_kinds(), ACCOUNT]
    rows = store.read(
        "explore/account_neighbours", account_id=account_id, kinds=wanted, limit=limit
    )
    if not rows:
        raise NotFoundError(f"there is no account {account_id!r}")
    return _around(store, f"{ACCOUNT}:{account_id}", rows[0])


def identifier_neighbourhood(store: GraphStore, key: str, limit: int) -> Neighbourhood:
    """An identifier and `limit` accounts on it, riskiest first."""
    rows = store.read("explore/identifier_neighbours", key=key, limit=limit)
    if not rows:
        raise NotFoundError(f"there is no identifier {key!r}")
    return _around(store, key, rows[0])


def _around(store: GraphStore, about: str, row: Row) -> Neighbourhood:
    ids = [about, *(node_id for node_id in row["ids"] if node_id != about)]
    return _draw(store, about, ids, len(ids), set(), total=row["total"] + 1)


def _draw(
    store: GraphStore,
    about: str,
    ids: list[str],
    limit: int,
    members: set[str],
    total: int | None = None,
) -> Neighbourhood:
    drawn = ids[:limit]
    prefix = f"{ACCOUNT}:"
    account_ids = [i.removeprefix(prefix) for i in drawn if i.startswith(prefix)]
    keys = [i for i in drawn if not i.startswith(prefix)]
    rows = store.read("explore/links", account_ids=account_ids, keys=keys, ties=_TIES)
    links = tuple(_link(row) for row in rows)
    # each neighbour once, however many links lead to it; who is in step is no neighbour by that
    drawn_neighbours = {
        ends
        for link in links
        if link.type not in CONCLUDED
        for ends in ((link.source, link.target), (link.target, link.source))
    }
    shown = Counter((a, _kind(b)) for a, b in drawn_neighbours)
    nodes = [
        _account_node(row, shown, members)
        for row in store.read("explore/account_nodes", account_ids=account_ids)
    ]
    nodes += [
        _identifier_node(row, shown) for row in store.read("explore/identifier_nodes", keys=keys)
    ]
    order = {node_id: number for number, node_id in enumerate(drawn)}
    nodes.sort(key=lambda node: order[node.id])
    return Neighbourhood(about, tuple(nodes), links, total or len(ids))


def _account_node(row: Row, shown: Counter[tuple[str, str]], members: set[str]) -> GraphNode:
    node_id = f"{ACCOUNT}:{row['id']}"
    totals = dict(row["kinds"]) | {ACCOUNT: row["counterparties"]}
    hidden = {kind: total - shown[node_id, kind] for kind, total in sorted(totals.items())}
    top = max(row["rings"], key=lambda ring: int(ring[1]), default=None)
    return GraphNode(
        id=node_id,
        kind=ACCOUNT,
        label=row["id"],
        degree=sum(totals.values()),
        is_member=node_id in members,
        risk_score=top[1] if top else None,
        risk_level=RiskLevel(top[2]) if top else None,
        anomaly_score=row["anomaly_score"],
        ring_ids=tuple(sorted(ring[0] for ring in row["rings"])),
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        event_count=row["event_count"],
        hidden={kind: count for kind, count in hidden.items() if count > 0},
    )


def _identifier_node(row: Row, shown: Counter[tuple[str, str]]) -> GraphNode:
    left = row["degree"] - shown[row["key"], ACCOUNT]
    return GraphNode(
        id=row["key"],
        kind=row["kind"],
        label=label(row["key"], row["value"]),
        degree=row["degree"],
        is_hub=row["degree"] > hub_caps()[row["kind"]],
        hidden={ACCOUNT: left} if left > 0 else {},
    )


def _link(row: Row) -> GraphLink:
    parts = (row["type"], row["source"], row["target"], row["currency"])
    return GraphLink(id="|".join(part for part in parts if part), **row)


def _kind(node_id: str) -> str:
    return node_id.partition(":")[0]
