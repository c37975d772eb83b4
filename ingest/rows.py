"""Rows of foreign tables into events, in order of time, as a mapping says."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from graph.errors import InputError
from ingest.cells import CELL_ERRORS, FORMATS, NUMBERS, Row, is_empty, put, text, time_reader
from ingest.mapping import Mapping, Table, start_millis, tables_for, untimed_millis

#: event field, column, and what reads the cell
Cells = list[tuple[str, str, Callable[[Any], Any]]]
#: longest piece of a cell that an error shows
_SHOWN = 40


class Mapped(NamedTuple):
    """An event and the row it came from; rows count from 1, without the header."""

    event: Row
    path: Path
    row: int
    #: the account whose first time it takes when it has none of its own
    whose: str


def map_rows(mapping: Mapping, files: list[tuple[Path, Iterator[Row]]]) -> Iterator[Mapped]:
    """The events of all rows as JSON-ready objects, in order of time.

    Files whose tables are all `sorted` are read as they are asked for. The rest is held in memory
    and sorted by time, account and id. Raises InputError with file, row and column for a row that
    does not fit.
    """
    is_lazy = {path: all(t.sorted for t in tables_for(mapping, path)) for path, _ in files}
    streams = [_in_order(_mapped(mapping, path, rows)) for path, rows in files if is_lazy[path]]
    held = [_mapped(mapping, path, rows) for path, rows in files if not is_lazy[path]]
    if held:
        streams.append(iter(_sorted(mapping, (one for rows in held for one in rows))))
    return heapq.merge(*streams, key=lambda one: one.event["occurred_at"])


def _mapped(mapping: Mapping, path: Path, rows: Iterable[Row]) -> Iterator[Mapped]:
    readers = [(table, _readers(table)) for table in tables_for(mapping, path)]
    for number, row in enumerate(rows, 1):
        for table, cells in readers:
            try:
                if not _is_wanted(table, row):
                    continue
                event = _event(table, cells, row)
                whose = row[table.time_of_account] if table.time_of_account else event["account_id"]
            except CELL_ERRORS as error:
                # a missing key's own text is its name in quotes
                what = f"there is no column {error}" if isinstance(error, KeyError) else error
                raise InputError(f"{path}: row {number}: {what}") from error
            yield Mapped(event, path, number, text(whose))


def _readers(table: Table) -> Cells:
    """Each field with its column and what reads its cell."""
    formats: dict[str, Callable[[Any], Any]] = dict.fromkeys(NUMBERS, FORMATS["number"])
    formats |= {field: FORMATS[name] for field, name in table.formats.items()}
    formats["occurred_at"] = time_reader(table.time_format, start_millis(table))
    return [(field, column, formats.get(field, text)) for field, column in table.columns.items()]


def _is_wanted(table: Table, row: Row) -> bool:
    for column, patterns in table.where.items():
        cell = "" if is_empty(row[column]) else text(row[column])
        several = [patterns] if isinstance(patterns, str) else patterns
        if not any(fnmatchcase(cell, pattern) for pattern in several):
            return False
    return True


def _event(table: Table, cells: Cells, row: Row) -> Row:
    event: Row = {"event_id": table.event_id.format_map(row)}
    for field, value in table.constants.items():
        # a copy: columns may fill in more, row by row
        put(event, field, dict(value) if isinstance(value, dict) else value)
    for field, column, read in cells:
        cell = row[column]
        if not is_empty(cell):
            put(event, field, _read(read, column, cell))
    if "account_id" not in event:
        raise ValueError(f"column {table.columns.get('account_id', '')}: there is no account_id")
    instrument = event.get("payment_instrument")
    if isinstance(instrument, dict) and "id" not in instrument:
        # a constant kind with an empty cell for the id
        del event["payment_instrument"]
    return event


def _read(read: Callable[[Any], Any], column: str, cell: Any) -> Any:
    try:
        return read(cell)
    except CELL_ERRORS as error:
        shown = repr(str(cell)[:_SHOWN])
        raise ValueError(
            f"column {column}: {shown} cannot be read: {error or type(error)}"
        ) from error


def _in_order(mapped: Iterator[Mapped]) -> Iterator[Mapped]:
    """The same, or InputError where a row is older than the one before."""
    last = None
    for one in mapped:
        at = one.event.get("occurred_at")
        if at is None:
            raise InputError(
                f"{one.path}: row {one.row}: there is no time, but the table is sorted"
            )
        if last is not None and at < last:
            raise InputError(
                f"{one.path}: row {one.row}: older than the row before, but the table is sorted"
            )
        last = at
        yield one


def _sorted(mapping: Mapping, mapped: Iterable[Mapped]) -> list[Mapped]:
    timed: list[Mapped] = []
    waiting: list[Mapped] = []
    for one in mapped:
        (timed if "occurred_at" in one.event else waiting).append(one)
    if waiting and any(table.sorted for table in mapping.tables):
        one = waiting[0]
        raise InputError(
            f"{one.path}: row {one.row}: there is no time, but other tables are sorted"
        )
    _set_times(mapping, timed, waiting)
    timed += waiting
    timed.sort(key=lambda x: (x.event["occurred_at"], x.event["account_id"], x.event["event_id"]))
    return timed


def _set_times(mapping: Mapping, timed: list[Mapped], waiting: list[Mapped]) -> None:
    first: dict[str, int] = {}
    for event, *_ in timed if waiting else ():
        at = event["occurred_at"]
        for name in ("account_id", "counterparty_account_id"):
            account_id = event.get(name)
            if account_id is not None:
                first[account_id] = min(at, first.get(account_id, at))
    otherwise = untimed_millis(mapping)
    for event, path, row, account_id in waiting:
        at = first.get(account_id, otherwise)
        if at is None:
            raise InputError(
                f"{path}: row {row}: account {account_id} has no timed row, "
                "and untimed_at is not set"
            )
        event["occurred_at"] = at
