"""`ringtrace bench ingest`: Ringtrace against a plain consumer on the same simulated events.

Each side starts servers of its own, takes a warm-up that is not timed, then 300,000 events of
100,000 accounts into a graph that knows nothing of them (cold), then 300,000 more of which 85 %
only repeat pairs that the graph has (mature); three times, in turns. The graphs must be equal,
count for count. Ringtrace does everything it always does: exactly-once, archive, pseudonyms,
duplicates. At the end 5 million events go through `ringtrace ingest` for its memory alone.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import psutil
from rich.console import Console
from rich.table import Table

from api.world import World
from graph.keyring import make_keyring
from graph.settings import GraphSettings
from ingest.consumer import ensure_topics, progress
from ingest.replay import replay
from ingest.settings import IngestSettings
from ingest.simulate import Simulation, simulate
from tests.conftest import command_line

SIDES = ("ringtrace", "plain")
REPEATING = 0.85
out = Console(width=110)


def run(scale: str = "full") -> dict[str, float]:
    """Measure, print and return the figures."""
    is_small = scale == "small"
    events, accounts, rounds = (6_000, 2_000, 1) if is_small else (300_000, 100_000, 3)
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        folder = Path(name)
        make_keyring(folder / "keys.json", now=0)
        _prepare(folder, events, accounts)
        found: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
        for number in range(rounds):
            for side in SIDES if number % 2 == 0 else reversed(SIDES):
                found[side].append(_one(folder, side))
            ours, theirs = (found[side][-1]["graph"] for side in SIDES)
            if different := [part for part in ours if ours[part] != theirs[part]]:
                raise AssertionError(f"the two graphs differ in {', '.join(different)}")
        figures = _report(found)
        figures |= _memory(folder, 40_000 if is_small else 5_000_000, accounts)
    return figures


def _prepare(folder: Path, events: int, accounts: int) -> None:
    """Write the events of the three phases; no event twice, the plain side would count it twice."""
    warm = islice(_once(simulate(Simulation(accounts=2_000, days=60, seed=7))), events // 8)
    _write(folder / "warm.jsonl", warm)
    stream = _once(simulate(Simulation(accounts=accounts, days=60, seed=8)))
    known: set[tuple[str, str]] = set()
    cold = list(islice(stream, events))
    for value in cold:
        known.update(_pairs(value))
    _write(folder / "cold.jsonl", cold)
    _write(folder / "mature.jsonl", islice(_mature(stream, known), events))


def _mature(stream: Iterable[bytes], known: set[tuple[str, str]]) -> Iterator[bytes]:
    """Of a stream so many new events that 85 % of all repeat known pairs."""
    taken = new = 0
    for value in stream:
        pairs = _pairs(value)
        is_new = not pairs <= known
        if is_new and new >= (1 - REPEATING) * (taken + 1):
            continue
        known |= pairs
        taken, new = taken + 1, new + is_new
        yield value


def _once(values: Iterable[bytes]) -> Iterator[bytes]:
    seen: set[tuple[str, str]] = set()
    for value in values:
        event = msgspec.json.decode(value)
        name = (event["account_id"], event["event_id"])
        if name not in seen:
            seen.add(name)
            yield value


def _pairs(value: bytes) -> set[tuple[str, str]]:
    event = msgspec.json.decode(value)
    texts = {"account": event["account_id"]}
    for name in ("device_id", "ip", "email", "phone", "address", "counterparty_account_id"):
        if name in event:
            texts[name] = event[name]
    instrument = event.get("payment_instrument")
    if instrument is not None:
        texts["instrument"] = instrument["id"] if isinstance(instrument, dict) else instrument
    return {(event["account_id"], f"{name}:{text}") for name, text in texts.items()}


def _write(path: Path, values: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(value + b"\n" for value in values)


def _one(folder: Path, side: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.ingest_side", side, str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    shutil.rmtree(folder / side)
    found: dict[str, Any] = json.loads(done.stdout)
    rates = {phase: found[phase]["events"] / found[phase]["wall_s"] for phase in ("cold", "mature")}
    out.print(f"{side:<10} cold {rates['cold']:>7,.0f}/s  mature {rates['mature']:>7,.0f}/s")
    return found


def _report(found: dict[str, list[dict[str, Any]]]) -> dict[str, float]:
    figures: dict[str, float] = {}
    table = Table(
        *("phase", "side", "events/s", "lowest", "highest", "CPU s: consumer", "Neo4j", "Kafka"),
        title="Ingest",
    )
    for phase in ("cold", "mature"):
        rates = {}
        for side in SIDES:
            phases = [each[phase] for each in found[side]]
            rates[side] = [each["events"] / each["wall_s"] for each in phases]
            cpu = [
                statistics.median(p["cpu_s"][n] for p in phases)
                for n in ("consumer", "neo4j", "kafka")
            ]
            middle = statistics.median(rates[side])
            row = [f"{x:,.0f}" for x in (middle, min(rates[side]), max(rates[side]))]
            table.add_row(phase, side, *row, *(f"{seconds:.1f}" for seconds in cpu))
            figures[f"{phase}_{side}_events_per_s"] = middle
        ratios = [a / b for a, b in zip(rates["ringtrace"], rates["plain"], strict=True)]
        figures[f"{phase}_ratio"] = statistics.median(ratios)
        table.add_row(
            phase, "ratio", f"{figures[f'{phase}_ratio']:.2f}", f"{min(ratios):.2f}",
            f"{max(ratios):.2f}", "", "", "",
        )  # fmt: skip
    out.print(table)
    _report_parts(found["ringtrace"])
    figures["mature_events_per_s"] = figures["mature_ringtrace_events_per_s"]
    return figures


def _report_parts(rounds: list[dict[str, Any]]) -> None:
    """Where the time goes: parts run side by side, so they add up to more than the wall clock."""
    table = Table("part of the work", "cold s", "mature s", title="Ringtrace, medians")
    for part in rounds[0]["mature"]["parts_s"]:
        seconds = [
            statistics.median(each[phase]["parts_s"][part] for each in rounds)
            for phase in ("cold", "mature")
        ]
        table.add_row(part, *(f"{each:.2f}" for each in seconds))
    walls = [statistics.median(each[p]["wall_s"] for each in rounds) for p in ("cold", "mature")]
    table.add_row("wall clock", *(f"{each:.2f}" for each in walls))
    shares = []
    for phase in ("cold", "mature"):
        cpus = [each[phase]["cpu_s"] for each in rounds]
        shares.append(statistics.median(cpu["neo4j"] / sum(cpu.values()) for cpu in cpus))
    table.add_row("Neo4j's share of all CPU", *(f"{share:.0%}" for share in shares))
    out.print(table)


def _memory(folder: Path, events: int, accounts: int) -> dict[str, float]:
    """Peak memory of `ringtrace ingest` over many events, and whether it is flat."""
    cli = command_line(folder / "memory")
    world = World(cli.data_dir, GraphSettings(), IngestSettings())
    started = world.start_servers(origin="http://127.0.0.1:8000")
    child = None
    try:
        ensure_topics(world.ingest, world.bootstrap_servers)
        child = cli.start("ingest")
        with _memory_of(child.pid) as samples:
            rate = _play(world, events, accounts)
    finally:
        if child is not None:
            child.terminate()
            child.wait(60)
        world.stop_servers(started)
    half = len(samples) // 2
    peak, first, last = max(samples), max(samples[:half]), max(samples[half:])
    out.print(
        f"{events:,} events at {rate:,.0f}/s (producing included): peak {peak:.0f} MB, "
        f"first half {first:.0f} MB, second half {last:.0f} MB"
    )
    return {"ingest_peak_rss_mb": peak, "ingest_second_half_rss_ratio": last / first}


def _play(world: World, events: int, accounts: int) -> float:
    """Send events and wait until they are counted; events a second."""
    days = round(events / accounts) + 2
    values = islice(simulate(Simulation(accounts=accounts, days=days, seed=9)), events)
    began = time.perf_counter()
    replay(values, world.ingest.topic, world.bootstrap_servers)
    with world.store() as store:
        done, total = 0, 1
        while done < total:
            time.sleep(1)
            done, total = progress(store, world.ingest.topic, world.bootstrap_servers)
    return events / (time.perf_counter() - began)


@contextmanager
def _memory_of(pid: int) -> Iterator[list[float]]:
    """Resident megabytes of a process, twice a second."""
    samples: list[float] = []
    over, process = threading.Event(), psutil.Process(pid)

    def watch() -> None:
        while not over.wait(0.5):
            samples.append(process.memory_info().rss / 1024**2)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield samples
    finally:
        over.set()
        watcher.join()
