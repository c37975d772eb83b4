"""Thresholds by what investigators said of rings that were drawn by chance."""

import logging
from dataclasses import dataclass

from detection.calibration import (
    ENOUGH,
    Calibration,
    Source,
    histogram,
    present_scores,
    read_calibration,
    save_calibration,
)
from graph.dispositions import Conclusion
from graph.store import GraphStore

log = logging.getLogger("ringtrace.detection")


@dataclass(frozen=True, slots=True)
class DrawnRings:
    """Open rings that were drawn to be judged."""

    count: int
    #: how many nobody has judged yet
    waiting: int
    #: scores of those held to be benign
    benign: list[int]
    #: when one of them was judged last, milliseconds since 1970; 0 for never
    judged_at: int


def drawn_rings(store: GraphStore) -> DrawnRings:
    """What is known of the rings that were drawn.

    Once enough of them are dismissed, those that wait to be judged are held to be benign, too:
    whoever judges the easy ones first would find a low threshold else.
    """
    rows = store.read("cases/drawn_rings")
    judged = [row for row in rows if row["disposition"] in ("confirmed", "dismissed")]
    benign = [row["score"] for row in judged if row["disposition"] == Conclusion.DISMISSED]
    if len(benign) >= ENOUGH:
        benign = [row["score"] for row in rows if row["disposition"] != Conclusion.CONFIRMED]
    judged_at = max((row["disposed_at"] for row in judged), default=0)
    return DrawnRings(len(rows), len(rows) - len(judged), benign, judged_at)


def recalibrate(store: GraphStore, now: int) -> Calibration | None:
    """A calibration by what was said since the last one, if that is enough; None else.

    `now` in milliseconds since 1970. One by a truth file, and one that is frozen, stay until
    somebody calls `ringtrace calibrate`: nobody would know else that messages go out again.
    """
    made, drawn = read_calibration(store), drawn_rings(store)
    if made.source is Source.TRUTH or made.is_frozen or drawn.judged_at <= made.at:
        return None
    # drift is measured from where somebody looked last: a day at a time it would never be seen
    is_first = made.source is Source.SIMULATED
    everybody = present_scores(store) if is_first else made.everybody
    found = Calibration(histogram(drawn.benign), everybody, Source.DISPOSITIONS, now)
    if not found.is_calibrated:
        return None
    save_calibration(store, found)
    log.info("the threshold was %d and is %d now", made.threshold, found.threshold)
    return found
