import random
from collections import defaultdict
from itertools import combinations, pairwise

import community as python_louvain
import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection import communities as module
from detection.communities import (
    CommunityFinder,
    LeidenCpm,
    Louvain,
    find_communities,
)
from detection.components import Component, find_components
from detection.projection import MILLION, project
from detection.shared import share
from tests.sharing import NOW, edges, shared_by, tie_rows, use_rows

RESOLUTION = 0.2
ACCOUNTS = "abcdefghijklmnop"
_groups = st.lists(
    st.lists(st.integers(0, 25).map(lambda n: f"a{n:02}"), min_size=2, max_size=6, unique=True),
    min_size=1,
    max_size=14,
)


def components_of(groups: list[list[str]]) -> list[Component]:
    return list(find_components(project(shared_by(*groups), NOW)))


def component_with(weights: list[int], size: int) -> Component:
    """A component with a link of these millionths for each pair in order, 0 for none."""
    pairs = [(*pair, w) for pair, w in zip(combinations(range(size), 2), weights, strict=True) if w]
    source, target, weight = (list(column) for column in zip(*pairs, strict=True))
    return Component(
        np.arange(size, dtype=np.int32),
        tuple(ACCOUNTS[:size]),
        np.array(source, np.int32),
        np.array(target, np.int32),
        np.array(weight, np.int64),
    )


def named(component: Component, finder: CommunityFinder) -> list[tuple[str, ...]]:
    found = finder.find(component)
    return [tuple(component.account_ids[n] for n in places.tolist()) for places in found]


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
        min(data["weight"], 1.0)
        for s, t, data in graph_of(component).edges(data=True)
        if home[ids[s]] == home[ids[t]]
    )
    return inside - RESOLUTION * sum(len(group) * (len(group) - 1) / 2 for group in partition)


@pytest.mark.parametrize("finder", [LeidenCpm(RESOLUTION), Louvain()], ids=["leiden", "louvain"])
@settings(max_examples=60, deadline=None)
@given(_groups)
def test_communities_cover_their_component_once(finder, groups):
    for component in components_of(groups):
        found = named(component, finder)
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
    one = [named(component, finder) for component in components_of(groups)]
    assert one == [named(component, finder) for component in components_of(shuffled)]


@settings(max_examples=60, deadline=None)
@given(_groups)
def test_leiden_is_at_least_as_good_as_accounts_alone(groups):
    for component in components_of(groups):
        assert quality(component, named(component, LeidenCpm(RESOLUTION))) >= 0


@settings(max_examples=60, deadline=None)
@given(_groups)
def test_leiden_communities_are_connected(groups):
    for component in components_of(groups):
        number = {a: n for n, a in enumerate(component.account_ids)}
        graph = graph_of(component)
        for group in named(component, LeidenCpm(RESOLUTION)):
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
        assert quality(component, named(component, LeidenCpm(RESOLUTION))) == pytest.approx(best)


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


_weights = st.integers(2, 5).flatmap(
    lambda size: st.tuples(
        st.just(size),
        st.lists(
            st.sampled_from([0, 0, 150_000, 200_000, 300_000, 800_000, 1_950_000]),
            min_size=size * (size - 1) // 2,
            max_size=size * (size - 1) // 2,
        ).filter(any),
    )
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(_weights)
def test_leiden_finds_the_best_partition_whatever_the_weights(drawn):
    size, weights = drawn
    component = component_with(weights, size)
    best = max(quality(component, p) for p in partitions(list(component.account_ids)))
    assert quality(component, named(component, LeidenCpm(RESOLUTION))) == pytest.approx(best)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(2, 12).flatmap(
        lambda size: st.lists(
            st.integers(150_000, 3_000_000),
            min_size=size * (size - 1) // 2,
            max_size=size * (size - 1) // 2,
        )
    )
)
def test_the_short_cut_for_cliques_is_what_leiden_finds(weights):
    size = next(n for n in range(13) if n * (n - 1) // 2 == len(weights))
    component = component_with(weights, size)
    found = named(component, LeidenCpm(RESOLUTION))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "is_clique", lambda _: False)
        slow = named(component, LeidenCpm(RESOLUTION))
    if min(weights) > RESOLUTION * MILLION:
        assert found == slow == [component.account_ids]
    elif min(weights) < RESOLUTION * MILLION:
        assert found == slow


def test_a_clique_with_a_weak_link_may_be_two_communities():
    # two pairs, and links between them that all together are worth less than they take
    weak = component_with([800_000, 150_000, 150_000, 150_000, 150_000, 800_000], 4)
    assert named(weak, LeidenCpm(RESOLUTION)) == [("a", "b"), ("c", "d")]


def test_leiden_finds_planted_rings():
    groups, truth = planted(rings=30, size=8, seed=3)
    (component,) = components_of(groups)
    # above the weight of one chance link spread over two rings
    assert named(component, LeidenCpm(0.3)) == truth


@pytest.mark.parametrize("seed", range(8))
def test_no_two_communities_are_better_as_one(seed):
    groups, truth = planted(rings=30, size=8, seed=3)
    # the name of the last account changes the seed, and nothing else
    renamed = [[a.replace("r29-07", f"r29-07{seed}") for a in group] for group in groups]
    (component,) = components_of(renamed)
    assert len(named(component, LeidenCpm(0.3))) == len(truth)


