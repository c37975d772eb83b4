import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.kinds import identifier_kinds
from ingest.events import (
    MAX_AHEAD_MS,
    MAX_EVENT_BYTES,
    Event,
    UnusableEventError,
    normalised,
    parse_event,
)

NOW = 1_700_000_000_000
REASONS = {
    "empty",
    "too_large",
    "invalid_json",
    "invalid_field",
    "time_out_of_range",
    "unknown_identifier_kind",
}


def body(**fields: object) -> bytes:
    """A good event with some fields set or, with None, left out."""
    event = {"event_id": "e1", "type": "login", "occurred_at": NOW, "account_id": "a1"} | fields
    return json.dumps({k: v for k, v in event.items() if v is not None}).encode()


def raw(field: str | bytes, value: bytes) -> bytes:
    """A good event with one more field, byte by byte."""
    name = field.encode() if isinstance(field, str) else field
    return body()[:-1] + b', "' + name + b'": ' + value + b"}"


def parse(**fields: object) -> Event:
    return parse_event(body(**fields), NOW)


def refusal(value: bytes | None) -> str:
    with pytest.raises(UnusableEventError) as caught:
        parse_event(value, NOW)
    assert caught.value.detail
    return caught.value.reason


def identifiers(event: Event) -> list[tuple[str, str]]:
    return [(kind.name, normalised(kind, text)) for kind, text in event.identifier_texts()]


def keys(event: Event) -> dict[str, str]:
    return dict(identifiers(event))


def test_an_event_with_every_field_keeps_them():
    event = parse(
        device_id="d",
        ip="203.0.113.7",
        email="A@example.com",
        phone="+49 (30) 123-45",
        address="1 Main  Street",
        payment_instrument={"id": "c", "kind": "card"},
        identifiers={"tax_id": "DE1", "advertising_id": ["x", "Y"]},
        counterparty_account_id="a2",
        target_id="shop",
        amount="12.345678",
        currency="EUR",
        country="DE",
        latitude=52.5,
        longitude=13.4,
        outcome="success",
        user_agent="curl",
        attributes={"a": 1, "b": None, "c": True, "d": 0.5, "e": "x"},
    )
    assert (event.event_id, event.type, event.account_id, event.at) == ("e1", "login", "a1", NOW)
    assert event.amount_micros == 12_345_678
    assert identifiers(event) == [
        ("device", "d"),
        ("payment_instrument", "c"),
        ("email", "a@example.com"),
        ("phone", "+493012345"),
        ("address", "1 main street"),
        ("ip", "203.0.113.7"),
        ("tax_id", "de1"),
        ("advertising_id", "x"),
        ("advertising_id", "y"),
    ]


def test_every_kind_that_names_a_field_names_one_of_the_event():
    for kind in identifier_kinds().values():
        assert kind.field is None or kind.field in Event.__struct_fields__


@pytest.mark.parametrize("field", ["event_id", "type", "occurred_at", "account_id"])
def test_required_fields_are_required(field):
    assert refusal(body(**{field: None})) == "invalid_field"


