"""The event contract: what a message must look like to be used."""

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from graph.kinds import IdentifierKind, identifier_kinds
from graph.normalise import NormaliseError, normalise
from graph.times import millis

MAX_EVENT_BYTES = 64 * 1024
MAX_AHEAD_MS = 24 * 3600 * 1000
#: the largest amount whose sum over many events stays an exact 64-bit integer
MAX_AMOUNT = Decimal(1_000_000_000)

Text = Annotated[str, Meta(min_length=1, max_length=512)]
#: a JSON number, also as text
_AMOUNT = re.compile(rb'("?)-?\d+(\.\d+)?([eE][+-]?\d{1,6})?\1')
#: how nearly all of them are spelled
_PLAIN_AMOUNT = re.compile(rb'("?)(\d{1,9})(?:\.(\d{1,6}))?\1')
_NO_AMOUNT = msgspec.Raw(b"null")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class UnusableEventError(Exception):
    """An event that cannot be used; it becomes a dead letter with this reason."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class PaymentInstrument(msgspec.Struct, frozen=True, gc=False):
    """A card, bank account or wallet with its kind."""

    id: Text
    kind: Literal["card", "bank_account", "wallet"] | None = None


class Event(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    gc=False,
):
    """One message: an account did something with identifiers at a time."""

    event_id: Text
    type: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}\Z")]
    occurred_at: int | Annotated[datetime, Meta(tz=True)]
    account_id: Text
    device_id: Text | None = None
    ip: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    address: Text | None = None
    payment_instrument: Text | PaymentInstrument | None = None
    identifiers: dict[str, Text | list[Text]] = {}
    counterparty_account_id: Text | None = None
    target_id: Text | None = None
    #: as it was spelled: Python would take a decimal in more ways than the contract
    amount_json: msgspec.Raw = msgspec.field(default_factory=lambda: _NO_AMOUNT, name="amount")
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")] | None = None
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")] | None = None
    latitude: Annotated[float, Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Meta(ge=-180, le=180)] | None = None
    outcome: Literal["success", "failure"] | None = None
    user_agent: str | None = None
    attributes: dict[str, str | int | float | bool | None] = {}

    @property
    def at(self) -> int:
        """When it happened, milliseconds since 1970 UTC."""
        at = self.occurred_at
        return at if isinstance(at, int) else millis(at)

    @property
    def amount_micros(self) -> int | None:
        """The amount in millionths, exactly; None without one, UnusableEventError for a bad one."""
        if self.amount_json is _NO_AMOUNT:
            return None
        text = bytes(self.amount_json)
        if plain := _PLAIN_AMOUNT.fullmatch(text):
            _, units, millionths = plain.groups(b"")
            return int(units) * 1_000_000 + int(millionths.ljust(6, b"0"))
        return None if text == b"null" else _exact_micros(text)

    def identifier_texts(self) -> Iterator[tuple[IdentifierKind, str]]:
        """The identifiers it carries as they came, as kind and text."""
        for kind in identifier_kinds().values():
            value = getattr(self, kind.field) if kind.field else None
            if value is not None:
                yield kind, value if isinstance(value, str) else value.id
        for name, values in self.identifiers.items():
            for text in (values,) if isinstance(values, str) else values:
                yield identifier_kinds()[name], text

    def body(self) -> bytes:
        """The same bytes for every spelling of one JSON body (field order, white space)."""
        return _body.encode(self)


_IDS = ("event_id", "account_id", "counterparty_account_id", "target_id")
_ids = attrgetter(*_IDS)
_body = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Event)
_raw_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


def parse_event(value: bytes | None, now: int) -> Event:
    """Decode and check one message; `now` in milliseconds bounds its time.

    Unknown fields move to `attributes`. Raises UnusableEventError with the reason and what to
    mend; its text never holds a value of the event, which may be personal.
    """
    event = decode_event(value)
    check_event(event, now)
    for kind, text in event.identifier_texts():
        normalised(kind, text)
    return event


def decode_event(value: bytes | None) -> Event:
    """The event of a message, its fields of the right types; raises UnusableEventError."""
    if not value:
        raise UnusableEventError("empty", "the message has no value")
    if len(value) > MAX_EVENT_BYTES:
        raise UnusableEventError("too_large", f"{len(value)} bytes, at most {MAX_EVENT_BYTES}")
    try:
        return _decode(value)
    except msgspec.ValidationError as error:
        raise UnusableEventError("invalid_field", _without_values(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnusableEventError("invalid_json", _without_values(str(error))) from None


def _decode(value: bytes) -> Event:
    # the decoder does not look into what it skips
    value.decode()
    try:
        return _decoder.decode(value)
    except msgspec.ValidationError:
        return _decode_with_unknown(value)


def _decode_with_unknown(value: bytes) -> Event:
    """Decode an event whose unknown fields become attributes; what is no scalar, as its JSON."""
    fields = _raw_decoder.decode(value)
    unknown = {
        name: raw for name, raw in fields.items() if name not in Event.__struct_encode_fields__
    }
    event = _decoder.decode(
        msgspec.json.encode({name: raw for name, raw in fields.items() if name not in unknown})
    )
    if not unknown:
        return event
    # an attribute of the same name was meant: the field beside it goes by a longer one
    named = {f"event.{n}" if n in event.attributes else n: _scalar(r) for n, r in unknown.items()}
    return msgspec.structs.replace(event, attributes=event.attributes | named)


def _scalar(raw: msgspec.Raw) -> str | int | float | bool | None:
    """A value as it is, or its JSON where it is no scalar or a number beyond 64 bits."""
    try:
        return msgspec.json.decode(raw, type=str | int | float | bool | None)
    except msgspec.ValidationError:
        return bytes(raw).decode()


def _without_values(text: str) -> str:
    """The message of a decoder without the one kind of value it repeats."""
    return re.sub(r"(Invalid enum value) .*?(?= - at |$)", r"\1", text, flags=re.DOTALL)


def check_event(event: Event, now: int) -> tuple[int, int | None]:
    """When it happened, milliseconds since 1970, and its amount in millionths.

    Raises UnusableEventError for what cannot be.
    """
    at, micros = event.at, event.amount_micros
    if not 0 <= at <= now + MAX_AHEAD_MS:
        late = "is more than 24 h ahead of the clock" if at > 0 else "is before 1970"
        raise UnusableEventError("time_out_of_range", f"occurred_at {event.occurred_at} {late}")
    if event.identifiers and not event.identifiers.keys() <= identifier_kinds().keys():
        raise UnusableEventError(
            "unknown_identifier_kind", "a kind in identifiers is not in identifier_kinds.toml"
        )
    for name, text in zip(_IDS, _ids(event), strict=True):
        # most are printable, which is known faster
        if text is None or (text.isprintable() and not text.isspace()):
            continue
        if not text.strip() or _has_control(text):
            raise UnusableEventError("invalid_field", f"{name} is blank or has control characters")
    return at, micros


def normalised(kind: IdentifierKind, text: str, phone_region: str | None = None) -> str:
    """The value of an identifier in its one spelling.

    `phone_region` is where telephone numbers without a country code belong. Raises
    UnusableEventError for a text that cannot be of its kind.
    """
    try:
        value = normalise(kind.normaliser, text, phone_region)
    except NormaliseError as error:
        raise UnusableEventError("invalid_field", f"{kind.name} {error}") from None
    if not value or _has_control(value):
        raise UnusableEventError("invalid_field", f"{kind.name} is empty or has control characters")
    return value


def _has_control(text: str) -> bool:
    # most are printable, which is known faster
    return not text.isprintable() and _CONTROL.search(text) is not None


def _exact_micros(text: bytes) -> int:
    """An amount in millionths, however it is spelled."""
    if not _AMOUNT.fullmatch(text):
        raise UnusableEventError("invalid_field", "amount is no decimal number")
    amount = Decimal(text.decode().strip('"'))
    if not 0 <= amount <= MAX_AMOUNT:
        raise UnusableEventError("invalid_field", f"amount must be 0 to {MAX_AMOUNT}")
    # by its digits: arithmetic would round a long or very small number first
    _, digits, exponent = amount.as_tuple()
    if isinstance(exponent, int) and exponent < -6 and any(digits[exponent + 6 :]):
        raise UnusableEventError("invalid_field", "amount has more than 6 decimal places")
    return int(amount * 1_000_000)
