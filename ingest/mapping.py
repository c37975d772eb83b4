"""Foreign tables as events: which column is which field, by a TOML file."""

import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import msgspec

from graph.errors import InputError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAPPINGS = Path(__file__).with_name("mappings")
Row = dict[str, Any]
#: what a row or a template that does not fit raises
_ROW_ERRORS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Table(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How the rows of one kind of file become events."""

    #: file name pattern
    file: str
    #: template of the event's id from the row's columns, for example `card:{card_id}`
    event_id: str
    #: event field to column; `a.b` fills field b of object a
    columns: dict[str, str]
    #: event field to value, the same for every row
    constants: dict[str, Any] = {}
    #: rfc3339, date, ms, s, or a strptime pattern taken as UTC
    time_format: str = "rfc3339"
    #: for rows without a time: the column with the account whose first timed row gives it
    time_of_account: str | None = None


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
        _untimed_at(mapping)
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise InputError(f"mapping {path}: {error}") from error
    return mapping


def map_rows(mapping: Mapping, files: list[tuple[Path, Iterator[Row]]]) -> list[Row]:
    """Events of all rows as JSON-ready objects, in order of time, account and id."""
    events: list[Row] = []
    waiting: list[tuple[Row, str]] = []
    for path, rows in files:
        table = _table_for(mapping, path)
        read_time = _time_reader(table.time_format)
        for number, row in enumerate(rows, 1):
            try:
                event = _event(table, row)
                if "occurred_at" in event:
                    event["occurred_at"] = read_time(event["occurred_at"])
                    events.append(event)
                else:
                    whose = table.time_of_account
                    waiting.append((event, str(row[whose]) if whose else event["account_id"]))
            except _ROW_ERRORS as error:
                raise InputError(f"{path}: row {number}: {type(error).__name__} {error}") from error
    events += _timed(mapping, events, waiting)
    return sorted(events, key=lambda e: (e["occurred_at"], e["account_id"], e["event_id"]))


def select(mapping: Mapping, paths: list[Path]) -> list[Path]:
    """The files a mapping knows, sorted; of a folder those that fit, without the rest."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += [p for p in path.iterdir() if _fits(mapping, p)]
        else:
            _table_for(mapping, path)
            files.append(path)
    if not files:
        raise InputError(f"no file in {', '.join(map(str, paths))} fits the mapping")
    return sorted(files)


def _fits(mapping: Mapping, path: Path) -> bool:
    return any(fnmatch(path.name, table.file) for table in mapping.tables)


def _table_for(mapping: Mapping, path: Path) -> Table:
    for table in mapping.tables:
        if fnmatch(path.name, table.file):
            return table
    patterns = ", ".join(table.file for table in mapping.tables)
    raise InputError(f"{path.name} fits none of the mapping's files: {patterns}")


def _event(table: Table, row: Row) -> Row:
    event: Row = {"event_id": table.event_id.format_map(row)}
    for target, value in table.constants.items():
        _put(event, target, value)
    for target, column in table.columns.items():
        value = row[column]
        if value is not None and value != "":
            is_plain = isinstance(value, str | float) or target == "occurred_at"
            _put(event, target, value if is_plain else str(value))
    if "account_id" not in event:
        raise ValueError("there is no account_id")
    return event


def _put(event: Row, target: str, value: Any) -> None:
    head, _, rest = target.partition(".")
    if rest:
        event.setdefault(head, {})[rest] = value
    else:
        event[head] = value


def _timed(mapping: Mapping, events: list[Row], waiting: list[tuple[Row, str]]) -> Iterator[Row]:
    first: dict[str, int] = {}
    for event in events:
        for name in ("account_id", "counterparty_account_id"):
            account_id = event.get(name)
            if account_id is not None:
                at = event["occurred_at"]
                first[account_id] = min(at, first.get(account_id, at))
    otherwise = _untimed_at(mapping)
    for event, account_id in waiting:
        at = first.get(account_id, otherwise)
        if at is None:
            raise InputError(f"account {account_id} has no timed row, and untimed_at is not set")
        event["occurred_at"] = at
        yield event


def _untimed_at(mapping: Mapping) -> int | None:
    return _rfc3339(mapping.untimed_at) if mapping.untimed_at else None


def _time_reader(pattern: str) -> Callable[[Any], int]:
    if pattern == "ms":
        return int
    if pattern == "s":
        return lambda value: round(float(value) * 1000)
    if pattern in ("rfc3339", "date"):
        return _rfc3339
    return lambda value: _millis(datetime.strptime(str(value), pattern).replace(tzinfo=UTC))


def _rfc3339(value: Any) -> int:
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return _millis(at if at.tzinfo else at.replace(tzinfo=UTC))


def _millis(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)
