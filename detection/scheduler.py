"""Detection again and again."""

import logging
import threading

from detection.pipeline import Run, detect
from detection.settings import DetectionSettings
from graph import metrics
from graph.deny_list import DenyList
from graph.errors import StoreAwayError
from graph.logs import StateLog
from graph.quality import QualityWatch
from graph.store import GraphStore
from graph.times import now_ms

log = logging.getLogger("ringtrace.detection")
_NOTHING = DenyList()


def detect_every(
    store: GraphStore,
    settings: DetectionSettings,
    seconds: float,
    stop: threading.Event,
    denied: DenyList = _NOTHING,
) -> None:
    """Look at what was touched, pause, and again, until `stop` is set.

    Once an hour it looks at the quality of what came in, too.
    """
    quality, states = QualityWatch(), StateLog(log)
    while not stop.is_set():
        try:
            with metrics.DETECTION_RUN_SECONDS.time():
                run = detect(store, settings, denied=denied)
            report(run)
            quality.look(store, now_ms())
            states.all_back()
        except StoreAwayError as error:
            states.away("the graph", error)
        stop.wait(seconds)


def report(run: Run | None) -> None:
    """One line about a run that found something to look at."""
    if run is not None:
        metrics.DETECTION_RUNS.inc()
        log.info(
            "%s: %d accounts looked at, %d rings, %d changed, %d alerts",
            *(run.run_id, run.account_count, len(run.rings), len(run.changes), len(run.alerts)),
        )
