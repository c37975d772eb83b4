"""What one graph transaction holds: rows in an order in which writers never wait in a ring."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from graph.errors import MissingStructureError
from graph.pseudonyms import Pseudonyms
from graph.store import Transaction
from graph.world_keys import check_keys
from ingest import quality
from ingest.batches import Partition
from ingest.counters import Counters
from ingest.positions import check_positions, position_keys
from ingest.structure import Structure


@dataclass(frozen=True, slots=True)
class Turn:
    """Who writes, and what all transactions of a batch share."""

    owner: str
    pseudonyms: Pseudonyms
    #: greatest accepted time, milliseconds since 1970
    latest_at: int
    #: hour of arrival, milliseconds since 1970
    hour: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Counters of one partition on their way, from one position to the next."""

    partition: Partition
    counted: int
    next_offset: int
    counters: Counters


def save_structure(
    tx: Transaction, turn: Turn, structure: Structure, partitions: list[Partition]
) -> None:
    """Write what is new, counters at zero; doing it twice changes nothing.

    Raises MissingStructureError when the graph lacks an account that it had.
    """
    check_keys(tx, turn.pseudonyms.keyring, position_keys(partitions))
    tx.run("ingest/merge_accounts", rows=_sorted(structure.accounts))
    _merge_identifiers(tx, turn, structure, partitions[0])
    _run_all(tx, "ingest/merge_uses", _by_key(structure.uses.values()))
    _run_all(tx, "ingest/merge_transfers", _sorted(structure.transfers))
    _run_all(tx, "ingest/merge_referrals", _sorted(structure.referrals))
    _touch(tx, turn, partitions, structure.account_ids())


def save_counters(tx: Transaction, turn: Turn, waiting: Waiting) -> None:
    """Add counters to what the graph has and move the position.

    Raises PositionError when the partition is somebody else's or stands elsewhere, and
    MissingStructureError when the graph lacks a pair.
    """
    counters = waiting.counters
    _lock(tx, turn, [waiting])
    uses = sum(len(row[4]) for row in counters.accounts.values())
    _run_all(tx, "ingest/count_accounts", _sorted(counters.accounts), uses)
    _run_all(tx, "ingest/count_transfers", _sorted(counters.transfers))
    _run_all(tx, "ingest/count_referrals", _sorted(counters.referrals))
    _finish(tx, turn, [waiting], set(counters.accounts))


def save_all(tx: Transaction, turn: Turn, structure: Structure, waiting: list[Waiting]) -> None:
    """Write what is new and all counters of the same partitions at once, and move the positions.

    Raises PositionError when a partition is somebody else's or stands elsewhere, and
    MissingStructureError when the graph lacks what it had.
    """
    _lock(tx, turn, waiting)
    counters = [each.counters for each in waiting]
    acted = _accounts(counters)
    others = {i: row for i, row in structure.accounts.items() if i not in acted}
    tx.run("ingest/merge_accounts", rows=_sorted(acted | others))
    _merge_identifiers(tx, turn, structure, waiting[0].partition)
    for each in counters:
        _run_all(tx, "ingest/merge_uses", _by_key(each.uses()))
        _run_all(tx, "ingest/merge_transfers", _sorted(each.transfers))
        _run_all(tx, "ingest/merge_referrals", _sorted(each.referrals))
    _finish(tx, turn, waiting, structure.account_ids() | set(acted))


def _run_all(tx: Transaction, name: str, rows: list[list[Any]], *more: int) -> None:
    """Run a statement that says how many rows, and what else, it found: all or none."""
    if not rows:
        return
    (found,) = tx.run(name, rows=rows)
    if list(found.values()) != [len(rows), *more]:
        raise MissingStructureError("the graph lacks what it had before: it is written again")


def _accounts(counters: list[Counters]) -> dict[str, list[Any]]:
    """Rows without uses; an account in several partitions gets the sum."""
    rows: dict[str, list[Any]] = {}
    for each in counters:
        for account_id, (_, events, first, last, _) in each.accounts.items():
            row = rows.setdefault(account_id, [account_id, 0, first, last])
            row[1:] = [row[1] + events, min(row[2], first), max(row[3], last)]
    return rows


def _lock(tx: Transaction, turn: Turn, waiting: list[Waiting]) -> None:
    partitions = [each.partition for each in waiting]
    check_keys(tx, turn.pseudonyms.keyring, position_keys(partitions))
    check_positions(tx, {each.partition: each.counted for each in waiting}, turn.owner)


def _finish(tx: Transaction, turn: Turn, waiting: list[Waiting], account_ids: set[str]) -> None:
    for each in waiting:
        _save_quality(tx, each.counters.quality, each.partition)
    _touch(tx, turn, [each.partition for each in waiting], account_ids)
    rows = [
        place | {"next_offset": each.next_offset}
        for each in waiting
        for place in position_keys([each.partition])
    ]
    tx.run("ingest/save_positions", rows=rows)


def _touch(
    tx: Transaction, turn: Turn, partitions: Iterable[Partition], account_ids: set[str]
) -> None:
    tx.run(
        "ingest/touch",
        id=uuid.uuid4().hex,
        account_ids=sorted(account_ids),
        partitions=position_keys(partitions),
        latest_at=turn.latest_at,
    )


def _merge_identifiers(
    tx: Transaction, turn: Turn, structure: Structure, partition: Partition
) -> None:
    made: quality.Counts = {}
    ordered = sorted(structure.identifiers.values(), key=lambda each: (each.kind.name, each.key))
    for name, group in groupby(ordered, lambda each: each.kind.name):
        same = list(group)
        kind, seal = same[0].kind, turn.pseudonyms.seal
        rows = [[each.key, each.clear_value, seal(kind, each.value, each.key)] for each in same]
        new = tx.make("ingest/merge_identifiers", rows=rows, kind=name, label=kind.label)
        made[turn.hour, f"new:{name}"] = new
    _save_quality(tx, made, partition)


def _save_quality(tx: Transaction, counts: quality.Counts, partition: Partition) -> None:
    if rows := quality.rows(counts):
        source = f"{partition.topic_id}/{partition.number}"
        tx.run("ingest/save_quality", rows=rows, source=source)


def _sorted(rows: dict[Any, list[Any]]) -> list[list[Any]]:
    return [row for _, row in sorted(rows.items())]


def _by_key(uses: Iterable[list[Any]]) -> list[list[Any]]:
    # identifiers are what writers of different accounts share: all come to them in one order
    return sorted(uses, key=itemgetter(1, 0))
