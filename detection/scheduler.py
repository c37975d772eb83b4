"""Detection again and again."""

import logging
import threading
import time

from detection.account_scores import keep_scores
from detection.drift import DriftWatch, watch_drift
from detection.engines import community_finder
from detection.in_step import keep_in_step
from detection.pipeline import Run, detect
from detection.sequences import keep_sequences
from detection.settings import DetectionSettings
from graph import metrics
from graph.archive import Archive
from graph.deny_list import DenyList
from graph.errors import ArchiveError, StoreAwayError
from graph.logs import StateLog
from graph.quality import QualityWatch
from graph.store import GraphStore
from graph.times import now_ms

log = logging.getLogger("ringtrace.detection")
#: seconds between two looks through the archive, and how many times as long as a look it rests
LOOK_EVERY_S, REST = 60.0, 5
_NOTHING = DenyList()


def detect_once(
    store: GraphStore,
    archive: Archive,
    settings: DetectionSettings,
    *,
    full: bool = False,
    denied: DenyList = _NOTHING,
) -> Run | None:
    """What the archive says, then one run; None when nothing was touched."""
    # an engine that the server lacks is said before anything is done
    community_finder(settings, store)
    look_through(store, archive, settings, denied)
    run = detect(store, settings, full=full, denied=denied)
    watch_drift(store, now_ms())
    return run


def look_through(
    store: GraphStore, archive: Archive, settings: DetectionSettings, denied: DenyList
) -> None:
    """Bring the graph up to what only the archive's events tell: ties, findings, scores."""
    keep_in_step(store, archive, denied)
    keep_sequences(store, archive, denied)
    keep_scores(store, archive, settings, denied)


def detect_every(
    store: GraphStore,
    settings: DetectionSettings,
    seconds: float,
    stop: threading.Event,
    denied: DenyList = _NOTHING,
    archive: Archive | None = None,
) -> None:
    """Look at what was touched, pause, and again, until `stop` is set.

    Once an hour it looks at the quality of what came in, and at drift, too. With an archive, what
    only its events tell is looked for beside it, in a thread of its own.
    """
    if archive is not None:
        arguments = (store, archive, settings, stop, denied)
        threading.Thread(target=_in_events, args=arguments, name="events", daemon=True).start()
    quality, drifts, states = QualityWatch(), DriftWatch(), StateLog(log)
    while not stop.is_set():
        try:
            with metrics.DETECTION_RUN_SECONDS.time():
                run = detect(store, settings, denied=denied)
            report(run)
            quality.look(store, now_ms())
            drifts.look(store, now_ms())
            states.all_back()
        except StoreAwayError as error:
            states.away("the graph", error)
        stop.wait(seconds)


def _in_events(
    store: GraphStore,
    archive: Archive,
    settings: DetectionSettings,
    stop: threading.Event,
    denied: DenyList,
) -> None:
    states = StateLog(log)
    while True:
        began = time.monotonic()
        try:
            look_through(store, archive, settings, denied)
            states.all_back()
        except ArchiveError as error:
            states.away("the archive", error)
        except StoreAwayError as error:
            states.away("the graph", error)
        except Exception:
            # one set of events that a detector cannot take must not end the looking for good
            log.exception("looking through the archive failed; it goes on")
        if stop.wait(max(LOOK_EVERY_S, REST * (time.monotonic() - began))):
            return


def report(run: Run | None) -> None:
    """One line about a run that found something to look at."""
    if run is not None:
        metrics.DETECTION_RUNS.inc()
        log.info(
            "%s: %d accounts looked at, %d rings, %d changed, %d alerts",
            *(run.run_id, run.account_count, len(run.rings), len(run.changes), len(run.alerts)),
        )
