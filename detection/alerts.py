"""Alerts: which rings somebody should hear of, once a level."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import msgspec

from detection.calibration import Calibration
from detection.rings import KnownRing
from detection.settings import DetectionSettings
from graph.model import Alert, Ring
from graph.outbox import Message, message
from graph.times import rfc3339

#: accounts and identifiers named in a message, so that it stays under 20 kB
MAX_NAMED = 100
#: bytes of JSON that accounts, identifiers and reasons take at most; ids may be 512 characters
ACCOUNTS_BYTES = 6_000
IDENTIFIERS_BYTES = 6_000
REASONS_BYTES = 6_000
MAX_DIGEST_RINGS = 50
#: share of other accounts (Jaccard distance) from which a dismissed ring is not what it was
QUIET_SHARE = 0.25


def raise_alerts(
    rings: list[Ring],
    before: dict[str, KnownRing],
    settings: DetectionSettings,
    now: int,
    detector_version: str,
    calibration: Calibration,
) -> list[Alert]:
    """An alert for each ring that reached the alert level, or rose above its last alert's level.

    None for one below the threshold, where that is higher. One that was dismissed raises none until
    QUIET_SHARE of its accounts are others or its level is above what it was then; it then does.
    """
    alerts, threshold = [], calibration.threshold
    for ring in rings:
        known = before.get(ring.ring_id)
        if ring.risk_level.rank < settings.alert_level.rank:
            continue
        if ring.risk_score < threshold:
            continue
        if known and _is_quiet(ring, known):
            continue
        sequence = (known.alert_count if known else 0) + 1
        alerts.append(
            Alert(
                f"{ring.ring_id}-{sequence}",
                ring.ring_id,
                now,
                ring.risk_score,
                ring.risk_level,
                sequence,
                detector_version,
                calibration.says(ring.risk_score),
            )
        )
    return alerts


def _is_quiet(ring: Ring, known: KnownRing) -> bool:
    """Whether all that an alert would say is known."""
    said, rank = known.dismissal, ring.risk_level.rank
    was_told = known.alerted_level is not None and rank <= known.alerted_level.rank
    # what was dismissed before the last alert says nothing of that
    if said is None or said.alert_count < known.alert_count:
        return was_told
    others = said.account_ids.symmetric_difference(ring.account_ids)
    share = len(others) / len(said.account_ids.union(ring.account_ids))
    return share < QUIET_SHARE and (was_told or rank <= said.risk_level.rank)


def messages(
    alerts: list[Alert], rings: list[Ring], settings: DetectionSettings, run_id: str
) -> list[Message]:
    """One message an alert, or one digest when a run has very many (a first pass)."""
    by_id = {ring.ring_id: ring for ring in rings}
    if len(alerts) > settings.digest_above:
        return [_digest(alerts, by_id, run_id)]
    return [_alerted(alert, by_id[alert.ring_id]) for alert in alerts]


def _alerted(alert: Alert, ring: Ring) -> Message:
    identifiers = [
        {"kind": i.kind, "key": i.key, "account_count": i.account_count}
        for i in ring.identifiers[: MAX_NAMED // 2]
    ]
    reasons = [
        {"code": reason.code, "text": reason.text[:500], "points": reason.points}
        for reason in ring.reasons[:20]
    ]
    data = _ring(ring) | {
        "alert_id": alert.alert_id,
        "sequence": alert.sequence,
        "detector_version": alert.detector_version,
        "calibration": alert.calibration,
        "caused_by": {"at": rfc3339(ring.last_seen)},
        "account_ids": _fitting(ring.account_ids[:MAX_NAMED], ACCOUNTS_BYTES),
        "identifiers": _fitting(identifiers, IDENTIFIERS_BYTES),
        "reasons": _fitting(reasons, REASONS_BYTES),
    }
    return message(f"msg_{alert.alert_id}", "ring.alerted", alert.at, data)


def _fitting(values: Sequence[Any], limit: int) -> list[Any]:
    """The first values that together take at most `limit` bytes of JSON."""
    # each value with the comma behind it
    ends = accumulate(len(msgspec.json.encode(value)) + 1 for value in values)
    return list(values[: sum(end <= limit for end in ends)])


def _digest(alerts: list[Alert], rings: dict[str, Ring], run_id: str) -> Message:
    worst = sorted(alerts, key=lambda alert: (-alert.risk_score, alert.ring_id))
    data = {
        "run_id": run_id,
        "ring_count": len(alerts),
        # as sure as the least of them
        "calibration": min(alerts, key=lambda alert: (alert.risk_score, alert.ring_id)).calibration,
        "rings": [_ring(rings[alert.ring_id]) for alert in worst[:MAX_DIGEST_RINGS]],
    }
    return message(f"msg_{run_id}", "rings.digest", alerts[0].at, data)


def _ring(ring: Ring) -> dict[str, Any]:
    return {
        "ring_id": ring.ring_id,
        "risk_score": ring.risk_score,
        "risk_level": ring.risk_level,
        "size": ring.size,
        "first_seen": rfc3339(ring.first_seen),
        "last_seen": rfc3339(ring.last_seen),
    }
