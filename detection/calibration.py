"""Thresholds with a stated share of false positives: scores of rings that are none.

A ring alone is judged, never an account: members of one ring are not independent. Such a share is
among benign rings that were drawn without looking at their scores: those that somebody was alerted
to score high all of them. So `ringtrace calibrate --sample` draws rings for investigators, and only
what is said of these counts.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, partial
from pathlib import Path

import msgspec
import numpy as np

from graph import outbox
from graph.store import GraphStore, Transaction

#: share of benign rings that may reach the threshold
MOST_FALSE = 0.02
#: benign rings without which that share cannot be stated: (1 + 0) / (49 + 1)
ENOUGH = 49
#: of the bound on the true share
CERTAINTY = 0.95
#: population stability index from which two distributions are held to differ (Siddiqi 2006)
DRIFTED = 0.25
#: and below which they are held to be the same again
STEADY = 0.1
_SCORES = 101
_SIMULATED = Path(__file__).with_name("simulated_calibration.json")
#: scores in a bin of the drift test, and what stands for an empty bin
_BIN, _LITTLE = 10, 0.5


class Source(StrEnum):
    """Whose word it is that rings are benign."""

    SIMULATED = "simulated"
    TRUTH = "truth"
    DISPOSITIONS = "dispositions"


@dataclass(frozen=True, slots=True)
class Calibration:
    """How benign candidate rings score."""

    #: how many have each risk score, 0 to 100
    benign: tuple[int, ...]
    #: the same of all open rings when it was made: what the drift test compares with
    everybody: tuple[int, ...]
    source: Source
    #: when it was made, milliseconds since 1970
    at: int = 0
    #: whether open rings score so differently since that it says nothing any more
    is_frozen: bool = False

    @property
    def count(self) -> int:
        """How many benign rings it is made of."""
        return sum(self.benign)

    @property
    def is_calibrated(self) -> bool:
        """Whether it is about this data, and of enough rings."""
        return self.source is not Source.SIMULATED and self.count >= ENOUGH

    def p_value(self, score: int) -> float:
        """Conformal: a benign ring scores so high with at most this probability.

        Over the choice of the rings it is made of, too (Bates et al. 2023, after Vovk 2005).
        """
        return (1 + sum(self.benign[score:])) / (self.count + 1)

    def bound(self, score: int) -> float:
        """The share of benign rings that score so high is below this, with CERTAINTY.

        One-sided, of Clopper and Pearson (1934), for a score chosen without looking.
        """
        if not self.count:
            return 1.0
        # imported here: it takes a second, and commands that calibrate nothing start without it
        from scipy.stats import beta

        above = sum(self.benign[score:])
        if above == self.count:
            return 1.0
        return float(beta.ppf(CERTAINTY, above + 1, self.count - above))

    @property
    def threshold(self) -> int:
        """The lowest score that a benign ring reaches with probability MOST_FALSE at most."""
        return next(s for s in range(_SCORES + 1) if s == _SCORES or self.p_value(s) <= MOST_FALSE)

    def says(self, score: int) -> str:
        """How sure an alert at this score is, in words."""
        if not self.is_calibrated:
            return "not calibrated"
        if self.is_frozen:
            return "not calibrated any more: rings score otherwise than they did"
        # rounded up: it is a promise
        share = math.ceil(1000 * self.bound(score)) / 10
        return (
            f"at most {share:.1f} % of benign rings score so high "
            f"({CERTAINTY:.0%} certain, by {self.count} benign rings)"
        )


def histogram(scores: Iterable[int]) -> tuple[int, ...]:
    """How many have each score of 0 to 100."""
    return tuple(np.bincount(np.fromiter(scores, np.int64), minlength=_SCORES).tolist())


def drift(before: tuple[int, ...], now: tuple[int, ...]) -> float | None:
    """Population stability index of two histograms of scores; None for too few rings to say.

    Below STEADY nothing changed, from DRIFTED on much did. An index that chance alone gives one
    time in a thousand (Yurdakul 2018) is too little to say: 49 rings a side differ by 0.3.
    """
    if min(sum(before), sum(now)) < ENOUGH:
        return None
    from scipy.stats import chi2

    shares = []
    for counts in (before, now):
        bins = np.add.reduceat(np.array(counts, np.float64), np.arange(0, _SCORES - 1, _BIN))
        bins = np.maximum(bins, _LITTLE)
        shares.append(bins / bins.sum())
    old, new = shares
    index = float(((new - old) * np.log(new / old)).sum())
    by_chance = chi2.ppf(0.999, len(old) - 1) * (1 / sum(before) + 1 / sum(now))
    return None if STEADY <= index <= by_chance else index


def read_calibration(store: GraphStore) -> Calibration:
    """The last one that was made on this graph, else the one that simulated worlds gave."""
    for row in store.read("detection/read_calibration"):
        benign, everybody = tuple(row["benign"]), tuple(row["everybody"])
        source, is_frozen = Source(row["source"]), row["frozen_at"] is not None
        return Calibration(benign, everybody, source, row["at"], is_frozen)
    return simulated()


def save_calibration(store: GraphStore, calibration: Calibration) -> None:
    """Use it for rings that are looked at from now on, and send what the one before held back."""
    store.write(partial(_save, calibration=calibration))


def _save(tx: Transaction, calibration: Calibration) -> None:
    tx.run(
        "detection/save_calibration",
        benign=list(calibration.benign),
        everybody=list(calibration.everybody),
        source=calibration.source.value,
        at=calibration.at,
    )
    outbox.release(tx)


@cache
def simulated() -> Calibration:
    """Benign rings of simulated worlds: `make bench ARGS=calibration` makes the file."""
    counts = msgspec.json.decode(_SIMULATED.read_bytes(), type=dict[str, list[int]])
    return Calibration(tuple(counts["benign"]), tuple(counts["everybody"]), Source.SIMULATED)


def present_scores(store: GraphStore) -> tuple[int, ...]:
    """How many open rings have each risk score."""
    counts = {row["score"]: row["rings"] for row in store.read("detection/count_scores")}
    return tuple(counts.get(score, 0) for score in range(_SCORES))
