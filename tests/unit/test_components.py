import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.components import Component, find_components
from detection.projection import Projection, build_projection

ACCOUNTS = [f"{letter}{n}" for letter in "abcd" for n in range(5)]


def pair_row(number: int, pair: tuple[str, str]) -> dict:
    return {
        "key": f"device:{number}",
        "kind": "device",
        "account_ids": list(pair),
        "first_seen": [0, 0],
        "last_seen": [1, 1],
    }


def projection_of(pairs: list[tuple[str, str]]) -> Projection:
    return build_projection([pair_row(n, pair) for n, pair in enumerate(pairs)])


def edge_weights(component: Component) -> dict[tuple[str, str], int]:
    ids = component.account_ids
    columns = (component.source.tolist(), component.target.tolist(), component.weight.tolist())
    return {(ids[s], ids[t]): w for s, t, w in zip(*columns, strict=True)}


_pairs = st.lists(
    st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS)).filter(lambda p: p[0] != p[1]),
    max_size=25,
)


@settings(deadline=None)
@given(
    pairs=_pairs,
    min_size=st.integers(2, 5),
    touched=st.none() | st.sets(st.sampled_from([*ACCOUNTS, "unknown"]), max_size=3),
)
def test_they_are_those_of_networkx(pairs, min_size, touched):
    projection = projection_of(pairs)
    graph = nx.Graph(pairs)
    expected = sorted(
        tuple(sorted(found))
        for found in nx.connected_components(graph)
        if len(found) >= min_size and (touched is None or found & touched)
    )
    components = find_components(projection, touched, min_size)
    assert [component.account_ids for component in components] == expected
    ids = projection.account_ids
    whole = {
        (ids[s], ids[t]): w
        for s, t, w in zip(
            projection.source.tolist(),
            projection.target.tolist(),
            projection.weight.tolist(),
            strict=True,
        )
    }
    for component in components:
        members = set(component.account_ids)
        assert edge_weights(component) == {p: w for p, w in whole.items() if p[0] in members}
        strengths = component.strengths()
        for account_id in members:
            assert strengths[account_id] == sum(w for p, w in whole.items() if account_id in p)


@settings(deadline=None)
@given(_pairs, st.randoms(use_true_random=False))
def test_seed_and_content_do_not_depend_on_the_order_of_links(pairs, chance):
    shuffled = list(pairs)
    chance.shuffle(shuffled)
    one = find_components(projection_of(pairs), None, 2)
    other = find_components(projection_of(shuffled), None, 2)
    assert [c.account_ids for c in one] == [c.account_ids for c in other]
    assert [c.seed for c in one] == [c.seed for c in other]


def test_a_component_is_the_same_whatever_else_there_is():
    pairs = [("b0", "b1"), ("b1", "b2"), ("b0", "b2")]
    alone = find_components(projection_of(pairs), None, 3)[0]
    among = find_components(projection_of([("a0", "a1"), *pairs, ("c0", "c1")]), {"b1"}, 3)[0]
    assert alone.account_ids == among.account_ids
    assert alone.seed == among.seed
    np.testing.assert_array_equal(alone.source, among.source)
    np.testing.assert_array_equal(alone.weight, among.weight)


def test_the_seed_changes_with_the_content():
    triangle = [("a0", "a1"), ("a1", "a2"), ("a0", "a2")]
    seeds = {
        find_components(projection_of(pairs), None, 3)[0].seed
        for pairs in (triangle, triangle[:2], triangle[1:], [*triangle, ("a0", "a1")])
    }
    assert len(seeds) == 4


def test_accounts_without_a_link_are_in_no_component():
    row = pair_row(0, ("a0", "a1")) | {"kind": "ip", "key": "ip:1.1.1.1"}
    assert find_components(build_projection([row]), None, 2) == []


def test_nothing_has_no_components():
    assert find_components(build_projection([]), None, 2) == []
    assert find_components(build_projection([]), {"a"}, 2) == []
