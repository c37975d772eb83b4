"""A simulated world in Neo4j without the stream: the events folded by DuckDB, written in bulk.

What ingest would have written: accounts, identifiers, uses, transfers. For detection alone.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from graph.kinds import identifier_kinds
from graph.store import GraphStore
from ingest.simulate import Simulation, simulate
from ingest.simulation.output import write_events

_ROWS = 20_000
_FIELDS = {
    "device": "device_id",
    "ip": "case when contains(ip, ':') then split_part(ip, '::', 1) || '::/64' else ip end",
    "payment_instrument": "payment_instrument.id",
    "email": "email",
    "phone": "phone",
    "address": "lower(address)",
}
_COLUMNS = {
    "account_id": "VARCHAR",
    "type": "VARCHAR",
    "occurred_at": "BIGINT",
    "device_id": "VARCHAR",
    "ip": "VARCHAR",
    "email": "VARCHAR",
    "phone": "VARCHAR",
    "address": "VARCHAR",
    "payment_instrument": "STRUCT(id VARCHAR)",
    "counterparty_account_id": "VARCHAR",
    "target_id": "VARCHAR",
    "amount": "DECIMAL(18, 2)",
    "currency": "VARCHAR",
}


def load(store: GraphStore, simulation: Simulation, folder: Path) -> dict[str, int]:
    """Simulate into `folder` and write what comes of it; how many accounts, uses and so on."""
    events = folder / "events.jsonl.zst"
    write_events(simulate(simulation), events)
    with duckdb.connect(str(folder / "folded.duckdb")) as db:
        db.execute(
            "SET threads = 2; SET memory_limit = '4GB'; SET preserve_insertion_order = false"
        )
        db.execute(
            f"CREATE TABLE events AS SELECT * FROM read_json('{events}', columns = {_COLUMNS})"
        )
        db.execute(_folded())
        counts = {}
        for statement, sql in _statements().items():
            counts[statement] = _write(store, statement, _batches(db.execute(sql)))
        latest = db.execute("SELECT max(occurred_at) FROM events").fetchone()
        _set_time(store, latest[0] if latest else 0)
    return counts


def _folded() -> str:
    uses = " UNION ALL ".join(
        f"SELECT account_id, '{kind}:' || {value} AS key, '{kind}' AS kind, occurred_at AS seen "
        f"FROM events WHERE {value} IS NOT NULL"
        for kind, value in _FIELDS.items()
    )
    return (
        "CREATE TABLE uses AS SELECT account_id, key, any_value(kind) AS kind, count(*) AS events, "
        f"min(seen) AS first_seen, max(seen) AS last_seen FROM ({uses}) GROUP BY account_id, key"
    )


def _statements() -> dict[str, str]:
    label = " ".join(f"WHEN '{k.name}' THEN '{k.label}'" for k in identifier_kinds().values())
    return {
        "ingest/merge_accounts": """
            SELECT account_id, sum(events), min(first), max(last) FROM (
              SELECT account_id, count(*) AS events, min(occurred_at) AS first,
                     max(occurred_at) AS last FROM events GROUP BY 1
              UNION ALL SELECT DISTINCT counterparty_account_id, 0, NULL, NULL FROM events
              WHERE counterparty_account_id IS NOT NULL
            ) GROUP BY 1 ORDER BY 1""",
        "ingest/merge_identifiers": f"""
            SELECT key, any_value(kind), CASE any_value(kind) {label} END,
                   split_part(key, ':', 2), NULL FROM uses GROUP BY key ORDER BY key""",
        "ingest/merge_uses": """
            SELECT account_id, key, events, first_seen, last_seen FROM uses ORDER BY key""",
        "ingest/merge_transfers": """
            SELECT account_id, counterparty_account_id, currency, count(*),
                   (1000000 * sum(amount))::BIGINT, min(occurred_at), max(occurred_at) FROM events
            WHERE counterparty_account_id IS NOT NULL AND type = 'transfer'
            GROUP BY ALL ORDER BY 1, 2""",
    }


def _batches(found: duckdb.DuckDBPyConnection) -> Iterator[list[list[Any]]]:
    while rows := found.fetchmany(_ROWS):
        yield [[int(v) if not isinstance(v, (str, type(None))) else v for v in row] for row in rows]


def _write(store: GraphStore, statement: str, batches: Iterator[list[list[Any]]]) -> int:
    count = 0
    for rows in batches:
        count += len(rows)
        store.write(lambda tx, rows=rows: tx.run(statement, rows=rows))
    return count


def _set_time(store: GraphStore, latest: int) -> None:
    place = {"topic": "bench", "topic_id": "bench", "partition": 0}
    store.write(lambda tx: tx.run("ingest/take_positions", rows=[place], owner="bench"))
    store.write(
        lambda tx: tx.run(
            "ingest/touch", id="all", account_ids=[], partitions=[place], latest_at=latest
        )
    )
