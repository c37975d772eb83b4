"""What a running service does by the clock: how each job went last, and who hears when it does not.

A job writes down by when it must have gone well again. Another process looks at that, so that a
service that hangs or is gone is missed, too.
"""

import logging
from dataclasses import dataclass
from functools import partial
from typing import Any

from graph.outbox import Message, enqueue, message
from graph.store import GraphStore, Transaction
from graph.times import rfc3339

log = logging.getLogger("ringtrace.jobs")


@dataclass(frozen=True, slots=True)
class JobState:
    """How a job went last; times in milliseconds since 1970, None for never."""

    name: str
    #: by when it must have gone well again
    due_by: int | None
    succeeded_at: int | None
    took_ms: int | None
    failed_at: int | None
    failure: str | None
    #: by which settings it went
    basis: str | None


def read_jobs(store: GraphStore) -> list[JobState]:
    """All jobs that a service on this graph ever had, by name."""
    return [JobState(**row) for row in store.read("jobs/read")]


def expect(store: GraphStore, name: str, due_by: int) -> None:
    """It must have gone well by then, in milliseconds since 1970, unless that was said before."""
    store.write(lambda tx: tx.run("jobs/expect", job=name, due_by=due_by))


def succeeded(store: GraphStore, name: str, at: int, took_ms: int, due_by: int) -> None:
    """It went well at `at` and must again by `due_by`, both in milliseconds since 1970."""
    times = {"at": at, "milliseconds": took_ms, "due_by": due_by}
    store.write(lambda tx: tx.run("jobs/succeed", job=name, **times))


def keep_basis(store: GraphStore, name: str, basis: str) -> None:
    """By which settings it went."""
    store.write(lambda tx: tx.run("jobs/keep_basis", job=name, basis=basis))


def failed(store: GraphStore, name: str, at: int, error: Exception) -> None:
    """Write down that it failed at `at`, milliseconds, and why; tell the receivers once a day.

    The kind of the error only: its text may hold what is nobody else's business. The log has it.
    """
    kind = type(error).__name__
    told = _message("failed", name, at, f"the job {name} failed with {kind}: its log says more")

    def save(tx: Transaction) -> None:
        tx.run("jobs/fail", job=name, at=at, why=kind)
        enqueue(tx, [told], at)

    store.write(save)


def tell_differences(store: GraphStore, name: str, at: int, ring_ids: list[str]) -> None:
    """A full pass found other rings than the runs before it, with nothing that explains it."""
    some = ", ".join(ring_ids[:5]) + (", …" if len(ring_ids) > 5 else "")
    text = f"a full pass found {len(ring_ids)} rings otherwise than the runs before it: {some}"
    log.error("%s", text)
    told = _message("differences", name, at, text, value=len(ring_ids), ring_ids=ring_ids[:50])
    store.write(partial(enqueue, messages=[told], due_at=at))


def tell_late(store: GraphStore, now: int) -> list[str]:
    """Tell of each job that should have gone well by `now`, once; the names of all of them."""
    late = [job for job in read_jobs(store) if job.due_by is not None and job.due_by < now]
    if late:
        store.write(partial(enqueue, messages=[_late(job) for job in late], due_at=now))
    return [job.name for job in late]


def _late(job: JobState) -> Message:
    last = rfc3339(job.succeeded_at) or "never"
    text = f"the job {job.name} is late: it went well {last}, and was to by {rfc3339(job.due_by)}"
    return _message("late", job.name, job.due_by or 0, text)


def _message(what: str, name: str, at: int, text: str, **more: Any) -> Message:
    when = rfc3339(at) or ""
    # late once for each time it was due, the others once a day
    once = when if what == "late" else when[:10]
    data = {"measure": f"job_{what}", "job": name, "text": text, **more, "caused_by": {"at": when}}
    return message(f"msg_degraded_{what}_{name}_{once}", "service.degraded", at, data)
