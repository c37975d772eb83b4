"""Detection again and again."""

import logging
import threading

from detection.pipeline import Run, detect
from detection.settings import DetectionSettings
from graph.deny_list import DenyList
from graph.errors import StoreAwayError
from graph.store import GraphStore

log = logging.getLogger("ringtrace.detection")
_NOTHING = DenyList()


def detect_every(
    store: GraphStore,
    settings: DetectionSettings,
    seconds: float,
    stop: threading.Event,
    denied: DenyList = _NOTHING,
) -> None:
    """Look at what was touched, pause, and again, until `stop` is set."""
    while not stop.is_set():
        try:
            report(detect(store, settings, denied=denied))
        except StoreAwayError as error:
            log.warning("%s; trying again in %.0f s", error, seconds)
        stop.wait(seconds)


def report(run: Run | None) -> None:
    """One line about a run that found something to look at."""
    if run is not None:
        log.info(
            "%s: %d accounts looked at, %d rings, %d changed, %d alerts",
            *(run.run_id, run.account_count, len(run.rings), len(run.changes), len(run.alerts)),
        )
