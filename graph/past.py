"""The graph as it stood: the archive's events up to an instant, folded and written into a graph."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from graph.archive import Archive
from graph.archive_engine import Connection
from graph.kinds import Privacy, identifier_kinds
from graph.model import MAX_MICROS, NO_CURRENCY
from graph.store import GraphStore, Transaction

#: rows read at once
_ROWS = 20_000
_PLACE = {"topic": "past", "topic_id": "past", "partition": 0}

#: what ingest makes of events, statement by statement; `event` has what happened up to the instant
_EVENTS = f"""
CREATE TEMP TABLE event AS
SELECT account_id, identifier_keys, type, coalesce(currency, '{NO_CURRENCY}') AS currency,
    nullif(counterparty_account_id, account_id) AS other, coalesce(amount_micros, 0) AS micros,
    epoch_ms(occurred_at) AS seen
FROM read_parquet($files, hive_partitioning = false)
WHERE occurred_at <= make_timestamptz($until)
"""
_FOLDED = {
    "ingest/merge_accounts": """
        SELECT account_id, sum(events)::BIGINT, min(seen), max(seen) FROM (
            SELECT account_id, 1 AS events, seen FROM event
            UNION ALL SELECT other, 0, NULL FROM event WHERE other IS NOT NULL
        ) GROUP BY account_id ORDER BY account_id""",
    "ingest/merge_identifiers": """
        SELECT DISTINCT unnest(identifier_keys) AS key FROM event ORDER BY key""",
    "ingest/merge_uses": """
        SELECT account_id, key, count(*), min(seen), max(seen) FROM (
            SELECT account_id, unnest(identifier_keys) AS key, seen FROM event
        ) GROUP BY account_id, key ORDER BY key, account_id""",
    "ingest/merge_transfers": f"""
        SELECT account_id, other, currency, count(*),
            least(sum(micros), {MAX_MICROS})::BIGINT, min(seen), max(seen)
        FROM event WHERE other IS NOT NULL AND type <> 'referral' GROUP BY ALL ORDER BY ALL""",
    "ingest/merge_referrals": """
        SELECT account_id, other, count(*), min(seen)
        FROM event WHERE other IS NOT NULL AND type = 'referral' GROUP BY ALL ORDER BY ALL""",
}


def rebuild(store: GraphStore, archive: Archive, until: int) -> int:
    """Write what was known at `until` (milliseconds) into an empty graph; how many events that is.

    Counts, times and links are those that ingest would have written of the same events. Values of
    sealed identifiers stay away: the archive has their keys only.
    """
    return archive.with_engine(lambda engine, files: _rebuild(store, engine, files, until))


def _rebuild(store: GraphStore, engine: Connection, files: list[str], until: int) -> int:
    if not files:
        return 0
    engine.execute(_EVENTS, {"files": files, "until": until * 1000})
    for statement, sql in _FOLDED.items():
        for rows in _pages(engine.execute(sql)):
            if statement == "ingest/merge_identifiers":
                rows = [_identifier(row[0]) for row in rows]
            store.write_rows(statement, rows)
    count, latest_at = engine.execute("SELECT count(*), max(seen) FROM event").fetchone() or (0, 0)
    store.write(partial(_set_time, latest_at=latest_at or 0))
    return int(count)


def _pages(found: Connection) -> Iterator[list[list[Any]]]:
    while rows := found.fetchmany(_ROWS):
        yield [list(row) for row in rows]


def _identifier(key: str) -> list[Any]:
    name, _, value = key.partition(":")
    kind = identifier_kinds()[name]
    return [key, name, kind.label, value if kind.privacy is Privacy.CLEAR else None, None]


def _set_time(tx: Transaction, latest_at: int) -> None:
    tx.run("ingest/take_positions", rows=[_PLACE], owner="past")
    tx.run("ingest/touch", id="past", account_ids=[], partitions=[_PLACE], latest_at=latest_at)


def remember_rings(store: GraphStore, present: GraphStore, at: int) -> None:
    """Copy the rings that were open at an instant, so that the next run gives them their ids."""
    store.write_rows("detection/remember_rings", present.read("detection/rings_at", at=at))
