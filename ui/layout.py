"""Positions of a picture, computed before it is sent so that nothing moves once it is drawn.

Every connected component is laid out by itself and packed on shelves, largest first, so rings
never overlap. Equal graphs give equal positions, whatever order their nodes come in.
"""

import math
from collections.abc import Iterable, Sequence

import networkx as nx
import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from graph.model import Neighbourhood

Point = tuple[float, float]
_Array = npt.NDArray[np.float64]

#: no two nodes are nearer than this
SPACING = 52.0
#: distance between the slots new nodes are tried on
SLOT = 72.0
#: empty room between two components
GAP = 84.0
SECTORS = 12
#: labels are wide, and so are screens: everything is laid out this much wider than high
STRETCH = 1.35

_SEED = 7
_ASPECT = 1.6
#: mean length of a link; longer than SPACING so that labels have room
_LINK = 80.0
#: distance of the first new node from the node it was expanded from
_REACH = 110.0
#: up to this size the slower, tidier layout is quick enough
_TIDY = 40


def place(graph: Neighbourhood) -> dict[str, Point]:
    """Return a position for every node, the same one for the same graph."""
    drawn = nx.Graph()
    drawn.add_nodes_from(sorted(node.id for node in graph.nodes))
    ends = {tuple(sorted((link.source, link.target))) for link in graph.links}
    drawn.add_edges_from(sorted((a, b) for a, b in ends if a != b and a in drawn and b in drawn))
    parts = sorted((sorted(part) for part in nx.connected_components(drawn)), key=_largest_first)
    return _shelve([(part, _lay_out(drawn, part)) for part in parts])


def place_new(anchor: Point, taken: Iterable[Point], count: int) -> list[Point]:
    """Return `count` free positions in the emptiest direction from `anchor`.

    They are at least `SPACING` from each other, from the anchor and from everything in `taken`.
    """
    occupied = [(x / STRETCH, y) for x, y in (anchor, *taken)]
    centre = occupied[0]
    sectors = 1 if count <= 2 else 3 if count <= 12 else 5
    width = sectors * math.tau / SECTORS
    start = _emptiest(centre, occupied, sectors) - width / 2
    placed: list[Point] = []
    radius = _REACH
    while len(placed) < count:
        slots = max(1, int(width * radius / SLOT))
        for slot in range(slots):
            angle = start + width * (slot + 0.5) / slots
            spot = (centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle))
            if len(placed) < count and _is_free(spot, occupied):
                placed.append(spot)
                occupied.append(spot)
        radius += SLOT
    return [(x * STRETCH, y) for x, y in placed]


def _emptiest(anchor: Point, occupied: Sequence[Point], sectors: int) -> float:
    """Return the middle of the run of sectors that holds the least; what is near counts most."""
    weights = [0.0] * SECTORS
    for x, y in occupied:
        away = math.hypot(x - anchor[0], y - anchor[1])
        if away > 0:
            turn = math.atan2(y - anchor[1], x - anchor[0]) / math.tau
            weights[math.floor(turn * SECTORS) % SECTORS] += 1 / (_REACH + away)
    reach = range(-(sectors // 2), sectors // 2 + 1)
    best = min(range(SECTORS), key=lambda at: sum(weights[(at + by) % SECTORS] for by in reach))
    return (best + 0.5) * math.tau / SECTORS


def _is_free(spot: Point, occupied: Iterable[Point]) -> bool:
    return all(math.dist(spot, other) >= SPACING for other in occupied)


def _largest_first(part: list[str]) -> tuple[int, str]:
    return (-len(part), part[0])


def _lay_out(drawn: nx.Graph, part: list[str]) -> _Array:
    """Return positions of one component, its top left corner at the origin."""
    if len(part) == 1:
        return np.zeros((1, 2))
    if len(part) == 2:
        return np.array([[0.0, 0.0], [_LINK * STRETCH, 0.0]])
    own = nx.Graph()
    own.add_nodes_from(part)
    own.add_edges_from(sorted(tuple(sorted(ends)) for ends in drawn.edges(part)))
    if len(part) <= _TIDY:
        found = nx.kamada_kawai_layout(own)
    else:
        rounds = max(15, min(60, 15_000 // len(part)))
        found = nx.spring_layout(
            own, seed=_SEED, iterations=rounds, k=1.6 / math.sqrt(len(part)), method="force"
        )
    spots = np.array([found[node] for node in part], dtype=np.float64)
    at = {node: index for index, node in enumerate(part)}
    ends = np.array([(at[a], at[b]) for a, b in own.edges])
    length = np.linalg.norm(spots[ends[:, 0]] - spots[ends[:, 1]], axis=1).mean()
    spots = _spread(_flat(spots) * (_LINK / length))
    laid_out: _Array = np.round((spots - spots.min(axis=0)) * (STRETCH, 1.0), 1)
    return laid_out


def _flat(spots: _Array) -> _Array:
    """Turn the longest side of the component to the horizontal, as screens are wide."""
    spots = spots - spots.mean(axis=0)
    (xx, xy), (_, yy) = spots.T @ spots
    angle = -0.5 * math.atan2(2 * xy, xx - yy)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    turned: _Array = spots @ turn.T
    return turned


def _spread(spots: _Array) -> _Array:
    """Push apart what lies too close, and widen everything where pushing is not enough."""
    near = SPACING * 1.02
    for _ in range(200):
        pairs = cKDTree(spots).query_pairs(near, output_type="ndarray")
        if not len(pairs):
            return spots
        gaps = spots[pairs[:, 0]] - spots[pairs[:, 1]]
        away = np.maximum(np.hypot(gaps[:, 0], gaps[:, 1]), 1e-3)
        push = gaps / away[:, None] * ((near - away) * 0.5 + 0.1)[:, None]
        spots = spots.copy()
        np.add.at(spots, pairs[:, 0], push)
        np.subtract.at(spots, pairs[:, 1], push)
    nearest = cKDTree(spots).query(spots, k=2)[0][:, 1].min()
    return spots * max(1.0, near / max(float(nearest), 1.0))


def _shelve(parts: list[tuple[list[str], _Array]]) -> dict[str, Point]:
    """Put the components on shelves from left to right, then from top to bottom."""
    area = sum(math.prod(spots.max(axis=0) + GAP) for _, spots in parts)
    limit = math.sqrt(area * _ASPECT)
    positions: dict[str, Point] = {}
    left = top = height = 0.0
    for part, spots in parts:
        wide, high = spots.max(axis=0)
        if left and left + wide > limit:
            left, top, height = 0.0, top + height + GAP, 0.0
        for node, (x, y) in zip(part, spots, strict=True):
            positions[node] = (round(left + float(x), 1), round(top + float(y), 1))
        left += float(wide) + GAP
        height = max(height, float(high))
    return positions
