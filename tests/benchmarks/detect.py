"""`ringtrace bench detect`: what a full pass and an incremental run take, and against what.

A simulated world is written into a Neo4j of its own: 1,000,000 accounts with five million uses, and
one of a tenth of that for the growth. On it
- a full pass as `ringtrace detect --full` does it, by stage, with the memory of its process,
- three times in turns: the read statements alone, read + project + cluster, and the bare libraries
  (numpy's pairs and sums, scipy's components, graspologic's Leiden on the whole graph at once) on
  the same arrays, with and without the making of pairs,
- networkx and python-louvain on the same links,
- incremental runs: 1,000 accounts drawn at random are touched, eleven times; the median counts.
"""

import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import community as python_louvain
import graspologic_native
import networkx as nx
import numpy as np
import psutil
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from api.world import World
from detection.communities import LeidenCpm, find_communities
from detection.components import find_components
from detection.pipeline import detect
from detection.projection import MILLION, MIN_LINK, Projection, pair_weights, project
from detection.reading import all_rows
from detection.settings import DetectionSettings
from detection.shared import Longs, Shared, share
from graph import metrics
from graph.schema import apply_schema
from graph.settings import GraphSettings
from graph.store import GraphStore
from ingest.simulate import Simulation
from tests.benchmarks.loaded import load
from tests.conftest import command_line

STAGES = ("read", "project", "cluster", "score", "write")
TOUCHED = 1_000
ROUNDS = 3
RUNS = 11
out = Console(width=110)


def run(scale: str = "full") -> dict[str, float]:
    """Measure, print and return the figures."""
    is_small = scale == "small"
    sizes = (500, 1_000) if is_small else (100_000, 1_000_000)
    figures: dict[str, float] = {}
    medians = []
    for accounts in sizes:
        with tempfile.TemporaryDirectory(prefix="ringtrace-bench-") as name:
            found = _measure(Path(name), accounts, accounts == sizes[-1], 3 if is_small else RUNS)
        medians.append(found["incremental_median_s"])
        figures |= found
    figures["incremental_growth"] = medians[-1] / medians[0]
    _report(figures, sizes)
    return figures


def _measure(folder: Path, accounts: int, is_largest: bool, runs: int) -> dict[str, float]:
    settings = GraphSettings(page_cache_size="3g", heap_size="3g")
    world = World(folder, settings)
    started = world.start_servers(origin="http://127.0.0.1:8000")
    try:
        with world.store() as store:
            apply_schema(store)
            counts = load(store, Simulation(accounts, 20, seed=3), folder)
            out.print(f"{accounts:,} accounts: {counts}")
            figures = {"accounts": float(accounts), "uses": float(counts["ingest/merge_uses"])}
            figures["peak_rss_mb"] = _full_pass(folder)
            figures |= _stages(store)
            if is_largest:
                figures |= _ratios(store)
            return figures | _incremental(store, runs)
    finally:
        world.stop_servers(started)


def _full_pass(folder: Path) -> float:
    """The first full pass by the command; the greatest memory of its process, MB."""
    cli = command_line(folder)
    child = psutil.Popen(
        [sys.executable, "-m", "api", "detect", "--full", "--data-dir", str(folder)],
        env=cli.environment,
        stdout=subprocess.DEVNULL,
    )
    peak, done = 0.0, threading.Event()
    while not done.wait(0.1):
        try:
            peak = max(peak, child.memory_info().rss / 2**20)
        except psutil.Error:
            break
        if child.poll() is not None:
            done.set()
    if child.wait():
        raise AssertionError("ringtrace detect --full failed")
    return peak


def _stages(store: GraphStore) -> dict[str, float]:
    """A second full pass, by stage: most of what it would write is there already."""
    before = {stage: _spent(stage) for stage in STAGES}
    detect(store, DetectionSettings(), full=True)
    return {f"{stage}_s": _spent(stage) - before[stage] for stage in STAGES}


def _spent(stage: str) -> float:
    return float(metrics.DETECTION_STAGE_SECONDS.labels(stage)._sum.get())


