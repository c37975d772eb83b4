"""Graph Data Science in a real Neo4j: fetched and started as the setting says, and asked."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from detection import gds
from detection.communities import CommunityFinder, find_communities
from detection.components import Component, find_components
from detection.engines import community_finder
from detection.gds import GdsFinder
from detection.pipeline import detect
from detection.projection import Projection, project
from detection.settings import DetectionSettings
from graph.errors import StoreError
from graph.local import GDS_VERSION, start_neo4j, stop_neo4j
from graph.queries import Query, queries
from graph.schema import apply_schema
from graph.store import GraphStore
from tests.conftest import command_line
from tests.events import as_lines, ring
from tests.sharing import NOW, shared_by
from tests.unit.test_communities import planted

pytestmark = pytest.mark.long
ALGORITHMS: Any = ("leiden", "louvain")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("gds")
    start_neo4j(folder, page_cache_size="128m", gds=True)
    yield folder
    stop_neo4j(folder)


@pytest.fixture(scope="module")
def store(folder: Path) -> Iterator[GraphStore]:
    local, started = start_neo4j(folder)
    assert not started
    with GraphStore(local.uri, local.user, local.password) as store:
        apply_schema(store)
        yield store


@pytest.fixture(params=ALGORITHMS)
def finder(store: GraphStore, request: pytest.FixtureRequest) -> GdsFinder:
    return GdsFinder(store, request.param)


def random_links(seed: int) -> Projection:
    chance = random.Random(seed)
    names = [f"a{n:03}" for n in range(120)]
    return project(shared_by(*(chance.sample(names, chance.randint(2, 4)) for _ in range(45))), NOW)


def names_of(components: Iterator[Component]) -> list[tuple[str, ...]]:
    return [component.account_ids for component in components]


def communities(projection: Projection, finder: CommunityFinder) -> list[tuple[str, ...]]:
    components = find_components(projection, None, finder.connect)
    return [each.account_ids for each in find_communities(finder, components, 2)]


def graphs(store: GraphStore) -> list[dict[str, Any]]:
    return store.run_schema("CALL gds.graph.list() YIELD graphName RETURN graphName")


@pytest.mark.parametrize("statement", list(queries("gds")), ids=lambda q: q.name)
def test_server_understands_it_and_columns_are_the_header(
    store: GraphStore, statement: Query
) -> None:
    assert store.explain(statement.name) == list(statement.columns)


@pytest.mark.parametrize("seed", range(4))
def test_its_components_are_ours(store: GraphStore, seed: int) -> None:
    projection = random_links(seed)
    theirs = find_components(projection, None, GdsFinder(store, "leiden").connect)
    ours = names_of(find_components(projection))
    assert names_of(theirs) == ours
    assert len(ours) > 1
    none = project(shared_by(), NOW)
    assert list(find_components(none, None, GdsFinder(store, "leiden").connect)) == []


def test_it_finds_planted_rings(finder: GdsFinder) -> None:
    groups, truth = planted(rings=8, size=8, seed=3)
    found = communities(project(shared_by(*groups), NOW), finder)
    assert found == truth


def test_the_same_links_give_the_same_whatever_else_there_is(finder: GdsFinder) -> None:
    few, _ = planted(rings=6, size=7, seed=4)
    more = [[f"z{name}" for name in group] for group in planted(12, 5, 5)[0]]
    first = communities(project(shared_by(*few), NOW), finder)
    again = communities(project(shared_by(*more, *few), NOW), finder)
    assert [group for group in again if group[0][0] != "z"] == first
    assert communities(project(shared_by(*few), NOW), finder) == first


def test_what_is_left_whole_is_what_it_finds(
    finder: GdsFinder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for size in (2, 3, 5, 9):
        names = [f"a{n}" for n in range(size)]
        (component,) = find_components(project(shared_by(names, names[:-1], names), NOW))
        with monkeypatch.context() as patch:
            patch.setattr(gds, "is_best_whole", lambda _: False)
            slow = finder.find(component)
        if gds.is_best_whole(component):
            assert [group.tolist() for group in slow] == [list(range(size))]


def test_no_graph_stays_in_its_memory(store: GraphStore, finder: GdsFinder) -> None:
    communities(random_links(1), finder)
    assert graphs(store) == []


def test_after_an_error_its_graph_goes_and_others_stay(store: GraphStore) -> None:
    finder = GdsFinder(store, "leiden")
    store.run_schema("RETURN gds.graph.project('of somebody else', 1, 2) AS graph")
    try:
        links = {"source": [0, 1], "target": [1, 2], "weight": [1.0, 1.0]}
        with pytest.raises(StoreError, match="randomSeed"):
            finder._read("gds/leiden", **links, seed="none")
        assert graphs(store) == [{"graphName": "of somebody else"}]
    finally:
        store.run_schema("CALL gds.graph.drop('of somebody else') YIELD graphName RETURN graphName")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_ring_is_found_by_it(
    folder: Path, store: GraphStore, tmp_path: Path, algorithm: str
) -> None:
    prefix = f"{algorithm}-"
    path = tmp_path / "events.jsonl"
    path.write_bytes(as_lines(ring(prefix, 6, devices=1, cards=1)))
    command_line(folder).run("replay", str(path), "--to", "graph")
    engine: Any = f"gds-{algorithm}"
    settings = DetectionSettings(engine=engine)
    assert community_finder(settings, store).version == f"{engine}-{GDS_VERSION}"
    run = detect(store, settings)
    assert run is not None
    (found,) = [each for each in run.rings if each.account_ids[0].startswith(prefix)]
    assert found.size == 6
