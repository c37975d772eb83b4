"""Ten thousand events that cannot be used, and good ones that nearly could not."""

import json
from collections import Counter, defaultdict

import pytest

from ingest.events import UnusableEventError, parse_event
from tests.bad_events import CANARY, DAY, HOSTILE, Bad, Maker, at_the_limits, encode

NOW = 1_790_000_000_000
SEED = 20_260_401


def refusal(value: bytes | None) -> UnusableEventError | None:
    try:
        parse_event(value, NOW)
    except UnusableEventError as error:
        return error
    return None


def outcome(value: bytes | None) -> str:
    """The reason, or that it was taken; what a person reads of it is one line without a value."""
    error = refusal(value)
    if error is None:
        return "accepted"
    assert error.detail
    assert "\n" not in error.detail
    assert CANARY not in error.detail, error.detail
    return error.reason


def test_every_bad_event_has_the_reason_the_contract_gives():
    make = Maker(SEED, NOW, "fuzz-")
    wrong: defaultdict[str, list[Bad]] = defaultdict(list)
    spoiled: Counter[str] = Counter()
    for _ in range(10_000):
        bad = make.bad()
        spoiled[bad.what] += 1
        if (found := outcome(bad.value)) != bad.reason:
            wrong[f"{bad.what}: {found} instead of {bad.reason}"].append(bad)
    assert min(spoiled.values()) > 200
    report = {what: len(few) for what, few in wrong.items()}
    assert not report, (report, {what: few[0].value[:300] for what, few in wrong.items()})


def test_what_is_just_good_enough_is_taken():
    make = Maker(SEED, NOW, "fuzz-")
    values = at_the_limits(make)
    values += [
        encode(make.good(occurred_at=NOW + DAY)),
        *(encode(make.good()) for _ in range(2_000)),
    ]
    refused = {value[:300]: found for value in values if (found := outcome(value)) != "accepted"}
    assert not refused


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_a_name(name):
    event = Maker(SEED, NOW, "").good(account_id=name, device_id=name, target_id=name)
    parsed = parse_event(encode(event), NOW)
    assert (parsed.account_id, parsed.target_id) == (name, name)


def test_one_millisecond_more_than_a_day_ahead_is_too_much():
    make = Maker(SEED, NOW, "fuzz-")
    assert outcome(encode(make.good(occurred_at=NOW + DAY + 1))) == "time_out_of_range"


def test_the_maker_is_the_same_for_the_same_seed():
    def first() -> list[Bad]:
        make = Maker(SEED, NOW, "fuzz-")
        return [make.bad() for _ in range(200)]

    assert first() == first()


def test_the_last_of_a_repeated_name_counts():
    value = encode(Maker(SEED, NOW, "fuzz-").good(account_id="last"))
    twice = value.replace(b"{", b'{"account_id":"first",', 1)
    assert parse_event(twice, NOW).account_id == "last"
    assert json.loads(twice)["account_id"] == "last"
