"""Events for tests: small rings with every kind of evidence."""

import json
from typing import Any

DAY = 86_400_000
START = 1_760_000_000_000


def event(account_id: str, number: int, **fields: Any) -> dict[str, Any]:
    """One event a minute after the one before."""
    return {
        "event_id": f"e{number}",
        "type": "login",
        "occurred_at": START + number * 60_000,
        "account_id": account_id,
    } | fields


def ring(prefix: str, size: int, devices: int = 2, cards: int = 2) -> list[dict[str, Any]]:
    """Accounts that sign up together, share devices and cards and pass money round."""
    names = [f"{prefix}{number:03}" for number in range(size)]
    events = []
    for number, name in enumerate(names):
        device = f"{prefix}device{number % devices}"
        card = {"id": f"{prefix}card{number // 2 % cards}", "kind": "card"}
        other = names[(number + 1) % size]
        events += [
            event(name, 3 * number, type="signup", device_id=device),
            event(name, 3 * number + 1, type="instrument", payment_instrument=card),
            event(
                name,
                3 * number + 2,
                type="transfer",
                counterparty_account_id=other,
                amount="12.34",
                currency="EUR",
            ),
        ]
    return events


def as_lines(events: list[dict[str, Any]]) -> bytes:
    """Events as a .jsonl file."""
    return b"".join(json.dumps(e).encode() + b"\n" for e in events)
