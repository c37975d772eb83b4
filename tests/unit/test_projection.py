import math
import random
from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.projection import build_projection, degree_band, link_weight
from graph.kinds import Role, identifier_kinds

KINDS = sorted(identifier_kinds())


def row(kind: str, value: str, accounts: list[str]) -> dict:
    return {
        "key": f"{kind}:{value}",
        "kind": kind,
        "account_ids": accounts,
        "first_seen": list(range(len(accounts))),
        "last_seen": list(range(100, 100 + len(accounts))),
    }


def reference(rows: list[dict]) -> nx.Graph:
    """The same graph, pair by pair."""
    graph = nx.Graph()
    for role in (Role.CONNECTS, Role.SUPPORTS):
        for each in rows:
            kind = identifier_kinds()[each["kind"]]
            graph.add_nodes_from(each["account_ids"])
            if kind.role is not role:
                continue
            band = 2
            while band < len(each["account_ids"]):
                band *= 2
            weight = round(1_000_000 * kind.prior / math.log(1 + band))
            for a, b in combinations(each["account_ids"], 2):
                if role is Role.SUPPORTS and not graph.has_edge(a, b):
                    continue
                before = graph.get_edge_data(a, b, {"weight": 0})["weight"]
                graph.add_edge(a, b, weight=before + weight)
    return graph


def edges(projection) -> dict[tuple[str, str], int]:
    ids = projection.account_ids
    return {
        (ids[s], ids[t]): w
        for s, t, w in zip(
            projection.source.tolist(),
            projection.target.tolist(),
            projection.weight.tolist(),
            strict=True,
        )
    }


_rows = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.lists(st.sampled_from("abcdefghijkl"), min_size=2, max_size=9, unique=True),
    ),
    max_size=12,
).map(lambda found: [row(kind, str(n), list(a)) for n, (kind, a) in enumerate(found)])


@settings(deadline=None)
@given(_rows)
def test_it_is_the_graph_built_pair_by_pair(rows):
    projection, expected = build_projection(rows), reference(rows)
    assert projection.account_ids == sorted(expected)
    assert edges(projection) == {
        (min(a, b), max(a, b)): data["weight"] for a, b, data in expected.edges(data=True)
    }
    assert (projection.source < projection.target).all()


@settings(deadline=None)
@given(_rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_accounts_makes_no_difference(rows, chance):
    shuffled = []
    for each in rows:
        uses = list(zip(each["account_ids"], each["first_seen"], each["last_seen"], strict=True))
        chance.shuffle(uses)
        accounts, first, last = (list(column) for column in zip(*uses, strict=True))
        shuffled.append(each | {"account_ids": accounts, "first_seen": first, "last_seen": last})
    chance.shuffle(shuffled)
    one, other = build_projection(rows), build_projection(shuffled)
    assert one.account_ids == other.account_ids
    assert one.identifiers == other.identifiers
    for name in ("source", "target", "weight"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_large_graph_is_the_graph_built_pair_by_pair():
    chance = random.Random(1)
    names = [f"account-{n}" for n in range(3_000)]
    rows = [
        row(chance.choice(KINDS), str(n), chance.sample(names, chance.randint(2, 20)))
        for n in range(1_500)
    ]
    expected = reference(rows)
    found = edges(build_projection(rows))
    assert len(found) == expected.number_of_edges()
    assert all(expected[a][b]["weight"] == weight for (a, b), weight in found.items())


def test_supporting_kinds_link_nobody_alone():
    projection = build_projection([row("ip", "1.1.1.1", ["a", "b", "c"])])
    assert projection.account_ids == ["a", "b", "c"]
    assert edges(projection) == {}


def test_supporting_kinds_strengthen_a_link():
    device, ip = row("device", "d", ["a", "b"]), row("ip", "1.1.1.1", ["a", "b", "c"])
    assert edges(build_projection([device, ip])) == {
        ("a", "b"): link_weight("device", 2) + link_weight("ip", 3)
    }


def test_uses_keep_their_times_when_accounts_are_sorted():
    (shared,) = build_projection([row("device", "d", ["c", "a", "b"])]).identifiers
    assert shared.accounts == (0, 1, 2)
    assert shared.first_seen == (1, 2, 0)
    assert shared.last_seen == (101, 102, 100)


def test_nothing_gives_an_empty_graph():
    projection = build_projection([])
    assert projection.account_ids == []
    assert projection.source.size == projection.weight.size == 0


@pytest.mark.parametrize("kind", KINDS)
def test_sharing_with_more_accounts_never_counts_more(kind):
    weights = [link_weight(kind, degree) for degree in range(2, 60)]
    assert weights == sorted(weights, reverse=True)
    assert 0 < weights[-1] <= weights[0] <= 1_000_000


@settings(deadline=None)
@given(st.integers(2, 10_000))
def test_a_band_is_the_next_power_of_two(degree):
    band = degree_band(degree)
    assert band // 2 < degree <= band
    assert band & (band - 1) == 0
