"""Rows of the archive for tests: what an offset holds is a function of the offset."""

import random

import pyarrow as pa

from graph.archive import SCHEMA

#: accounts that rows are of
ACCOUNTS = 20
DAY = 86_400_000
START = 1_760_000_000_000


def rows(topic_id: str, partition: int, first: int, next_offset: int) -> pa.Table:
    """A row for each offset that is no multiple of 7, as if those were dead letters."""
    found = [
        _row(topic_id, partition, offset) for offset in range(first, next_offset) if offset % 7
    ]
    return pa.Table.from_pylist(found, SCHEMA)


def _row(topic_id: str, partition: int, offset: int) -> dict[str, object]:
    draw = random.Random(f"{topic_id}/{partition}/{offset}")
    at = START + draw.randrange(100 * DAY)
    keys = [f"device:{draw.randrange(5)}", f"ip:10.0.0.{draw.randrange(5)}"]
    return {
        "topic_id": topic_id,
        "partition": partition,
        "offset": offset,
        "event_id": f"e{offset}",
        "type": draw.choice(["login", "payment", "transfer"]),
        "occurred_at": at,
        "received_at": draw.choice([None, START + offset * 1000]),
        "account_id": f"account-{draw.randrange(ACCOUNTS)}",
        "identifier_keys": keys[: draw.randrange(3)],
        "instrument_kind": draw.choice([None, "card"]),
        "counterparty_account_id": draw.choice([None, f"account-{draw.randrange(ACCOUNTS)}"]),
        "target_id": None,
        "amount_micros": draw.choice([None, draw.randrange(10**15)]),
        "currency": "EUR",
        "country": "DE",
        "latitude": draw.random(),
        "longitude": None,
        "outcome": "success",
        "user_agent": "Ünïcode 🙂",
        "attributes": draw.choice([None, '{"a":1,"b":"c"}']),
        "body_hash": draw.randbytes(8),
        "id_hash": draw.randbytes(16),
    }
