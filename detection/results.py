"""What a run leaves: only what changed, its rings in one transaction with the notes it read."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from detection.changes import change_rows
from detection.findings import FindingChanges
from detection.projection import age_hour
from detection.rings import KnownRing
from detection.scope import Scope
from graph import outbox
from graph.errors import StoreAwayError
from graph.model import Alert, Ring, RingChange, RingStatus
from graph.store import GraphStore, Row, Transaction
from graph.world_keys import keep_keys

#: rings in one transaction: a first pass finds tens of thousands
_RINGS = 1_000
#: accounts up to which it is said with the last rings when they are due
_DUE = 20_000


@dataclass(frozen=True, slots=True)
class Results:
    """All that a run writes."""

    scope: Scope
    #: accounts looked at
    account_count: int
    rings: list[Ring]
    #: ring id to its members' strengths
    strengths: dict[str, dict[str, int]]
    changes: list[RingChange]
    before: dict[str, KnownRing]
    #: ring id to the ring that took it over, None for lapsed
    ended: dict[str, str | None]
    findings: FindingChanges
    #: [account id, milliseconds or None, first account of its component or None] where it changed
    due: list[list[Any]]
    alerts: list[Alert]
    messages: list[outbox.Message]
    detector_version: str
    #: when messages are due, milliseconds since 1970; outbox.HELD to hold them back
    send_at: int = 0


def save(store: GraphStore, results: Results) -> None:
    """Write a run: each ring whole, and what belongs together in one transaction.

    What is about single accounts comes first, then rings that neither merged nor split, some at a
    time, and in the last transaction the others with the notes that were read. After a crash
    anywhere the run is repeated and finds the rest. StoreAwayError when the keys of identifiers
    changed meanwhile, another run finished, or somebody said something of a ring or an identifier:
    this one is to be repeated.
    """
    found = results.findings
    due = results.due
    if len(due) > _DUE:
        # too many for one transaction: until all is written they are due at once
        at_once = [[account_id, age_hour(results.scope.now), c] for account_id, _, c in due]
        store.write_rows("detection/save_due", at_once)
        results = replace(results, due=[])
    store.write_rows("detection/save_findings", found.findings)
    store.write_rows("detection/save_flags", found.new)
    store.write_rows("detection/end_findings", found.gone)
    *parts, last = _parts(results)
    for part in parts:
        store.write(partial(_save_rings, results=part))
    store.write(partial(_save_last, results=last))
    if not last.due:
        store.write_rows("detection/save_due", due)


def _parts(results: Results) -> Iterator[Results]:
    """Parts of a run that can be written one after the other; the last has what is not a ring."""
    heirs = {heir for heir in results.ended.values() if heir is not None}
    split = {ring.ring_id for ring in results.rings if ring.parents}
    split |= {parent for ring in results.rings for parent in ring.parents}
    bound = heirs | split
    free = [ring for ring in results.rings if ring.ring_id not in bound]
    starts = range(0, len(free), _RINGS)
    parts = [{ring.ring_id for ring in free[start : start + _RINGS]} for start in starts]
    last = (parts.pop() if parts else set()) | bound | set(results.ended)
    # the first part tells everybody: what it says twice has the same id
    messages = results.messages
    for part in parts:
        yield _only(results, part, messages)
        messages = []
    yield replace(_only(results, last, messages), ended=results.ended)


def _only(results: Results, ring_ids: set[str], messages: list[outbox.Message]) -> Results:
    return replace(
        results,
        rings=[ring for ring in results.rings if ring.ring_id in ring_ids],
        strengths={r: s for r, s in results.strengths.items() if r in ring_ids},
        changes=[change for change in results.changes if change.ring_id in ring_ids],
        alerts=[alert for alert in results.alerts if alert.ring_id in ring_ids],
        ended={},
        messages=messages,
    )


def _save_last(tx: Transaction, results: Results) -> None:
    scope = results.scope
    _save_rings(tx, results)
    tx.run("detection/save_due", rows=results.due)
    tx.run("detection/save_hubs", rows=scope.hubs)
    tx.run("detection/save_crowds", rows=scope.crowds)
    tx.run("detection/delete_touched", rows=scope.touched)
    tx.run("detection/save_run", run=_run(results))


def _save_rings(tx: Transaction, results: Results) -> None:
    scope = results.scope
    keep_keys(tx, scope.fingerprint)
    # behind the lock that keeping the keys takes
    last = tx.run("detection/last_run")[0]
    if last["number"] != scope.number - 1:
        raise StoreAwayError("another detection run finished meanwhile: this one is repeated")
    if last["dispositions"] != scope.dispositions:
        raise StoreAwayError("somebody disposed of something meanwhile: this run is repeated")
    _save_open_rings(tx, results)
    _close_rings(tx, results)
    changes = change_rows(results.changes)
    numbers = {"run_id": scope.run_id, "number": scope.number, "now": scope.now}
    tx.run("detection/save_changes", rows=changes, **numbers)
    tx.run("detection/save_alerts", rows=_alerts(results.alerts))
    outbox.enqueue(tx, results.messages, due_at=results.send_at)


def _save_open_rings(tx: Transaction, results: Results) -> None:
    now = results.scope.now
    members, left = _memberships(results)
    changed = [
        (ring, digest)
        for ring in results.rings
        if (digest := _digest(ring, results.detector_version)) != _known_digest(results, ring)
    ]
    rows = [
        {
            "ring_id": ring.ring_id,
            "risk_score": ring.risk_score,
            "risk_level": ring.risk_level.value,
            "size": ring.size,
            "first_seen": ring.first_seen,
            "last_seen": ring.last_seen,
            "detector_version": results.detector_version,
            "innocent_reading": ring.innocent_reading,
            "fewest_links": list(ring.fewest_links),
            "digest": digest,
        }
        for ring, digest in changed
    ]
    rings = [ring for ring, _ in changed]
    held = [
        {"ring_id": ring.ring_id, "key": i.key, "account_count": i.account_count}
        for ring in rings
        for i in ring.identifiers
    ]
    parents = [{"ring_id": r.ring_id, "parent_id": parent} for r in rings for parent in r.parents]
    tx.run("detection/save_rings", rows=rows, now=now)
    tx.run("detection/save_members", rows=members, now=now)
    tx.run("detection/end_members", rows=left, now=now)
    tx.run("detection/save_ring_identifiers", rows=held)
    tx.run("detection/save_reasons", rows=_reasons(rings))
    tx.run("detection/save_parents", rows=parents)


def _memberships(results: Results) -> tuple[list[Row], list[Row]]:
    """Members that are new or tied in otherwise than before, and those that left."""
    kept, left = [], []
    for ring_id, strengths in results.strengths.items():
        known = results.before.get(ring_id)
        before = known.members if known else {}
        for account_id, strength in strengths.items():
            if before.get(account_id) != strength:
                kept.append({"ring_id": ring_id, "account_id": account_id, "strength": strength})
        for account_id in before.keys() - strengths.keys():
            left.append({"ring_id": ring_id, "account_id": account_id})
    return kept, sorted(left, key=lambda row: (row["ring_id"], row["account_id"]))


def _known_digest(results: Results, ring: Ring) -> str | None:
    known = results.before.get(ring.ring_id)
    return known.digest if known else None


def _digest(ring: Ring, detector_version: str) -> str:
    # a split's parents are told once, when it is born
    text = repr((replace(ring, ring_id="", account_ids=(), parents=()), detector_version))
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _close_rings(tx: Transaction, results: Results) -> None:
    rows = [
        {
            "ring_id": ring_id,
            "status": (RingStatus.MERGED if heir else RingStatus.LAPSED).value,
            "merged_into": heir,
        }
        for ring_id, heir in results.ended.items()
    ]
    tx.run("detection/close_rings", rows=rows, now=results.scope.now)


def _reasons(rings: list[Ring]) -> list[Row]:
    return [
        {
            "ring_id": ring.ring_id,
            "code": reason.code,
            "text": reason.text,
            "points": reason.points,
            "evidence": list(reason.evidence),
            "position": position,
        }
        for ring in rings
        for position, reason in enumerate(ring.reasons)
    ]


def _alerts(alerts: list[Alert]) -> list[Row]:
    return [
        {
            "alert_id": alert.alert_id,
            "ring_id": alert.ring_id,
            "at": alert.at,
            "risk_score": alert.risk_score,
            "risk_level": alert.risk_level.value,
            "sequence": alert.sequence,
            "detector_version": alert.detector_version,
            "calibration": alert.calibration,
        }
        for alert in alerts
    ]


def _run(results: Results) -> Row:
    scope = results.scope
    return {
        "id": scope.run_id,
        "number": scope.number,
        "at": scope.now,
        "is_full": scope.is_full,
        "accounts": results.account_count,
        "rings": len(results.rings),
        "alerts": len(results.alerts),
        "detector_version": results.detector_version,
    }
