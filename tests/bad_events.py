"""Events that cannot be used, each with the reason the contract gives; and good ones beside them.

Nothing here asks the parser: every maker spoils one thing and says what that is. Whether text is
JSON is asked of the standard library.
"""

import json
import random
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

#: texts and numbers that are wrong, as they would stand in a message
VALUES = tomllib.loads(
    Path(__file__).with_name("data").joinpath("bad_values.toml").read_text("utf-8")
)
MAX_BYTES = 64 * 1024
MAX_CHARACTERS = 512
DAY = 86_400_000
#: in every text that may be personal: no reason may repeat it
CANARY = "Zxq7"
REQUIRED = ("event_id", "type", "occurred_at", "account_id")
IDS = ("event_id", "account_id", "counterparty_account_id", "target_id")
IDENTIFIERS = ("device_id", "ip", "email", "phone", "address", "payment_instrument")
#: account ids that must do no harm anywhere
HOSTILE = (
    "'; DROP TABLE accounts; --",
    '"}) DETACH DELETE n //',
    "$rows",
    "{account_id}",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "%00%0a",
    "a\\u0000b",
    "${jndi:ldap://x}",
    "[bold]rich[/bold]",
    "=1+1",
    "\u202egnp.exe",
    "\U0001f9d1\u200d\U0001f680",
    "e\u0301",
    "\u200b",
    "null",
    "NaN",
    "~",
    "a/b?c=d&e#f",
    " padded ",
    "\x85\x9b",
)


class Bad(NamedTuple):
    """A message and why it cannot be used."""

    value: bytes | None
    reason: str
    #: what was spoiled, for whoever reads a failure
    what: str


class Maker:
    """A seeded source of events; `now` in milliseconds, `prefix` begins every account id."""

    def __init__(self, seed: int, now: int, prefix: str) -> None:
        self.random = random.Random(seed)
        self.now = now
        self.prefix = prefix
        self._number = 0

    def good(self, **fields: Any) -> dict[str, Any]:
        """An event that can be used, with some of the fields there are; ids are never repeated."""
        self._number += 1
        number, chosen = self._number, self.random
        event = {
            "event_id": f"{CANARY}-{number}",
            "type": chosen.choice(["login", "signup", "payment", "x", "x" * 64]),
            "occurred_at": chosen.choice([self.now - number, "2023-01-01T00:00:00.5+05:30"]),
            "account_id": f"{self.prefix}{CANARY}{number}",
        }
        optional = {
            "device_id": f"{CANARY}d{number}",
            "ip": f"10.{number % 256}.{number // 256 % 256}.1",
            "email": f"{CANARY}{number}@example.org",
            "phone": f"+4930{number:08}",
            "address": f"{CANARY} Street {number}",
            "payment_instrument": {"id": f"{CANARY}c{number}", "kind": "card"},
            "identifiers": {"tax_id": [f"{CANARY}{number}", "2"], "advertising_id": "x"},
            "target_id": f"{CANARY} shop",
            "amount": chosen.choice([0, 1.5, "12.345678", "1000000000", 1e3]),
            "currency": "EUR",
            "country": "DE",
            "latitude": 52.5,
            "longitude": -13.25,
            "outcome": "success",
            "user_agent": f"{CANARY}/1.0",
            "attributes": {"a": CANARY, "b": 1, "c": None, "d": True, "e": 0.5},
            "unknown": {"nested": [1, {"a": None}]},
        }
        for name in chosen.sample(list(optional), chosen.randrange(4)):
            event[name] = optional[name]
        return event | fields

    def bad(self) -> Bad:
        """An event with one thing wrong."""
        reason, maker = self.random.choice(_FLAT)
        return Bad(maker(self), reason, maker.__name__.strip("_"))

    def one_of(self, *values: Any) -> Any:
        return self.random.choice(values)

    def with_text(self, text: str) -> bytes:
        """A good event where one text, byte by byte, is this."""
        field = self.one_of("device_id", "user_agent", "unknown_field", "target_id", "account_id")
        return encode(self.good(**{field: "@@"})).replace(
            b"@@", text.encode("utf-8", "surrogatepass")
        )

    def with_raw(self, raw: str, *fields: str) -> bytes:
        """A good event where one field has this for a value, as it stands."""
        return encode(self.good(**{self.one_of(*fields): "@@"})).replace(b'"@@"', raw.encode())


