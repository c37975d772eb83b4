"""`python -m tests.benchmarks NAME [--json FILE]`: each prints both sides and the spread."""

import argparse
import json
import logging
from pathlib import Path

from tests.benchmarks import (
    activity,
    calibration,
    clients,
    detect,
    engines,
    faults,
    ingest,
    other_world,
    report,
    sybil_world,
    worlds,
)

BENCHMARKS = {
    "activity": activity.run,
    "calibration": calibration.run,
    "clients": clients.run,
    "detect": detect.run,
    "engines": engines.run,
    "faults": faults.run,
    "ingest": ingest.run,
    "other_world": other_world.run,
    "report": report.run,
    "sybil_world": sybil_world.run,
    "worlds": worlds.run,
}


def main() -> None:
    """Run one benchmark, all when none is named."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("name", nargs="?", choices=sorted(BENCHMARKS))
    parser.add_argument("--json", type=Path, help="write the figures flat")
    parser.add_argument("--scale", choices=["full", "small"], default="full")
    wanted = parser.parse_args()
    logging.getLogger("kafka").setLevel("CRITICAL")
    figures: dict[str, float] = {}
    for name in [wanted.name] if wanted.name else sorted(BENCHMARKS):
        figures |= BENCHMARKS[name](wanted.scale)
    if wanted.json:
        wanted.json.write_text(json.dumps(figures, indent=2) + "\n")


main()
