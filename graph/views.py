"""Reading side: rows of the explore statements as the types of graph.model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graph.errors import NotFoundError
from graph.kinds import hub_caps
from graph.model import (
    AccountSummary,
    Alert,
    Flag,
    Reason,
    Ring,
    RingIdentifier,
    RingStatus,
    RiskLevel,
)
from graph.pseudonyms import label
from graph.store import GraphStore, Row

#: rings or accounts read at once when all are wanted
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class RingFilter:
    """Which rings to list."""

    min_level: RiskLevel = RiskLevel.LOW
    statuses: tuple[RingStatus, ...] = (RingStatus.OPEN,)
    min_size: int = 0
    #: last seen at or after, milliseconds
    since: int = 0


def list_rings(
    store: GraphStore, wanted: RingFilter, after: tuple[int, str] | None, limit: int
) -> list[Ring]:
    """A page of rings, highest risk first, behind `after` (score and id)."""
    score, ring_id = after or (101, "")
    rows = store.read(
        "explore/rings",
        statuses=[status.value for status in wanted.statuses],
        levels=[level.value for level in RiskLevel if level.rank >= wanted.min_level.rank],
        min_size=wanted.min_size,
        since=wanted.since,
        after_score=score,
        after_id=ring_id,
        limit=limit,
    )
    return [_ring(row) for row in rows]


def all_rings(store: GraphStore, wanted: RingFilter) -> Iterator[Ring]:
    """Every ring, highest risk first."""
    after = None
    while page := list_rings(store, wanted, after, _PAGE):
        yield from page
        after = (page[-1].risk_score, page[-1].ring_id)


def get_ring(store: GraphStore, ring_id: str) -> tuple[Ring, str | None]:
    """A ring, and the one that took it over in the end; NotFoundError when there is none."""
    rows = store.read("explore/ring", ring_id=ring_id)
    if not rows:
        raise NotFoundError(f"there is no ring {ring_id!r}")
    return _ring(rows[0]), rows[0]["merged_into"]


def get_account(store: GraphStore, account_id: str) -> AccountSummary:
    """One account; NotFoundError when there is none."""
    rows = store.read("explore/account", account_id=account_id)
    if not rows:
        raise NotFoundError(f"there is no account {account_id!r}")
    return _account(rows[0])


def all_accounts(store: GraphStore, flagged: bool) -> Iterator[AccountSummary]:
    """Every account in order of id, or only those with a flag."""
    after = ""
    while rows := store.read("explore/accounts", after_id=after, flagged=flagged, limit=_PAGE):
        yield from (_account(row) for row in rows)
        after = rows[-1]["account_id"]


@dataclass(frozen=True, slots=True)
class Identifier:
    """One identifier and how it was used."""

    key: str
    kind: str
    #: its value, or its kind and a part of its token
    label: str
    account_count: int
    #: on too many accounts to mean anything
    is_hub: bool
    event_count: int
    first_seen: int | None
    last_seen: int | None
    #: since when it links nobody because somebody said so, None for others; milliseconds
    benign_at: int | None


def get_identifier(store: GraphStore, key: str) -> Identifier:
    """One identifier; NotFoundError when there is none."""
    rows = store.read("explore/identifier", key=key)
    if not rows:
        raise NotFoundError(f"there is no identifier {key!r}")
    row = rows[0]
    return Identifier(
        key=row["key"],
        kind=row["kind"],
        label=label(row["key"], row["value"]),
        account_count=row["account_count"],
        is_hub=row["account_count"] > hub_caps()[row["kind"]],
        event_count=row["event_count"],
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        benign_at=row["benign_at"],
    )


@dataclass(frozen=True, slots=True)
class FlaggedAccount:
    """An account with the flags a listing asked for."""

    account_id: str
    anomaly_score: int | None
    #: when the latest of them happened, milliseconds
    at: int
    flags: tuple[Flag, ...]


def list_flagged(
    store: GraphStore,
    rules: Sequence[str],
    between: tuple[int, int],
    after: tuple[int, str] | None,
    limit: int,
) -> list[FlaggedAccount]:
    """A page of accounts flagged by these rules in a time span, latest first."""
    at, account_id = after or (between[1], "")
    rows = store.read(
        "explore/flagged_accounts",
        rules=list(rules),
        since=between[0],
        until=between[1],
        after_at=at,
        after_id=account_id,
        limit=limit,
    )
    return [
        FlaggedAccount(row["account_id"], row["anomaly_score"], row["at"], _flags(row["flags"]))
        for row in rows
    ]


def list_alerts(store: GraphStore, after: tuple[int, str] | None, limit: int) -> list[Alert]:
    """A page of alerts, newest first."""
    at, alert_id = after or (2**62, "")
    rows = store.read("explore/alerts", after_at=at, after_id=alert_id, limit=limit)
    return [Alert(**(row | {"risk_level": RiskLevel(row["risk_level"])})) for row in rows]


def _ring(row: Row) -> Ring:
    reasons = sorted(row["reasons"], key=lambda reason: int(reason["position"]))
    return Ring(
        ring_id=row["ring_id"],
        status=RingStatus(row["status"]),
        risk_score=row["risk_score"],
        risk_level=RiskLevel(row["risk_level"]),
        account_ids=tuple(sorted(row["account_ids"])),
        identifiers=tuple(
            RingIdentifier(*i) for i in sorted(row["identifiers"], key=lambda i: (-i[2], i[1]))
        ),
        reasons=tuple(
            Reason(r["code"], r["text"], r["points"], tuple(r["evidence"])) for r in reasons
        ),
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        parents=tuple(sorted(row["parents"])),
        innocent_reading=row["innocent_reading"] or "",
        fewest_links=tuple(row["fewest_links"] or ()),
    )


def _account(row: Row) -> AccountSummary:
    rings = sorted(row["rings"], key=lambda ring: (-ring[1], ring[0]))
    return AccountSummary(
        account_id=row["account_id"],
        anomaly_score=row["anomaly_score"],
        risk_score=rings[0][1] if rings else None,
        ring_ids=tuple(ring_id for ring_id, _ in rings),
        flags=_flags(row["flags"]),
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        event_count=row["event_count"],
        anomaly_reasons=tuple(row["anomaly_reasons"] or ()),
    )


def _flags(flags: list[list[Any]]) -> tuple[Flag, ...]:
    return tuple(Flag(*flag) for flag in sorted(flags))
