import json
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.breaches import MIN_DAYS, OTHER_TYPE, judge, shares
from graph.quality import GRACE_MS, last_complete_hour
from graph.times import DAY_MS, HOUR_MS
from ingest.acceptance import Acceptance
from ingest.batches import Accepted, Message, Partition
from ingest.dead_letters import DeadLetter
from ingest.events import Event
from ingest.quality import EVENT_TYPES, Counts, add, hour, measure, rows
from tests.unit.accepted import CLEAR

PARTITION = Partition("events", "life", 0)
NOON = 1_700_049_600_000
NOW = NOON + 40 * HOUR_MS
TYPES = ["login", "payment", "transfer", "log_in", "x"]


def event(arrived: int = NOON, **fields: object) -> Accepted:
    value = {"event_id": "e", "type": "login", "occurred_at": NOON, "account_id": "a"} | fields
    body = json.dumps({name: v for name, v in value.items() if v is not None}).encode()
    (found,), _ = Acceptance(CLEAR).accept([Message(PARTITION, 0, body, arrived)], NOW)
    return found


_texts = st.sampled_from([None, "a", "b"])
EVENTS = st.lists(
    st.builds(
        event,
        arrived=st.sampled_from([0, NOON, NOON + HOUR_MS - 1, NOON + HOUR_MS + 1, NOW]),
        type=st.sampled_from(TYPES),
        occurred_at=st.sampled_from([NOON - 1, NOON, NOON + HOUR_MS, "2023-11-15T12:00:00Z"]),
        device_id=_texts,
        payment_instrument=st.sampled_from([None, "c", {"id": "c", "kind": "card"}]),
        email=st.sampled_from([None, "x@y.z"]),
        identifiers=st.dictionaries(
            st.sampled_from(["tax_id", "advertising_id"]),
            st.sampled_from(["t", ["t", "u"], []]),
        ),
        amount=st.sampled_from([None, 0, "1.5"]),
        currency=st.sampled_from([None, "EUR"]),
        country=st.sampled_from([None, "DE"]),
    ),
    max_size=12,
)
MESSAGES = st.lists(st.builds(Message, st.just(PARTITION), st.just(1), st.none(), st.just(NOON)))


def used(each: Event) -> list[str]:
    fields = {"device_id": "device", "email": "email", "payment_instrument": "payment_instrument"}
    names = [f"used:{kind}" for name, kind in fields.items() if getattr(each, name) is not None]
    for kind, values in each.identifiers.items():
        names += [f"used:{kind}"] * (1 if isinstance(values, str) else len(values))
    return names


def plainly(events: list[Accepted]) -> Counts:
    """The measures by their definitions, an event at a time."""
    counts: Counter[tuple[int, str]] = Counter()
    for accepted in events:
        each = accepted.event
        arrived = accepted.message.timestamp or each.at
        names = ["events", f"type:{each.type}" if each.type in EVENT_TYPES else OTHER_TYPE]
        names += ["late"] * (arrived - each.at > HOUR_MS)
        names += ["late_day"] * (arrived - each.at > DAY_MS)
        names += ["future"] * (arrived < each.at)
        names += ["missing:device_id"] * (each.device_id is None)
        names += ["missing:ip"] * (each.ip is None)
        names += ["missing:country"] * (each.country is None)
        no_instrument = each.type == "payment" and each.payment_instrument is None
        names += ["missing:payment_instrument"] * no_instrument
        names += ["amounts"] * (each.amount_micros is not None)
        names += ["missing:currency"] * (each.amount_micros is not None and each.currency is None)
        names += used(each)
        counts.update((hour(arrived), name) for name in names)
    return dict(counts)


@given(EVENTS)
def test_every_measure_is_its_definition(events: list[Accepted]) -> None:
    counts = measure(events, [], [])
    assert {key: count for key, count in counts.items() if count} == plainly(events)
    for at in {at for at, _ in counts}:
        types = sum(n for (h, name), n in counts.items() if h == at and name.startswith("type:"))
        assert types == counts[at, "events"]


@given(EVENTS, MESSAGES, st.randoms(), st.integers(0, 12))
def test_neither_order_nor_batches_matter(
    events: list[Accepted],
    repeated: list[Message],
    chance: random.Random,
    cut: int,
) -> None:
    letters = [DeadLetter(each, "invalid_json", "") for each in repeated[:2]]
    whole = measure(events, letters, repeated)
    chance.shuffle(events)
    parts = measure(events[:cut], letters, [])
    add(parts, measure(events[cut:], [], repeated))
    assert rows(parts) == rows(whole)


def test_dead_letters_and_duplicates_count_in_the_hour_they_came() -> None:
    later = Message(PARTITION, 1, b"{", NOON + HOUR_MS)
    counts = measure([], [DeadLetter(later, "invalid_json", "no")], [later, later])
    at = NOON + HOUR_MS
    assert counts == {(at, "dead:invalid_json"): 1, (at, "duplicate"): 2}


def test_made_up_types_cannot_fill_the_graph() -> None:
    counts = measure([event(type=f"t{number}") for number in range(1000)], [], [])
    assert counts[NOON, OTHER_TYPE] == 1000
    assert len([name for _, name in counts if name.startswith("type:")]) == 1


def test_rows_are_sorted_and_without_zeros() -> None:
    counts = {(NOON, "late"): 1, (NOON - HOUR_MS, "z"): 2, (NOON, "events"): 3, (NOON, "new:ip"): 0}
    assert [(row["hour"], row["measure"], row["count"]) for row in rows(counts)] == [
        (NOON - HOUR_MS, "z", 2),
        (NOON, "events", 3),
        (NOON, "late", 1),
    ]


