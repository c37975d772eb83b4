"""The connected parts of the projection: the unit in which everything is looked at."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from detection.projection import Projection
from detection.shared import Ints, Longs


@dataclass(frozen=True, slots=True)
class Component:
    """A connected part; an index into members names an account in source and target."""

    #: indices into the projection's accounts, ascending
    members: Ints
    account_ids: tuple[str, ...]
    #: edges, source < target, sorted
    source: Ints
    target: Ints
    #: millionths
    weight: Longs

    @property
    def seed(self) -> int:
        """A seed that only the content decides: the same component, the same communities."""
        digest = hashlib.blake2b("\0".join(self.account_ids).encode(), digest_size=7)
        for part in (self.source, self.target, self.weight):
            digest.update(part.tobytes())
        return int.from_bytes(digest.digest(), "big")


def component_labels(projection: Projection) -> Ints:
    """The number of each account's component; who is linked to nobody has one alone."""
    return connect(projection.source, projection.target, len(projection.account_ids))


def connect(source: Ints | Longs, target: Ints | Longs, count: int) -> Ints:
    """The number of each node's component, in order of their first nodes."""
    ones = np.ones(source.size, np.int8)
    matrix = coo_array((ones, (source, target)), shape=(count, count))
    labels: Ints = connected_components(matrix, directed=False)[1]
    return labels


def find_components(
    projection: Projection,
    touched: set[str] | None = None,
    connect: Callable[[Ints, Ints, int], Ints] = connect,
    least: int = 2,
) -> Iterator[Component]:
    """Components of at least so many accounts, in order of their first account.

    With `touched`, only those that hold one of these accounts.
    """
    linked, ends = np.unique(
        np.concatenate([projection.source, projection.target]), return_inverse=True
    )
    source, target = np.split(ends.astype(np.int32), 2)
    label = connect(source, target, linked.size)
    count = int(label.max(initial=-1)) + 1
    # both in order of their component; stable, so each stays sorted within
    members = np.argsort(label, kind="stable")
    edges = np.argsort(label[source], kind="stable")
    place = np.empty(linked.size, np.int64)
    member_ends = np.cumsum(np.bincount(label, minlength=count))
    edge_ends = np.cumsum(np.bincount(label[source], minlength=count)).tolist()
    member_starts = np.concatenate([[0], member_ends[:-1]]) if count else member_ends
    place[members] = np.arange(linked.size) - np.repeat(
        member_starts, np.diff(member_ends, prepend=0)
    )
    source_place: Ints = place[source[edges]].astype(np.int32)
    target_place: Ints = place[target[edges]].astype(np.int32)
    weight, accounts = projection.weight[edges], linked[members]
    first_member = first_edge = 0
    # labels ascend with the first account of each
    for last_member, last_edge in zip(member_ends.tolist(), edge_ends, strict=True):
        if last_member - first_member >= least:
            mine = accounts[first_member:last_member]
            names = tuple(projection.account_ids[n] for n in mine.tolist())
            if touched is None or not touched.isdisjoint(names):
                part = slice(first_edge, last_edge)
                yield Component(mine, names, source_place[part], target_place[part], weight[part])
        first_member, first_edge = last_member, last_edge
