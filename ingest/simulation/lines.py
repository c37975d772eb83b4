"""Events as JSON, one a line."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ingest.simulation.actions import NO_AMOUNT, Rows
from ingest.simulation.belongings import IPV6
from ingest.simulation.countries import COUNTRIES
from ingest.simulation.draws import Bits, Ints, Mask
from ingest.simulation.population import Population
from ingest.simulation.sessions import NOBODY, TYPES

#: events encoded in one go: their texts are in memory together
BLOCK = 8192

_OUTCOMES = (',"outcome":"success"', ',"outcome":"failure"')
_HAS_OUTCOME = ("login", "payment", "transfer")
_MAIL_DOMAINS = (
    "example.org",
    "example.com",
    "example.net",
    "mail.example.org",
    "post.example.com",
)
_NAMES = (
    *("alex", "anna", "ben", "carla", "chen", "dana", "emil", "eva", "felix", "gita", "hana"),
    *("ines", "ivan", "jan", "julia", "kai", "lea", "luis", "maria", "marco", "mia", "nina"),
    *("noah", "olga", "omar", "paula", "ravi", "rosa", "sam", "sofia", "tom", "yuki"),
)
_STREETS = (
    *("Oak Lane", "Mill Road", "Station Road", "Church Street", "Garden Street", "Lake Avenue"),
    *("Hill Road", "Market Place", "River Street", "School Lane", "Park Avenue", "Bridge Street"),
    *("North Road", "Meadow Way", "Forest Drive", "Castle Street"),
)
_AGENTS = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 13; SM-A546B) AppleWebKit/537.36 Chrome/130.0 Mobile",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari",
)


def lines(batches: Iterable[Rows], people: Population) -> Iterator[bytes]:
    """Each row as one JSON event without a line end."""
    for rows in batches:
        for first in range(0, len(rows), BLOCK):
            yield from _encode(rows[first : first + BLOCK], people)


def _encode(rows: Rows, people: Population) -> list[bytes]:
    account, country = rows["account"], people.country(rows["account"])
    columns = [
        _heads(rows, people),
        _texts(rows["device"] > 0, ',"device_id":"{:016x}"', rows["device"]),
        _ips(rows["ip"]),
        _instruments(rows),
        _texts(rows["target"] > 0, ',"target_id":"{:016x}"', rows["target"]),
        _counterparties(rows, people),
        _at(
            rows["shows_email"], lambda chosen: _emails(people.draws.bits("email", account[chosen]))
        ),
        _at(rows["shows_phone"], lambda chosen: _phones(account[chosen], country[chosen])),
        _at(rows["shows_address"], lambda chosen: _addresses(people, rows[chosen])),
        _amounts(rows["cents"], country),
        _outcomes(rows),
        _tails(rows["device"], country),
    ]
    return [text.encode() for text in map("".join, zip(*columns, strict=True))]


def account_text(bits: int) -> str:
    """An account's id."""
    return f"{bits:016x}"


def _heads(rows: Rows, people: Population) -> list[str]:
    values = zip(
        rows["event"].tolist(),
        rows["type"].tolist(),
        (rows["at"] + people.start).tolist(),
        people.account_ids(rows["account"]).tolist(),
        strict=True,
    )
    return [
        f'{{"event_id":"{event:016x}","type":"{TYPES[kind]}","occurred_at":{at}'
        f',"account_id":"{account_text(account)}"'
        for event, kind, at, account in values
    ]


def _tails(device: Bits, country: Ints) -> list[str]:
    agents = (device % np.uint64(len(_AGENTS))).tolist()
    return [_TAILS[here][agent] for here, agent in zip(country.tolist(), agents, strict=True)]


_TAILS = [
    [f',"country":"{country.code}","user_agent":"{agent}"}}' for agent in _AGENTS]
    for country in COUNTRIES
]


