"""Mapping files: which column of a foreign table is which field of an event.

How to write one stands in mappings/README.md.
"""

import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import msgspec

from graph.errors import InputError
from ingest.cells import FORMATS, rfc3339_millis

MAPPINGS = Path(__file__).with_name("mappings")


class Table(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How the rows of one kind of file become events; several may read the same file."""

    #: file name pattern
    file: str
    #: template of the event's id from the row's columns, for example `card:{card_id}`
    event_id: str
    #: event field to column; `a.b` fills field b of object a
    columns: dict[str, str]
    #: event field to value, the same for every row
    constants: dict[str, Any] = {}
    #: column to pattern (`*`, `?`, `[…]`) or list of patterns: only such rows become events
    where: dict[str, str | list[str]] = {}
    #: event field to how its cell is read: ipv4 (from a number), lower
    formats: dict[str, str] = {}
    #: rfc3339, date, a count of ms, s, minutes, hours or days, or a strptime pattern; UTC
    time_format: str = "rfc3339"
    #: where a count of time begins, RFC 3339; without it at 1970
    time_start: str | None = None
    #: for rows without a time: the column with the account whose first timed row gives it
    time_of_account: str | None = None
    #: the rows are in order of time already, so that they need not all be held to sort them
    sorted: bool = False


class Mapping(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A mapping file."""

    tables: list[Table]
    #: time of an untimed row whose account has no timed row, RFC 3339
    untimed_at: str | None = None


def load_mapping(name_or_path: str) -> Mapping:
    """A shipped mapping by name, or one of the user's own by path; InputError when unusable."""
    path = MAPPINGS / f"{name_or_path}.toml"
    if not path.is_file():
        path = Path(name_or_path)
    if not path.is_file():
        shipped = ", ".join(sorted(p.stem for p in MAPPINGS.glob("*.toml")))
        raise InputError(f"there is no mapping {name_or_path!r}; shipped are: {shipped}")
    try:
        mapping = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Mapping)
        _check(mapping)
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise InputError(f"mapping {path}: {error}") from error
    return mapping


def _check(mapping: Mapping) -> None:
    """ValueError for what no file could make good."""
    untimed_millis(mapping)
    for table in mapping.tables:
        start_millis(table)
        if unknown := sorted(set(table.formats.values()) - set(FORMATS)):
            known = ", ".join(FORMATS)
            raise ValueError(f"there is no format {unknown[0]!r}; there are: {known}")
        if spare := sorted(set(table.formats) - set(table.columns)):
            raise ValueError(f"formats: {spare[0]!r} is not among the columns")
        if table.sorted and "occurred_at" not in table.columns:
            raise ValueError(f"the table of {table.file!r} is sorted but has no occurred_at")


def select(mapping: Mapping, paths: list[Path]) -> list[Path]:
    """The files a mapping knows, sorted; of a folder those that fit, without the rest."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += [p for p in path.iterdir() if _fits(mapping, p)]
        else:
            tables_for(mapping, path)
            files.append(path)
    if not files:
        raise InputError(f"no file in {', '.join(map(str, paths))} fits the mapping")
    return sorted(files)


def _fits(mapping: Mapping, path: Path) -> bool:
    return any(fnmatch(path.name, table.file) for table in mapping.tables)


def tables_for(mapping: Mapping, path: Path) -> list[Table]:
    """The tables that read a file; InputError when there is none."""
    tables = [table for table in mapping.tables if fnmatch(path.name, table.file)]
    if not tables:
        patterns = ", ".join(sorted({table.file for table in mapping.tables}))
        raise InputError(f"{path.name} fits none of the mapping's files: {patterns}")
    return tables


def untimed_millis(mapping: Mapping) -> int | None:
    """Time of an untimed row without a timed one, milliseconds since 1970 UTC."""
    return rfc3339_millis(mapping.untimed_at) if mapping.untimed_at else None


def start_millis(table: Table) -> int:
    """Where a table's count of time begins, milliseconds since 1970 UTC."""
    return rfc3339_millis(table.time_start) if table.time_start else 0
