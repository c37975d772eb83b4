"""Which hours of events were not as usual.

An hour is compared with the same hour of the days before. It is a breach only when all of this
holds: the change is large in itself (a floor each), it is far outside what those days vary by
(robust z), and no two of them were at least half as far off (weekends are not news).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import median

from graph.times import DAY_MS, HOUR_MS, rfc3339

#: measure of the events whose type is not in the contract
OTHER_TYPE = "type:other"
#: days that an hour is compared with, at most and at least
MAX_DAYS, MIN_DAYS = 14, 3
#: fewest messages from which a share says anything
MIN_MESSAGES = 100
#: spreads between an hour and the usual from which it is unusual; an hour has about twenty measures
MIN_Z = 5.0
#: former days that were about as far off from which it is usual after all
MIN_ALIKE = 2

#: start of the hour in milliseconds since 1970 to its counts by measure
Hours = Mapping[int, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Breach:
    """An hour in which something was not as on the days before."""

    #: `events` for the volume, else the measure whose share changed
    measure: str
    #: start of the hour, milliseconds since 1970
    hour: int
    #: a count for the volume, else a share from 0 to 1
    value: float
    #: median of the former days
    usual: float
    #: how much they vary: 1.4826 times the median absolute deviation, or chance if that is more
    spread: float
    #: former days compared with
    days: int
    #: one sentence with all of it
    text: str


@dataclass(frozen=True, slots=True)
class _Share:
    """A measure that is judged as a share of another."""

    part: str
    whole: str
    #: smallest change worth an alert
    floor: float
    #: what is said of the part, after "12 % of 400 "
    words: str
    #: whether a fall is news too
    both_ways: bool = False


_SHARES = (
    _Share("missing:device_id", "events", 0.05, "events came without device_id"),
    _Share("missing:ip", "events", 0.05, "events came without ip"),
    _Share("missing:country", "events", 0.05, "events came without country"),
    _Share(
        "missing:payment_instrument", "type:payment", 0.05, "payments came without an instrument"
    ),
    _Share("missing:currency", "amounts", 0.05, "amounts came without currency"),
    _Share(OTHER_TYPE, "events", 0.05, "events had a type that is not in the contract"),
    _Share("late", "events", 0.05, "events were more than an hour late"),
    _Share("late_day", "events", 0.05, "events were more than a day late"),
    _Share("future", "events", 0.02, "events were ahead of the broker's clock"),
    _Share("duplicate", "received", 0.05, "messages were repeated"),
)


def shares(counts: Mapping[str, int]) -> dict[str, float]:
    """Every share of an hour that can be told, by measure, 0 to 1."""
    totals = _with_totals(counts)
    return {
        share.part: totals.get(share.part, 0) / totals[share.whole]
        for share in _shares(totals)
        if totals.get(share.whole)
    }


def judge(hours: Hours, hour: int) -> list[Breach]:
    """What was unusual in one hour, sorted by measure; `hours` has it and the days before."""
    first = min(hours, default=hour)
    times = [hour - day * DAY_MS for day in range(1, MAX_DAYS + 1)]
    # an hour without a row after the first one is an hour without events
    before = [_with_totals(hours.get(at, {})) for at in times if at >= first]
    totals = _with_totals(hours.get(hour, {}))
    found = [_judge_share(share, hour, totals, before) for share in _shares(totals)]
    found.append(_judge_volume(hour, totals["events"], [each["events"] for each in before]))
    return sorted((each for each in found if each), key=lambda breach: breach.measure)


def _with_totals(counts: Mapping[str, int]) -> dict[str, int]:
    dead = sum(count for name, count in counts.items() if name.startswith("dead:"))
    events = counts.get("events", 0)
    return {**counts, "events": events, "received": events + counts.get("duplicate", 0) + dead}


def _shares(totals: Mapping[str, int]) -> Iterator[_Share]:
    """The shares to look at in an hour: the fixed ones, and what its measures bring."""
    yield from _SHARES
    for name in totals:
        prefix, _, rest = name.partition(":")
        if prefix == "dead":
            yield _Share(name, "received", 0.005, f"messages were dead letters ({rest})")
        elif prefix == "used":
            words = f"uses of a {rest} were of one never seen before"
            yield _Share(f"new:{rest}", name, 0.15, words, both_ways=True)


def _judge_share(
    share: _Share, hour: int, totals: Mapping[str, int], before: list[dict[str, int]]
) -> Breach | None:
    whole = totals.get(share.whole, 0)
    days = [
        day.get(share.part, 0) / day[share.whole]
        for day in before
        if day.get(share.whole, 0) >= MIN_MESSAGES
    ]
    if whole < MIN_MESSAGES or len(days) < MIN_DAYS:
        return None
    value, usual = totals.get(share.part, 0) / whole, median(days)
    # chance alone: even a share that was always 0 varies by about one message
    chance = sqrt(max(usual * (1 - usual), 1 / whole) / whole)
    spread = max(_deviation(days, usual), chance)
    change = value - usual
    if change < 0 and not share.both_ways:
        return None
    if abs(change) < share.floor or not _is_unusual(value, days, usual, spread):
        return None
    what = f"{_percent(value)} of {whole:,} {share.words}"
    text = f"{_period(hour)} {what}; {_usual(len(days))} {_percent(usual)} ± {_percent(spread)}"
    return Breach(share.part, hour, value, usual, spread, len(days), text)


def _judge_volume(hour: int, value: int, days: list[int]) -> Breach | None:
    if len(days) < MIN_DAYS:
        return None
    usual = median(days)
    spread = max(_deviation(days, usual), usual / 10, sqrt(usual), 1.0)
    # half as many or twice as many
    floor = usual if value > usual else usual / 2
    if abs(value - usual) < max(floor, MIN_MESSAGES) or not _is_unusual(value, days, usual, spread):
        return None
    why = "" if value > usual else " (producers are quiet, or the ingest is behind)"
    was = f"{_usual(len(days))} {usual:,.0f} ± {spread:,.0f}"
    text = f"{_period(hour)} there were {value:,} events{why}; {was}"
    return Breach("events", hour, value, usual, spread, len(days), text)


def _is_unusual(value: float, days: list[float] | list[int], usual: float, spread: float) -> bool:
    change = value - usual
    alike = sum((day - usual) * change >= change * change / 2 for day in days)
    return abs(change) >= MIN_Z * spread and alike < MIN_ALIKE


def _deviation(days: list[float] | list[int], usual: float) -> float:
    # 1.4826: what makes it a standard deviation where values are normal
    return 1.4826 * median(abs(day - usual) for day in days)


def _period(hour: int) -> str:
    return f"from {rfc3339(hour)} to {rfc3339(hour + HOUR_MS)}"


def _usual(days: int) -> str:
    return f"at this hour of {days} days before it was"


def _percent(share: float) -> str:
    digits = 1 if share >= 0.001 or not share else 2
    return f"{100 * share:.{digits}f} %"
