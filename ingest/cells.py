"""Cells of foreign tables: how the text of a column becomes the value of an event field."""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from ipaddress import IPv4Address
from typing import Any

from graph.times import millis

Row = dict[str, Any]
#: milliseconds in a unit of time that a file may count in
_UNITS = {"ms": 1, "s": 1000, "minutes": 60_000, "hours": 3_600_000, "days": 86_400_000}
#: no time in milliseconds is as far away as this
_FOREVER = Decimal(10**15)
#: what a cell that cannot be read raises
CELL_ERRORS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def is_empty(cell: Any) -> bool:
    """Whether there is nothing in the cell: no text, null, or the NaN that stands for null."""
    return cell is None or cell == "" or (isinstance(cell, float) and math.isnan(cell))


def time_reader(pattern: str, since: int = 0) -> Callable[[Any], int]:
    """What turns a cell into milliseconds since 1970 UTC.

    `pattern` is `rfc3339`, `date`, a unit to count in from `since` (`ms`, `s`, `minutes`, `hours`,
    `days`), or a strptime pattern. A time without a zone is taken as UTC. What is made raises one
    of CELL_ERRORS for a cell that is no such time.
    """
    if pattern in ("rfc3339", "date"):
        return rfc3339_millis
    if pattern in _UNITS:
        return _counter(_UNITS[pattern], since)
    return lambda cell: _as_utc(datetime.strptime(str(cell), pattern))  # noqa: DTZ007


def rfc3339_millis(cell: Any) -> int:
    """A date or a time, with or without zone, in milliseconds; ValueError when it is none."""
    return _as_utc(cell if isinstance(cell, datetime) else datetime.fromisoformat(str(cell)))


def _as_utc(at: datetime) -> int:
    return millis(at if at.tzinfo else at.replace(tzinfo=UTC))


def _counter(unit: int, since: int) -> Callable[[Any], int]:
    def read(cell: Any) -> int:
        # in decimal: a float would lose a millisecond now and then
        count = _decimal(cell) * unit
        if not abs(count) < _FOREVER:
            raise ValueError("out of range")
        if unit == 1 and count != int(count):
            raise ValueError("a fraction of a millisecond")
        return since + round(count)

    return read


def _decimal(cell: Any) -> Decimal:
    try:
        number = Decimal(str(cell))
    except InvalidOperation:
        raise ValueError("not a number") from None
    if not number.is_finite():
        raise ValueError("not a finite number")
    return number


def text(cell: Any) -> str:
    """A cell as the text that another format of the same file would have.

    >>> text(5), text(5.0), text(0.1), text("a")
    ('5', '5', '0.1', 'a')
    """
    if isinstance(cell, float) and cell.is_integer():
        # a column of whole numbers with gaps in it often comes as floats
        return str(int(cell))
    return str(cell)


def _ipv4(cell: Any) -> str:
    shown = str(cell)
    if shown.count(".") == 3:
        return str(IPv4Address(shown))
    # some files carry an address as a number, and some of them with a fraction
    number = _decimal(cell)
    if not 0 <= number < 2**32:
        raise ValueError("not an IPv4 address")
    return str(IPv4Address(int(number)))


def _lower(cell: Any) -> str:
    return text(cell).lower()


def _number(cell: Any) -> float:
    number = float(_decimal(cell))
    if math.isinf(number):
        raise ValueError("out of range")
    return number


#: how a mapping may ask for a field beside its time to be read, by name
FORMATS: dict[str, Callable[[Any], str | float]] = {
    "ipv4": _ipv4,
    "lower": _lower,
    "number": _number,
    "text": text,
}
_DIGITS = re.compile(r"-?[0-9]{1,18}")
_DECIMAL = re.compile(r"-?[0-9]{1,3}(\.[0-9]+)?")
#: fields that are no texts in an event
NUMBERS = ("latitude", "longitude")


def put(event: Row, field: str, value: Any) -> None:
    """Set a field; `a.b` is field b of object a. ValueError when `a` would be a value too."""
    head, _, rest = field.partition(".")
    if rest:
        inner = event.setdefault(head, {})
        if not isinstance(inner, dict):
            raise ValueError(f"{head} cannot be a value and have fields")
        inner[rest] = value
    elif isinstance(event.get(head), dict):
        raise ValueError(f"{head} cannot be a value and have fields")
    else:
        event[head] = value


def event_of(row: Row) -> Row:
    """A row whose columns have the names of event fields, without its empty cells.

    A time in digits is a number, as are latitude and longitude; what cannot be one stays as it
    is. Raises ValueError when a column `a` stands before a column `a.b`.
    """
    event: Row = {}
    for field, cell in row.items():
        if not is_empty(cell):
            put(event, field, _as_json(field, cell))
    return event


def _as_json(field: str, cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    if field == "occurred_at" and _DIGITS.fullmatch(cell):
        return int(cell)
    if field in NUMBERS and _DECIMAL.fullmatch(cell):
        return float(cell)
    return cell