def test_last_complete_hour_leaves_time_for_the_counters() -> None:
    end = NOON + HOUR_MS
    assert last_complete_hour(end + GRACE_MS - 1) == NOON - HOUR_MS
    assert last_complete_hour(end + GRACE_MS) == NOON


def days(count: int, **counts: int) -> dict[int, dict[str, int]]:
    """The same hour of several days before noon, each with these counts."""
    named = {name.replace("__", ":"): n for name, n in counts.items()}
    return {NOON - day * DAY_MS: dict(named) for day in range(1, count + 1)}


def test_a_share_that_jumps_is_a_breach_with_its_numbers() -> None:
    hours = days(14, events=10_000, missing__device_id=100)
    hours[NOON] = {"events": 8_000, "missing:device_id": 1_000}
    (breach,) = judge(hours, NOON)
    assert (breach.measure, breach.value, breach.usual, breach.days) == (
        *("missing:device_id", 0.125, 0.01, 14),
    )
    assert breach.text == (
        "from 2023-11-15T12:00:00Z to 2023-11-15T13:00:00Z 12.5 % of 8,000 events came without "
        "device_id; at this hour of 14 days before it was 1.0 % ± 0.1 %"
    )


@pytest.mark.parametrize(
    ("name", "usual", "now", "is_breach"),
    [
        ("missing:device_id", 100, 500, False),  # 4 points more: below the floor
        ("missing:device_id", 5_000, 100, False),  # better than before
        ("dead:invalid_json", 0, 100, True),
        ("dead:invalid_json", 0, 40, False),
        ("duplicate", 10, 1_500, True),
        ("future", 0, 400, True),
        ("late", 0, 2_000, True),
        (OTHER_TYPE, 0, 2_000, True),
    ],
)
def test_floors_and_directions(name: str, usual: int, now: int, is_breach: bool) -> None:
    hours = days(7, events=10_000) | {NOON: {"events": 10_000, name: now}}
    for day in range(1, 8):
        hours[NOON - day * DAY_MS][name] = usual
    assert [breach.measure for breach in judge(hours, NOON)] == [name] * is_breach


@pytest.mark.parametrize(("now", "is_breach"), [(8_000, True), (1_000, False), (0, True)])
def test_new_identifiers_are_news_in_both_directions(now: int, is_breach: bool) -> None:
    hours = days(7, events=10_000, used__device=10_000, new__device=2_000)
    hours[NOON] = {"events": 10_000, "used:device": 10_000, "new:device": now}
    assert [breach.measure for breach in judge(hours, NOON)] == ["new:device"] * is_breach


@pytest.mark.parametrize(
    ("now", "is_breach"),
    [(0, True), (4_000, True), (6_000, False), (15_000, False), (30_000, True)],
)
def test_volume(now: int, is_breach: bool) -> None:
    hours = days(7, events=10_000) | {NOON: {"events": now} if now else {}}
    found = judge(hours, NOON)
    assert [breach.measure for breach in found] == ["events"] * is_breach
    assert all(f"there were {now:,} events" in breach.text for breach in found)


def test_an_hour_without_any_row_is_an_hour_without_events() -> None:
    assert [breach.measure for breach in judge(days(5, events=1_000), NOON)] == ["events"]


@pytest.mark.parametrize("count", range(6))
def test_few_days_say_nothing(count: int) -> None:
    hours = days(count, events=10_000) | {NOON: {"events": 10_000, "late": 9_000}}
    assert bool(judge(hours, NOON)) == (count >= MIN_DAYS)


def test_few_messages_say_nothing() -> None:
    assert judge(days(14, events=50) | {NOON: {"events": 99, "late": 99}}, NOON) == []
    assert judge({}, NOON) == []


def test_a_weekend_is_no_news_and_one_bad_day_hides_nothing() -> None:
    hours = days(14, events=10_000)
    for day in (3, 4, 10, 11):
        hours[NOON - day * DAY_MS]["events"] = 2_500
    assert judge(hours | {NOON: {"events": 2_000}}, NOON) == []
    assert [b.measure for b in judge(hours | {NOON: {}}, NOON)] == []
    outage = days(14, events=10_000) | {NOON - DAY_MS: {}}
    assert [b.measure for b in judge(outage | {NOON: {"events": 500}}, NOON)] == ["events"]


def test_ordinary_weeks_raise_nothing() -> None:
    """Three weeks with a day rhythm, weekends and chance; every hour of the last one is judged."""
    chance = random.Random(7)
    hours: dict[int, dict[str, int]] = {}
    for number in range(21 * 24):
        busy = (1.5 if 8 <= number % 24 <= 20 else 0.4) * (0.6 if number // 24 % 7 > 4 else 1.0)
        events = round(chance.gauss(600 * busy, 60 * busy))
        hours[NOON + number * HOUR_MS] = {
            "events": events,
            "used:device": events,
            "missing:ip": sum(chance.random() < 0.08 for _ in range(events)),
            "late": sum(chance.random() < 0.01 for _ in range(events)),
            "new:device": sum(chance.random() < 0.2 for _ in range(events)),
            "dead:invalid_json": chance.randrange(2),
        }
    found = [breach.text for at in sorted(hours)[14 * 24 :] for breach in judge(hours, at)]
    assert found == []


def test_shares_are_told_where_there_is_something_to_share() -> None:
    counts = {"events": 80, "late": 20, "duplicate": 10, "dead:empty": 10, "used:ip": 40}
    told = shares(counts)
    assert (told["late"], told["duplicate"], told["dead:empty"]) == (0.25, 0.1, 0.1)
    assert told["new:ip"] == 0
    assert "missing:currency" not in told
    assert shares({}) == {}
