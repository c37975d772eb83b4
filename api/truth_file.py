"""The truth file: CSV that says which accounts are bad, in which ring, and since when one knows."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from detection.evaluation import Truth
from graph.errors import InputError
from ingest.cells import rfc3339_millis

_NEEDED = ("account_id", "label")
_RING, _SINCE = "ring_id", "since"


def read_truth(path: Path) -> Truth:
    """Read `account_id,label[,ring_id][,since]`, others ignored; about 150 bytes an account.

    `since` is a day or a time of RFC 3339. Raises InputError, with the line, for a file that is no
    such CSV: columns are missing, a label is neither 0 nor 1, a time is none, an account is named
    twice, or one with label 0 is in a ring or known since some time.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _truth(path.name, file)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not UTF-8") from error


def _truth(name: str, file: IO[str]) -> Truth:
    numbers: dict[str, int] = {}
    labels = bytearray()
    rings: defaultdict[str, set[int]] = defaultdict(set)
    since: dict[int, int] = {}
    reader = csv.reader(file, strict=True)
    try:
        header = [column.strip() for column in next(reader, [])]
        for account_id, label, ring_id, time in _rows(header, reader):
            if account_id in numbers:
                raise InputError(f"account {account_id!r} is named a second time")
            if ring_id:
                rings[ring_id].add(len(labels))
            if time:
                since[len(labels)] = _millis(time)
            numbers[account_id] = len(labels)
            labels.append(label)
    except (InputError, csv.Error) as error:
        raise InputError(f"{name}, line {max(1, reader.line_num)}: {error}") from None
    if not numbers:
        raise InputError(f"{name} names no account")
    members = {ring_id: frozenset(accounts) for ring_id, accounts in rings.items()}
    is_member = np.frombuffer(labels, np.uint8).astype(np.bool_)
    return Truth(numbers, is_member, members if _RING in header else None, since)


def _millis(time: str) -> int:
    try:
        return rfc3339_millis(time)
    except ValueError:
        raise InputError(f"since {time!r} is no day and no time of RFC 3339") from None


def _rows(header: list[str], rows: Iterator[list[str]]) -> Iterator[tuple[str, int, str, str]]:
    """Account id, label, and ring id and time or ''; InputError says what is wrong with a row."""
    missing = [column for column in _NEEDED if column not in header]
    if missing:
        raise InputError(f"there is no column {' and no '.join(missing)}")
    id_at, label_at = (header.index(column) for column in _NEEDED)
    ring_at, since_at = (header.index(n) if n in header else None for n in (_RING, _SINCE))
    for row in rows:
        if not row:
            continue
        if len(row) != len(header):
            raise InputError(f"{len(row)} values for {len(header)} columns")
        account_id, label = row[id_at].strip(), row[label_at].strip()
        ring_id, since = ("" if n is None else row[n].strip() for n in (ring_at, since_at))
        if not account_id:
            raise InputError("account_id is empty")
        if label not in ("0", "1"):
            raise InputError(f"label {label!r} is neither 0 nor 1")
        if (ring_id or since) and label == "0":
            raise InputError(f"account {account_id!r} has label 0 and a ring or a time")
        yield account_id, int(label), ring_id, since
