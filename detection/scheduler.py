"""Detection again and again: the jobs of a running service."""

import threading
from contextlib import suppress
from datetime import UTC
from functools import partial

from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from detection.account_scores import keep_scores
from detection.drift import watch_drift
from detection.engines import community_finder
from detection.in_step import keep_in_step
from detection.jobs import Job, run_jobs
from detection.nightly import FULL_PASS, full_pass
from detection.pipeline import Run, detect, report
from detection.recalibration import recalibrate
from detection.sequences import keep_sequences
from detection.settings import DetectionSettings
from graph import metrics
from graph.archive import Archive
from graph.deny_list import DenyList
from graph.errors import StoreAwayError
from graph.quality import check_quality
from graph.store import GraphStore
from graph.times import now_ms

#: seconds between two looks through the archive, and how many times as long as a look it rests
LOOK_EVERY_S, REST = 60, 5
#: seconds after which a job is late: what goes all the time (a full pass may be in its way), what
#: goes by the hour, and what goes by the day
_SOON, _HOURLY, _DAILY = 1_800.0, 3 * 3_600.0, 27 * 3_600.0
#: what writes rings, and what reads all events
_RINGS, _EVENTS = "rings", "events"
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
    """Bring the graph up to what only the archive's events tell: ties, findings, scores.

    Detectors of accounts are trained here, each day anew and at each disposition.
    """
    keep_in_step(store, archive, denied)
    keep_sequences(store, archive, denied)
    keep_scores(store, archive, settings, denied)


def keep_detecting(
    store: GraphStore,
    archive: Archive,
    settings: DetectionSettings,
    seconds: float,
    stop: threading.Event,
    denied: DenyList = _NOTHING,
) -> None:
    """Run every so many seconds, and whatever else is to be done by the clock, until `stop`.

    What only the archive's events tell is looked for beside the runs.
    """
    with suppress(StoreAwayError):
        community_finder(settings, store)
    run_jobs(store, _jobs(store, archive, settings, seconds, denied), stop)


def _jobs(
    store: GraphStore,
    archive: Archive,
    settings: DetectionSettings,
    seconds: float,
    denied: DenyList,
) -> list[Job]:
    look = partial(look_through, store, archive, settings, denied)
    every, hourly, nightly = partial(IntervalTrigger, timezone=UTC), _at(), settings.full_pass_hour
    # an hour's counters follow up to five minutes behind
    return [
        Job("runs", partial(_run, store, settings, denied), every(seconds=seconds), _SOON, _RINGS),
        Job("events", look, every(seconds=LOOK_EVERY_S), _HOURLY, _EVENTS, rest=REST),
        Job("quality", lambda: check_quality(store, now_ms()), hourly, _HOURLY, _RINGS),
        Job("drift", lambda: watch_drift(store, now_ms()), hourly, _HOURLY, _RINGS),
        Job(
            FULL_PASS,
            lambda: full_pass(store, settings, denied, now_ms()),
            _at(nightly),
            _DAILY,
            _RINGS,
            is_first=False,
        ),
        Job("calibration", lambda: recalibrate(store, now_ms()), _at(nightly), _DAILY, _RINGS),
    ]


def _at(hour: int | None = None) -> CronTrigger:
    """Six minutes past the hour, or past each hour."""
    return CronTrigger(hour=hour, minute=6, timezone=UTC)


def _run(store: GraphStore, settings: DetectionSettings, denied: DenyList) -> None:
    with metrics.DETECTION_RUN_SECONDS.time():
        run = detect(store, settings, denied=denied)
    report(run)
