"""`ringtrace bench engines`: what each community engine finds on the same links, and in which time.

Two graphs, each in a Neo4j of its own with Graph Data Science: a simulated world with planted rings
(10,000 accounts, 30 days, a tenth of the accounts in rings) and the bundled P2P data. On each, once
per engine: components and communities of all links, as a full pass makes them. The components of
Graph Data Science must be ours. Each of its engines also runs once over everything, as if it were
one component, to show why it does not.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from detection.communities import CommunityFinder, LeidenCpm, Louvain, find_communities
from detection.components import Component, find_components
from detection.found_rings import FoundRing, ring_report
from detection.gds import GdsFinder
from detection.projection import Projection, project
from detection.reading import all_rows
from detection.settings import DetectionSettings
from detection.shared import share
from graph.local import start_neo4j, stop_neo4j
from graph.model import RiskLevel
from graph.schema import apply_schema
from graph.store import GraphStore
from ingest.simulate import Simulation, truth
from tests.benchmarks.loaded import load
from tests.conftest import P2P, command_line

Members = frozenset[str]
out = Console(width=110)


@dataclass(frozen=True)
class Outcome:
    """What one engine found."""

    seconds: float
    components: set[Members]
    #: of at least three accounts
    communities: set[Members]


def run(scale: str = "full") -> dict[str, float]:
    """Measure, print and return the figures."""
    small = scale == "small"
    simulation = Simulation(1_000 if small else 10_000, 10 if small else 30, 3, ring_share=0.1)
    with _store() as (folder, store):
        counts = load(store, simulation, folder)
        out.print(f"simulated: {counts}")
        rings: dict[str, set[str]] = {}
        for account, _, ring in truth(simulation):
            if ring:
                rings.setdefault(ring, set()).add(account)
        figures = _compare("simulated", store, rings)
    if not small:
        with _store() as (folder, store):
            command_line(folder).run("replay", str(P2P), "--mapping", "p2p", "--to", "graph")
            figures |= _compare("p2p", store, {})
    return figures


@contextmanager
def _store() -> Iterator[tuple[Path, GraphStore]]:
    with tempfile.TemporaryDirectory(prefix="ringtrace-bench-") as name:
        folder = Path(name)
        local, _ = start_neo4j(folder, heap_size="2g", gds=True)
        try:
            with GraphStore(local.uri, local.user, local.password) as store:
                apply_schema(store)
                yield folder, store
        finally:
            stop_neo4j(folder)


def _compare(name: str, store: GraphStore, rings: dict[str, set[str]]) -> dict[str, float]:
    now = store.read("detection/read_now")[0]["now"]
    projection = project(share(*all_rows(store, now)), now)
    finders: dict[str, CommunityFinder] = {
        "leiden": LeidenCpm(DetectionSettings().resolution),
        "louvain": Louvain(),
        "gds-leiden": GdsFinder(store, "leiden"),
        "gds-louvain": GdsFinder(store, "louvain"),
    }
    # the server compiles what it runs often, and plans each statement once
    for finder in finders.values():
        _warm(finder, projection)
    found = {engine: _run(projection, finder) for engine, finder in finders.items()}
    for engine in ("gds-leiden", "gds-louvain"):
        # the very same components, whoever looks for them
        assert found[engine].components == found["leiden"].components, engine
        whole = _run(projection, finders[engine], _everything)
        found[f"{engine}, once over all"] = whole
    sizes = sorted((len(each) for each in found["leiden"].components), reverse=True)
    out.print(
        f"{name}: {len(projection.account_ids):,} accounts, {projection.source.size:,} links, "
        f"{len(sizes):,} components, the largest of {sizes[0]:,} accounts, "
        f"{sum(size > 2 for size in sizes):,} of three or more; {len(rings):,} rings planted"
    )
    return _report(name, found, rings)


def _warm(finder: CommunityFinder, projection: Projection) -> None:
    components = find_components(projection, None, finder.connect)
    largest = sorted(components, key=lambda each: len(each.members))[-20:]
    find_communities(finder, largest, 3)


def _run(
    projection: Projection,
    finder: CommunityFinder,
    components: Callable[[Projection, CommunityFinder], list[Component]] | None = None,
) -> Outcome:
    began = time.perf_counter()
    parts = (components or _components)(projection, finder)
    communities = find_communities(finder, parts, 3, projection.shared.ties)
    seconds = time.perf_counter() - began
    return Outcome(
        seconds,
        {frozenset(part.account_ids) for part in parts},
        {frozenset(each.account_ids) for each in communities},
    )


def _components(projection: Projection, finder: CommunityFinder) -> list[Component]:
    return list(find_components(projection, None, finder.connect))


def _everything(projection: Projection, _: CommunityFinder) -> list[Component]:
    """All links as if they were one component."""
    linked, ends = np.unique(
        np.concatenate([projection.source, projection.target]), return_inverse=True
    )
    source, target = np.split(ends.astype(np.int32), 2)
    names = tuple(projection.account_ids[n] for n in linked.tolist())
    return [Component(linked, names, source, target, projection.weight)]


def _report(name: str, found: dict[str, Outcome], rings: dict[str, set[str]]) -> dict[str, float]:
    figures: dict[str, float] = {}
    columns = ["communities ≥ 3", "as by leiden", "rings at J ≥ 0.5", "J ≥ 0.8", "seconds"]
    table = Table("engine", *columns, title=name)
    usual = found["leiden"].communities
    for engine, outcome in found.items():
        same = len(usual & outcome.communities) / max(len(usual), 1)
        shares = _shares(outcome.communities, rings) if rings else {}
        table.add_row(
            engine,
            f"{len(outcome.communities):,}",
            f"{same:.1%}",
            *(f"{shares[percent]:.1%}" if shares else "-" for percent in (50, 80)),
            f"{outcome.seconds:.2f}",
        )
        of = f"{name}_{engine}".replace(", ", "_").replace(" ", "_").replace("-", "_")
        figures[f"{of}_communities"] = len(outcome.communities)
        figures[f"{of}_s"] = outcome.seconds
        figures |= {f"{of}_found_{percent}": value for percent, value in shares.items()}
    out.print(table)
    return figures


def _shares(communities: set[Members], rings: dict[str, set[str]]) -> dict[int, float]:
    accounts = sorted({account for group in [*communities, *rings.values()] for account in group})
    number = {account: n for n, account in enumerate(accounts)}
    planted = {name: frozenset(number[a] for a in group) for name, group in rings.items()}
    is_member = np.zeros(len(accounts), np.bool_)
    is_member[[n for group in planted.values() for n in group]] = True
    groups = sorted(sorted(number[a] for a in group) for group in communities)
    report = ring_report(
        is_member, planted, [FoundRing(RiskLevel.LOW, frozenset(group), 0) for group in groups]
    )
    assert report.whole is not None
    return {percent: share or 0.0 for percent, share in report.whole.found.items()}
