"""`ringtrace quality`: how good the events of the last hours were."""

from collections.abc import Iterator
from typing import Annotated

import typer
from pydantic import BaseModel
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from api.listing import percent, print_listing
from api.options import DataDir, OutputFormat, open_world
from api.quality import HourOut, last_hours
from graph.breaches import OTHER_TYPE
from graph.times import now_ms

#: shares in the table: measure and heading, short enough for 80 columns
_SHARES = {
    "missing:device_id": "no device",
    "missing:ip": "no IP",
    OTHER_TYPE: "other type",
    "late": "late",
    "future": "ahead",
    "duplicate": "twice",
    "new:device": "new device",
    "new:ip": "new IP",
}


class _Measured(BaseModel):
    """One measure of one hour: a row of the CSV."""

    hour: str
    measure: str
    count: int | None
    share: float | None


def quality(
    output: Annotated[OutputFormat, typer.Option("--format")] = OutputFormat.TABLE,
    hours: Annotated[int, typer.Option(min=1, max=168, help="How many hours.")] = 24,
    data_dir: DataDir = None,
) -> None:
    """Show how good the events were, by hour. Example: ringtrace quality --format jsonl."""
    with open_world(data_dir).store() as store:
        found = last_hours(store, hours, now_ms())
    if output is OutputFormat.TABLE:
        _print_table(found)
    elif output is OutputFormat.CSV:
        columns = ["hour", "measure", "count", "share"]
        print_listing(_measured(found), columns, output, "Quality")
    else:
        print_listing(found, [], output, "Quality")


def _measured(hours: list[HourOut]) -> Iterator[_Measured]:
    for hour in hours:
        for name in sorted(hour.counts | hour.shares):
            count, share = hour.counts.get(name), hour.shares.get(name)
            yield _Measured(hour=hour.hour, measure=name, count=count, share=share)


def _print_table(hours: list[HourOut]) -> None:
    out = Console()
    if not hours:
        out.print("no events came in during these hours")
        return
    title = "Events by hour of arrival, shares in %"
    table = Table(title=title, box=SIMPLE, show_edge=False, padding=0)
    table.add_column("day, UTC", no_wrap=True)
    table.add_column("events", justify="right", no_wrap=True)
    for heading in (*_SHARES.values(), "dead"):
        table.add_column(heading, justify="right")
    for hour in hours:
        dead = sum(count for name, count in hour.counts.items() if name.startswith("dead:"))
        shares = [percent(hour.shares.get(name)) for name in _SHARES]
        when = hour.hour[8:16].replace("T", " ")
        table.add_row(when, f"{hour.counts.get('events', 0):,}", *shares, f"{dead:,}")
    out.print(table)
    breaches = [breach for hour in hours for breach in hour.breaches]
    out.print(f"not as usual: {len(breaches) or 'nothing'}")
    for breach in breaches:
        out.print(f"- {breach.text}", highlight=False, soft_wrap=True, markup=False)
