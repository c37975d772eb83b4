"""What investigators' dispositions say of rules and detectors."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from detection.found_rings import ratio, wilson
from graph.dispositions import Conclusion
from graph.store import GraphStore, Row
from graph.times import EPOCH

#: stands for the rings themselves, whatever their reasons
ALL_RINGS = "all rings"
#: stand for those in whose components the challenger was live when they were judged, and the rest
IN_EXPERIMENT, BESIDE = "in experiment", "beside experiment"


@dataclass(frozen=True, slots=True)
class Precision:
    """Of the rings with one reason that were judged in a week, how many were confirmed."""

    #: the Monday it begins with, UTC, as 2025-01-27
    week: str
    #: a rule or another reason for points, ALL_RINGS, IN_EXPERIMENT or BESIDE
    reason: str
    confirmed: int
    dismissed: int
    precision: float | None
    #: its interval of 95 % (Wilson 1927)
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class Compared:
    """An open ring as the live account detector and its challenger see it."""

    ring_id: str
    risk_score: int
    size: int
    #: mean scores of its members, 0 to 100; None for not scored yet, or without a challenger
    live: float | None
    shadow: float | None


def precision_by_week(judged: Iterable[Row]) -> list[Precision]:
    """By week and reason; a ring counts once, with what was said of it last.

    Rows of explore/judged_rings. A reason is as precise as the rings it is a part of.
    """
    counts = Counter[tuple[str, str, bool]]()
    judged = list(judged)
    is_experiment = any(row["in_experiment"] for row in judged)
    for row in judged:
        day = (EPOCH + timedelta(milliseconds=row["at"])).date()
        week = str(day - timedelta(days=day.weekday()))
        is_confirmed = row["disposition"] == Conclusion.CONFIRMED
        arm = {IN_EXPERIMENT if row["in_experiment"] else BESIDE} if is_experiment else set()
        for reason in {ALL_RINGS, *row["reason_codes"], *arm}:
            counts[week, reason, is_confirmed] += 1
    found = []
    for week, reason in sorted({key[:2] for key in counts}):
        confirmed, dismissed = (counts[week, reason, said] for said in (True, False))
        total = confirmed + dismissed
        lower, upper = wilson(confirmed, total) or (None, None)
        share = ratio(confirmed, total)
        found.append(Precision(week, reason, confirmed, dismissed, share, lower, upper))
    return found


def compared_rings(store: GraphStore) -> list[Compared]:
    """Open rings, those first on which the two detectors differ most."""
    rings = [Compared(**row) for row in store.read("explore/compared_rings")]
    return sorted(rings, key=lambda ring: (-_apart(ring), ring.ring_id))


def agreement(rings: Iterable[Compared]) -> float | None:
    """Spearman's rank correlation of the two over rings; None for less than three, or equals."""
    pairs = [(r.live, r.shadow) for r in rings if r.live is not None and r.shadow is not None]
    if len(pairs) < 3:
        return None
    # imported here: the commands that do not compare start without it
    from scipy.stats import spearmanr

    live, shadow = zip(*pairs, strict=True)
    if len(set(live)) < 2 or len(set(shadow)) < 2:
        return None
    return float(spearmanr(live, shadow).statistic)


def _apart(ring: Compared) -> float:
    return 0.0 if ring.live is None or ring.shadow is None else abs(ring.live - ring.shadow)
