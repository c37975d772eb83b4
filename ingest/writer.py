"""A batch into the graph: rows and positions in one transaction."""

from dataclasses import dataclass
from typing import Any

from graph.errors import PositionError
from graph.store import GraphStore, Row, Transaction
from ingest.batches import Batch, Fold, GraphRows, Message, Partition, fold
from ingest.dead_letters import DeadLetter, DeadLetterBox
from ingest.duplicates import DuplicateStore
from ingest.events import Event, UnusableEventError, parse_event


@dataclass(frozen=True, slots=True)
class Written:
    """How many of a batch's messages became what."""

    messages: int
    events: int
    dead_letters: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Writer:
    """Everything a batch is written to."""

    store: GraphStore
    duplicates: DuplicateStore
    dead_letters: DeadLetterBox
    owner: str

    def write(self, batch: Batch, now: int) -> Written:
        """Write one batch; after a crash anywhere in here the same batch can be written again.

        Raises PositionError when the graph does not stand where the batch begins.
        """
        parsed, unusable = _parse(batch.messages, now)
        told = self.duplicates.sort(parsed, batch.next_offsets, now)
        detail = "an event with this account_id and event_id had another body"
        unusable += [DeadLetter(m, "conflicting_body", detail) for m in told.conflicting]
        # what the graph has already is only told to the duplicates store
        letters = [x for x in unusable if _is_ahead(x.message, batch)]
        fresh = [(m, event) for m, event in told.fresh if _is_ahead(m, batch)]
        self.dead_letters.post(letters, now)
        ahead = {p: n for p, n in batch.next_offsets.items() if n > batch.expected[p]}
        if ahead:
            rows, positions = fold(event for _, event in fresh), _positions(ahead, fresh)
            self.store.write(lambda tx: _save(tx, batch, rows, positions, self.owner))
        repeated = len(parsed) - len(told.fresh) - len(told.conflicting)
        return Written(len(batch.messages), len(fresh), len(letters), repeated)


def _parse(
    messages: list[Message], now: int
) -> tuple[list[tuple[Message, Event]], list[DeadLetter]]:
    events, letters = [], []
    for message in messages:
        try:
            events.append((message, parse_event(message.value, now)))
        except UnusableEventError as error:
            letters.append(DeadLetter(message, error.reason, error.detail))
    return events, letters


def _is_ahead(message: Message, batch: Batch) -> bool:
    return message.offset >= batch.expected[message.partition]


def _save(tx: Transaction, batch: Batch, rows: GraphRows, positions: list[Row], owner: str) -> None:
    _lock(tx, batch, positions, owner)
    # nodes before relationships and keys in order: two writers never wait for each other in a ring
    tx.run("ingest/merge_accounts", rows=_accounts(rows))
    tx.run("ingest/merge_identifiers", rows=_identifiers(rows))
    tx.run("ingest/merge_uses", rows=_rows(rows.uses, "account_id", "key"))
    pair = ("account_id", "counterparty_account_id")
    tx.run("ingest/merge_transfers", rows=_rows(rows.transfers, *pair, "currency"))
    tx.run("ingest/merge_referrals", rows=_rows(rows.referrals, *pair))
    tx.run("ingest/save_positions", rows=positions)


def _lock(tx: Transaction, batch: Batch, positions: list[Row], owner: str) -> None:
    wanted = {(p.topic_id, p.number): offset for p, offset in batch.expected.items()}
    keys = ("topic", "topic_id", "partition")
    locked = [{key: row[key] for key in keys} for row in positions]
    for row in tx.run("ingest/lock_positions", rows=locked, owner=owner):
        place = (row["topic_id"], row["partition"])
        if row["next_offset"] != wanted[place]:
            raise PositionError(
                f"partition {place[1]}: the graph is at offset {row['next_offset']}, "
                f"this batch begins at {wanted[place]}"
            )


def _positions(next_offsets: dict[Partition, int], fresh: list[tuple[Message, Event]]) -> list[Row]:
    touched: dict[Partition, set[str]] = {partition: set() for partition in next_offsets}
    latest: dict[Partition, int] = {}
    for message, event in fresh:
        latest[message.partition] = max(event.at, latest.get(message.partition, 0))
        touched[message.partition].add(event.account_id)
        if event.counterparty_account_id is not None:
            touched[message.partition].add(event.counterparty_account_id)
    return [
        {
            "topic": partition.topic,
            "topic_id": partition.topic_id,
            "partition": partition.number,
            "next_offset": next_offset,
            "latest_at": latest.get(partition, 0),
            "account_ids": sorted(touched[partition]),
        }
        for partition, next_offset in sorted(next_offsets.items())
    ]


def _accounts(rows: GraphRows) -> list[Row]:
    return [
        {
            "id": account_id,
            "event_count": fold.event_count,
            "first_seen": fold.first_seen,
            "last_seen": fold.last_seen,
        }
        for account_id, fold in sorted(rows.accounts.items())
    ]


def _identifiers(rows: GraphRows) -> list[Row]:
    return [
        {"key": key, "kind": kind, "label": label, "value": value}
        for key, (kind, label, value) in sorted(rows.identifiers.items())
    ]


def _rows(folds: dict[Any, Fold], *names: str) -> list[Row]:
    return [
        dict(zip(names, key, strict=True))
        | {
            "event_count": fold.event_count,
            "amount_micros": fold.amount_micros,
            "first_seen": fold.first_seen,
            "last_seen": fold.last_seen,
        }
        for key, fold in sorted(folds.items())
    ]
