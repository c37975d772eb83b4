"""`make bench ARGS=other_world`: rings found in worlds of a generator that is not ours.

Each world is 20,000 accounts over 30 days, played into a Neo4j of its own and looked at by the
commands of the README; what `ringtrace evaluate` says of it is printed whole.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from tests.conftest import ROOT, CommandLine, command_line, servers_of

#: seeds 1 and 11 were looked at while detectors were mended, these were not
SEEDS = (2, 3, 4)
FIGURES = ("found_50", "found_80", "noise_high")
out = Console(width=110)


def run(scale: str = "full") -> dict[str, float]:
    """Evaluate the worlds and return the figures of each."""
    is_small = scale == "small"
    accounts = "4000" if is_small else "20000"
    generator = (sys.executable, "-m", "tests.benchmarks.other_generator")
    size = ("--accounts", accounts, "--days", "30")
    return evaluated((*generator, *size), SEEDS[:1] if is_small else SEEDS)


def evaluated(
    generator: tuple[str, ...], seeds: Sequence[int], has_deny_list: bool = False
) -> dict[str, float]:
    """What is found in the worlds that a command makes with `--seed`, `--out` and `--truth`.

    And with `--deny-list`, if it has one.
    """
    figures: dict[str, float] = {}
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="ringtrace-bench-") as name:
            folder = Path(name)
            denied = ("--deny-list", str(folder / "denied.txt")) if has_deny_list else ()
            found = _evaluated(folder, (*generator, "--seed", str(seed)), denied)
        figures |= {f"seed_{seed}_{name}": found[name] for name in FIGURES}
    return figures


def _evaluated(
    folder: Path, generator: tuple[str, ...], denied: tuple[str, ...] = ()
) -> dict[str, float]:
    figures = folder / "f.json"
    with played(folder, generator, denied) as (cli, truth):
        out.print(cli.run("evaluate", "--truth", truth, "--json", str(figures)).stdout)
    found: dict[str, float] = json.loads(figures.read_text())
    return found


@contextmanager
def played(
    folder: Path, generator: tuple[str, ...], denied: tuple[str, ...] = ()
) -> Iterator[tuple[CommandLine, str]]:
    """A world that a command makes, ingested and looked at; with its truth file."""
    events, truth = str(folder / "e.jsonl"), str(folder / "truth.csv")
    files = ("--out", events, "--truth", truth, *denied)
    subprocess.run([*generator, *files], cwd=ROOT, check=True)
    cli = command_line(folder / "world")
    with servers_of(cli):
        # of ten million events
        cli.run("replay", events, "--to", "graph", *denied, timeout=3600)
        cli.run("archive", "compact")
        cli.run("detect", "--full", timeout=3600)
        yield cli, truth
