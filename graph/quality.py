"""How good the events were: counts by hour, kept for a while, and an alert for what is unusual."""

import logging

from graph.breaches import MAX_DAYS, Breach, judge
from graph.outbox import Message, enqueue, message
from graph.store import GraphStore, Transaction
from graph.times import DAY_MS, HOUR_MS, rfc3339

log = logging.getLogger("ringtrace.quality")

#: how long the hours are kept: long enough to look back at a quarter, and small (about 40 nodes an
#: hour and partition)
KEPT_DAYS = 90
#: an hour is judged this long after its end: counters follow up to half a minute behind
GRACE_MS = 5 * 60_000
#: nodes deleted in one transaction
_FORGET_LIMIT = 10_000


def last_complete_hour(now: int) -> int:
    """Start of the newest hour that can be judged at `now`, both in milliseconds since 1970."""
    until = now - GRACE_MS
    return until - until % HOUR_MS - HOUR_MS


def read_hours(store: GraphStore, since: int, until: int) -> dict[int, dict[str, int]]:
    """Counts of the hours that start in [since, until), milliseconds; hours without are not in."""
    rows = store.read("explore/quality", since=since, until=until)
    return {row["hour"]: dict(row["counts"]) for row in rows}


def check_quality(store: GraphStore, now: int) -> list[Breach]:
    """Judge the last complete hour: each breach goes out, once a measure and day.

    `now` in milliseconds since 1970. Doing it twice changes nothing. Forgets what is too old.
    """
    hour = last_complete_hour(now)
    hours = read_hours(store, hour - MAX_DAYS * DAY_MS, hour + HOUR_MS)
    breaches = judge(hours, hour)

    def save(tx: Transaction) -> None:
        enqueue(tx, [_message(breach, now) for breach in breaches], now)
        tx.run("ingest/forget_quality", before=now - KEPT_DAYS * DAY_MS, limit=_FORGET_LIMIT)

    store.write(save)
    for breach in breaches:
        log.warning("%s", breach.text)
    return breaches


def _message(breach: Breach, now: int) -> Message:
    day = (rfc3339(breach.hour) or "")[:10]
    data = {
        "measure": breach.measure,
        "hour": rfc3339(breach.hour),
        "value": round(breach.value, 6),
        "usual": round(breach.usual, 6),
        "spread": round(breach.spread, 6),
        "days": breach.days,
        "text": breach.text,
        "caused_by": {"at": rfc3339(breach.hour + HOUR_MS)},
    }
    return message(f"msg_degraded_{breach.measure}_{day}", "service.degraded", now, data)
