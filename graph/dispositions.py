"""What investigators conclude about rings and identifiers, and what it says of accounts.

All are kept, the latest counts. Each touches the accounts it is about, so that the next detection
run acts on it.
"""

import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from itertools import combinations

from graph.errors import InputError, NotFoundError
from graph.model import RingStatus
from graph.store import GraphStore, Row, Transaction

#: members of a confirmed ring that are linked to each other, the strongest first: 4,950 pairs
MAX_LINKED = 100
#: accounts that one disposition excludes
MAX_EXCLUDED = 100


class Conclusion(StrEnum):
    """What an investigator says."""

    #: a ring is one
    CONFIRMED = "confirmed"
    #: a ring is none
    DISMISSED = "dismissed"
    #: takes back what was said before
    UNSURE = "unsure"
    #: an identifier tells nothing about who uses it
    BENIGN = "benign"


@dataclass(frozen=True, slots=True)
class Disposition:
    """A conclusion, why, and when."""

    id: str
    #: milliseconds since 1970, later than the one before about the same thing
    at: int
    disposition: Conclusion
    reason: str
    #: members that do not belong to a ring that is confirmed
    excluded_account_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody wants to put down."""

    disposition: Conclusion
    reason: str
    excluded_account_ids: tuple[str, ...] = ()


def dispose_ring(store: GraphStore, ring_id: str, verdict: Verdict, now: int) -> Disposition:
    """Confirm or dismiss a ring, or take back what was said; `now` in milliseconds since 1970.

    Members of a confirmed ring belong together from now on, whatever they share, and those excluded
    are kept apart from each of the others. Anything else takes back what the ring's dispositions
    said. NotFoundError without such a ring, InputError for what cannot be said of it.
    """
    return store.write(partial(_dispose_ring, ring_id=ring_id, verdict=verdict, now=now))


def dispose_identifier(store: GraphStore, key: str, verdict: Verdict, now: int) -> Disposition:
    """Call an identifier benign, so that it links nobody and is no reason, or take that back.

    NotFoundError without such an identifier. All who use it are looked at by the next run.
    """
    return store.write(partial(_dispose_identifier, key=key, verdict=verdict, now=now))


def read_dispositions(
    store: GraphStore, *, ring_id: str = "", key: str = "", limit: int
) -> list[Disposition]:
    """What was said of a ring or of an identifier, the last first."""
    rows = store.read("explore/dispositions", ring_id=ring_id, key=key, limit=limit)
    return [
        Disposition(
            row["id"],
            row["at"],
            Conclusion(row["disposition"]),
            row["reason"],
            tuple(row["excluded_account_ids"]),
        )
        for row in rows
    ]


def read_benign_keys(store: GraphStore) -> frozenset[str]:
    """Keys of all identifiers that are benign."""
    return frozenset(row["key"] for row in store.read("detection/benign_keys"))


def _dispose_ring(tx: Transaction, ring_id: str, verdict: Verdict, now: int) -> Disposition:
    rows = tx.run("cases/judge_ring", ring_id=ring_id, now=now)
    if not rows:
        raise NotFoundError(f"there is no ring {ring_id!r}")
    ring = rows[0]
    _check(ring_id, ring, verdict)
    touched = {*ring["account_ids"], *_ids(tx.run("cases/end_must_links", ring_id=ring_id))}
    if verdict.disposition is Conclusion.CONFIRMED:
        _link(tx, ring_id, ring, set(verdict.excluded_account_ids))
    else:
        touched |= _ids(tx.run("cases/end_cannot_links", ring_id=ring_id))
    disposition = _disposition(verdict, ring["at"])
    # kept with it, for the ring goes on: what was said is about those who were in it, and why
    members = [a for a in ring["account_ids"] if a not in disposition.excluded_account_ids]
    names = ("number", "reason_codes", "risk_level", "alert_count", "in_experiment")
    row = _row(disposition) | {"account_ids": members} | {name: ring[name] for name in names}
    tx.run("cases/save_ring_disposition", ring_id=ring_id, disposition=row)
    _touch(tx, touched)
    return disposition


def _check(ring_id: str, ring: Row, verdict: Verdict) -> None:
    """InputError for what cannot be said of this ring."""
    if ring["status"] == RingStatus.MERGED:
        raise InputError(f"ring {ring_id!r} was taken over by another: dispose that one")
    excluded = set(verdict.excluded_account_ids)
    if verdict.disposition is not Conclusion.CONFIRMED:
        if excluded:
            raise InputError("accounts can be excluded only from a ring that is confirmed")
        return
    if ring["status"] != RingStatus.OPEN:
        raise InputError(f"ring {ring_id!r} has lapsed: only an open ring can be confirmed")
    members = set(ring["account_ids"])
    if strangers := sorted(excluded - members):
        raise InputError(f"{strangers[0]!r} is not in ring {ring_id!r} and cannot be excluded")
    if len(members - excluded) < 2:
        raise InputError("at least two accounts must be left in a ring that is confirmed")


def _link(tx: Transaction, ring_id: str, ring: Row, excluded: set[str]) -> None:
    left = [account_id for account_id in ring["account_ids"] if account_id not in excluded]
    together = [list(pair) for pair in combinations(sorted(left[:MAX_LINKED]), 2)]
    apart = [[one, other] for one in sorted(excluded) for other in sorted(left)]
    said = {"ring_id": ring_id, "last_seen": ring["last_seen"]}
    tx.run("cases/add_must_links", rows=together, **said)
    tx.run("cases/add_cannot_links", rows=apart, **said)


def _dispose_identifier(tx: Transaction, key: str, verdict: Verdict, now: int) -> Disposition:
    is_benign = verdict.disposition is Conclusion.BENIGN
    rows = tx.run("cases/judge_identifier", key=key, is_benign=is_benign, now=now)
    if not rows:
        raise NotFoundError(f"there is no identifier {key!r}")
    disposition = _disposition(verdict, rows[0]["at"])
    tx.run("cases/save_identifier_disposition", key=key, disposition=_row(disposition))
    _touch(tx, rows[0]["account_ids"])
    return disposition


def _disposition(verdict: Verdict, at: int) -> Disposition:
    return Disposition(
        uuid.uuid4().hex,
        at,
        verdict.disposition,
        verdict.reason,
        tuple(sorted(set(verdict.excluded_account_ids))),
    )


def _row(disposition: Disposition) -> Row:
    return asdict(disposition) | {
        "disposition": disposition.disposition.value,
        "excluded_account_ids": list(disposition.excluded_account_ids),
    }


def _ids(rows: list[Row]) -> set[str]:
    return {row["id"] for row in rows}


def _touch(tx: Transaction, account_ids: Iterable[str]) -> None:
    ids = sorted(account_ids)
    if ids:
        note = uuid.uuid4().hex
        tx.run("ingest/touch", id=note, account_ids=ids, partitions=[], latest_at=0)
