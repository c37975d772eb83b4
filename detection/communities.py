"""Communities inside one component: Leiden with CPM, or Louvain."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import community as python_louvain
import graspologic_native
import networkx as nx
import numpy as np
from numpy.typing import NDArray

from detection.components import Component, connect
from detection.projection import MILLION
from detection.shared import Ints, Longs, TieKind, Ties


@dataclass(frozen=True, slots=True)
class Community:
    """Accounts that hang together more than the resolution asks for."""

    #: indices into the projection's accounts, ascending
    members: Ints
    #: sorted
    account_ids: tuple[str, ...]
    #: summed weight of each member's links to other members, millionths
    strengths: tuple[int, ...]

    @property
    def by_account(self) -> dict[str, int]:
        """Each member's strength."""
        return dict(zip(self.account_ids, self.strengths, strict=True))


#: a component of at most so many accounts is split in the best of all ways, of which 7 have 877
SMALL = 7


class CommunityFinder(Protocol):
    """Splits what is linked into components, and a component into communities."""

    #: name and parameters, for the detector version
    version: str

    def connect(self, source: Ints, target: Ints, count: int) -> Ints:
        """The number of each node's component, in order of their first nodes; all are linked."""

    def find(self, component: Component) -> list[Ints]:
        """Communities as ascending positions in the component, by their first member."""


class LeidenCpm:
    """Leiden with the constant Potts model (Traag, Waltman, van Eck 2019).

    A community's mean link weight is at least the resolution, whatever the size of the graph, so
    a ring never changes because something grew elsewhere. It does not work well where links are
    so heavy that chance pairs reach the resolution: choose it from known cases.
    """

    connect = staticmethod(connect)

    def __init__(self, resolution: float) -> None:
        self.resolution = resolution
        self.version = f"leiden-cpm-{resolution:g}"

    def find(self, component: Component) -> list[Ints]:
        """Communities of one component; the same component always gives the same."""
        if len(component.members) <= SMALL:
            return by_label(_best_partition(component, self.resolution))
        if is_clique(component) and component.weight.min() >= self.resolution * MILLION:
            # then no split can be better: every pair is worth more than the resolution takes
            return [np.arange(len(component.members), dtype=np.int32)]
        return by_label(_merged(self._leiden(component), component, self.resolution).tolist())

    def _leiden(self, component: Component) -> Longs:
        count = len(component.members)
        rows = np.concatenate([component.source, component.target])
        columns = np.concatenate([component.target, component.source])
        order = np.lexsort((columns, rows))
        _, labels = graspologic_native.leiden_csr(
            np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=count))]),
            columns[order],
            np.tile(component.weight / MILLION, 2)[order],
            count,
            resolution=self.resolution,
            # the best of four attempts is better than ten rounds of one, and takes half the time
            iterations=1,
            trials=4,
            use_modularity=False,
            seed=component.seed,
        )
        return np.fromiter((labels[n] for n in range(count)), np.int64, count)


class Louvain:
    """Louvain modularity by python-louvain, per component (Blondel et al. 2008).

    It merges small dense groups into their neighbours when the component is large (the resolution
    limit), which is why it is not the default.
    """

    version = "louvain"
    connect = staticmethod(connect)

    def find(self, component: Component) -> list[Ints]:
        """Communities of one component; nodes and edges enter in sorted order."""
        count = len(component.members)
        graph = nx.Graph()
        graph.add_nodes_from(range(count))
        graph.add_weighted_edges_from(
            zip(
                component.source.tolist(),
                component.target.tolist(),
                (component.weight / MILLION).tolist(),
                strict=True,
            )
        )
        labels = python_louvain.best_partition(graph, random_state=component.seed % 2**32)
        return by_label([labels[n] for n in range(count)])


