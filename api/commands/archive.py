"""`ringtrace archive`: compact it, drop what is too old, say how it is."""

from contextlib import closing

import typer
from rich.console import Console

from api.options import DataDir, open_world
from graph.retention import expire_graph
from graph.times import DAY_MS, now_ms, rfc3339

app = typer.Typer(help="The archive of all events.", no_args_is_help=True)
out = Console()


@app.command()
def compact(data_dir: DataDir = None) -> None:
    """Move new events into sorted months. Example: ringtrace archive compact."""
    with closing(open_world(data_dir).archive()) as archive:
        done = archive.compact(now_ms())
    _line(f"moved {done.rows} events of {done.segments} segments; {done.files} month files")


@app.command()
def expire(data_dir: DataDir = None) -> None:
    """Drop what is older than the retention time. Example: ringtrace archive expire."""
    world = open_world(data_dir)
    days = world.archive_settings.retention_days
    if days is None:
        _line("everything is kept: RINGTRACE_ARCHIVE_RETENTION_DAYS is not set")
        return
    before = now_ms() - days * DAY_MS
    with closing(world.archive()) as archive:
        events = archive.expire(before)
    with world.store() as store:
        uses = expire_graph(store, before)
    _line(f"dropped {events} events and {uses} uses from before {rfc3339(before)}")


@app.command()
def status(data_dir: DataDir = None) -> None:
    """Say where the archive is and what is in it. Example: ringtrace archive status."""
    with closing(open_world(data_dir).archive()) as archive:
        found = archive.status()
    _line(f"at               {found.url}")
    _line(f"months           {found.months}, in {found.files} files")
    _line(f"events in them   {found.rows}, {found.bytes / 1e6:.1f} MB")
    _line(f"new segments     {found.segments}")
    _line(f"last compaction  {rfc3339(found.compacted_at) or 'never'}")


def _line(text: str) -> None:
    out.print(text, markup=False, highlight=False, soft_wrap=True)
