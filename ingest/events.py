"""The event contract: what a message must look like to be used."""

import ipaddress
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from graph.kinds import IdentifierKind, identifier_kinds

MAX_EVENT_BYTES = 64 * 1024
MAX_AHEAD_MS = 24 * 3600 * 1000
#: the largest amount whose sum over many events stays an exact 64-bit integer
MAX_AMOUNT = Decimal(1_000_000_000)

Text = Annotated[str, Meta(min_length=1, max_length=512)]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class UnusableEventError(Exception):
    """An event that cannot be used; it becomes a dead letter with this reason."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class PaymentInstrument(msgspec.Struct, frozen=True):
    """A card, bank account or wallet with its kind."""

    id: Text
    kind: Literal["card", "bank_account", "wallet"] | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
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
    amount: Annotated[Decimal, Meta()] | None = None
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
        # in whole numbers: a float would lose a millisecond now and then
        return at if isinstance(at, int) else (at - _EPOCH) // timedelta(milliseconds=1)

    @property
    def amount_micros(self) -> int:
        """The amount in millionths, 0 without one."""
        return int(self.amount * 1_000_000) if self.amount is not None else 0

    def identifier_keys(self) -> Iterator[tuple[IdentifierKind, str]]:
        """The normalised identifiers it carries, as kind and value.

        Raises UnusableEventError for a value that cannot be of its kind.
        """
        for kind in identifier_kinds().values():
            value = getattr(self, kind.field, None) if kind.field else None
            if value is None:
                continue
            text = value if isinstance(value, str) else value.id
            yield kind, normalise(kind.normaliser, text)
        for name, values in self.identifiers.items():
            kind = identifier_kinds()[name]
            for text in (values,) if isinstance(values, str) else values:
                yield kind, normalise(kind.normaliser, text)


_decoder = msgspec.json.Decoder(Event)


def parse_event(value: bytes | None, now: int) -> Event:
    """Decode and check one message; `now` in milliseconds bounds its time.

    Raises UnusableEventError with the reason and what to mend.
    """
    if not value:
        raise UnusableEventError("empty", "the message has no value")
    if len(value) > MAX_EVENT_BYTES:
        raise UnusableEventError("too_large", f"{len(value)} bytes, at most {MAX_EVENT_BYTES}")
    try:
        # the decoder does not look into fields it does not know
        value.decode()
        event = _decoder.decode(value)
    except msgspec.ValidationError as error:
        raise UnusableEventError("invalid_field", str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnusableEventError("invalid_json", str(error)) from None
    _check(event, now)
    return event


def canonical_body(value: bytes) -> bytes:
    """The same bytes for every spelling of one JSON body (field order, white space).

    A body that cannot be spelled anew (a number out of range in an unknown field) stays as it is.
    """
    try:
        decoded: Any = msgspec.json.decode(value)
        return msgspec.json.encode(decoded, order="sorted")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return value


def _check(event: Event, now: int) -> None:
    if not 0 <= event.at <= now + MAX_AHEAD_MS:
        late = "is more than 24 h ahead of the clock" if event.at > 0 else "is before 1970"
        raise UnusableEventError("time_out_of_range", f"occurred_at {event.occurred_at} {late}")
    if event.amount is not None:
        _check_amount(event.amount)
    if unknown := sorted(set(event.identifiers) - set(identifier_kinds())):
        raise UnusableEventError(
            "unknown_identifier_kind", f"{unknown[0][:64]!r} is not in identifier_kinds.toml"
        )
    for name in ("event_id", "account_id", "counterparty_account_id", "target_id"):
        text = getattr(event, name)
        if text is not None and (not text.strip() or _CONTROL.search(text)):
            raise UnusableEventError("invalid_field", f"{name} is blank or has control characters")
    for kind, text in event.identifier_keys():
        if not text or _CONTROL.search(text):
            detail = f"{kind.name} is empty or has control characters"
            raise UnusableEventError("invalid_field", detail)


def _check_amount(amount: Decimal) -> None:
    if not amount.is_finite() or not 0 <= amount <= MAX_AMOUNT:
        raise UnusableEventError("invalid_field", f"amount must be 0 to {MAX_AMOUNT}")
    # by its digits: arithmetic would round a long or very small number first
    _, digits, exponent = amount.as_tuple()
    if isinstance(exponent, int) and exponent < -6 and any(digits[exponent + 6 :]):
        raise UnusableEventError("invalid_field", "amount has more than 6 decimal places")


@lru_cache(maxsize=100_000)
def normalise(normaliser: str, text: str) -> str:
    """One spelling for every way of writing a value; raises UnusableEventError for a bad IP."""
    text = unicodedata.normalize("NFC", text).strip()
    if normaliser == "ip":
        return _normalise_ip(text)
    if normaliser == "phone":
        return _normalise_phone(text)
    if normaliser in ("lower", "email"):
        return " ".join(text.casefold().split())
    return text


def _normalise_phone(text: str) -> str:
    dialled = re.sub(r"[^0-9+]", "", unicodedata.normalize("NFKC", text))
    digits = dialled.replace("+", "")
    if dialled.startswith("+"):
        return "+" + digits if digits else ""
    if dialled.startswith("00"):
        return "+" + digits[2:] if digits[2:] else ""
    return digits


def _normalise_ip(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise UnusableEventError("invalid_field", f"ip {text[:64]!r} is not an address") from None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    # a household or a phone gets a /64, and changes its lower half at will
    return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
