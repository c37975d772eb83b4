"""Options that many commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from api.world import World
from graph.settings import DataSettings
from ingest.cells import rfc3339_millis

DataDir = Annotated[
    Path | None,
    typer.Option(help="Folder for local servers and state [env: RINGTRACE_DATA_DIR]."),
]
FollowStdin = Annotated[bool, typer.Option("--follow-stdin", hidden=True)]


class OutputFormat(StrEnum):
    """How a listing is printed."""

    TABLE = "table"
    JSONL = "jsonl"
    CSV = "csv"


def open_world(data_dir: Path | None) -> World:
    """The world of a data folder, or of the settings' one."""
    return World((data_dir or DataSettings().data_dir).expanduser().resolve())


def _instant(text: str) -> int:
    try:
        return rfc3339_millis(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time, such as 2025-01-31T12:00:00Z") from error


#: milliseconds since 1970
AsOf = Annotated[
    int | None,
    typer.Option(parser=_instant, metavar="TIME", help="As it was then, from the archive."),
]