@pytest.mark.parametrize(
    "name", ["event_id", "account_id", "device_id", "email", "counterparty_account_id", "target_id"]
)
def test_ids_have_1_to_512_characters(name):
    assert refusal(body(**{name: ""})) == "invalid_field"
    assert refusal(body(**{name: "x" * 513})) == "invalid_field"
    assert getattr(parse(**{name: "é" * 512}), name) == "é" * 512


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event_id", 7),
        ("type", "Log-in"),
        ("type", "login\n"),
        ("type", "9lives"),
        ("type", ""),
        ("type", "x" * 65),
        ("account_id", ["a"]),
        ("occurred_at", 1.5),
        ("occurred_at", True),
        ("occurred_at", str(NOW)),
        ("occurred_at", "2023-01-01"),
        ("occurred_at", "2023-01-01T00:00:00"),
        ("occurred_at", "2023-02-30T00:00:00Z"),
        ("device_id", 5),
        ("ip", "300.1.1.1"),
        ("ip", "localhost"),
        ("ip", "10.0.0.0/8"),
        ("phone", "unknown"),
        ("phone", "+"),
        ("phone", "00"),
        ("email", "  "),
        ("payment_instrument", {"id": "c", "kind": "cheque"}),
        ("payment_instrument", {"kind": "card"}),
        ("payment_instrument", 5),
        ("identifiers", {"tax_id": 5}),
        ("identifiers", {"tax_id": ["ok", ""]}),
        ("identifiers", {"tax_id": {"a": "b"}}),
        ("identifiers", ["tax_id"]),
        ("amount", -1),
        ("amount", "-0.000001"),
        ("amount", "12.3456789"),
        ("amount", "0.0000001"),
        ("amount", "NaN"),
        ("amount", "sNaN"),
        ("amount", "Infinity"),
        ("amount", "-Infinity"),
        ("amount", "1e999999"),
        ("amount", "1e-999999"),
        ("amount", "1000000000.000001"),
        # more digits than decimal arithmetic keeps by default
        ("amount", "1000.00000000000000000000000000001"),
        ("amount", "ten"),
        ("amount", True),
        ("amount", [1]),
        ("currency", "eur"),
        ("currency", "EURO"),
        ("currency", "EUR\n"),
        ("country", "DEU"),
        ("country", "D\n"),
        ("latitude", 90.5),
        ("longitude", -180.5),
        ("latitude", "52"),
        ("outcome", "maybe"),
        ("user_agent", 5),
        ("attributes", {"a": [1]}),
        ("attributes", {"a": {}}),
        ("attributes", []),
    ],
)
def test_wrong_values_are_refused(field, value):
    assert refusal(body(**{field: value})) == "invalid_field"


@pytest.mark.parametrize(
    ("value", "micros"),
    [
        (0, 0),
        (10, 10_000_000),
        (0.1, 100_000),
        ("0.1", 100_000),
        ("1.2300000000", 1_230_000),
        ("1000000000", 10**15),
        ("1e2", 100_000_000),
        ("0.000001", 1),
        ("0e-999999", 0),
        ("999999999.999999", 999_999_999_999_999),
    ],
)
def test_amounts_are_exact_millionths(value, micros):
    assert parse(amount=value).amount_micros == micros


@settings(deadline=None)
@given(st.integers(0, 10**15))
def test_no_amount_loses_a_millionth(micros):
    text = str(Decimal(micros).scaleb(-6))
    assert parse(amount=text).amount_micros == micros


@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"-Infinity", b"+1", b"0x1", b".5", b"1."])
def test_amounts_that_are_no_json_are_refused(value):
    assert refusal(raw("amount", value)) == "invalid_json"


@pytest.mark.parametrize("value", [b"1e999999", b"1e30", b"9" * 5000, b"1e-7", b"-1e-999999999999"])
def test_amounts_out_of_range_are_refused(value):
    assert refusal(raw("amount", value)) == "invalid_field"


@pytest.mark.parametrize(
    "value",
    [
        b"{",
        b'{"event_id": "e1", "type": "lo',
        body()[:-1],
        body() + b"x",
        body() + body(),
        b"\xef\xbb\xbf" + body(),
        b"\x00",
        b"hello",
        b"{'event_id': 'e1'}",
        body().decode().encode("utf-16"),
        b" ",
    ],
)
def test_what_is_no_json_is_refused(value):
    assert refusal(value) == "invalid_json"


@pytest.mark.parametrize("value", [b"null", b"[]", b'"text"', b"5", b"true"])
def test_json_that_is_no_object_is_refused(value):
    assert refusal(value) == "invalid_field"


@pytest.mark.parametrize("value", [None, b""])
def test_an_empty_message_is_refused(value):
    assert refusal(value) == "empty"


def test_64_kib_is_the_most_an_event_may_have():
    padding = MAX_EVENT_BYTES - len(body(user_agent=""))
    assert len(parse(user_agent="x" * padding).user_agent) == padding
    assert refusal(body(user_agent="x" * (padding + 1))) == "too_large"
    assert refusal(b"[" * 100_000) == "too_large"


