"""What those around an account are like, against networkx and by real data."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from detection.detectors import EXAMPLES, Boosted, Examples, UpperTails
from detection.neighbourhood import CoUses, around
from tests.tolokers import read_tolokers

USES = st.sets(st.tuples(st.integers(0, 7), st.integers(0, 4)), max_size=20)


def links_of(graph: nx.Graph, count: int) -> csr_array:
    return csr_array(nx.to_scipy_sparse_array(graph, nodelist=range(count), dtype=float))


@given(USES)
def test_who_uses_the_same_is_linked_once_for_each(uses: set[tuple[int, int]]) -> None:
    pairs = np.array(sorted(uses), np.int64).reshape(-1, 2)
    found = CoUses(pairs[:, 0], pairs[:, 1], 8) @ np.eye(8)
    expected = [
        [
            float(sum((b, key) in uses for x, key in uses if x == a) if a != b else 0)
            for b in range(8)
        ]
        for a in range(8)
    ]
    assert found.tolist() == expected


def test_the_names_of_what_is_used_tell_nobody_apart() -> None:
    """What is used is numbered by tokens that differ from installation to installation."""
    chance = np.random.default_rng(7)
    users, keys = np.unique(chance.integers(0, 300, (2_000, 2)), axis=0).T
    values = chance.lognormal(size=(300, 5))
    found = around(values, CoUses(users, keys, 300))
    for _ in range(5):
        other = chance.permutation(300)[keys]
        order = np.lexsort((other, users))
        assert np.array_equal(found, around(values, CoUses(users[order], other[order], 300)))


def test_among_equals_nothing_is_spread() -> None:
    users, keys = np.divmod(np.arange(300), 3)
    found = around(np.full((100, 1), 0.1), CoUses(users, keys, 100))
    assert np.all(found[:, 1] == 0)
    assert np.all(found[:, 3] == 0)


@given(
    st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda p: p[0] < p[1])),
    st.lists(st.floats(0, 20), min_size=8, max_size=8),
)
def test_means_and_spreads_are_those_of_the_neighbours(
    pairs: set[tuple[int, int]], numbers: list[float]
) -> None:
    graph = nx.Graph(sorted(pairs))
    graph.add_nodes_from(range(8))
    found = around(np.array(numbers)[:, None], links_of(graph, 8))
    means = {n: np.mean([numbers[m] for m in graph[n]]) if graph[n] else 0.0 for n in graph}
    for node in range(8):
        near = list(graph[node])
        if not near:
            assert found[node].tolist() == [0.0] * 5
            continue
        second = [means[m] for m in near]
        expected = [means[node], np.std([numbers[m] for m in near]), np.mean(second)]
        expected += [np.std(second), np.log1p(len(near))]
        assert found[node] == pytest.approx(expected, abs=1e-5)


def test_trees_see_by_its_neighbours_who_is_bad() -> None:
    chance = np.random.default_rng(5)
    count = 600
    is_bad = np.arange(count) < count // 3
    # numbers of their own say nothing; bad ones know those that spend much
    values = chance.normal(5, 1, (count, 2))
    rich = values[:, 0] > np.median(values[:, 0])
    graph = nx.Graph()
    for node in range(count):
        others = np.flatnonzero(rich == is_bad[node])
        graph.add_edges_from(
            (node, int(other)) for other in chance.choice(others, 6) if other != node
        )
    wide = np.hstack([values, around(values, links_of(graph, count))])
    taught, asked = np.arange(count) % 2 == 0, np.arange(count) % 2 == 1
    detector = Boosted(wide[taught], Examples(wide[taught], is_bad[taught]))
    score = detector.unusual(wide[asked])
    assert np.median(score[is_bad[asked]]) > np.quantile(score[~is_bad[asked]], 0.9)
    again = Boosted(wide[taught], Examples(wide[taught], is_bad[taught]))
    assert again.unusual(wide[asked]).tolist() == score.tolist()


def test_too_few_examples_teach_nothing() -> None:
    values = np.random.default_rng(6).random((200, 3))
    few = Examples(values, np.arange(200) < EXAMPLES - 1)
    assert not few.is_enough
    assert not Examples(values, np.arange(200) >= EXAMPLES - 1).is_enough
    expected = UpperTails(values).unusual(values)
    assert Boosted(values, few).unusual(values).tolist() == expected.tolist()
    enough = Examples(values, np.arange(200) < EXAMPLES)
    assert Boosted(values, enough).unusual(values).tolist() != expected.tolist()


def test_banned_workers_are_told_by_whom_they_work_with() -> None:
    """On the first of ten divisions; all ten: `make bench ARGS=report`."""
    from sklearn.metrics import roc_auc_score

    _, wide, is_banned, ((train, test), *_) = read_tolokers()
    found = Boosted(wide[train], Examples(wide[train], is_banned[train])).unusual(wide[test])
    assert roc_auc_score(is_banned[test], found) > 0.84
