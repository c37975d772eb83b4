"""Instants as people and JSON write them, and how old is old."""

import time
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
#: days since its last use after which a use weighs less, and at last nothing
AGE_CLASS_DAYS = (7, 30, 90, 400)
_MILLISECOND = timedelta(milliseconds=1)
_LIMITS_MS = tuple(days * DAY_MS for days in AGE_CLASS_DAYS)


def age_class(age_ms: int) -> int:
    """0 for up to 7 days, then 1, 2, 3, and 4 for expired.

    >>> age_class(0), age_class(8 * DAY_MS), age_class(401 * DAY_MS)
    (0, 1, 4)
    """
    if age_ms <= _LIMITS_MS[0]:
        return 0
    return sum(age_ms > limit for limit in _LIMITS_MS)


def now_ms() -> int:
    """The clock: for the outermost loops, which pass it on as `now`."""
    return time.time_ns() // 1_000_000


def millis(at: datetime) -> int:
    """Milliseconds since 1970 UTC, in whole numbers: a float would lose one now and then."""
    return (at - EPOCH) // _MILLISECOND


def rfc3339(at: int | None) -> str | None:
    """Milliseconds since 1970 UTC as RFC 3339, with a fraction only where there is one.

    >>> rfc3339(1500), rfc3339(2000), rfc3339(None)
    ('1970-01-01T00:00:01.500Z', '1970-01-01T00:00:02Z', None)
    """
    if at is None:
        return None
    moment = datetime.fromtimestamp(at // 1000, UTC).replace(microsecond=at % 1000 * 1000)
    precision = "milliseconds" if at % 1000 else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")
