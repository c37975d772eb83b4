"""The quality of the last hours as the API and the command line show it."""

from pydantic import BaseModel

from graph.breaches import MAX_DAYS, Breach, judge, shares
from graph.quality import last_complete_hour, read_hours
from graph.store import GraphStore
from graph.times import DAY_MS, HOUR_MS, rfc3339


class BreachOut(BaseModel):
    """Something that was not as on the days before."""

    measure: str
    hour: str
    value: float
    usual: float
    spread: float
    days: int
    text: str

    @classmethod
    def of(cls, breach: Breach) -> "BreachOut":
        """The breach with its time as text."""
        return cls(
            measure=breach.measure,
            hour=_text(breach.hour),
            value=round(breach.value, 6),
            usual=round(breach.usual, 6),
            spread=round(breach.spread, 6),
            days=breach.days,
            text=breach.text,
        )


class HourOut(BaseModel):
    """One hour of events."""

    #: its start
    hour: str
    #: how many, by measure; what did not happen is left out
    counts: dict[str, int]
    #: shares from 0 to 1, by measure
    shares: dict[str, float]
    breaches: list[BreachOut]


class QualityOut(BaseModel):
    """The last hours, oldest first."""

    hours: list[HourOut]


def last_hours(store: GraphStore, count: int, now: int) -> list[HourOut]:
    """The last `count` hours with the present one, oldest first; `now` in milliseconds.

    Begins with the first hour that the graph knows of. An hour is judged when it is complete.
    """
    until = now - now % HOUR_MS + HOUR_MS
    since = until - count * HOUR_MS
    known = read_hours(store, since - MAX_DAYS * DAY_MS, until)
    judged = last_complete_hour(now)
    found = []
    for hour in range(max(since, min(known, default=until)), until, HOUR_MS):
        counts = known.get(hour, {})
        breaches = judge(known, hour) if hour <= judged else []
        found.append(
            HourOut(
                hour=_text(hour),
                counts=counts,
                shares={name: round(share, 6) for name, share in shares(counts).items()},
                breaches=[BreachOut.of(breach) for breach in breaches],
            )
        )
    return found


def _text(at: int) -> str:
    return rfc3339(at) or ""
