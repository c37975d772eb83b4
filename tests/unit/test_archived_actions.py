from pathlib import Path

import pyarrow as pa

from graph.archive import SCHEMA, Archive
from graph.archived_actions import ACTIONS, BEGINNINGS, TRANSFERS
from tests.archived import START, rows


def test_actions_and_transfers_of_a_stretch_of_time(tmp_path: Path) -> None:
    archive = Archive(str(tmp_path))
    assert archive.actions(0, 1 << 50).equals(ACTIONS.empty_table())
    assert archive.transfers(0, 1 << 50).equals(TRANSFERS.empty_table())
    assert archive.beginnings(1 << 50).equals(BEGINNINGS.empty_table())
    given = [
        {"account_id": "a", "type": "review", "target_id": "item", "occurred_at": START},
        {"account_id": "b", "type": "payment", "target_id": "shop", "occurred_at": START + 1},
        {"type": "transfer", "counterparty_account_id": "a", "occurred_at": START + 2},
        {"type": "referral", "counterparty_account_id": "a", "occurred_at": START + 3},
        {"type": "transfer", "counterparty_account_id": "c", "outcome": "failure"},
        {"type": "review", "target_id": "too early", "occurred_at": START - 1},
        {"type": "review", "target_id": "too late", "occurred_at": START + 10},
    ]
    like = rows("t", 0, 1, 2).to_pylist()[0] | {
        "account_id": "d",
        "counterparty_account_id": None,
        "amount_micros": 5,
        "occurred_at": START + 4,
    }
    events = [like | row | {"offset": n, "event_id": f"e{n}"} for n, row in enumerate(given)]
    archive.append("t", 0, 0, len(events), pa.Table.from_pylist(events, SCHEMA))
    expected = [
        ("a", "target:item", START),
        ("b", "target:shop", START + 1),
        ("d", "payee:a", START + 2),
        ("d", "payee:c", START + 4),
    ]
    for _ in range(2):
        found = archive.actions(START, START + 10)
        assert sorted(tuple(row.values()) for row in found.to_pylist()) == expected
        assert found.schema == ACTIONS
        paid = archive.transfers(START, START + 10)
        assert [tuple(row.values()) for row in paid.to_pylist()] == [
            ("d", "a", START + 2, 5, "EUR")
        ]
        began = archive.beginnings(START + 10)
        assert began.schema == BEGINNINGS
        # paid before it did anything, or without ever doing so; the failed attempt counts too
        assert sorted(tuple(row.values()) for row in began.to_pylist()) == [
            ("a", START),
            ("b", START + 1),
            ("c", START + 4),
            ("d", START - 1),
        ]
        archive.compact(START)
    archive.close()