@settings(max_examples=60, deadline=None)
@given(_groups, st.sampled_from([0.1, 0.3, 1.0, 1.7]))
def test_no_merger_would_be_better(groups, resolution):
    for component in components_of(groups):
        graph = graph_of(component)
        found = [places.tolist() for places in LeidenCpm(resolution).find(component)]
        for one, other in combinations(found, 2):
            links = nx.edge_boundary(graph, one, other, data="weight")
            between = sum(min(weight, 1.0) for _, _, weight in links)
            assert between <= resolution * len(one) * len(other) + 1e-9


def test_leiden_finds_the_same_rings_whatever_else_grows():
    groups, truth = planted(rings=10, size=8, seed=4)
    more, _ = planted(rings=40, size=8, seed=4)
    (few,), (many,) = components_of(groups), components_of(more)
    assert named(few, LeidenCpm(0.3)) == truth
    assert set(truth) <= set(named(many, LeidenCpm(0.3)))


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
        assert named(component, Louvain()) == sorted(tuple(sorted(g)) for g in expected.values())


def large(finder: CommunityFinder, component: Component, min_size: int) -> list[set[str]]:
    """Communities, once the links inside smaller ones are left out."""
    found = [set(names) for names in named(component, finder)]
    small = [group for group in found if len(group) < min_size]
    ids = component.account_ids
    ends = zip(component.source.tolist(), component.target.tolist(), strict=True)
    kept = [not any({ids[a], ids[b]} <= group for group in small) for a, b in ends]
    if all(kept) or not any(kept):
        return [group for group in found if len(group) >= min_size]
    links = [component.source[kept], component.target[kept]]
    linked, places = np.unique(np.concatenate(links), return_inverse=True)
    source, target = np.split(places.astype(np.int32), 2)
    names = tuple(ids[n] for n in linked.tolist())
    rest = Component(component.members[linked], names, source, target, component.weight[kept])
    return large(finder, rest, min_size)


def core(component: Component, group: set[str]) -> set[str]:
    """Those with two links at least inside, or all."""
    names = dict(enumerate(component.account_ids))
    graph = nx.relabel_nodes(graph_of(component), names).subgraph(group)
    return set(nx.k_core(graph, 2)) or group


@pytest.mark.parametrize("finder", [LeidenCpm(RESOLUTION), Louvain()], ids=["leiden", "louvain"])
@settings(max_examples=100, deadline=None)
@given(uses=use_rows(ACCOUNTS), ties=tie_rows(ACCOUNTS), min_size=st.integers(2, 5))
def test_communities_name_their_members_and_what_ties_them_in(finder, uses, ties, min_size):
    projection = project(share(uses, ties), NOW)
    components = list(find_components(projection))
    found = find_communities(finder, iter(components), min_size)
    every = [core(each, group) for each in components for group in large(finder, each, min_size)]
    assert [set(each.account_ids) for each in found] == [g for g in every if len(g) >= min_size]
    for each in found:
        names = [projection.account_ids[n] for n in each.members.tolist()]
        assert each.account_ids == tuple(names) == tuple(sorted(names))
        strengths: dict[str, int] = defaultdict(int)
        for pair, weight in edges(projection).items():
            if {*pair} <= {*names}:
                for name in pair:
                    strengths[name] += weight
        assert each.strengths == tuple(strengths[name] for name in names)
        assert each.by_account == {name: strengths[name] for name in names}


def rings_of(weights: dict[str, int], min_size: int = 3) -> list[str]:
    """Communities of accounts a to h with links such as "ab" of so many tenths."""
    pairs = {"".join(pair): 0 for pair in combinations("abcdefgh", 2)} | weights
    component = component_with([100_000 * weight for weight in pairs.values()], 8)
    found = find_communities(LeidenCpm(RESOLUTION), [component], min_size)
    return ["".join(each.account_ids) for each in found]


#: four accounts that met twice
_WEAK_RING = dict.fromkeys(("ab", "ac", "ad", "bc", "bd", "cd"), 4)


def test_a_strong_link_to_one_other_takes_nobody_out_of_a_ring():
    partners = {"ae": 9, "bf": 9, "cg": 9, "dh": 9}
    assert rings_of(_WEAK_RING | partners) == ["abcd"]
    # but those are what is looked for where two are enough
    assert rings_of(_WEAK_RING | partners, 2) == ["ae", "bf", "cg", "dh"]


def test_who_hangs_on_by_one_member_is_not_of_the_ring():
    firm = dict.fromkeys(_WEAK_RING, 8)
    assert rings_of(firm | {"ae": 20}) == ["abcd"]
    assert rings_of(firm | {"ae": 8, "ef": 8}) == ["abcd"]
    assert rings_of(firm | {"ae": 8, "be": 4}) == ["abcde"]
    # a star is nothing but such links
    assert rings_of({"ab": 8, "ac": 8, "ad": 8}) == ["abcd"]


def test_links_to_others_do_not_tie_a_member_in():
    groups = [["a", "b", "c"], ["a", "b", "c"], ["c", "d"], ["d", "e", "f"], ["d", "e", "f"]]
    first, second = find_communities(LeidenCpm(0.3), components_of(groups), 3)
    assert first.by_account == dict.fromkeys("abc", 3_200_000)
    assert second.by_account == dict.fromkeys("def", 3_200_000)
