"""The events of a session: what is done, with what, for how much."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.belongings import IPV6, Belongings
from ingest.simulation.countries import COUNTRIES
from ingest.simulation.draws import Ints, Mask
from ingest.simulation.population import Population
from ingest.simulation.sessions import NOBODY, TYPES, Sessions

#: at, sent_at: ms after the start; cents: NO_AMOUNT without one; address: 0 for the account's own
ROW = np.dtype(
    [
        ("at", np.int64),
        ("sent_at", np.int64),
        ("event", np.uint64),
        ("account", np.int64),
        ("type", np.uint8),
        ("failed", np.bool_),
        ("device", np.uint64),
        ("ip", np.uint64),
        ("instrument", np.uint64),
        ("address", np.uint64),
        ("target", np.uint64),
        ("counterparty", np.int64),
        ("cents", np.int64),
        ("shows_email", np.bool_),
        ("shows_phone", np.bool_),
        ("shows_address", np.bool_),
    ]
)
Rows = NDArray[Any]
NO_AMOUNT = -1

_LOGIN, _SIGNUP, _PAYMENT = (TYPES.index(name) for name in ("login", "signup", "payment"))
_TRANSFER, _SUBSCRIPTION = TYPES.index("transfer"), TYPES.index("subscription")
_LOGIN_FIRST = 0.65
_FAILED_LOGIN = 0.05
#: what follows a login
_SHARES = {
    "payment": 0.42,
    "content": 0.28,
    "transfer": 0.15,
    "review": 0.08,
    "subscription": 0.05,
    "instrument": 0.015,
    "chargeback": 0.005,
}
_WITH_CARD = ("payment", "subscription", "instrument", "chargeback")
_AT_MERCHANTS = ("payment", "subscription", "chargeback")
_BANK_ACCOUNT = 0.3
#: shares of events of a type that carry the account's e-mail, telephone number or address
_EMAIL = {_SIGNUP: 1.0, _LOGIN: 0.03}
_PHONE = {_SIGNUP: 0.8, _LOGIN: 0.015}
_ADDRESS = {_SIGNUP: 0.5, _PAYMENT: 0.04}
#: transfers that go to one of the few accounts everybody pays: exchanges, landlords, savings
_TO_HUBS = 0.05
#: median in euros and sigma of the log of amounts
_SPENT, _SENT = (24.0, 1.0), (60.0, 1.2)
_FEES = np.array([4.99, 9.99, 14.99])
_PRICES = np.array([country.price for country in COUNTRIES])


def expand(made: Sessions, belongings: Belongings, random: np.random.Generator) -> Rows:
    """The events of sessions whose places are decided; `event` and `sent_at` are left open."""
    people = belongings.people
    session = np.repeat(np.arange(len(made)), made["size"])
    first = np.cumsum(made["size"]) - made["size"]
    position = np.arange(len(session)) - first[session]
    is_last = position == made["size"][session] - 1
    rows = np.zeros(len(session), ROW)
    rows["account"] = made["account"][session]
    rows["at"] = made["at"][session] + _after_first(position, first[session], random)
    forced = np.where(is_last, made["type"][session], 0)
    rows["type"], rows["failed"] = _types(forced, position, random)
    _deal(rows, people, random, np.where(is_last, made["counterparty"][session], NOBODY))
    rows["device"] = made["device"][session]
    rows["ip"] = _with_host(made["ip"][session], rows["device"])
    _pay(rows, belongings, random, made[session], is_last)
    for field, shares in (("email", _EMAIL), ("phone", _PHONE), ("address", _ADDRESS)):
        by_type = np.array([shares.get(number, 0.0) for number in range(len(TYPES))])
        rows[f"shows_{field}"] = random.random(len(rows)) < by_type[rows["type"]]
    rows["address"] = np.where(is_last, made["address"][session], 0)
    rows["shows_address"] |= rows["address"] > 0
    return rows


def _after_first(position: Ints, first: Ints, random: np.random.Generator) -> Ints:
    """Milliseconds since the session's first event."""
    gaps = np.where(position > 0, 2000 + random.exponential(70_000, len(position)), 0.0)
    total = np.cumsum(gaps.astype(np.int64))
    return total - total[first] if len(total) else total


