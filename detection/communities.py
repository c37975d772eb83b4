"""Communities inside one component: Leiden with CPM, or Louvain."""

from collections import defaultdict
from typing import Protocol

import community as python_louvain
import graspologic_native
import networkx as nx
import numpy as np
from scipy.sparse import csr_array

from detection.components import Component
from detection.settings import DetectionSettings

_MILLION = 1_000_000


class CommunityFinder(Protocol):
    """Splits a component into communities."""

    #: name and parameters, for the detector version
    version: str

    def find(self, component: Component) -> list[tuple[str, ...]]:
        """Communities as sorted account ids, in order of their first account."""


class LeidenCpm:
    """Leiden with the constant Potts model (Traag, Waltman, van Eck 2019).

    A community's mean link weight is at least the resolution, whatever the size of the graph, so
    a ring never changes because something grew elsewhere. It does not work well where links are
    so heavy that chance pairs reach the resolution: choose it from known cases.
    """

    def __init__(self, resolution: float) -> None:
        self.resolution = resolution
        self.version = f"leiden-cpm-{resolution:g}"

    def find(self, component: Component) -> list[tuple[str, ...]]:
        """Communities of one component; the same component always gives the same."""
        count = len(component.account_ids)
        weight = component.weight / _MILLION
        rows = np.concatenate([component.source, component.target])
        columns = np.concatenate([component.target, component.source])
        matrix = csr_array((np.tile(weight, 2), (rows, columns)), shape=(count, count))
        _, labels = graspologic_native.leiden_csr(
            matrix.indptr.astype(np.int64),
            matrix.indices.astype(np.int32),
            matrix.data.astype(np.float64),
            count,
            resolution=self.resolution,
            iterations=10,
            use_modularity=False,
            seed=component.seed,
        )
        return _collect(component, labels)


class Louvain:
    """Louvain modularity by python-louvain, per component (Blondel et al. 2008).

    It merges small dense groups into their neighbours when the component is large (the resolution
    limit), which is why it is not the default.
    """

    version = "louvain"

    def find(self, component: Component) -> list[tuple[str, ...]]:
        """Communities of one component; nodes and edges enter in sorted order."""
        graph = nx.Graph()
        graph.add_nodes_from(range(len(component.account_ids)))
        graph.add_weighted_edges_from(
            zip(
                component.source.tolist(),
                component.target.tolist(),
                (component.weight / _MILLION).tolist(),
                strict=True,
            )
        )
        labels = python_louvain.best_partition(graph, random_state=component.seed % 2**32)
        return _collect(component, labels)


def community_finder(settings: DetectionSettings) -> CommunityFinder:
    """The engine the settings name."""
    return LeidenCpm(settings.resolution) if settings.engine == "leiden" else Louvain()


def _collect(component: Component, labels: dict[int, int]) -> list[tuple[str, ...]]:
    groups: dict[int, list[str]] = defaultdict(list)
    for number, account_id in enumerate(component.account_ids):
        groups[labels[number]].append(account_id)
    return sorted(tuple(group) for group in groups.values())
