"""`make bench ARGS=worlds`: rings found in five simulated worlds of a million accounts.

Ten days each, by the commands of the README; what `ringtrace evaluate` says of each is printed
whole. A world takes about half an hour.
"""

import sys

from tests.benchmarks.other_world import evaluated

#: nothing was chosen by looking at these
SEEDS = (302, 303, 304, 305, 306)


def run(scale: str = "full") -> dict[str, float]:
    """Evaluate the worlds and return the figures of each."""
    is_small = scale == "small"
    size = ("--accounts", "5000" if is_small else "1000000", "--days", "10")
    simulate = (sys.executable, "-m", "api", "simulate")
    return evaluated((*simulate, *size), SEEDS[:1] if is_small else SEEDS)