@pytest.mark.parametrize(
    "value",
    [
        b"[" * 60_000,
        b"[" * 30_000 + b"]" * 30_000,
        raw("unknown", b"[" * 30_000 + b"]" * 30_000),
        raw("unknown", b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
        raw("attributes", b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
        raw("identifiers", b'{"tax_id":' + b"[" * 30_000 + b"]" * 30_000 + b"}"),
    ],
)
def test_deep_nesting_is_refused(value):
    assert refusal(value) in ("invalid_json", "invalid_field")


@pytest.mark.parametrize(
    "text", [b'"\\ud800"', b'"\\udc00"', b'"\\ud800x"', b'"\\udc00\\ud800"', b'"\\ud83d\\u0041"']
)
@pytest.mark.parametrize("field", ["device_id", "user_agent", "unknown"])
def test_lone_surrogates_are_refused_as_escapes(field, text):
    assert refusal(raw(field, text)) == "invalid_json"


@pytest.mark.parametrize("junk", [b"\xed\xa0\x80", b"\xff", b"\xc0\x80", b"\xe2\x82", b"\xf5abc"])
@pytest.mark.parametrize("field", ["device_id", "user_agent", "unknown", "attributes"])
def test_what_is_no_utf8_is_refused_wherever_it_is(field, junk):
    value = b'"' + junk + b'"'
    nested = b'{"a": ' + value + b"}"
    assert refusal(raw(field, nested if field == "attributes" else value)) == "invalid_json"
    assert refusal(raw(b"name" + junk, b"1")) == "invalid_json"


def test_a_surrogate_pair_is_a_character():
    event = parse_event(raw("device_id", b'"\\ud83d\\ude00"'), NOW)
    assert keys(event) == {"device": "\U0001f600"}


@pytest.mark.parametrize("control", ["\x00", "\x07", "\n", "\x1b", "\x7f"])
@pytest.mark.parametrize(
    "name", ["event_id", "account_id", "counterparty_account_id", "target_id", "device_id"]
)
def test_control_characters_in_ids_are_refused(name, control):
    assert refusal(body(**{name: f"a{control}b"})) == "invalid_field"


def test_a_control_character_may_stand_in_free_text():
    assert parse(user_agent="a\x00b").user_agent == "a\x00b"


@pytest.mark.parametrize("at", [NOW + MAX_AHEAD_MS, 0, 1])
def test_times_within_bounds_are_taken(at):
    assert parse(occurred_at=at).at == at


@pytest.mark.parametrize(
    "at",
    [
        NOW + MAX_AHEAD_MS + 1,
        -1,
        10**30,
        -(10**30),
        "1969-12-31T23:59:59.9999Z",
        "1970-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_times_out_of_bounds_are_refused(at):
    assert refusal(body(occurred_at=at)) == "time_out_of_range"


def test_a_clock_that_is_ahead_moves_the_bound():
    value = body(occurred_at=NOW + MAX_AHEAD_MS + 1)
    assert parse_event(value, NOW + 1).at == NOW + MAX_AHEAD_MS + 1


@pytest.mark.parametrize(
    "text", ["2023-11-14T22:13:20Z", "2023-11-14T23:13:20+01:00", "2023-11-14t22:13:20.000000z"]
)
def test_every_spelling_of_a_time_is_the_same_millisecond(text):
    assert parse(occurred_at=text).at == NOW


@settings(deadline=None)
@given(st.integers(0, NOW))
def test_a_time_as_text_is_the_time_as_a_number(at):
    text = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)).isoformat()
    assert parse(occurred_at=text).at == at


def test_an_unknown_kind_of_identifier_has_a_reason_of_its_own():
    assert refusal(body(identifiers={"shoe_size": "44"})) == "unknown_identifier_kind"
    assert refusal(body(identifiers={"": "44"})) == "unknown_identifier_kind"


def test_unknown_fields_do_no_harm():
    assert parse(shoe_size=44, more={"a": [1, {"b": None}]}).account_id == "a1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7 ", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0DB8:0001:0002::", "2001:db8:1:2::/64"),
        ("2001:db8::1%eth0", "2001:db8::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
    ],
)
def test_addresses_are_written_one_way(text, expected):
    assert keys(parse(ip=text)) == {"ip": expected}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+49 30 / 123-45", "+493012345"),
        ("0049 30 12345", "+493012345"),
        ("(+49) 30 12345", "+493012345"),
        ("030 12345", "03012345"),
        ("+4930+12345", "+493012345"),
        ("+\uff14\uff19 30 12345", "+493012345"),
    ],
)
def test_phone_numbers_are_written_one_way(text, expected):
    assert keys(parse(phone=text)) == {"phone": expected}


@pytest.mark.parametrize("text", ["Ada@Example.COM", " ada@example.com ", "ADA@EXAMPLE.COM"])
def test_email_is_lower_case(text):
    assert keys(parse(email=text)) == {"email": "ada@example.com"}


