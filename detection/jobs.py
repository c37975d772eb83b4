"""Jobs by the clock: each in its lane, one after the other, and none that fails is overlooked."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from graph import metrics
from graph.errors import ArchiveError, StoreAwayError
from graph.jobs import expect, failed, read_jobs, succeeded
from graph.logs import StateLog
from graph.store import GraphStore
from graph.times import now_ms

log = logging.getLogger("ringtrace.jobs")
#: a job that went well is written down this often at most, milliseconds: some go every second
_NOTED_MS = 60_000
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
    #: whether a service begins with it; one that does not, does when it is late
    is_first: bool = True
    #: how many times as long as it took it rests at least
    rest: float = 0.0


def run_jobs(store: GraphStore, jobs: list[Job], stop: threading.Event) -> None:
    """Do them by their triggers until `stop` is set, then wait for what is being done."""
    lanes = {job.lane: StateLog(log) for job in jobs}
    scheduler = BackgroundScheduler(
        executors={lane: ThreadPoolExecutor(1) for lane in lanes},
        job_defaults=_DEFAULTS,
        timezone=UTC,
    )
    late = _register(store, jobs, now_ms())
    for job in jobs:
        at_once = {"next_run_time": datetime.now(UTC)} if job.is_first or job.name in late else {}
        turn = _Turn(store, job, lanes[job.lane])
        scheduler.add_job(turn, job.trigger, id=job.name, executor=job.lane, **at_once)
    scheduler.start()
    stop.wait()
    scheduler.shutdown()


def _register(store: GraphStore, jobs: list[Job], now: int) -> set[str]:
    """Say by when each job is to go well; the names of those that should have long ago."""
    try:
        late = {job.name for job in read_jobs(store) if (job.due_by or now) < now}
        for job in jobs:
            expect(store, job.name, now + int(job.within_s * 1000))
    except StoreAwayError:
        # the first job that meets the graph says so
        return set()
    return late


class _Turn:
    """One turn of a job, with what becomes of it."""

    def __init__(self, store: GraphStore, job: Job, states: StateLog) -> None:
        self._store = store
        self._job = job
        self._states = states
        self._noted = 0
        self._rests_until = 0.0

    def __call__(self) -> None:
        began = now_ms()
        if began < self._rests_until:
            return
        try:
            self._job.work()
            self._note(began, now_ms())
            self._states.all_back()
        except ArchiveError as error:
            self._states.away("the archive", error)
        except StoreAwayError as error:
            self._states.away("the graph", error)
        except Exception as error:
            # what one job cannot do must not end the others
            log.exception("the job %s failed; it is tried again", self._job.name)
            self._fail(error)
        ended = now_ms()
        self._rests_until = ended + self._job.rest * (ended - began)

    def _note(self, began: int, now: int) -> None:
        metrics.JOB_SUCCESS_SECONDS.labels(self._job.name).set(now / 1000)
        if now - self._noted >= _NOTED_MS:
            due_by = now + int(self._job.within_s * 1000)
            succeeded(self._store, self._job.name, now, now - began, due_by)
            self._noted = now

    def _fail(self, error: Exception) -> None:
        metrics.JOB_FAILURES.labels(self._job.name).inc()
        try:
            failed(self._store, self._job.name, now_ms(), error)
        except StoreAwayError as away:
            self._states.away("the graph", away)
