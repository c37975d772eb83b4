"""`ringtrace bench`: the benchmarks of the source, which are no part of an installed package."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from graph.errors import InputError

_ROOT = Path(__file__).parents[2]


def bench(
    name: Annotated[
        str,
        typer.Argument(
            help="activity, calibration, clients, detect, engines, faults, ingest, other_world, "
            "report, sybil_world or worlds."
        ),
    ],
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
    scale: Annotated[str, typer.Option(help="full, or small for less than a minute.")] = "full",
) -> None:
    """Measure and print both sides and the spread. Example: ringtrace bench ingest."""
    if not (_ROOT / "tests" / "benchmarks").is_dir():
        raise InputError("benchmarks need the source: clone it and call `make bench`")
    command = [sys.executable, "-m", "tests.benchmarks", name, "--scale", scale]
    command += ["--json", str(json.absolute())] if json else []
    raise SystemExit(subprocess.call(command, cwd=_ROOT))
