"""How well scores and rings agree with a truth about accounts: figures only, no I/O."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detection.calibration import Calibration
from detection.found_rings import FoundRing, RingReport, benign_scores, ratio, ring_report
from graph.model import RiskLevel

Figure = int | float | str | bool | None
Mask = NDArray[np.bool_]
Scores = NDArray[np.int16]

#: score of an account that has none: below every score
NO_SCORE = -1
#: false positives at which precision and recall are given, in percent of the accounts labelled 0
FALSE_POSITIVES = (1, 2)
_PLACES = 6


@dataclass(frozen=True, slots=True)
class Truth:
    """Who is a member of a ring in fact; accounts are numbered in the order of the truth file."""

    #: account id to number
    numbers: dict[str, int]
    #: by number, whether its label is 1
    is_member: Mask
    #: ring id to members; None when the file does not say which rings there are
    rings: dict[str, frozenset[int]] | None
    #: number of an account to when it became known that its label is 1, milliseconds since 1970
    since: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observed:
    """What the graph holds about the accounts of a truth; arrays are by account number."""

    is_known: Mask
    #: highest risk score of its open rings, 0 to 100, or NO_SCORE
    risk: Scores
    #: 0 to 100, or NO_SCORE
    anomaly: Scores
    #: open rings, reduced to accounts that the truth names
    rings: Sequence[FoundRing]
    #: accounts of the graph that the truth does not name
    unnamed: int


@dataclass(frozen=True, slots=True)
class Curves:
    """What is found at each score from which accounts are flagged, from the highest down."""

    #: shares of the accounts labelled 0, and of those labelled 1
    false_positives: list[float]
    recall: list[float]
    #: share of the flagged that are labelled 1
    precision: list[float]

    @property
    def roc(self) -> list[tuple[float, float]]:
        """Points (false positives, recall)."""
        return list(zip(self.false_positives, self.recall, strict=True))

    @property
    def precision_recall(self) -> list[tuple[float, float]]:
        """Points (recall, precision)."""
        return list(zip(self.recall, self.precision, strict=True))


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All figures: those of accounts flat, those of rings by group."""

    accounts: dict[str, Figure]
    rings: RingReport
    #: by ring risk and by anomaly score; none where only one label occurs
    curves: dict[str, Curves]

    def flat(self) -> dict[str, Figure]:
        """One name to each figure; shares are 0 to 1, None where there is nothing to divide by."""
        return {
            name: round(value, _PLACES) if isinstance(value, float) else value
            for name, value in (self.accounts | self.rings.flat()).items()
        }


def evaluate(
    truth: Truth, observed: Observed, alert_level: RiskLevel, calibration: Calibration
) -> Evaluation:
    """Compare what was found with the truth.

    Accounts that the graph does not know have no score and stay out of the figures of accounts, but
    stay in their rings: a ring that lacks them is not found whole. Accounts that the truth does not
    name count nowhere.
    """
    known = observed.is_known
    is_member = truth.is_member[known]
    risk, anomaly = observed.risk[known], observed.anomaly[known]
    alerted, above = np.zeros(len(known), np.bool_), np.zeros(len(known), np.bool_)
    threshold = calibration.threshold
    for ring in observed.rings:
        if ring.level.rank >= alert_level.rank:
            alerted[list(ring.members)] = True
        if ring.score >= threshold:
            above[list(ring.members)] = True
    figures: dict[str, Figure] = {
        "accounts": len(is_member),
        "accounts_labelled_1": int(is_member.sum()),
        "accounts_unknown_to_graph": int(len(known) - known.sum()),
        "accounts_unnamed_by_truth": observed.unnamed,
    }
    figures |= ranking_figures(is_member, ranking(risk, anomaly))
    # before the first full detection no account has an anomaly score
    scored = bool((anomaly > NO_SCORE).any())
    of_anomaly = ranking_figures(is_member, anomaly)
    figures |= {f"anomaly_{name}": value if scored else None for name, value in of_anomaly.items()}
    figures |= _named(cut_figures(is_member, above[known]), "threshold")
    figures |= _false_positives(truth, observed, calibration)
    figures["alert_level"] = alert_level.value
    figures |= _named(cut_figures(is_member, alerted[known]), "alert_level")
    curves = {"by ring risk": ranking(risk, anomaly)} | ({"by anomaly": anomaly} if scored else {})
    both = 0 < is_member.sum() < len(is_member)
    return Evaluation(
        figures,
        ring_report(truth.is_member, truth.rings, observed.rings),
        {name: curves_of(is_member, score) for name, score in curves.items()} if both else {},
    )


