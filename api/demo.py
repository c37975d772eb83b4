"""`ringtrace demo`: real data through the whole path, to a real ring in a browser."""

import time
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from api.stages import Stages
from api.world import World
from detection.settings import DetectionSettings
from graph.errors import InputError
from graph.store import GraphStore
from graph.views import RingFilter, list_rings
from ingest.consumer import progress
from ingest.files import read_events
from ingest.replay import replay

_DATA = Path(__file__).resolve().parents[1] / "tests" / "data" / "p2p"


def progress_bar(console: Console) -> Progress:
    """A progress bar that keeps quiet when nobody watches."""
    return Progress(
        TextColumn("{task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def play(world: World, store: GraphStore, stages: Stages, console: Console) -> None:
    """Send the bundled data through Kafka and wait until the graph has it all."""
    if not _DATA.is_dir():
        raise InputError("the demo's data are in the source checkout: run it from there")
    values, count = read_events([_DATA], "p2p")
    with progress_bar(console) as bar:
        sending = bar.add_task("Playing into Kafka", total=count)
        replay(
            values,
            world.ingest.topic,
            world.bootstrap_servers,
            lambda sent: bar.update(sending, completed=sent),
        )
        _wait_for_graph(world, store, stages, bar)


def _wait_for_graph(world: World, store: GraphStore, stages: Stages, bar: Progress) -> None:
    writing = bar.add_task("Writing the graph", total=None)
    while True:
        stages.check()
        done, total = progress(store, world.ingest.topic, world.bootstrap_servers)
        bar.update(writing, completed=done, total=total)
        if done == total:
            return
        time.sleep(0.3)


def find_rings(world: World, store: GraphStore, console: Console) -> None:
    """Run one full detection, as `ringtrace detect --full` does."""
    from detection.scheduler import detect_once

    with console.status("Finding rings"):
        detect_once(store, world.archive(), DetectionSettings(), full=True)


def print_summary(store: GraphStore, console: Console, page: str) -> None:
    """What is in the graph, rings by level, the ten riskiest accounts and the riskiest ring."""
    totals = Table("kind", "count", "used by more than one account", title="In the graph")
    for row in store.read("explore/totals"):
        shared = "" if row["kind"] == "account" else f"{row['shared']:,}"
        totals.add_row(row["kind"], f"{row['count']:,}", shared)
    levels = Table("level", "rings", title="Rings")
    counts = {row["risk_level"]: row["count"] for row in store.read("explore/ring_levels")}
    for level in ("critical", "high", "medium", "low"):
        levels.add_row(level, f"{counts.get(level, 0):,}")
    accounts = Table("account", "ring risk", "anomaly", "ring", title="The ten riskiest accounts")
    for row in store.read("explore/riskiest_accounts", limit=10):
        accounts.add_row(
            row["account_id"], str(row["risk_score"]), str(row["anomaly_score"]), row["ring_id"]
        )
    for table in (totals, levels, accounts):
        console.print(table)
    rings = list_rings(store, RingFilter(), None, 1)
    if rings:
        console.print(
            f"The riskiest ring ({rings[0].risk_score} of 100, {rings[0].size} accounts):"
        )
        console.print(f"  {page}/rings/{rings[0].ring_id}", highlight=False, soft_wrap=True)


def wait_for_page(page: str, stages: Stages) -> None:
    """Return when the page answers."""
    while True:
        stages.check()
        try:
            httpx.get(f"{page}/api/v1/ready", timeout=2).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.2)
        else:
            return
