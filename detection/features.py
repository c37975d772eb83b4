"""What the anomaly score looks at: plain numbers of an account, each with its words."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graph.store import GraphStore

#: accounts described in one statement
_CHUNK = 10_000

#: column of detection/account_features to what a high value means, in words
FEATURES = {
    "event_count": "many events",
    "active_ms": "a long active time",
    "devices": "many devices",
    "payment_instruments": "many payment instruments",
    "ips": "many IP addresses",
    "shared_identifiers": "many identifiers shared with others",
    "widest_sharing": "an identifier shared with very many others",
    "payees": "many payees",
    "payers": "many payers",
    "sent_micros": "much money sent",
    "received_micros": "much money received",
    "referrals": "many referrals",
}


@dataclass(frozen=True, slots=True)
class Features:
    """One row an account, one column a feature, as log(1 + value)."""

    account_ids: list[str]
    #: float64, accounts × features
    values: NDArray[np.float64]


def read_features(store: GraphStore, account_ids: list[str]) -> Features:
    """Features of the accounts that are in the graph, in order of id."""
    rows = [
        row
        for start in range(0, len(account_ids), _CHUNK)
        for row in store.read(
            "detection/account_features", account_ids=account_ids[start : start + _CHUNK]
        )
    ]
    rows.sort(key=lambda row: str(row["id"]))
    values = [[float(row[name] or 0) for name in FEATURES] for row in rows]
    table = np.array(values, dtype=np.float64).reshape(len(rows), len(FEATURES))
    return Features([row["id"] for row in rows], np.log1p(table))
