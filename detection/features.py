"""What the anomaly score looks at: plain numbers of an account, each with its words."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.shared import Shared
from graph.kinds import Role, identifier_kinds
from graph.store import GraphStore

#: what the account did: column of detection/account_features to what a high value means, in words
_DONE = {
    "event_count": "many events",
    "active_ms": "a long active time",
    "devices": "many devices",
    "payment_instruments": "many payment instruments",
    "ips": "many IP addresses",
    "payees": "many payees",
    "payers": "many payers",
    "sent_micros": "much money sent",
    "received_micros": "much money received",
    "referrals": "many referrals",
}
#: what it has in common with others
_SHARED = {
    "shared_identifiers": "many identifiers shared with others",
    "widest_sharing": "an identifier shared with very many others",
}
FEATURES = _DONE | _SHARED


@dataclass(frozen=True, slots=True)
class Features:
    """One row an account, one column a feature, as log(1 + value)."""

    account_ids: list[str]
    #: float64, accounts × features
    values: NDArray[np.float64]
    #: (score, words) that the graph has for each account; None before the first
    stored: list[tuple[int | None, list[str] | None]]
    #: when the graph would have each looked at again, and the first account of its component; None
    #: for never and for who is linked to nobody
    due: list[tuple[int | None, str | None]]


def read_features(store: GraphStore, account_ids: list[str], shared: Shared) -> Features:
    """Features of the accounts that are in the graph, in order of id."""
    rows = store.read_about("detection/account_features", account_ids)
    rows.sort(key=lambda row: str(row[0]))
    ids = [row[0] for row in rows]
    done = np.array([row[5:] for row in rows], np.float64).reshape(len(rows), len(_DONE))
    values = np.hstack([np.nan_to_num(done), _in_common(ids, shared)])
    stored = [(row[1], row[2]) for row in rows]
    return Features(ids, np.log1p(values), stored, [(row[3], row[4]) for row in rows])


def _in_common(account_ids: list[str], shared: Shared) -> NDArray[np.float64]:
    """How many connecting identifiers each shares with others, and the most accounts on one."""
    degrees = np.diff(shared.starts)
    kinds = identifier_kinds()
    connects = np.array([kinds[kind].role is Role.CONNECTS for kind in shared.kinds], np.bool_)
    counts = np.repeat(connects & (degrees >= 2), degrees)
    table = np.zeros((len(shared.account_ids) + 1, 2))
    account = shared.account[counts]
    np.add.at(table[:, 0], account, 1)
    np.maximum.at(table[:, 1], account, np.repeat(degrees, degrees)[counts])
    place = {account_id: number for number, account_id in enumerate(shared.account_ids)}
    # the last row is of those that share nothing
    return table[[place.get(account_id, -1) for account_id in account_ids]].reshape(-1, 2)
