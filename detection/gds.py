"""Components and communities by Neo4j's Graph Data Science, where the server has it.

Graph Data Science is a program of its own under the GPLv3, which runs inside Neo4j; here are only
the statements that ask it.
"""

import uuid
from typing import Any, Literal

import numpy as np

from detection.communities import by_label, is_clique
from detection.components import Component
from detection.projection import MILLION
from detection.shared import Ints
from graph.errors import SettingsError, StoreAwayError, StoreError
from graph.store import GraphStore, Row

_STATEMENTS = {"leiden": "gds/leiden", "louvain": "gds/louvain"}


class GdsFinder:
    """Leiden or Louvain by Graph Data Science, per component; both maximise modularity.

    Modularity merges small dense groups into their neighbours when the component is large (the
    resolution limit), and CPM is not to be had there, which is why neither is the default. Run once
    over everything, a community would also change because something grew elsewhere; so each
    component is a graph of its own, which takes some 0.1 s and 10 MB whatever its size, except
    those that cannot be better than whole. All links of a run must fit the heap of Neo4j as
    parameters.
    """

    def __init__(self, store: GraphStore, algorithm: Literal["leiden", "louvain"]) -> None:
        """Raise SettingsError when the server has no Graph Data Science."""
        self._store = store
        self._algorithm = algorithm
        #: no other process or thread drops our graphs; what a killed one leaves, a restart does
        self._owner = f"ringtrace-{uuid.uuid4()}-"
        self.version = f"gds-{algorithm}-{_version(store)}"

    def connect(self, source: Ints, target: Ints, count: int) -> Ints:
        """The number of each node's component, in order of their first nodes."""
        if not count:
            return np.empty(0, np.int32)
        (row,) = self._read("gds/components", source=source.tolist(), target=target.tolist())
        label = np.empty(count, np.int64)
        label[row["nodes"]] = row["components"]
        _, first, number = np.unique(label, return_index=True, return_inverse=True)
        return np.argsort(np.argsort(first))[number].astype(np.int32)

    def find(self, component: Component) -> list[Ints]:
        """Communities of one component; the same component always gives the same."""
        count = len(component.members)
        if is_best_whole(component):
            return [np.arange(count, dtype=np.int32)]
        links: dict[str, Any] = {
            "source": component.source.tolist(),
            "target": component.target.tolist(),
            "weight": (component.weight / MILLION).tolist(),
        }
        if self._algorithm == "leiden":
            links["seed"] = component.seed
        (row,) = self._read(_STATEMENTS[self._algorithm], **links)
        label = np.empty(count, np.int64)
        label[row["nodes"]] = row["communities"]
        return by_label(label.tolist())

    def _read(self, statement: str, **parameters: Any) -> list[Row]:
        try:
            return self._store.read(statement, owner=self._owner, **parameters)
        except StoreAwayError:
            raise
        except StoreError:
            self._store.read("gds/drop", owner=self._owner)
            raise


def is_best_whole(component: Component) -> bool:
    """Whether no split has a greater modularity, because no pair lowers it.

    A pair adds its weight less what chance gives it, the product of both accounts' strengths by
    twice the weight of all. Sufficient and not necessary: most small components are such cliques.
    """
    if not is_clique(component):
        return False
    weight = component.weight.astype(np.float64)
    strength = np.bincount(component.source, weight, len(component.members))
    strength += np.bincount(component.target, weight, len(component.members))
    chance = strength[component.source] * strength[component.target]
    return bool((2 * weight * weight.sum() >= chance).all())


def _version(store: GraphStore) -> str:
    try:
        return str(store.read("gds/version")[0]["version"])
    except StoreAwayError:
        raise
    except StoreError as error:
        raise SettingsError(
            "RINGTRACE_DETECTION_ENGINE asks for Graph Data Science, which this Neo4j does not "
            "have: stop the local one and start it with RINGTRACE_GRAPH_GDS=true, install the "
            "plugin in your own, or set the engine to leiden"
        ) from error