def _at(chosen: Mask, texts: Callable[[Any], list[str]]) -> list[str]:
    """Texts where chosen, nothing elsewhere."""
    column = [""] * len(chosen)
    where = np.flatnonzero(chosen)
    for number, text in zip(where.tolist(), texts(where), strict=True):
        column[number] = text
    return column


def _texts(chosen: Mask, template: str, values: Any) -> list[str]:
    return _at(chosen, lambda where: [template.format(value) for value in values[where].tolist()])


def _ips(ip: Bits) -> list[str]:
    return [f',"ip":"{ip_text(value)}"' if value else "" for value in ip.tolist()]


def ip_text(value: int) -> str:
    """An address as people write it."""
    if value >= int(IPV6):
        return f"2001:db8:{value >> 32 & 0xFFFF:x}:{value >> 16 & 0xFFFF:x}::{value & 0xFFFF:x}"
    return f"{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}"


def _instruments(rows: Rows) -> list[str]:
    kinds = np.where(rows["type"] == TYPES.index("transfer"), "bank_account", "card")
    values = rows["instrument"]

    def texts(where: Any) -> list[str]:
        pairs = zip(values[where].tolist(), kinds[where].tolist(), strict=True)
        return [
            f',"payment_instrument":{{"id":"tok_{value:016x}","kind":"{kind}"}}'
            for value, kind in pairs
        ]

    return _at(values > 0, texts)


def _counterparties(rows: Rows, people: Population) -> list[str]:
    other = people.account_ids(np.maximum(rows["counterparty"], 0))
    return _texts(rows["counterparty"] != NOBODY, ',"counterparty_account_id":"{:016x}"', other)


def _emails(bits: Bits) -> list[str]:
    return [
        f',"email":"{_NAMES[value % len(_NAMES)]}.{value >> 20:011x}'
        f'@{_MAIL_DOMAINS[(value >> 8) % len(_MAIL_DOMAINS)]}"'
        for value in bits.tolist()
    ]


def _phones(account: Ints, country: Ints) -> list[str]:
    texts = []
    for number, here in zip(account.tolist(), country.tolist(), strict=True):
        texts.append(f',"phone":"{phone_text(number, here)}"')
    return texts


def phone_text(account: int, country: int) -> str:
    """The mobile number of an account, which nobody else in its country has."""
    plan = COUNTRIES[country]
    first, end = plan.subscribers
    room = (end - first) * len(plan.dialled)
    # one to one: the factor shares no divisor with the room
    number = (account * 7_368_787 + 1_234_567) % room
    start = plan.dialled[number % len(plan.dialled)]
    return f"{start}{first + number // len(plan.dialled):0{len(str(end - 1))}}"


def _addresses(people: Population, rows: Rows) -> list[str]:
    own = people.draws.bits("address", people.household_of[rows["account"]])
    shown = np.where(rows["address"] > 0, rows["address"], own)
    return [f',"address":"{address_text(value)}"' for value in shown.tolist()]


def address_text(value: int) -> str:
    """A postal address as people write it."""
    street = f"{1 + (value >> 8) % 180} {_STREETS[value % len(_STREETS)]}"
    return f"{street}, {1 + (value >> 16) % 40}, {(value >> 24) % 100_000:05}"


def _amounts(cents: Ints, country: Ints) -> list[str]:
    texts = []
    for amount, here in zip(cents.tolist(), country.tolist(), strict=True):
        if amount == NO_AMOUNT:
            texts.append("")
            continue
        plan = COUNTRIES[here]
        value = f"{amount // 100}.{amount % 100:02}" if plan.has_cents else f"{amount // 100}"
        texts.append(f',"amount":"{value}","currency":"{plan.currency}"')
    return texts


def _outcomes(rows: Rows) -> list[str]:
    has = np.isin(rows["type"], [TYPES.index(name) for name in _HAS_OUTCOME])
    return _at(has, lambda where: [_OUTCOMES[failed] for failed in rows["failed"][where].tolist()])
