import math
import random
from itertools import combinations

import pytest

from graph.model import GraphLink, GraphNode, Neighbourhood
from ui.layout import GAP, SPACING, place, place_new


def picture(sizes: list[int], seed: int = 1) -> Neighbourhood:
    """Components of the given sizes, each a random tree with a few more links."""
    chance = random.Random(seed)
    nodes, links = [], []
    for part, size in enumerate(sizes):
        ids = [f"account:{part}-{index}" for index in range(size)]
        nodes += [GraphNode(id=each, kind="account", label=each, degree=1) for each in ids]
        pairs = [(ids[at], ids[chance.randrange(at)]) for at in range(1, size)]
        pairs += [tuple(chance.sample(ids, 2)) for _ in range(size // 8)]
        links += [
            GraphLink(f"{at}|{a}|{b}", a, b, "USED", 1, 0, 0) for at, (a, b) in enumerate(pairs)
        ]
    return Neighbourhood("x", tuple(nodes), tuple(links), len(nodes))


def nearest(points) -> float:
    return min(math.dist(a, b) for a, b in combinations(points, 2))


@pytest.mark.parametrize("sizes", [[1], [2], [1] * 30, [7, 7, 3, 1], [60, 22, 9, 4], [300]])
def test_every_node_gets_room_of_its_own(sizes):
    positions = place(picture(sizes))
    assert len(positions) == sum(sizes)
    assert all(math.isfinite(part) for spot in positions.values() for part in spot)
    assert len(positions) == 1 or nearest(positions.values()) >= SPACING


def test_nothing_to_place():
    assert place(Neighbourhood("x", (), (), 0)) == {}


def test_equal_graphs_give_equal_positions_in_whatever_order():
    graph = picture([50, 12, 12, 5, 1])
    nodes, links = list(graph.nodes), list(graph.links)
    random.Random(3).shuffle(nodes)
    random.Random(4).shuffle(links)
    assert place(graph) == place(Neighbourhood("y", tuple(nodes), tuple(links), 999))


def test_components_do_not_overlap():
    sizes = [45, 30, 14, 9, 9, 4, 3, 2, 1, 1]
    positions = place(picture(sizes))
    boxes = []
    for part in range(len(sizes)):
        spots = [at for node, at in positions.items() if node.startswith(f"account:{part}-")]
        xs, ys = zip(*spots, strict=True)
        boxes.append((min(xs), min(ys), max(xs), max(ys)))
    for a, b in combinations(boxes, 2):
        apart = max(b[0] - a[2], a[0] - b[2], b[1] - a[3], a[1] - b[3])
        assert apart >= GAP - 1


def test_links_to_nodes_left_out_and_to_oneself_are_no_matter():
    node = GraphNode(id="account:a", kind="account", label="a", degree=1)
    links = tuple(
        GraphLink(f"USED|account:a|{to}", "account:a", to, "USED", 1, 0, 0)
        for to in ("account:a", "account:gone")
    )
    assert place(Neighbourhood("x", (node,), links, 2)) == {"account:a": (0.0, 0.0)}


@pytest.mark.parametrize("count", [0, 1, 2, 7, 12, 13, 50])
@pytest.mark.parametrize("seed", range(5))
def test_new_nodes_touch_nothing(count, seed):
    chance = random.Random(seed)
    taken = list(place(picture([30, 20, 8, 5], seed)).values())
    anchor = chance.choice(taken)
    placed = place_new(anchor, taken, count)
    assert len(placed) == count
    assert placed == place_new(anchor, taken, count)
    for at, spot in enumerate(placed):
        others = taken + placed[:at]
        assert min(math.dist(spot, other) for other in others) >= SPACING - 1e-3


@pytest.mark.parametrize("free", [0.2, 1.3, 2.4, -0.4, -1.5, -2.9])
def test_new_nodes_go_where_it_is_empty(free):
    grid = [(x * 60.0, y * 60.0) for x in range(-12, 13) for y in range(-12, 13)]
    taken = [spot for spot in grid if off(spot, free) > 0.9]
    placed = place_new((0.0, 0.0), taken, 12)
    assert all(off(spot, free) < 1.1 for spot in placed)


def off(spot, angle: float) -> float:
    """Angle between a direction and a spot seen from the origin."""
    turn = math.atan2(spot[1], spot[0]) - angle
    return abs(math.atan2(math.sin(turn), math.cos(turn)))