def _types(forced: Ints, position: Ints, random: np.random.Generator) -> tuple[Ints, Mask]:
    """The type of each event and whether it failed; logins come first, failed ones before."""
    count = len(forced)
    names = [TYPES.index(name) for name in _SHARES]
    types = np.array(names)[
        np.minimum(
            np.searchsorted(np.cumsum(list(_SHARES.values())), random.random(count), "right"),
            len(names) - 1,
        )
    ]
    types = np.where((position == 0) & (random.random(count) < _LOGIN_FIRST), _LOGIN, types)
    failed = (types == _LOGIN) & (forced == 0) & (random.random(count) < _FAILED_LOGIN)
    # somebody who mistyped tries again
    again = np.concatenate([[False], failed[:-1]])[:count] & (position == 1)
    types = np.where(again, _LOGIN, types)
    return np.where(forced > 0, forced, types), failed


def _deal(rows: Rows, people: Population, random: np.random.Generator, given: Ints) -> None:
    """Who receives transfers; without a receiver they become payments."""
    count = len(rows)
    number = (6 * random.random(count) ** 2).astype(np.int64)
    other = people.acquaintance(rows["account"], number)
    hub = people.draws.below(
        people.size, "hub", random.integers(0, 1 + people.size // 20_000, count)
    )
    other = np.where(random.random(count) < _TO_HUBS, hub, other)
    can = (people.joined[other] < rows["at"]) & (other != rows["account"])
    free = (rows["type"] == _TRANSFER) & (given == NOBODY)
    rows["type"][free & ~can] = _PAYMENT
    rows["counterparty"] = np.where(free & can, other, given)


def _pay(
    rows: Rows,
    belongings: Belongings,
    random: np.random.Generator,
    made: Sessions,
    is_last: Mask,
) -> None:
    """Cards, merchants, items and amounts; `made` has the session of each row."""
    people, types, count = belongings.people, rows["type"], len(rows)
    card = belongings.card(rows["account"], rows["at"], random.random(count))
    card = np.where(made["card"] > 0, made["card"], card)
    bank = (types == _TRANSFER) & (random.random(count) < _BANK_ACCOUNT)
    rows["instrument"] = np.where(_is_one_of(types, _WITH_CARD), card, 0)
    rows["instrument"] = np.where(
        bank, belongings.bank_account(rows["account"]), rows["instrument"]
    )
    country = people.country(rows["account"])
    popular = random.random(count)
    merchant = (max(40, people.size // 100) * popular**3).astype(np.int64)
    item = (max(100, people.size // 4) * popular**2.5).astype(np.int64)
    target = np.where(
        _is_one_of(types, _AT_MERCHANTS),
        people.draws.bits("merchant", merchant, country),
        np.where(_is_one_of(types, ("content", "review")), people.draws.bits("item", item), 0),
    )
    rows["target"] = np.where(is_last & (made["target"] > 0), made["target"], target)
    spent = _amounts(types, random) * _PRICES[country]
    given = np.where(is_last, made["cents"], 0)
    rows["cents"] = np.where(given > 0, given * _PRICES[country], np.round(100 * spent))
    rows["cents"][spent <= 0] = NO_AMOUNT


def _amounts(types: Ints, random: np.random.Generator) -> Any:
    """Euros, below 0 for events that move no money."""
    normal = random.standard_normal(len(types))
    amount = np.full(len(types), -1.0)
    for kind, (median, sigma) in (("payment", _SPENT), ("chargeback", _SPENT), ("transfer", _SENT)):
        chosen = types == TYPES.index(kind)
        amount[chosen] = median * np.exp(sigma * normal[chosen])
    fees = _FEES[random.integers(0, len(_FEES), len(types))]
    return np.where(types == _SUBSCRIPTION, fees, amount)


def _is_one_of(types: Ints, names: tuple[str, ...]) -> Mask:
    return np.isin(types, [TYPES.index(name) for name in names])


def _with_host(ip: Any, device: Any) -> Any:
    """IPv6 addresses with the device's half."""
    return np.where(ip >= IPV6, ip | (device & np.uint64(0xFFFF)), ip)
