"""Listings for people and programs: a table, JSON lines or CSV."""

import csv
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.options import OutputFormat
from graph.errors import InputError

#: characters that make a spreadsheet run a cell
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def print_listing(
    items: Iterable[BaseModel], columns: list[str], output: OutputFormat, title: str
) -> None:
    """Print the items; JSON lines carry every field, the others these columns."""
    if output is OutputFormat.JSONL:
        for item in items:
            sys.stdout.write(item.model_dump_json() + "\n")
        return
    rows = ([_cell(getattr(item, column)) for column in columns] for item in items)
    if output is OutputFormat.CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_harmless(cell) for cell in row] for row in rows)
        return
    table = Table(*columns, title=title)
    for row in rows:
        # Text: square brackets in an id are no mark-up
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def figures_table(
    title: str | None, first: str, *others: str, padding: tuple[int, int] = (0, 1)
) -> Table:
    """An empty table of figures: names in the first column, numbers in the others."""
    table = Table(title=title, box=SIMPLE, show_edge=False, padding=padding)
    table.add_column(first, no_wrap=True)
    for heading in others:
        table.add_column(heading, justify="right")
    return table


def percent(share: float | None) -> str:
    """A share in percent; empty for none."""
    return "" if share is None else f"{100 * share:.1f}"


def write_figures(path: Path, figures: Mapping[str, object]) -> None:
    """Write what a command measured, as JSON; InputError when the file cannot be written."""
    try:
        path.write_text(json.dumps(figures, indent=1, allow_nan=False) + "\n", "utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from error


def _cell(value: object) -> str:
    if isinstance(value, list):
        return f"{len(value)}"
    return "" if value is None else str(value)


def _harmless(cell: str) -> str:
    return "'" + cell if cell.startswith(_FORMULA) else cell
