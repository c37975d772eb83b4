"""Jobs by the clock: each in its lane, one after the other, and none that fails is overlooked."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from graph import metrics
from graph.errors import ArchiveError, RingtraceError, StoreAwayError
from graph.jobs import JobState, expect, failed, read_jobs, succeeded
from graph.logs import StateLog
from graph.store import GraphStore
from graph.times import DAY_MS, EPOCH, millis, now_ms

log = logging.getLogger("ringtrace.jobs")
#: a job that went well is written down this often at most, milliseconds: some go every second
_NOTED_MS = 60_000
#: seconds after which one is tried again that found the graph or the archive away
_AGAIN_S = 60
#: what takes long is late that many times as long later
_PATIENCE = 10
#: one that is late begins at once, however late, and once for all times that were missed
_DEFAULTS = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}


@dataclass(frozen=True, slots=True)
class Job:
    """Work that is done again and again."""

    name: str
    work: Callable[[], object]
    trigger: BaseTrigger
    #: longest time from one success to the next before somebody is told, seconds
    within_s: float
    #: jobs of one lane wait for each other
    lane: str
    #: whether a service begins with it; one that does not goes once a day, and is made up for
    is_first: bool = True
    #: how many times as long as it took it rests at least
    rest: float = 0.0


def run_jobs(store: GraphStore, jobs: list[Job], stop: threading.Event) -> None:
    """Do them by their triggers until `stop` is set, then wait for what is being done."""
    lanes = {job.lane: StateLog(log) for job in jobs}
    executors = {lane: ThreadPoolExecutor(1) for lane in lanes}
    scheduler = BackgroundScheduler(executors=executors, job_defaults=_DEFAULTS, timezone=UTC)
    first = _register(store, jobs, stop)
    for job in jobs:
        at_once = {"next_run_time": datetime.now(UTC)} if job.name in first else {}
        turn = _Turn(store, job, lanes[job.lane], scheduler, stop)
        scheduler.add_job(turn, job.trigger, id=job.name, executor=job.lane, **at_once)
    scheduler.start()
    stop.wait()
    scheduler.pause()
    # before the scheduler: it would hold a lock that a job may need to end
    for executor in executors.values():
        executor.shutdown()
    scheduler.shutdown()


def _register(store: GraphStore, jobs: list[Job], stop: threading.Event) -> set[str]:
    """Say by when each job is to go well, once the graph is there; which begin at once."""
    states = StateLog(log)
    while not stop.is_set():
        try:
            known, now = {job.name: job for job in read_jobs(store)}, now_ms()
            for job in jobs:
                expect(store, job.name, now + int(job.within_s * 1000))
        except StoreAwayError as error:
            states.away("the graph", error)
            stop.wait(1)
        else:
            states.all_back()
            return {job.name for job in jobs if job.is_first or _missed(job, known, now)}
    return set()


def _missed(job: Job, known: dict[str, JobState], now: int) -> bool:
    """Whether a job that goes once a day has not gone well since it was due last."""
    state = known.get(job.name)
    if state is None or state.due_by is None:
        return False
    since = state.succeeded_at or state.due_by - int(job.within_s * 1000)
    yesterday = EPOCH + timedelta(milliseconds=now - DAY_MS)
    return since < millis(job.trigger.get_next_fire_time(None, yesterday))


class _Turn:
    """One turn of a job, with what becomes of it."""

    def __init__(
        self,
        store: GraphStore,
        job: Job,
        states: StateLog,
        scheduler: BackgroundScheduler,
        stop: threading.Event,
    ) -> None:
        self._store = store
        self._job = job
        self._states = states
        self._scheduler = scheduler
        self._stop = stop
        self._noted = 0
        self._rests_until = 0.0
        self._failure = ""

    def __call__(self) -> None:
        began, at = time.monotonic(), now_ms()
        if self._stop.is_set() or began < self._rests_until:
            return
        try:
            self._job.work()
            self._note(at, now_ms())
            self._states.all_back()
        except ArchiveError as error:
            self._away("the archive", error)
        except StoreAwayError as error:
            self._away("the graph", error)
        # what one job cannot do must not end the others
        except Exception as error:  # noqa: BLE001
            self._fail(error)
        ended = time.monotonic()
        self._rests_until = ended + self._job.rest * (ended - began)

    def _note(self, began: int, now: int) -> None:
        self._failure = ""
        metrics.JOB_SUCCESS_SECONDS.labels(self._job.name).set(now / 1000)
        if now - self._noted >= _NOTED_MS:
            took = now - began
            due_by = now + int(self._job.within_s * 1000) + _PATIENCE * took
            succeeded(self._store, self._job.name, now, took, due_by)
            self._noted = now

    def _away(self, what: str, error: RingtraceError) -> None:
        """Something was away, or somebody changed what was read: it is tried again soon."""
        self._states.away(what, error)
        soon = datetime.now(UTC) + timedelta(seconds=_AGAIN_S)
        job = self._scheduler.get_job(self._job.name)
        if job is not None and job.next_run_time > soon:
            job.modify(next_run_time=soon)

    def _fail(self, error: Exception) -> None:
        name, kind = self._job.name, type(error).__name__
        # where it happened is said once, not every second
        log.error("the job %s failed: %s", name, error, exc_info=kind != self._failure)
        self._failure = kind
        metrics.JOB_FAILURES.labels(name).inc()
        try:
            failed(self._store, name, now_ms(), error)
        except RingtraceError as away:
            self._states.away("the graph", away)
