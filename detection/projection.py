"""The account–account graph: who is linked to whom, by what, and how strongly."""

import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graph.deny_list import DenyList
from graph.kinds import Role, hub_caps, identifier_kinds
from graph.store import GraphStore, Row

_NOTHING = DenyList()


@dataclass(frozen=True, slots=True)
class SharedIdentifier:
    """An identifier that 2 to `cap` accounts used."""

    key: str
    kind: str
    #: indices into the projection's accounts, ascending
    accounts: tuple[int, ...]
    #: first and last time each of them used it, milliseconds
    first_seen: tuple[int, ...]
    last_seen: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Projection:
    """An undirected weighted graph; edge e links source[e] < target[e] with weight[e]."""

    #: account ids, sorted; an index into this list names an account everywhere below
    account_ids: list[str]
    source: NDArray[np.int32]
    target: NDArray[np.int32]
    #: millionths, so that sums never depend on the order of links
    weight: NDArray[np.int64]
    identifiers: list[SharedIdentifier]


def project(store: GraphStore, denied: DenyList = _NOTHING) -> Projection:
    """Read the shared identifiers and link their accounts; what is denied links nobody."""
    rows = store.read("detection/shared_identifiers", caps=hub_caps())
    return build_projection(without_denied(rows, denied))


def build_projection(rows: list[Row]) -> Projection:
    """Link the accounts of each row {key, kind, account_ids, first_seen, last_seen}.

    A pair's weight is the sum over its shared values of prior / ln(1 + degree band), where the
    band is the next power of two: a weight changes rarely and at a known moment. Kinds that only
    support count for pairs that a connecting kind has linked.
    """
    account_ids = sorted({account_id for row in rows for account_id in row["account_ids"]})
    index = {account_id: number for number, account_id in enumerate(account_ids)}
    identifiers = [_shared(row, index) for row in sorted(rows, key=lambda row: str(row["key"]))]
    connecting = _pair_weights(identifiers, Role.CONNECTS, len(account_ids))
    supporting = _pair_weights(identifiers, Role.SUPPORTS, len(account_ids))
    codes = np.array(sorted(connecting), dtype=np.int64)
    weight = np.array([connecting[c] + supporting.get(c, 0) for c in codes.tolist()], np.int64)
    size = max(len(account_ids), 1)
    return Projection(
        account_ids,
        (codes // size).astype(np.int32),
        (codes % size).astype(np.int32),
        weight,
        identifiers,
    )


def without_denied(rows: list[Row], denied: DenyList) -> list[Row]:
    """The rows as if nobody had ever used what is denied."""
    if not denied:
        return rows
    return [
        kept
        for row in rows
        if row["key"] not in denied.keys
        and len((kept := _without_accounts(row, denied.account_ids))["account_ids"]) >= 2
    ]


def _without_accounts(row: Row, account_ids: frozenset[str]) -> Row:
    if account_ids.isdisjoint(row["account_ids"]):
        return row
    left = [n for n, account_id in enumerate(row["account_ids"]) if account_id not in account_ids]
    return row | {
        name: [row[name][n] for n in left] for name in ("account_ids", "first_seen", "last_seen")
    }


def degree_band(degree: int) -> int:
    """The next power of two: 2, 4, 8, …

    >>> [degree_band(degree) for degree in (2, 3, 4, 5, 50)]
    [2, 4, 4, 8, 64]
    """
    return 1 << (degree - 1).bit_length()


def link_weight(kind: str, degree: int) -> int:
    """Weight of one value shared by `degree` accounts, millionths."""
    prior = identifier_kinds()[kind].prior
    return round(1_000_000 * prior / math.log(1 + degree_band(degree)))


def _shared(row: Row, index: dict[str, int]) -> SharedIdentifier:
    uses = sorted(
        (index[account_id], first, last)
        for account_id, first, last in zip(
            row["account_ids"], row["first_seen"], row["last_seen"], strict=True
        )
    )
    accounts, first_seen, last_seen = zip(*uses, strict=True)
    return SharedIdentifier(row["key"], row["kind"], accounts, first_seen, last_seen)


def _pair_weights(
    identifiers: list[SharedIdentifier], role: Role, account_count: int
) -> dict[int, int]:
    """Summed weight of each pair, keyed by source * account_count + target."""
    kinds = identifier_kinds()
    by_shape: dict[tuple[str, int], list[tuple[int, ...]]] = defaultdict(list)
    for shared in identifiers:
        if kinds[shared.kind].role is role:
            by_shape[shared.kind, len(shared.accounts)].append(shared.accounts)
    codes, weights = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for (kind, degree), members in sorted(by_shape.items()):
        left, right = np.triu_indices(degree, k=1)
        table = np.array(members, dtype=np.int64)
        pairs = (table[:, left] * account_count + table[:, right]).ravel()
        codes.append(pairs)
        weights.append(np.full(pairs.size, link_weight(kind, degree), np.int64))
    unique, inverse = np.unique(np.concatenate(codes), return_inverse=True)
    total = np.zeros(unique.size, np.int64)
    np.add.at(total, inverse, np.concatenate(weights))
    return dict(zip(unique.tolist(), total.tolist(), strict=True))
