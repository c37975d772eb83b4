from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.components import Component
from detection.gds import is_best_whole
from graph.local import GDS_JAR_LOCK, GDS_VERSION, JAR_LOCK
from tests.unit.test_communities import component_with, partitions


def modularity(component: Component, partition: list[tuple[str, ...]]) -> float:
    graph = nx.Graph()
    ids = component.account_ids
    columns = (component.source.tolist(), component.target.tolist(), component.weight.tolist())
    graph.add_weighted_edges_from((ids[s], ids[t], w) for s, t, w in zip(*columns, strict=True))
    return float(nx.community.modularity(graph, partition))


@settings(max_examples=150, deadline=None)
@given(
    st.integers(2, 5).flatmap(
        lambda size: st.lists(
            st.sampled_from([400_000, 700_000, 800_000, 900_000, 1_100_000]),
            min_size=size * (size - 1) // 2,
            max_size=size * (size - 1) // 2,
        )
    )
)
def test_what_is_left_whole_could_not_be_better(weights: list[int]) -> None:
    size = next(n for n in range(6) if n * (n - 1) // 2 == len(weights))
    component = component_with(weights, size)
    if is_best_whole(component):
        best = max(modularity(component, p) for p in partitions(list(component.account_ids)))
        assert best == pytest.approx(modularity(component, [component.account_ids]), abs=1e-9)


@pytest.mark.parametrize("size", range(2, 12))
def test_an_even_clique_is_left_whole(size: int) -> None:
    assert is_best_whole(component_with([800_000] * (size * (size - 1) // 2), size))


def test_two_groups_are_not_left_whole() -> None:
    light, heavy = 200_000, 1_950_000
    pairs = combinations(range(6), 2)
    component = component_with([heavy if a // 3 == b // 3 else light for a, b in pairs], 6)
    assert not is_best_whole(component)
    # not every two are linked: a path of four is two pairs
    assert not is_best_whole(component_with([heavy, 0, 0, heavy, 0, heavy], 4))


def test_weights_of_any_size_are_compared_without_overflow() -> None:
    size = 40
    component = component_with([2_000_000_000] * 6, 4)
    assert is_best_whole(component)
    many = Component(
        np.arange(size, dtype=np.int32),
        tuple(f"a{n:02}" for n in range(size)),
        *(column.astype(np.int32) for column in np.triu_indices(size, 1)),
        np.full(size * (size - 1) // 2, 2_000_000_000, np.int64),
    )
    assert is_best_whole(many)


def test_the_plugin_s_jars_come_on_top_of_those_of_neo4j() -> None:
    def names(text: str) -> dict[str, str]:
        lines = [line.split()[0].split(":") for line in text.splitlines()]
        return {":".join(line[:2]): line[2] for line in lines}

    plugin, server = names(GDS_JAR_LOCK.read_text("utf-8")), names(JAR_LOCK.read_text("utf-8"))
    assert not plugin.keys() & server.keys()
    versions = {version for name, version in plugin.items() if name.startswith("org.neo4j.gds:")}
    assert versions == {GDS_VERSION}
