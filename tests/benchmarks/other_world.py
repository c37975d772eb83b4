"""`make bench ARGS=other_world`: rings found in worlds of a generator that is not ours.

Each world is 20,000 accounts over 30 days, played into a Neo4j of its own and looked at by the
commands of the README; what `ringtrace evaluate` says of it is printed whole.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from tests.conftest import ROOT, command_line

#: seeds 1 and 11 were looked at while detectors were mended, these were not
SEEDS = (2, 3, 4)
FIGURES = ("found_50", "found_80", "noise_high")
out = Console(width=110)


def run(scale: str = "full") -> dict[str, float]:
    """Evaluate the worlds and return the figures of each."""
    is_small = scale == "small"
    figures: dict[str, float] = {}
    for seed in SEEDS[:1] if is_small else SEEDS:
        with tempfile.TemporaryDirectory(prefix="ringtrace-bench-") as name:
            found = _evaluate(Path(name), seed, 4_000 if is_small else 20_000)
        figures |= {f"seed_{seed}_{name}": found[name] for name in FIGURES}
    return figures


def _evaluate(folder: Path, seed: int, accounts: int) -> dict[str, float]:
    events, truth, figures = (str(folder / name) for name in ("e.jsonl", "truth.csv", "f.json"))
    size = ("--accounts", str(accounts), "--days", "30", "--seed", str(seed))
    generator = (sys.executable, "-m", "tests.benchmarks.other_generator")
    subprocess.run([*generator, *size, "--out", events, "--truth", truth], cwd=ROOT, check=True)
    cli = command_line(folder / "world")
    cli.run("servers", "start")
    try:
        cli.run("replay", events, "--to", "graph")
        cli.run("archive", "compact")
        cli.run("detect", "--full")
        out.print(cli.run("evaluate", "--truth", truth, "--json", figures).stdout)
    finally:
        cli.run("servers", "stop")
    found: dict[str, float] = json.loads(Path(figures).read_text())
    return found
