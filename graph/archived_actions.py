"""What accounts acted on and whom they paid, out of the archive."""

from typing import Any

import pyarrow as pa

from graph.archive_engine import Connection, read_table

#: who acted on what, milliseconds since 1970 UTC
ACTIONS = pa.schema([("account_id", pa.string()), ("object", pa.string()), ("at", pa.int64())])
TRANSFERS = pa.schema(
    [
        ("payer", pa.string()),
        ("payee", pa.string()),
        ("at", pa.int64()),
        ("amount_micros", pa.int64()),
        ("currency", pa.string()),
    ]
)

#: when an account was first heard of, milliseconds since 1970 UTC
BEGINNINGS = pa.schema([("account_id", pa.string()), ("at", pa.int64())])

_ACTIONS = """
WITH event AS NOT MATERIALIZED (
    SELECT account_id, target_id, counterparty_account_id, type, epoch_ms(occurred_at) AS "at"
    FROM read_parquet($files, hive_partitioning = false)
    WHERE occurred_at >= make_timestamptz($since) AND occurred_at < make_timestamptz($until)
)
SELECT account_id, 'target:' || target_id AS object, "at" FROM event WHERE target_id IS NOT NULL
UNION ALL
SELECT account_id, 'payee:' || counterparty_account_id, "at"
FROM event WHERE counterparty_account_id IS NOT NULL AND type <> 'referral'
"""
# money that did not go through was not passed on
_TRANSFERS = """
SELECT account_id AS payer, counterparty_account_id AS payee, epoch_ms(occurred_at) AS "at",
    amount_micros, currency
FROM read_parquet($files, hive_partitioning = false)
WHERE occurred_at >= make_timestamptz($since) AND occurred_at < make_timestamptz($until)
    AND counterparty_account_id IS NOT NULL AND type <> 'referral'
    AND outcome IS DISTINCT FROM 'failure'
"""
# an account may be paid before it does anything
_BEGINNINGS = """
WITH event AS NOT MATERIALIZED (
    SELECT account_id, counterparty_account_id, epoch_ms(occurred_at) AS "at"
    FROM read_parquet($files, hive_partitioning = false)
    WHERE occurred_at >= make_timestamptz($since) AND occurred_at < make_timestamptz($until)
)
SELECT account_id, min("at") AS "at" FROM (
    SELECT account_id, "at" FROM event
    UNION ALL
    SELECT counterparty_account_id, "at" FROM event WHERE counterparty_account_id IS NOT NULL
)
GROUP BY account_id
"""
_COUNT = """
SELECT count(*) FROM read_parquet($files, hive_partitioning = false)
WHERE occurred_at >= make_timestamptz($since) AND occurred_at < make_timestamptz($until)
"""


def count_events(engine: Connection, files: list[str], since: int, until: int) -> int:
    """Events between two times; see `Archive.count`."""
    if not files:
        return 0
    parameters = {"files": files, "since": since * 1000, "until": until * 1000}
    found = engine.sql(_COUNT, params=parameters).fetchone()
    return int(found[0]) if found else 0


def find_actions(engine: Connection, files: list[str], since: int, until: int) -> pa.Table:
    """Actions in the columns of ACTIONS, in no order; see `Archive.actions`."""
    return _read(engine, _ACTIONS, ACTIONS, files, (since, until))


def find_transfers(engine: Connection, files: list[str], since: int, until: int) -> pa.Table:
    """Transfers in the columns of TRANSFERS, in no order; see `Archive.transfers`."""
    return _read(engine, _TRANSFERS, TRANSFERS, files, (since, until))


def find_beginnings(engine: Connection, files: list[str], until: int) -> pa.Table:
    """Beginnings in the columns of BEGINNINGS, in no order; see `Archive.beginnings`."""
    return _read(engine, _BEGINNINGS, BEGINNINGS, files, (0, until))


def _read(
    engine: Connection, sql: str, schema: pa.Schema, files: list[str], span: tuple[int, int]
) -> pa.Table:
    if not files:
        return schema.empty_table()
    parameters: dict[str, Any] = {
        "files": files,
        "since": span[0] * 1000,
        "until": span[1] * 1000,
    }
    return read_table(engine, sql, parameters).cast(schema)