def test_composed_and_decomposed_letters_are_the_same():
    assert keys(parse(email="zo\u00eb@x.org")) == keys(parse(email="zoe\u0308@x.org"))


def test_a_device_keeps_its_case():
    assert keys(parse(device_id=" AbC ")) == {"device": "AbC"}


def test_the_body_does_not_depend_on_spelling():
    one = raw("attributes", b'{"b": 1, "a": "\\u00e9"}')
    fields = json.loads(one)
    other = json.dumps(dict(reversed(fields.items())), indent=2, ensure_ascii=False).encode()
    assert parse_event(one, NOW).body() == parse_event(other, NOW).body()
    changed = json.dumps(fields | {"attributes": {"a": "e", "b": 1}}).encode()
    assert parse_event(one, NOW).body() != parse_event(changed, NOW).body()


def test_unknown_fields_become_attributes():
    value = raw("channel", b'"web", "score": 0.5, "seen": null, "tags": [1, {"a": "b"}]')
    assert parse_event(value, NOW).attributes == {
        "channel": "web",
        "score": 0.5,
        "seen": None,
        "tags": '[1, {"a": "b"}]',
    }


def test_an_unknown_field_beside_an_attribute_of_its_name_loses_neither():
    value = raw("channel", b'"web", "attributes": {"channel": "app"}')
    assert parse_event(value, NOW).attributes == {"channel": "app", "event.channel": "web"}


def test_an_unknown_field_counts_for_the_body():
    bodies = {parse_event(raw("x", value), NOW).body() for value in (b"1", b"2", b'"1"', b"[1]")}
    assert len(bodies) == 4


@pytest.mark.parametrize(
    "value",
    [b"1e999", b"9" * 5000, b"-" + b"9" * 60_000, b"9" * 400, b"[" * 900 + b"]" * 900],
)
def test_every_event_that_parses_has_a_body(value):
    event = parse_event(raw("unknown", value), NOW)
    assert event.account_id == "a1"
    assert event.body() == event.body()


@pytest.mark.parametrize(
    ("fields", "secret"),
    [
        ({"outcome": "4111111111111111"}, "4111"),
        ({"payment_instrument": {"id": "c", "kind": "it's 4111"}}, "4111"),
        ({"ip": "ada@example.org"}, "ada"),
        ({"currency": "ada@example.org"}, "ada"),
        ({"email": ["ada@example.org"]}, "ada"),
    ],
)
def test_a_refusal_does_not_repeat_the_value(fields, secret):
    with pytest.raises(UnusableEventError) as caught:
        parse_event(body(**fields), NOW)
    assert secret not in caught.value.detail


def parsed_or_reason(value: bytes) -> tuple[Event | None, str]:
    try:
        return parse_event(value, NOW), ""
    except UnusableEventError as error:
        return None, error.reason


def check_anything(value: bytes) -> None:
    """It parses and everything can be asked of it, or it is refused with a known reason."""
    event, reason = parsed_or_reason(value)
    if event is None:
        assert reason in REASONS
        return
    assert 0 <= event.at <= NOW + MAX_AHEAD_MS
    assert 0 <= (event.amount_micros or 0) <= 10**15
    for kind, text in identifiers(event):
        assert kind in identifier_kinds()
        assert text
        assert text.encode()
    msgspec.json.decode(event.body())


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_parse_or_are_refused(value):
    check_anything(value)


@settings(deadline=None)
@given(st.integers(0, 200), st.binary(min_size=1, max_size=3), st.integers(0, 3))
def test_a_damaged_event_parses_or_is_refused(place, junk, cut):
    good = body(email="a@b.c", amount="1.5", identifiers={"tax_id": ["1"]}, attributes={"k": 1})
    check_anything(good[:place] + junk + good[place + cut :])


_leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["1.1.1.1", "2023-01-01T00:00:00Z", "a@b.c", NOW, "card", "1.5", "EUR"])
)
_values = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "kind", "tax_id", "advertising_id", "x"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(Event.__struct_fields__), _values))
def test_any_object_parses_or_is_refused(fields):
    good = {"event_id": "e", "type": "login", "occurred_at": NOW, "account_id": "a"}
    check_anything(json.dumps(fields).encode())
    check_anything(json.dumps(good | fields).encode())
