"""`make bench ARGS=calibration`: how benign rings score, and whether what is promised is kept.

Some simulated worlds say how rings that are none score: `detection/simulated_calibration.json` is
written anew. On five others the share of benign rings at the threshold is then compared with the
bound. 20,000 accounts over 10 days each, by the commands of the README.
"""

import json
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.other_world import out, played
from tests.conftest import ROOT

FILE = ROOT / "detection" / "simulated_calibration.json"
#: of the worlds that say it, and of those that check it
SEEDS, FRESH = (401, 402, 403), (411, 412, 413, 414, 415)


def run(scale: str = "full") -> dict[str, float]:
    """Write the file and return what the fresh worlds say; `small` is one of each, unwritten."""
    is_small = scale == "small"
    accounts = "4000" if is_small else "20000"
    sums: dict[str, list[int]] = {}
    for seed in SEEDS[:1] if is_small else SEEDS:
        for name, counts in _world(seed, accounts, "calibrate").items():
            before = sums.get(name, [0] * len(counts))
            sums[name] = [a + b for a, b in zip(before, counts, strict=True)]
    out.print(f"{sum(sums['benign'])} benign rings of {sum(sums['everybody'])}")
    if not is_small:
        FILE.write_text(json.dumps(sums) + "\n")
    figures: dict[str, float] = {}
    for seed in FRESH[:1] if is_small else FRESH:
        found = _world(seed, accounts, "evaluate")
        names = ("threshold", "benign_rings", "benign_share_at_threshold", "benign_share_bound")
        figures |= {f"seed_{seed}_{name}": found[name] for name in names}
        out.print({name: found[name] for name in names})
    return figures


def _world(seed: int, accounts: str, command: str) -> dict[str, list[int] | float]:
    simulate = (sys.executable, "-m", "api", "simulate", "--accounts", accounts, "--days", "10")
    with tempfile.TemporaryDirectory(prefix="ringtrace-bench-") as name:
        folder, figures = Path(name), Path(name) / "f.json"
        with played(folder, (*simulate, "--seed", str(seed))) as (cli, truth):
            cli.run(command, "--truth", truth, "--json", str(figures))
        found: dict[str, list[int] | float] = json.loads(figures.read_text())
    return found
