"""What accounts have in common, as arrays: uses of shared identifiers and ties to each other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from graph.deny_list import DenyList

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
#: [key, kind, account ids, first seen, last seen] of an identifier
UseRow = Sequence[Any]
#: [type of the tie, account id, the others' ids, last seen] of an account
TieRow = Sequence[Any]
_NOTHING = DenyList()


class TieKind(IntEnum):
    """What ties one account to another, or keeps it apart, without an identifier between them."""

    TRANSFERRED = 0
    REFERRED = 1
    COACTED = 2
    BEGAN_WITH = 3
    #: an investigator said so; neither ages, and neither is evidence
    MUST_LINK = 4
    CANNOT_LINK = 5


@dataclass(frozen=True, slots=True)
class Ties:
    """Direct ties, one a row, sorted by source, target, kind; times are milliseconds."""

    source: Ints
    target: Ints
    kind: NDArray[np.int8]
    last_seen: Longs

    @property
    def are_events(self) -> NDArray[np.bool_]:
        """Which of them happened; somebody decided on the others."""
        return self.kind < TieKind.MUST_LINK


@dataclass(frozen=True, slots=True)
class Shared:
    """Identifiers with their uses, and ties; an index into account_ids names an account."""

    #: sorted
    account_ids: list[str]
    #: identifier keys, sorted, and the kind of each
    keys: list[str]
    kinds: list[str]
    #: the uses of identifier n are rows starts[n] to starts[n + 1], by account
    starts: Longs
    account: Ints
    #: milliseconds
    first_seen: Longs
    last_seen: Longs
    ties: Ties

    @property
    def identifier(self) -> Ints:
        """The identifier of each use."""
        return np.repeat(np.arange(len(self.keys), dtype=np.int32), np.diff(self.starts))


def share(
    uses: Iterable[UseRow], ties: Iterable[TieRow] = (), denied: DenyList = _NOTHING
) -> Shared:
    """Arrays out of rows in any order; what is denied was never used by anybody."""
    use_rows = sorted((row for row in uses if row[0] not in denied.keys), key=_first)
    tie_rows = list(ties)
    degrees = np.fromiter((len(row[2]) for row in use_rows), np.int64, len(use_rows))
    others = np.fromiter((len(row[2]) for row in tie_rows), np.int64, len(tie_rows))
    names = chain.from_iterable(
        [
            chain.from_iterable(row[2] for row in use_rows),
            (row[1] for row in tie_rows),
            chain.from_iterable(row[2] for row in tie_rows),
        ]
    )
    account_ids, number = _numbered(pa.array(names, pa.string()))
    used, payers, payees = np.split(number, [degrees.sum(), degrees.sum() + len(tie_rows)])
    is_denied = np.fromiter(
        (account_id in denied.account_ids for account_id in account_ids), np.bool_, len(account_ids)
    )
    first, last = _flat(use_rows, 3), _flat(use_rows, 4)
    identifier = np.repeat(np.arange(len(use_rows)), degrees)
    order = np.lexsort((used, identifier))
    order = order[~is_denied[used[order]]]
    kept = np.bincount(identifier[order], minlength=len(use_rows))
    tied = _ties(tie_rows, np.repeat(payers, others), payees, others, is_denied)
    return Shared(
        account_ids,
        [row[0] for row in use_rows],
        [row[1] for row in use_rows],
        np.concatenate([[0], np.cumsum(kept)]).astype(np.int64),
        used[order],
        first[order],
        last[order],
        tied,
    )


def _first(row: UseRow) -> str:
    return str(row[0])


def _flat(rows: list[UseRow], column: int) -> Longs:
    return np.fromiter(chain.from_iterable(row[column] for row in rows), np.int64)


def _numbered(names: pa.StringArray) -> tuple[list[str], Ints]:
    """The distinct names, sorted, and for each given one its place among them."""
    encoded = names.dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    order = sorted(range(len(distinct)), key=distinct.__getitem__)
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    indices = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return [distinct[n] for n in order], place[indices]


def _ties(
    rows: list[TieRow], source: Ints, target: Ints, others: Longs, is_denied: NDArray[np.bool_]
) -> Ties:
    kind = np.repeat(np.array([TieKind[row[0]] for row in rows], np.int8), others)
    last = _flat(rows, 3)
    order = np.lexsort((-last, kind, target, source))
    source, target, kind, last = source[order], target[order], kind[order], last[order]
    kept = (source != target) & ~is_denied[source] & ~is_denied[target]
    # several currencies: the latest of each pair counts
    same = (np.diff(source) == 0) & (np.diff(target) == 0) & (np.diff(kind) == 0)
    kept &= ~np.concatenate([np.zeros(min(1, len(source)), np.bool_), same])
    return Ties(source[kept], target[kept], kind[kept], last[kept])