def curves_of(is_member: Mask, score: NDArray[np.number]) -> Curves:
    """Receiver operating characteristic, and precision against recall; both labels must occur.

    One point for each score that occurs, after one at which nobody is flagged.
    """
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)
    hits, count = np.cumsum(is_member[order])[last], np.flatnonzero(last) + 1
    precision = (hits / count).tolist()
    return Curves(
        [0.0, *((count - hits) / (~is_member).sum()).tolist()],
        [0.0, *(hits / is_member.sum()).tolist()],
        [precision[0], *precision],
    )


def _false_positives(
    truth: Truth, observed: Observed, calibration: Calibration
) -> dict[str, Figure]:
    """Benign rings that reach the threshold, beside what the calibration promises of them."""
    threshold = calibration.threshold
    scores = benign_scores(truth.is_member, observed.rings)
    above = sum(score >= threshold for score in scores)
    return {
        "calibrated": calibration.is_calibrated,
        "threshold": threshold,
        "benign_rings": len(scores),
        "benign_rings_at_threshold": above,
        "benign_share_at_threshold": ratio(above, len(scores)),
        "benign_share_bound": calibration.bound(threshold),
    }


def ranking(risk: Scores, anomaly: Scores) -> NDArray[np.int64]:
    """One number an account: by ring risk, and by anomaly among equals."""
    return risk.astype(np.int64) * 1000 + anomaly


def ranking_figures(is_member: Mask, score: NDArray[np.integer]) -> dict[str, Figure]:
    """AUC, average precision, and precision and recall at few false positives; high is risky.

    None where only one label occurs.
    """
    both = bool(is_member.any() and not is_member.all())
    figures: dict[str, Figure] = {"auc": None, "average_precision": None}
    if both:
        # imported here: the commands that do not evaluate start without it
        from sklearn.metrics import average_precision_score, roc_auc_score

        figures = {
            "auc": float(roc_auc_score(is_member, score)),
            "average_precision": float(average_precision_score(is_member, score)),
        }
    for percent in FALSE_POSITIVES:
        flagged = flag_at(is_member, score, percent) if both else np.zeros_like(is_member)
        figures |= _named(cut_figures(is_member, flagged), f"{percent}pct")
    return figures


def flag_at(is_member: Mask, score: NDArray[np.integer], percent: int) -> Mask:
    """The accounts of highest score, as many as keep false positives at or below this share.

    Accounts of equal score are flagged together or not at all. At least one label must be 0.
    """
    others = np.sort(score[~is_member])[::-1]
    allowed = percent * len(others) // 100
    if allowed >= len(others):
        return np.ones(len(score), np.bool_)
    flagged: Mask = score > others[allowed]
    return flagged


def cut_figures(is_member: Mask, flagged: Mask) -> dict[str, Figure]:
    """Precision, recall and the share of false positives among accounts labelled 0."""
    hits = int((is_member & flagged).sum())
    return {
        "precision": ratio(hits, int(flagged.sum())),
        "recall": ratio(hits, int(is_member.sum())),
        "false_positives": ratio(int(flagged.sum()) - hits, int((~is_member).sum())),
    }


def _named(figures: dict[str, Figure], where: str) -> dict[str, Figure]:
    return {f"{name}_at_{where}": value for name, value in figures.items()}