def _ratios(store: GraphStore) -> dict[str, float]:
    now = store.read("detection/read_now")[0]["now"]
    times: dict[str, list[float]] = {
        name: [] for name in ("read", "ours", "whole", "pairs", "library")
    }
    for _ in range(ROUNDS):
        times["read"].append(_timed(lambda: all_rows(store, now))[0])
        seconds, (shared, projection, inner) = _timed(lambda: _ours(store, now))
        times["whole"].append(seconds)
        times["ours"].append(inner)
        seconds, (codes, weights) = _timed(partial(_pairs, shared, now))
        times["pairs"].append(seconds)
        bare = partial(_library, codes, weights, len(shared.account_ids))
        times["library"].append(_timed(bare)[0])
    reference, _ = _timed(lambda: _reference(projection))
    bare_times = list(zip(times["ours"], times["pairs"], times["library"], strict=True))
    streams = [a / b for a, b in zip(times["whole"], times["read"], strict=True)]
    out.print(f"links {projection.source.size:,}; identifiers shared {len(shared.keys):,}")
    for name, values in times.items():
        out.print(f"{name:<8} {'  '.join(f'{value:.2f} s' for value in values)}")
    return {
        "library_ratio": statistics.median(a / (b + c) for a, b, c in bare_times),
        "library_ratio_pairs_given": statistics.median(a / c for a, _, c in bare_times),
        "stream_ratio": statistics.median(streams),
        "reference_s": reference,
        "reference_speedup": reference / statistics.median(times["ours"]),
    }


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def _ours(store: GraphStore, now: int) -> tuple[Shared, Projection, float]:
    shared = share(*all_rows(store, now))
    began = time.perf_counter()
    projection = project(shared, now)
    settings = DetectionSettings()
    finder, least = LeidenCpm(settings.resolution), settings.min_ring_size
    components = find_components(projection, None, finder.connect, least)
    find_communities(finder, components, least, shared.ties)
    return shared, projection, time.perf_counter() - began


def _pairs(shared: Shared, now: int) -> tuple[Longs, Longs]:
    codes, weights = zip(*pair_weights(shared, now), strict=True)
    return np.concatenate(codes), np.concatenate(weights)


def _library(codes: Longs, weights: Longs, count: int) -> None:
    """The same without us, from what each pair shares on: sums, components, one Leiden of all."""
    pair, place = np.unique(codes, return_inverse=True)
    total = np.zeros(pair.size, np.int64)
    np.add.at(total, place, weights)
    pair, total = pair[total >= MIN_LINK], total[total >= MIN_LINK]
    linked, ends = np.unique(np.concatenate(np.divmod(pair, count)), return_inverse=True)
    one, other = np.split(ends, 2)
    places = np.concatenate([one, other]), np.concatenate([other, one])
    links = csr_array((np.tile(total / MILLION, 2), places), shape=(linked.size,) * 2)
    connected_components(links, directed=False)
    graspologic_native.leiden_csr(
        links.indptr.astype(np.int64),
        links.indices.astype(np.int32),
        links.data,
        linked.size,
        resolution=DetectionSettings().resolution,
        iterations=1,
        trials=2,
        use_modularity=False,
        seed=1,
    )


def _reference(projection: Projection) -> None:
    graph = nx.Graph()
    columns = (projection.source, projection.target, projection.weight / MILLION)
    graph.add_weighted_edges_from(zip(*(column.tolist() for column in columns), strict=True))
    python_louvain.best_partition(graph, random_state=1)


def _incremental(store: GraphStore, runs: int) -> dict[str, float]:
    ids = [row["id"] for row in store.read("detection/active_accounts")]
    chance = random.Random(7)
    seconds, spent = [], {stage: _spent(stage) for stage in STAGES}
    for number in range(runs):
        some = sorted(chance.sample(ids, min(TOUCHED, len(ids) // 4)))
        store.write(lambda tx, n=number, s=some: _touch(tx, n, s))
        taken, found = _timed(lambda: detect(store, DetectionSettings()))
        seconds.append(taken)
        out.print(f"incremental {taken:.2f} s: {found.account_count} accounts looked at")
    parts = {stage: (_spent(stage) - spent[stage]) / runs for stage in STAGES}
    out.print("  ".join(f"{stage} {value:.2f} s" for stage, value in parts.items()))
    return {"incremental_median_s": statistics.median(seconds)}


def _touch(tx: Any, number: int, account_ids: list[str]) -> None:
    tx.run(
        "ingest/touch",
        id=f"bench-{number}",
        account_ids=account_ids,
        partitions=[],
        latest_at=0,
    )


def _report(figures: dict[str, float], sizes: tuple[int, int]) -> None:
    table = Table("figure", "value", title=f"Detection, {sizes[1]:,} accounts")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.2f}")
    out.print(table)
