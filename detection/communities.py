"""Communities inside one component: Leiden with CPM, or Louvain."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
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
    so heavy that chance pairs reach the resolution: choose it from known cases. No link counts more
    than 1, or one account of a household would outweigh all that a ring has in common.
    """

    connect = staticmethod(connect)

    def __init__(self, resolution: float) -> None:
        self.resolution = resolution
        self.version = f"leiden-cpm-{resolution:g}"

    def find(self, component: Component) -> list[Ints]:
        """Communities of one component; the same component always gives the same."""
        if is_clique(component) and component.weight.min() >= self.resolution * MILLION:
            # then no split can be better: every pair is worth more than the resolution takes
            return [np.arange(len(component.members), dtype=np.int32)]
        if component.weight.max() > MILLION:
            component = replace(component, weight=np.minimum(component.weight, MILLION))
        if len(component.members) <= SMALL:
            return by_label(_best_partition(component, self.resolution))
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
            # attempts are better than rounds; four find no more rings than two, since what falls
            # into small pieces is looked at again
            iterations=1,
            trials=2,
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

    Smaller ones say nothing: their links are left out and the rest is looked at again, so that
    whoever is strongly linked to one partner still counts among those it is weakly linked to. Who
    hangs on by a single member is that one's acquaintance and left out, unless all do. And so is
    an account that `ties` keep apart from another member, even if a third links them.
    """
    apart: dict[int, set[int]] = defaultdict(set)
    if ties is not None:
        rows = ties.kind == TieKind.CANNOT_LINK
        pairs = zip(ties.source[rows].tolist(), ties.target[rows].tolist(), strict=True)
        for excluded, other in pairs:
            apart[excluded].add(other)
    large = [component for component in components if len(component.members) >= min_size]
    groups = [
        _not_excluded(component.members[positions], apart)
        for component in large
        for positions in _of_size(finder, component, min_size)
    ]
    return _communities(large, groups, min_size)


def _of_size(finder: CommunityFinder, component: Component, min_size: int) -> list[Ints]:
    """Communities once the links inside those that are too small are left out."""
    found = finder.find(component)
    if len(found) == 1 and len(found[0]) >= min_size:
        return found
    large = [positions for positions in found if len(positions) >= min_size]
    if not any(1 < len(positions) < min_size for positions in found):
        return large
    label = np.full(len(component.members), -1, np.int32)
    for number, positions in enumerate(found):
        label[positions] = number if len(positions) < min_size else -1 - number
    one, other = component.source, component.target
    kept = (label[one] != label[other]) | (label[one] < 0)
    if np.count_nonzero(kept) < min_size - 1:
        return large
    is_linked = np.zeros(len(label), np.bool_)
    is_linked[one[kept]] = is_linked[other[kept]] = True
    linked = np.flatnonzero(is_linked).astype(np.int32)
    place = np.cumsum(is_linked, dtype=np.int32) - 1
    source, target = place[one[kept]], place[other[kept]]
    names = tuple(component.account_ids[n] for n in linked.tolist())
    rest = Component(component.members[linked], names, source, target, component.weight[kept])
    return [linked[positions] for positions in _of_size(finder, rest, min_size)]


def _not_excluded(members: Ints, apart: dict[int, set[int]]) -> Ints:
    names = set(members.tolist()) if apart else set()
    gone = [n for n in apart.keys() & names if not apart[n].isdisjoint(names)]
    return members[~np.isin(members, gone)] if gone else members


def _communities(components: list[Component], groups: list[Ints], min_size: int) -> list[Community]:
    """What is left of each group without those who hang on by one, with strengths."""
    if not groups:
        return []
    source, target, weight = (
        np.concatenate(column)
        for column in zip(
            *((c.members[c.source], c.members[c.target], c.weight) for c in components), strict=True
        )
    )
    names = {
        n: a for c in components for n, a in zip(c.members.tolist(), c.account_ids, strict=True)
    }
    group = np.full(max(names) + 1, -1, np.int64)
    for number, members in enumerate(groups):
        group[members] = number
    inside = group[source] == group[target]
    core = _core(source[inside], target[inside], group >= 0)
    has_core = np.zeros(len(groups) + 1, np.bool_)
    has_core[group[core]] = True
    group[has_core[group] & ~core] = -1
    inside = (group[source] == group[target]) & (group[source] >= 0)
    strength = np.zeros(len(group), np.int64)
    np.add.at(strength, source[inside], weight[inside])
    np.add.at(strength, target[inside], weight[inside])
    found = []
    for number, members in enumerate(groups):
        kept = members[group[members] == number]
        if len(kept) >= min_size:
            ids = tuple(names[n] for n in kept.tolist())
            found.append(Community(kept, ids, tuple(strength[kept].tolist())))
    return found


def _core(source: Ints, target: Ints, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Who is linked to two others at least who are so too."""
    while True:
        both = among[source] & among[target]
        source, target = source[both], target[both]
        firm = np.bincount(np.concatenate([source, target]), minlength=len(among)) >= 2
        if not (among & ~firm).any():
            return among
        among = among & firm


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
