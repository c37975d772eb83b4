"""`ringtrace simulate`: believable traffic with planted rings, and the truth about them."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from api.demo import progress_bar
from api.options import DataDir, open_world
from api.world import World
from ingest.cells import rfc3339_millis
from ingest.consumer import ensure_topics
from ingest.replay import paced, replay
from ingest.simulate import Simulation, truth
from ingest.simulate import simulate as simulated
from ingest.simulation.output import check_ending, write_events, write_truth
from ingest.simulation.scenario import START

_RATE = re.compile(r"max|(?=.*[1-9])\d+(\.\d+)?x?")
out = Console()


def simulate(  # noqa: PLR0913  (options, which are always named)
    accounts: Annotated[int, typer.Option(help="How many accounts.")],
    days: Annotated[int, typer.Option(help="How many days, with about 1 event an account each.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same events.")],
    to: Annotated[str, typer.Option("--out", help="kafka, or a .jsonl, .jsonl.gz, .jsonl.zst.")],
    truth_file: Annotated[Path | None, typer.Option("--truth", help="CSV of members.")] = None,
    start: Annotated[str | None, typer.Option(help="First day or instant; 2025-01-06.")] = None,
    rings: Annotated[float, typer.Option(help="Share of accounts in rings.")] = 0.02,
    rate: Annotated[str, typer.Option(help="Events a second, max, or Nx the real speed.")] = "max",
    data_dir: DataDir = None,
) -> None:
    """Make up events with rings in them. Example: ringtrace simulate --accounts 1000 --days 30
    --seed 1 --out events.jsonl.zst --truth truth.csv."""
    if not _RATE.fullmatch(rate):
        raise typer.BadParameter("--rate takes max, a number above 0, or one with an x")
    simulation = Simulation(accounts, days, seed, _start(start), ring_share=rings)
    send = _to_kafka(open_world(data_dir)) if to == "kafka" else _to_file(Path(to))
    values = paced(simulated(simulation), rate)
    with progress_bar(out) as bar:
        task = bar.add_task("Simulating", total=accounts * days)
        count = send(values, lambda done: bar.update(task, completed=done))
        bar.update(task, total=count)
    out.print(f"simulated {count} events")
    if truth_file is not None:
        members, planted = write_truth(truth(simulation), truth_file)
        out.print(f"{members} accounts are in {planted} rings: {truth_file}", soft_wrap=True)


_Send = Callable[[Iterator[bytes], Callable[[int], None]], int]


def _to_kafka(world: World) -> _Send:
    brokers, topic = world.bootstrap_servers, world.ingest.topic
    ensure_topics(world.ingest, brokers)
    return lambda values, report: replay(values, topic, brokers, report)


def _to_file(path: Path) -> _Send:
    check_ending(path)
    return lambda values, report: write_events(values, path, report)


def _start(text: str | None) -> int:
    try:
        return START if text is None else rfc3339_millis(text)
    except ValueError:
        raise typer.BadParameter(f"--start {text} is no time: write it as 2025-01-06") from None
