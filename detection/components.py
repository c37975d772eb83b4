"""The connected parts of the projection: the unit in which everything is looked at."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from detection.projection import Projection


@dataclass(frozen=True, slots=True)
class Component:
    """A connected part; everything in it is in order of account id."""

    account_ids: tuple[str, ...]
    #: edges between positions in account_ids, source < target, sorted
    source: NDArray[np.int32]
    target: NDArray[np.int32]
    #: millionths
    weight: NDArray[np.int64]

    @property
    def seed(self) -> int:
        """A seed that only the content decides: the same component, the same communities."""
        digest = hashlib.blake2b("\0".join(self.account_ids).encode(), digest_size=7)
        for part in (self.source, self.target, self.weight):
            digest.update(part.tobytes())
        return int.from_bytes(digest.digest(), "big")

    def strengths(self) -> dict[str, int]:
        """Summed link weight of each account, millionths."""
        total = np.zeros(len(self.account_ids), np.int64)
        np.add.at(total, self.source, self.weight)
        np.add.at(total, self.target, self.weight)
        return dict(zip(self.account_ids, total.tolist(), strict=True))


def find_components(
    projection: Projection, touched: set[str] | None, min_size: int
) -> list[Component]:
    """Components of at least `min_size` accounts, in order of their first account.

    With `touched`, only those that hold one of these accounts.
    """
    count = len(projection.account_ids)
    ones = np.ones(projection.source.size, np.int8)
    matrix = coo_array((ones, (projection.source, projection.target)), shape=(count, count))
    _, labels = connected_components(matrix, directed=False)
    wanted = _wanted(projection, labels, touched, min_size)
    if not wanted:
        return []
    members = _grouped(labels)
    edges = _grouped(labels[projection.source]) if projection.source.size else {}
    return [
        _component(projection, members[label], edges[label])
        for label in sorted(wanted, key=lambda label: int(members[label][0]))
    ]


def _wanted(
    projection: Projection, labels: NDArray[np.int32], touched: set[str] | None, min_size: int
) -> set[int]:
    large = set(np.flatnonzero(np.bincount(labels) >= min_size).tolist()) if labels.size else set()
    if touched is None:
        return large
    hit = [label for a, label in zip(projection.account_ids, labels, strict=True) if a in touched]
    return large & {int(label) for label in hit}


def _grouped(labels: NDArray[np.int32]) -> dict[int, NDArray[np.int64]]:
    """Positions of each label, ascending."""
    order = np.argsort(labels, kind="stable")
    present, starts = np.unique(labels[order], return_index=True)
    return dict(zip(present.tolist(), np.split(order, starts[1:]), strict=True))


def _component(
    projection: Projection, members: NDArray[np.int64], edges: NDArray[np.int64]
) -> Component:
    return Component(
        tuple(projection.account_ids[member] for member in members.tolist()),
        np.searchsorted(members, projection.source[edges]).astype(np.int32),
        np.searchsorted(members, projection.target[edges]).astype(np.int32),
        projection.weight[edges],
    )
