"""Instants as people and JSON write them."""

from datetime import UTC, datetime


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
