"""Whether rings score as they did when thresholds were calibrated: if not, nobody is called."""

import logging
from functools import partial

from detection.calibration import (
    DRIFTED,
    STEADY,
    Source,
    drift,
    present_scores,
    read_calibration,
)
from graph.outbox import Message, enqueue, message, release
from graph.store import GraphStore, Transaction
from graph.times import rfc3339

log = logging.getLogger("ringtrace.detection")


def watch_drift(store: GraphStore, now: int) -> float | None:
    """Compare, freeze escalation where much changed, and thaw it where all is as before; the index.

    `now` in milliseconds since 1970. None without a calibration on this graph, or for too few
    rings. While it is frozen alerts are raised and listed, their messages are held back, and one
    `service.degraded` says so; a thaw, or another calibration, lets them go.
    """
    made = read_calibration(store)
    if made.source is Source.SIMULATED:
        return None
    index = drift(made.everybody, present_scores(store))
    if index is not None and index >= DRIFTED and not made.is_frozen:
        store.write(partial(_freeze, index=index, at=made.at, now=now))
        log.warning("%s", _text(index))
    if index is not None and index < STEADY and made.is_frozen:
        store.write(partial(_thaw, at=made.at))
        log.info("rings score as they did when thresholds were calibrated: alerts are sent again")
    return index


def _freeze(tx: Transaction, index: float, at: int, now: int) -> None:
    if tx.run("detection/freeze_calibration", at=at, frozen_at=now)[0]["calibrations"]:
        enqueue(tx, [_message(index, at, now)], now)


def _thaw(tx: Transaction, at: int) -> None:
    if tx.run("detection/freeze_calibration", at=at, frozen_at=None)[0]["calibrations"]:
        release(tx)


def _text(index: float) -> str:
    return (
        f"rings score otherwise than when thresholds were calibrated (index {index:.2f}, limit "
        f"{DRIFTED}): alerts are listed, and sent when they score as before or "
        "`ringtrace calibrate` says anew"
    )


def _message(index: float, calibrated_at: int, now: int) -> Message:
    data = {
        "measure": "drift",
        "value": round(index, 6),
        "limit": DRIFTED,
        "calibrated_at": rfc3339(calibrated_at),
        "text": _text(index),
        "caused_by": {"at": rfc3339(now)},
    }
    return message(f"msg_degraded_drift_{calibrated_at}_{now}", "service.degraded", now, data)