def encode(event: Any) -> bytes:
    """JSON, compact and in UTF-8."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def is_json(value: bytes) -> bool:
    """Whether the standard library reads it, without what it takes beyond RFC 8259."""

    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        json.loads(value.decode(), parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _empty(make: Maker) -> bytes | None:
    return make.one_of(b"", None)


def _cut_off(make: Maker) -> bytes | None:
    value = encode(make.good())
    return value[: make.random.randrange(1, len(value))]


def _followed_by_something(make: Maker) -> bytes | None:
    value = encode(make.good())
    return value + make.one_of(b"x", b"}", b",", b"\x00", value, b"\n" + value, b"//")


def _one_byte_changed(make: Maker) -> bytes | None:
    """Bytes are replaced, put in or left out until it is no JSON any more."""
    value = encode(make.good())
    while True:
        at = make.random.randrange(1, len(value))
        junk = bytes([make.random.randrange(256)])
        changed = value[:at] + make.one_of(junk, b"") + value[at + make.one_of(0, 1) :]
        if not is_json(changed):
            return changed


def _other_encoding(make: Maker) -> bytes | None:
    text = encode(make.good()).decode()
    return text.encode(make.one_of("utf-16", "utf-16-le", "utf-32", "utf-8-sig"))


def _not_utf8(make: Maker) -> bytes | None:
    junk = (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xe2\x82", b"\xf4\x90\x80\x80", b"\x80")
    places: tuple[dict[str, Any], ...] = (
        {"device_id": "@@"},
        {"user_agent": "@@"},
        {"unknown_field": "@@"},
        {"unknown_field": {"@@": 1}},
        {"@@": 1},
        {"attributes": {"a": "@@"}},
        {"payment_instrument": {"id": "a", "@@": 1}},
        {"payment_instrument": {"id": "a", "brand": "@@"}},
    )
    return encode(make.good(**make.one_of(*places))).replace(b"@@", make.one_of(*junk))


def _lone_surrogate(make: Maker) -> bytes | None:
    escapes = (r"\ud800", r"\udfff", r"\ude00\ud83d", r"\ud83dx", r"\ud83d\u0041", r"\udc00" * 3)
    return make.with_text(make.one_of(*escapes))


def _raw_control_character(make: Maker) -> bytes | None:
    return make.with_text(f"a{chr(make.random.randrange(32))}b")


def _wrong_escape(make: Maker) -> bytes | None:
    return make.with_text(make.one_of(r"\x41", r"\u12", r"\u00zz", r"\'", "\\", r"\U0001f600"))


def _no_json_number(make: Maker) -> bytes | None:
    fields = ("amount", "occurred_at", "latitude", "unknown_field")
    return make.with_raw(make.one_of(*VALUES["no_json_numbers"]), *fields)


def _no_json_value(make: Maker) -> bytes | None:
    fields = ("device_id", "attributes", "unknown_field")
    return make.with_raw(make.one_of(*VALUES["no_json_values"]), *fields)


def _nested_too_deep(make: Maker) -> bytes | None:
    depth = make.random.randrange(3_000, 9_000)
    opening, closing = make.one_of(("[", "]"), ('{"a":', "}"))
    return make.with_raw(opening * depth + "1" + closing * depth, "unknown_field")


def _no_object(make: Maker) -> bytes | None:
    values = (None, True, 5, -0.5, "text", [], [make.good()], encode(make.good()).decode())
    return encode(make.one_of(*values))


def _too_large(make: Maker) -> bytes | None:
    value = padded(make.good(), MAX_BYTES + make.one_of(1, 2, 100, 50_000))
    return make.one_of(value, value[:-1] + b" " * 9 + b"}", b"[" * (MAX_BYTES + 1))


def _missing(make: Maker) -> bytes | None:
    event = make.good()
    del event[make.one_of(*REQUIRED)]
    return encode(make.one_of(event, {}))


def _null(make: Maker) -> bytes | None:
    return encode(make.good(**{make.one_of(*REQUIRED): None}))


def _wrong_type(make: Maker) -> bytes | None:
    texts = (*IDS, "type", "device_id", "ip", "email", "phone", "address", "user_agent")
    no_texts = (5, 0.5, True, [], ["a"], {}, {"id": "a"}, -1)
    wrong = {name: no_texts for name in (*texts, "currency", "country", "outcome")} | {
        "occurred_at": (True, [], {}, 1.5, "", "now", str(make.now), [make.now]),
        "payment_instrument": (5, True, [], ["a"], {}, {"id": 5}, {"kind": "card"}, {"id": None}),
        "identifiers": (
            5,
            "a",
            [],
            ["tax_id"],
            {"tax_id": 5},
            {"tax_id": None},
            {"tax_id": {"a": "b"}},
            {"tax_id": ["a", 5]},
            {"tax_id": [["a"]]},
        ),
        "amount": (True, [], {}, [5], {"value": 5}),
        "latitude": ("52", True, [], {}),
        "longitude": ("13", False, [], {}),
        "attributes": (5, "a", [], {"a": []}, {"a": {}}, {"a": [1]}, {"a": {"b": 1}}),
    }
    field = make.one_of(*wrong)
    return encode(make.good(**{field: make.one_of(*wrong[field])}))


def _too_long(make: Maker) -> bytes | None:
    text = make.one_of("a", "é", "\U0001f600") * (MAX_CHARACTERS + make.one_of(1, 1, 2, 1000))
    field = make.one_of(*IDS, *IDENTIFIERS, "identifiers", "instrument")
    if field == "identifiers":
        return encode(make.good(identifiers={"tax_id": make.one_of(text, ["a", text])}))
    if field == "instrument":
        return encode(make.good(payment_instrument={"id": text}))
    return encode(make.good(**{field: text}))


def _blank(make: Maker) -> bytes | None:
    text = make.one_of("", " ", "\t", "\u00a0", "\u2003\u3000", "\n \r")
    field = make.one_of(*IDS, *IDENTIFIERS, "identifiers")
    value = {"tax_id": make.one_of(text, ["a", text])} if field == "identifiers" else text
    return encode(make.good(**{field: value}))


def _control_character(make: Maker) -> bytes | None:
    text = f"a{chr(make.one_of(*range(32), 127))}b"
    field = make.one_of(*IDS, "device_id", "payment_instrument", "instrument")
    if field == "instrument":
        return encode(make.good(payment_instrument={"id": text, "kind": "card"}))
    return encode(make.good(**{field: text}))


def _wrong_address(make: Maker) -> bytes | None:
    field = make.one_of("ip", "phone")
    text = make.one_of(*VALUES["addresses"][field])
    fields = make.one_of(
        {field: text}, {"identifiers": {field: text}}, {"identifiers": {field: [text]}}
    )
    return encode(make.good(**fields))


def _wrong_word(make: Maker) -> bytes | None:
    words = VALUES["words"] | {
        "payment_instrument": [{"id": "a", "kind": k} for k in ("cheque", "", "Card")]
    }
    field = make.one_of(*words)
    return encode(make.good(**{field: make.one_of(*words[field])}))


def _wrong_amount(make: Maker) -> bytes | None:
    text = make.one_of(*VALUES["amounts"], *VALUES["odd_amounts"], "1." + "0" * 40 + "1")
    number = make.one_of(*VALUES["amount_numbers"], "9" * 30, "9" * 5_000)
    return make.one_of(encode(make.good(amount=text)), make.with_raw(number, "amount"))


def _wrong_place(make: Maker) -> bytes | None:
    places = {"latitude": (90.000001, -91, 1e300), "longitude": (180.5, -180.000001, 1e9)}
    field = make.one_of(*places)
    return encode(make.good(**{field: make.one_of(*places[field])}))


def _no_time(make: Maker) -> bytes | None:
    return encode(make.good(occurred_at=make.one_of(*VALUES["times"])))


def _time_out_of_range(make: Maker) -> bytes | None:
    numbers = (
        make.now + DAY + 3_600_000,
        make.now * 1000,
        2**63,
        2**64,
        10**30,
        -1,
        -(10**30),
        -(2**63),
    )
    texts = (
        "2999-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
        "1969-12-31T23:59:59.999Z",
        "1970-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00Z",
    )
    at = make.one_of(*numbers, *texts)
    return encode(make.good(occurred_at=at))


def _unknown_kind(make: Maker) -> bytes | None:
    name = make.one_of("shoe_size", "", "Device", "device_id", "tax_id ", "e-mail", "é", "$where")
    kinds = make.one_of({name: "a"}, {name: ["a"]}, {name: []}, {"tax_id": "a", name: "a"})
    return encode(make.good(identifiers=kinds))


#: makers by the reason they give
_MAKERS: dict[str, tuple[Callable[[Maker], bytes | None], ...]] = {
    "empty": (_empty,),
    "too_large": (_too_large,),
    "invalid_json": (
        _cut_off,
        _followed_by_something,
        _one_byte_changed,
        _other_encoding,
        _not_utf8,
        _lone_surrogate,
        _raw_control_character,
        _wrong_escape,
        _no_json_number,
        _no_json_value,
        _nested_too_deep,
    ),
    "invalid_field": (
        _no_object,
        _missing,
        _null,
        _wrong_type,
        _too_long,
        _blank,
        _control_character,
        _wrong_address,
        _wrong_word,
        _wrong_amount,
        _wrong_place,
        _no_time,
    ),
    "time_out_of_range": (_time_out_of_range,),
    "unknown_identifier_kind": (_unknown_kind,),
}
_FLAT = [(reason, maker) for reason, makers in _MAKERS.items() for maker in makers]


def padded(event: dict[str, Any], size: int) -> bytes:
    """The event with a user agent so long that it has this many bytes."""
    room = size - len(encode(event | {"user_agent": ""}))
    return encode(event | {"user_agent": "x" * room})


def at_the_limits(make: Maker) -> list[bytes]:
    """Good events that are as near to being bad as an event may be."""
    now = make.now
    longest = "\U0001f600" * MAX_CHARACTERS
    good = [
        *(
            make.good(**{name: "é" * MAX_CHARACTERS})
            for name in ("event_id", "target_id", "address")
        ),
        make.good(device_id=longest),
        make.good(type="a" * 64),
        make.good(type="a"),
        make.good(identifiers={}),
        make.good(identifiers={"tax_id": []}),
        make.good(identifiers={"tax_id": [f"{n}" for n in range(1000)]}),
        make.good(identifiers={"device": "d", "ip": ["::1", "10.0.0.1"]}),
        *(make.good(amount=x) for x in ("0", "0.000001", "1000000000", "999999999.999999", 0)),
        *(make.good(amount=x) for x in ("1.5000000000", "1e3", 1e9, 0.000001)),
        *(make.good(latitude=x, longitude=2 * x) for x in (90, -90, 0, 90.0)),
        *(make.good(occurred_at=x) for x in (0, 1, now + 23 * 3_600_000)),
        make.good(occurred_at="1970-01-01T00:00:00Z"),
        make.good(occurred_at="2024-02-29t23:59:59.999999z"),
        make.good(user_agent="a\x00\n\x7fb"),
        make.good(attributes={"": "", "a" * 1000: 2**62, "b": -1e300}),
        make.good(
            unknown=[[[[1]]]],
            other=None,
            third="\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
        ),
        *(
            {name: value for name, value in make.good().items() if name in REQUIRED}
            for _ in range(3)
        ),
        *(make.good(**{name: None}) for name in ("device_id", "amount", "outcome", "user_agent")),
    ]
    values = [encode(event) for event in good]
    values.append(padded(make.good(), MAX_BYTES))
    values.append(b" \r\n\t" + encode(make.good()) + b"\n")
    values.append(json.dumps(make.good(), indent=4).encode())
    # of a name that comes twice the last counts, as nearly every reader of JSON has it
    twice = encode(make.good(amount=1))
    values.append(twice.replace(b"{", b'{"account_id":"another","amount":-1,', 1))
    return values
