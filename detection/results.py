"""Where a run starts and what it leaves: the scope it reads and the one transaction it writes."""

from dataclasses import dataclass

from detection.anomaly import AnomalyModel, save_model
from detection.rings import KnownRing
from detection.rules import finding_id
from graph import outbox
from graph.kinds import hub_caps
from graph.model import Alert, Finding, Ring, RingChange, RingStatus, RiskLevel
from graph.store import GraphStore, Row, Transaction
from graph.world_keys import keep_keys, read_world


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run looks at."""

    #: time of the graph, milliseconds: the greatest accepted occurred_at
    now: int
    number: int
    is_full: bool
    #: accounts to look at again
    account_ids: set[str]
    #: notes of ingest that this run deals with
    touched: list[Row]
    #: identifiers that became hubs
    hub_keys: list[str]
    #: which keys identifiers had when they were read
    fingerprint: str | None

    @property
    def run_id(self) -> str:
        """Name of the run."""
        return f"run-{self.number:08d}"


@dataclass(frozen=True, slots=True)
class Results:
    """All that a run writes."""

    scope: Scope
    looked_at: list[str]
    rings: list[Ring]
    #: ring id to its members' strengths
    strengths: dict[str, dict[str, int]]
    changes: list[RingChange]
    before: dict[str, KnownRing]
    #: ring id to the ring that took it over, None for lapsed
    ended: dict[str, str | None]
    findings: list[Finding]
    #: account id, score, drivers
    anomaly: list[tuple[str, int, list[str]]]
    model: AnomalyModel
    alerts: list[Alert]
    messages: list[outbox.Message]
    detector_version: str


def read_scope(store: GraphStore, full: bool) -> Scope:
    """What was touched since the last run; with `full`, every account."""
    fingerprint = read_world(store)["fingerprint"]
    touched = store.read("detection/read_touched")
    hubs = store.read("detection/new_hubs", caps=hub_caps())
    accounts = {account_id for row in touched for account_id in row["account_ids"]}
    accounts |= {account_id for row in hubs for account_id in row["account_ids"]}
    if full:
        accounts = {row["id"] for row in store.read("detection/active_accounts")}
    return Scope(
        now=store.read("detection/read_now")[0]["now"] or 0,
        number=store.read("detection/last_run")[0]["number"] + 1,
        is_full=full,
        account_ids=accounts,
        touched=[{k: v for k, v in row.items() if k != "account_ids"} for row in touched],
        hub_keys=[row["key"] for row in hubs],
        fingerprint=fingerprint,
    )


def read_known_rings(store: GraphStore, looked_at: set[str]) -> list[KnownRing]:
    """Open rings with at least one member among the accounts looked at, oldest first."""
    return [
        KnownRing(
            row["ring_id"],
            row["risk_score"],
            RiskLevel(row["risk_level"]),
            RiskLevel(row["alerted_level"]) if row["alerted_level"] else None,
            row["alert_count"],
            {account_id: int(strength) for account_id, strength in row["members"]},
        )
        for row in store.read("detection/read_rings")
        if any(account_id in looked_at for account_id, _ in row["members"])
    ]


def read_used_ids(store: GraphStore, looked_at: set[str]) -> set[str]:
    """Ids of all rings, closed ones too, that the accounts looked at were ever in."""
    rows = store.read("detection/used_ring_ids", account_ids=sorted(looked_at))
    return {row["ring_id"] for row in rows}


def save(store: GraphStore, results: Results) -> None:
    """Write everything of a run in one transaction; the notes it read go in the same.

    StoreAwayError when the keys of identifiers changed meanwhile: the run is to be repeated.
    """
    store.write(lambda tx: _save(tx, results))


def _save(tx: Transaction, results: Results) -> None:
    keep_keys(tx, results.scope.fingerprint)
    now, run_id = results.scope.now, results.scope.run_id
    _save_rings(tx, results)
    _close_rings(tx, results)
    tx.run("detection/save_changes", rows=_changes(results), run_id=run_id, now=now)
    tx.run("detection/forget_findings", account_ids=results.looked_at)
    tx.run("detection/save_findings", rows=_findings(results.findings))
    anomaly = [{"id": a, "score": s, "reasons": words} for a, s, words in results.anomaly]
    tx.run("detection/save_anomaly_scores", rows=anomaly)
    save_model(tx, results.model, now)
    tx.run("detection/save_alerts", rows=_alerts(results.alerts))
    outbox.enqueue(tx, results.messages, due_at=0)
    tx.run("detection/mark_hubs", keys=results.scope.hub_keys)
    tx.run("detection/delete_touched", rows=results.scope.touched)
    tx.run("detection/save_run", run=_run(results))


def _save_rings(tx: Transaction, results: Results) -> None:
    now, rings = results.scope.now, results.rings
    rows = [
        {
            "ring_id": ring.ring_id,
            "risk_score": ring.risk_score,
            "risk_level": ring.risk_level.value,
            "size": ring.size,
            "first_seen": ring.first_seen,
            "last_seen": ring.last_seen,
            "detector_version": results.detector_version,
        }
        for ring in rings
    ]
    tx.run("detection/save_rings", rows=rows, now=now)
    members = [
        {"ring_id": ring_id, "account_id": account_id, "strength": strength}
        for ring_id, strengths in results.strengths.items()
        for account_id, strength in strengths.items()
    ]
    tx.run("detection/save_members", rows=members, now=now)
    left = [
        {"ring_id": change.ring_id, "account_id": account_id}
        for change in results.changes
        for account_id in change.left
    ]
    tx.run("detection/end_members", rows=left, now=now)
    held = [
        {"ring_id": ring.ring_id, "key": i.key, "account_count": i.account_count}
        for ring in rings
        for i in ring.identifiers
    ]
    tx.run("detection/save_ring_identifiers", rows=held)
    tx.run("detection/save_reasons", rows=_reasons(rings))
    parents = [{"ring_id": r.ring_id, "parent_id": parent} for r in rings for parent in r.parents]
    tx.run("detection/save_parents", rows=parents)


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


def _changes(results: Results) -> list[Row]:
    rows = [
        {
            "ring_id": change.ring_id,
            "kind": change.kind.value,
            "joined": list(change.joined),
            "left": list(change.left),
            "score_before": change.score_before,
            "score_after": change.score_after,
        }
        for change in results.changes
    ]
    return rows + [
        {
            "ring_id": ring_id,
            "kind": "merged" if heir else "lapsed",
            "joined": [],
            "left": sorted(results.before[ring_id].members),
            "score_before": results.before[ring_id].risk_score,
            "score_after": None,
        }
        for ring_id, heir in results.ended.items()
    ]


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


def _findings(findings: list[Finding]) -> list[Row]:
    return [
        {
            "id": finding_id(finding),
            "rule": finding.rule,
            "identifier_key": finding.identifier_key,
            "at": finding.at,
            "detail": finding.detail,
            "account_count": finding.account_count,
            "account_ids": list(finding.account_ids),
        }
        for finding in findings
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
        "accounts": len(results.looked_at),
        "rings": len(results.rings),
        "alerts": len(results.alerts),
        "detector_version": results.detector_version,
    }
