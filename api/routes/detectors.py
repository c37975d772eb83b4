"""What scores accounts and sets thresholds, beside what else might, and how right reasons were."""

from fastapi import APIRouter
from pydantic import BaseModel

from api.deps import Store
from api.problems import PROBLEMS
from detection.calibration import read_calibration
from detection.feedback import (
    Compared,
    Precision,
    agreement,
    compared_rings,
    precision_by_week,
)
from detection.settings import DetectionSettings
from graph.times import rfc3339

#: rings on which the live detector and its challenger differ most
_MOST = 50
router = APIRouter(prefix="/detectors", tags=["service"], responses=PROBLEMS)


class CalibrationOut(BaseModel):
    """The threshold, and what it promises."""

    #: lowest risk score that raises an alert, if its level does
    threshold: int
    source: str
    made_at: str | None
    benign_rings: int
    #: at most this share of benign rings reaches it, with a certainty of 0.95
    promised_share: float
    #: whether it is about this graph, and of enough rings
    is_calibrated: bool
    #: whether rings score otherwise since, so that messages are held back
    is_frozen: bool


class DetectorsOut(BaseModel):
    """The account detectors, the threshold, and what investigators said of rings."""

    live: str
    challenger: str | None
    #: percent of the components where the challenger is live
    experiment_share: int
    #: Spearman's correlation of both over rings
    agreement: float | None
    #: those on which they differ most; none without a challenger
    rings: list[Compared]
    precision: list[Precision]
    calibration: CalibrationOut


@router.get("")
def read_detectors(store: Store) -> DetectorsOut:
    """Which detectors there are, how they compare, and how often each reason was right by week."""
    settings, made = DetectionSettings(), read_calibration(store)
    rings = compared_rings(store) if settings.challenger else []
    return DetectorsOut(
        live=settings.detector,
        challenger=settings.challenger,
        experiment_share=settings.experiment_share,
        agreement=agreement(rings),
        rings=rings[:_MOST],
        precision=precision_by_week(store.read("explore/judged_rings")),
        calibration=CalibrationOut(
            threshold=made.threshold,
            source=made.source.value,
            made_at=rfc3339(made.at or None),
            benign_rings=made.count,
            promised_share=round(made.bound(made.threshold), 6),
            is_calibrated=made.is_calibrated,
            is_frozen=made.is_frozen,
        ),
    )
