"""What one graph transaction holds: rows in an order in which writers never wait in a ring."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from graph.errors import MissingStructureError
from graph.pseudonyms import Pseudonyms
from graph.store import Row, Transaction
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
    found = _Found(tx)
    found.ask("ingest/merge_accounts", _sorted(structure.accounts))
    new = _merge_identifiers(tx, turn, structure)
    found.ask("ingest/merge_uses", _by_key(structure.uses.values()))
    found.ask("ingest/merge_transfers", _sorted(structure.transfers))
    found.ask("ingest/merge_referrals", _sorted(structure.referrals))
    _touch(tx, turn, partitions, structure.account_ids())
    _save_quality(tx, new(), partitions[0])
    found.check()


def save_counters(tx: Transaction, turn: Turn, waiting: Waiting) -> None:
    """Add counters to what the graph has and move the position.

    Raises PositionError when the partition is somebody else's or stands elsewhere, and
    MissingStructureError when the graph lacks a pair.
    """
    counters = waiting.counters
    _lock(tx, turn, [waiting])
    found = _Found(tx)
    uses = sum(len(row[4]) for row in counters.accounts.values())
    found.ask("ingest/count_accounts", _sorted(counters.accounts), uses)
    found.ask("ingest/count_transfers", _sorted(counters.transfers))
    found.ask("ingest/count_referrals", _sorted(counters.referrals))
    _finish(tx, turn, [waiting], set(counters.accounts))
    found.check()


def save_all(tx: Transaction, turn: Turn, structure: Structure, waiting: list[Waiting]) -> None:
    """Write what is new and all counters of the same partitions at once, and move the positions.

    Raises PositionError when a partition is somebody else's or stands elsewhere, and
    MissingStructureError when the graph lacks what it had.
    """
    _lock(tx, turn, waiting)
    counters = [each.counters for each in waiting]
    acted = _accounts(counters)
    others = {i: row for i, row in structure.accounts.items() if i not in acted}
    found = _Found(tx)
    found.ask("ingest/merge_accounts", _sorted(acted | others))
    new = _merge_identifiers(tx, turn, structure)
    for each in counters:
        found.ask("ingest/merge_uses", _by_key(each.uses()))
        found.ask("ingest/merge_transfers", _sorted(each.transfers))
        found.ask("ingest/merge_referrals", _sorted(each.referrals))
    _finish(tx, turn, waiting, structure.account_ids() | set(acted))
    _save_quality(tx, new(), waiting[0].partition)
    found.check()


class _Found:
    """Statements that say how many rows, and what else, they found: all or none.

    Each is sent while the one before it runs.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._asked: list[tuple[list[int], Callable[[], list[Row]]]] = []

    def ask(self, name: str, rows: list[list[Any]], *more: int) -> None:
        """Start a statement, if there are rows for it."""
        if rows:
            self._asked.append(([len(rows), *more], self._tx.send(name, rows=rows)))

    def check(self) -> None:
        """Raise MissingStructureError when one did not find all."""
        for wanted, answer in self._asked:
            (found,) = answer()
            if list(found.values()) != wanted:
                raise MissingStructureError(
                    "the graph lacks what it had before: it is written again"
                )


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
    tx: Transaction, turn: Turn, structure: Structure
) -> Callable[[], quality.Counts]:
    """Start it; what will say how many of each kind are new."""
    seal = turn.pseudonyms.seal
    rows = [
        [key, each.kind.name, each.kind.label, each.clear_value, seal(each.kind, each.value, key)]
        for key, each in sorted(structure.identifiers.items())
    ]
    answer = tx.send("ingest/merge_identifiers", rows=rows)
    return lambda: {(turn.hour, f"new:{row['kind']}"): row["new"] for row in answer()}


def _save_quality(tx: Transaction, counts: quality.Counts, partition: Partition) -> None:
    if rows := quality.rows(counts):
        source = f"{partition.topic_id}/{partition.number}"
        tx.run("ingest/save_quality", rows=rows, source=source)


def _sorted(rows: dict[Any, list[Any]]) -> list[list[Any]]:
    return [row for _, row in sorted(rows.items())]


def _by_key(uses: Iterable[list[Any]]) -> list[list[Any]]:
    # identifiers are what writers of different accounts share: all come to them in one order
    return sorted(uses, key=itemgetter(1, 0))
