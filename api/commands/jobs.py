"""`ringtrace jobs`: what a running service does by the clock, and how each job went last."""

from rich.console import Console
from rich.text import Text

from api.listing import figures_table
from api.options import DataDir, open_world
from graph.jobs import JobState, read_jobs
from graph.times import now_ms, rfc3339

out = Console()


def jobs(data_dir: DataDir = None) -> None:
    """List the jobs of the service and how they went. Example: ringtrace jobs."""
    with open_world(data_dir).store() as store:
        states, now = read_jobs(store), now_ms()
    if not states:
        out.print("no service has run on this graph yet: `ringtrace up`, or `detect --every 5`")
        return
    table = figures_table("Jobs", "job", "state", "went well", "took", "due by", "last failure")
    for job in states:
        took = "" if job.took_ms is None else f"{job.took_ms / 1000:.1f} s"
        failure = f"{rfc3339(job.failed_at)} {job.failure}" if job.failure else ""
        times = rfc3339(job.succeeded_at) or "never", took, rfc3339(job.due_by) or ""
        # Text: square brackets are no mark-up
        table.add_row(*map(Text, (job.name, _state(job, now), *times, failure)))
    out.print(table)


def _state(job: JobState, now: int) -> str:
    if (job.failed_at or 0) > (job.succeeded_at or 0):
        return "failed"
    return "late" if (job.due_by or now) < now else "well"
