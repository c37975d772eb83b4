from collections.abc import Iterator

import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.components import Component, component_labels, find_components
from detection.projection import Projection, project
from detection.shared import share
from tests.sharing import NOW, edges, shared_by, tie, tie_rows, use_rows

ACCOUNTS = [f"{letter}{n}" for letter in "abcd" for n in range(5)]


def projection_of(pairs: list[tuple[str, str]]) -> Projection:
    return project(shared_by(*pairs), NOW)


def components_of(pairs: list[tuple[str, str]]) -> list[Component]:
    return list(find_components(projection_of(pairs)))


def edge_weights(component: Component) -> dict[tuple[str, str], int]:
    ids = component.account_ids
    columns = (component.source.tolist(), component.target.tolist(), component.weight.tolist())
    return {(ids[s], ids[t]): w for s, t, w in zip(*columns, strict=True)}


_pairs = st.lists(
    st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS)).filter(lambda p: p[0] != p[1]),
    max_size=25,
)


@settings(deadline=None)
@given(pairs=_pairs, touched=st.none() | st.sets(st.sampled_from([*ACCOUNTS, "new"]), max_size=3))
def test_they_are_those_of_networkx(pairs, touched):
    projection = projection_of(pairs)
    expected = sorted(
        tuple(sorted(found))
        for found in nx.connected_components(nx.Graph(pairs))
        if touched is None or found & touched
    )
    components = list(find_components(projection, touched))
    # in order of their first account
    assert [component.account_ids for component in components] == expected
    whole = edges(projection)
    for component in components:
        members = set(component.account_ids)
        assert edge_weights(component) == {p: w for p, w in whole.items() if p[0] in members}


@settings(deadline=None)
@given(use_rows("abcdefghijklmnop"), tie_rows("abcdefghijklmnop"))
def test_places_and_labels_name_the_accounts_of_the_projection(uses, ties):
    projection = project(share(uses, ties), NOW)
    graph = nx.Graph(list(edges(projection)))
    graph.add_nodes_from(projection.account_ids)
    label = component_labels(projection).tolist()
    assert len(label) == len(projection.account_ids)
    by_label: dict[int, set[str]] = {}
    for account_id, number in zip(projection.account_ids, label, strict=True):
        by_label.setdefault(number, set()).add(account_id)
    found = sorted(map(sorted, by_label.values()))
    assert found == sorted(map(sorted, nx.connected_components(graph)))
    for component in find_components(projection):
        members = component.members.tolist()
        assert members == sorted(set(members))
        assert component.account_ids == tuple(projection.account_ids[n] for n in members)
        links = list(zip(component.source.tolist(), component.target.tolist(), strict=True))
        assert links == sorted(set(links))
        assert all(source < target for source, target in links)


@settings(deadline=None)
@given(_pairs, st.randoms(use_true_random=False))
def test_seed_and_content_do_not_depend_on_the_order_of_links(pairs, chance):
    one = components_of(pairs)
    other = components_of(chance.sample(pairs, len(pairs)))
    assert [c.account_ids for c in one] == [c.account_ids for c in other]
    assert [c.seed for c in one] == [c.seed for c in other]


def test_a_component_is_the_same_whatever_else_there_is():
    pairs = [("b0", "b1"), ("b1", "b2"), ("b0", "b2")]
    (alone,) = components_of(pairs)
    more = projection_of([("a0", "a1"), *pairs, ("c0", "c1")])
    (among,) = find_components(more, {"b1"})
    assert alone.account_ids == among.account_ids
    assert alone.seed == among.seed
    for name in ("source", "target", "weight"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(among, name))


def test_the_seed_changes_with_the_content():
    triangle = [("a0", "a1"), ("a1", "a2"), ("a0", "a2")]
    seeds = {
        components_of(pairs)[0].seed
        for pairs in (triangle, triangle[:2], triangle[1:], [*triangle, ("a0", "a1")])
    }
    assert len(seeds) == 4


def test_they_are_made_one_after_the_other():
    found = find_components(projection_of([("a0", "a1"), ("b0", "b1")]))
    assert isinstance(found, Iterator)
    assert next(found).account_ids == ("a0", "a1")


def test_accounts_without_a_link_are_in_no_component():
    projection = project(share([], [tie("TRANSFERRED", "a0", "a1")]), NOW)
    assert list(find_components(projection)) == []
    assert component_labels(projection).tolist() == [0, 1]


def test_nothing_has_no_components():
    assert components_of([]) == []
    assert list(find_components(projection_of([]), {"a"})) == []
    assert component_labels(projection_of([])).size == 0
