import random
from itertools import combinations, pairwise

import community as python_louvain
import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.communities import LeidenCpm, Louvain, community_finder
from detection.components import Component, find_components
from detection.projection import build_projection
from detection.settings import DetectionSettings

RESOLUTION = 0.05
_groups = st.lists(
    st.lists(st.integers(0, 25).map(lambda n: f"a{n:02}"), min_size=2, max_size=6, unique=True),
    min_size=1,
    max_size=14,
)


def components_of(groups: list[list[str]]) -> list[Component]:
    rows = [
        {
            "key": f"device:{n}",
            "kind": "device",
            "account_ids": group,
            "first_seen": [0] * len(group),
            "last_seen": [1] * len(group),
        }
        for n, group in enumerate(groups)
    ]
    return find_components(build_projection(rows), None, 2)


def planted(rings: int, size: int, seed: int) -> tuple[list[list[str]], list[tuple[str, ...]]]:
    """Rings on a common device and cards, hung together by single links."""
    chance = random.Random(seed)
    truth = [tuple(f"r{r:02}-{n:02}" for n in range(size)) for r in range(rings)]
    groups = [list(ring) for ring in truth]
    groups += [chance.sample(ring, size // 2) for ring in truth for _ in range(6)]
    groups += [[chance.choice(a), chance.choice(b)] for a, b in pairwise(truth)]
    return groups, truth


def graph_of(component: Component) -> nx.Graph:
    graph = nx.Graph()
    graph.add_nodes_from(range(len(component.account_ids)))
    columns = (component.source.tolist(), component.target.tolist(), component.weight.tolist())
    for source, target, weight in zip(*columns, strict=True):
        graph.add_edge(source, target, weight=weight / 1_000_000)
    return graph


def quality(component: Component, partition: list[tuple[str, ...]]) -> float:
    """The constant Potts model's quality: link weight inside, less the resolution a pair."""
    home = {a: number for number, group in enumerate(partition) for a in group}
    ids = component.account_ids
    inside = sum(
        data["weight"]
        for s, t, data in graph_of(component).edges(data=True)
        if home[ids[s]] == home[ids[t]]
    )
    return inside - RESOLUTION * sum(len(group) * (len(group) - 1) / 2 for group in partition)


@pytest.mark.parametrize("finder", [LeidenCpm(RESOLUTION), Louvain()], ids=["leiden", "louvain"])
@settings(max_examples=60, deadline=None)
@given(_groups)
def test_communities_cover_their_component_once(finder, groups):
    for component in components_of(groups):
        found = finder.find(component)
        assert sorted(a for group in found for a in group) == list(component.account_ids)
        assert found == sorted(found)
        assert all(list(group) == sorted(group) for group in found)


@pytest.mark.parametrize("finder", [LeidenCpm(RESOLUTION), Louvain()], ids=["leiden", "louvain"])
@settings(max_examples=40, deadline=None)
@given(_groups, st.randoms(use_true_random=False))
def test_the_order_of_the_input_makes_no_difference(finder, groups, chance):
    shuffled = [chance.sample(group, len(group)) for group in groups]
    # which identifier links a group makes no difference either
    chance.shuffle(shuffled)
    one = [finder.find(component) for component in components_of(groups)]
    assert one == [finder.find(component) for component in components_of(shuffled)]


@settings(max_examples=60, deadline=None)
@given(_groups)
def test_leiden_is_at_least_as_good_as_accounts_alone(groups):
    for component in components_of(groups):
        assert quality(component, LeidenCpm(RESOLUTION).find(component)) >= 0


@settings(max_examples=60, deadline=None)
@given(_groups)
def test_leiden_communities_are_connected(groups):
    for component in components_of(groups):
        number = {a: n for n, a in enumerate(component.account_ids)}
        graph = graph_of(component)
        for group in LeidenCpm(RESOLUTION).find(component):
            assert nx.is_connected(graph.subgraph([number[a] for a in group]))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.lists(
        st.lists(st.sampled_from("abcdef"), min_size=2, max_size=4, unique=True),
        min_size=1,
        max_size=7,
    )
)
def test_leiden_finds_the_best_partition_of_a_small_component(groups):
    for component in components_of(groups):
        best = max(quality(component, p) for p in partitions(list(component.account_ids)))
        assert quality(component, LeidenCpm(RESOLUTION).find(component)) == pytest.approx(best)


def partitions(accounts: list[str]) -> list[list[tuple[str, ...]]]:
    """Every way to split a few accounts into groups."""
    if not accounts:
        return [[]]
    first, rest = accounts[0], accounts[1:]
    found = []
    for count in range(len(rest) + 1):
        for others in combinations(rest, count):
            left = [a for a in rest if a not in others]
            found += [[(first, *others), *more] for more in partitions(left)]
    return found


def test_leiden_finds_planted_rings():
    groups, truth = planted(rings=30, size=8, seed=3)
    (component,) = components_of(groups)
    # above the weight of one chance link spread over two rings
    assert LeidenCpm(0.3).find(component) == truth


def test_leiden_finds_the_same_rings_whatever_else_grows():
    groups, truth = planted(rings=10, size=8, seed=4)
    more, _ = planted(rings=40, size=8, seed=4)
    assert LeidenCpm(0.3).find(components_of(groups)[0]) == truth
    assert set(truth) <= set(LeidenCpm(0.3).find(components_of(more)[0]))


@settings(max_examples=40, deadline=None)
@given(_groups)
def test_louvain_is_python_louvain(groups):
    for component in components_of(groups):
        labels = python_louvain.best_partition(
            graph_of(component), random_state=component.seed % 2**32
        )
        expected = {}
        for number, label in labels.items():
            expected.setdefault(label, []).append(component.account_ids[number])
        assert Louvain().find(component) == sorted(tuple(sorted(g)) for g in expected.values())


def test_the_settings_choose_the_engine():
    assert community_finder(DetectionSettings(engine="louvain")).version == "louvain"
    leiden = community_finder(DetectionSettings(engine="leiden", resolution=0.2))
    assert leiden.version == "leiden-cpm-0.2"