def find_communities(
    finder: CommunityFinder,
    components: Iterable[Component],
    min_size: int,
    ties: Ties | None = None,
) -> list[Community]:
    """Communities of at least `min_size` accounts, in order of components and first members.

    An account that `ties` keep apart from another member is left out, even if a third links them.
    """
    apart: dict[int, set[int]] = defaultdict(set)
    if ties is not None:
        rows = ties.kind == TieKind.CANNOT_LINK
        pairs = zip(ties.source[rows].tolist(), ties.target[rows].tolist(), strict=True)
        for excluded, other in pairs:
            apart[excluded].add(other)
    return [
        _community(component, kept)
        for component in components
        if len(component.members) >= min_size
        for positions in finder.find(component)
        if len(kept := _not_excluded(component, positions, apart)) >= min_size
    ]


def _not_excluded(component: Component, positions: Ints, apart: dict[int, set[int]]) -> Ints:
    members = component.members[positions].tolist()
    excluded = apart.keys() & set(members) if apart else ()
    gone = [n for n in excluded if not apart[n].isdisjoint(members)]
    return positions[~np.isin(members, gone)] if gone else positions


def _community(component: Component, positions: Ints) -> Community:
    inside = np.zeros(len(component.members), np.bool_)
    inside[positions] = True
    both = inside[component.source] & inside[component.target]
    strength = np.zeros(len(component.members), np.int64)
    np.add.at(strength, component.source[both], component.weight[both])
    np.add.at(strength, component.target[both], component.weight[both])
    return Community(
        component.members[positions],
        tuple(component.account_ids[n] for n in positions.tolist()),
        tuple(strength[positions].tolist()),
    )


def _best_partition(component: Component, resolution: float) -> list[int]:
    """The labels that no others beat, by trying all; of equal ones those that come first."""
    count = len(component.members)
    labels, together = _partitions(count)
    gain = np.full(together.shape[1], -resolution * MILLION)
    row = component.source.astype(np.int64)
    gain[row * (2 * count - row - 1) // 2 + component.target - row - 1] += component.weight
    return labels[int(np.argmax(together @ gain))]


@cache
def _partitions(count: int) -> tuple[list[list[int]], NDArray[np.float64]]:
    """All ways to split so many accounts, and for each which pairs it leaves together (0 or 1).

    Pairs are (0, 1), (0, 2), …, (1, 2), …; the first way is no split at all.
    """
    found = [[0]]
    for _ in range(count - 1):
        found = [[*labels, label] for labels in found for label in range(max(labels) + 2)]
    table = np.array(found)
    left, right = np.triu_indices(count, k=1)
    return found, (table[:, left] == table[:, right]).astype(np.float64)


def is_clique(component: Component) -> bool:
    """Whether every two accounts are linked."""
    count = len(component.members)
    return component.weight.size == count * (count - 1) // 2


def _merged(labels: Longs, component: Component, resolution: float) -> Longs:
    """Labels with those communities merged that are better as one.

    Leiden promises that there are none, but the native one left one of 30 planted rings in halves
    at 6 of 30 seeds, however often it iterated.
    """
    count = len(labels)
    while True:
        one, other = labels[component.source], labels[component.target]
        apart = one != other
        code = np.minimum(one, other)[apart] * count + np.maximum(one, other)[apart]
        pairs, inverse = np.unique(code, return_inverse=True)
        first, second = pairs // count, pairs % count
        size = np.bincount(labels, minlength=count)
        between = np.bincount(inverse, component.weight[apart], pairs.size)
        gain = between - resolution * MILLION * size[first] * size[second]
        best = np.argsort(-gain, kind="stable")
        becomes, taken = np.arange(count), np.zeros(count, np.bool_)
        for n in best[gain[best] > 0].tolist():
            if not taken[first[n]] and not taken[second[n]]:
                becomes[second[n]] = first[n]
                taken[[first[n], second[n]]] = True
        if not taken.any():
            return labels
        labels = becomes[labels]


def by_label(labels: list[int]) -> list[Ints]:
    """The positions of each label, ascending, by the first of each."""
    groups: dict[int, list[int]] = defaultdict(list)
    for position, label in enumerate(labels):
        groups[label].append(position)
    return [np.array(group, np.int32) for group in groups.values()]
