"""Events with personal identifiers, and a search for every spelling of them."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from api.world import World
from graph.kinds import identifier_kinds
from graph.store import GraphStore
from tests.conftest import CommandLine
from tests.events import as_lines, event

#: long ones, since Neo4j packs short texts into a few bits a letter
TAIL = "quixotic-vanterpool-mondegreen-zephyr-of-the-seventh-harbour-street"
SECRETS = {
    "email": f"Wilhelmina.{TAIL}@Kaleidoscope.example",
    "payment_instrument": f"CARD-5105-1051-{TAIL}",
    "phone": "+4915907734421",
    "address": f"77 Thistledown {TAIL} Boulevard",
    "tax_id": f"DE-TX-99182736-{TAIL}",
}
#: what must be found, so that the search is one that finds
OPEN = {
    "device_id": "DEVICE-unmistakable-lanternfish-of-the-eleventh-observatory-on-the-hill",
    "ip": "203.0.113.77",
}


def personal(number: int = 0) -> dict[str, Any]:
    """Fields with every secret; another number, other secrets."""
    more = f"{number:04}" if number else ""
    return {
        "email": more + SECRETS["email"],
        "payment_instrument": {"id": SECRETS["payment_instrument"] + more, "kind": "card"},
        "phone": SECRETS["phone"][: -len(more) or None] + more,
        "address": SECRETS["address"] + more,
        "identifiers": {"tax_id": [SECRETS["tax_id"] + more]},
    }


def rows(store: GraphStore, text: str) -> list[dict[str, Any]]:
    return store.run_schema(text)


def into_graph(line: CommandLine, path: Path, events: list[dict[str, Any]]) -> str:
    path.write_bytes(as_lines(events))
    return line.run("replay", str(path), "--to", "graph").stderr


def uses(own: World, store: GraphStore) -> list[tuple[str, str, str]]:
    """Account, kind and clear value of every use, whatever the keys are."""
    pseudonyms = own.load_pseudonyms()
    found = []
    for row in rows(
        store,
        "MATCH (a:Account)-[:USED]->(i:Identifier) RETURN a.id AS id, i.key AS key, "
        "i.kind AS kind, i.value AS value, i.sealed AS sealed",
    ):
        value = row["value"]
        if value is None:
            value = pseudonyms.unseal(row["key"], row["sealed"])
            assert row["key"] == pseudonyms.key(identifier_kinds()[row["kind"]], value)
        found.append((row["id"], row["kind"], value))
    return sorted(found)


def spellings(secret: str) -> Iterator[bytes]:
    """Ways in which a secret, or its telling part, could stand in a file."""
    parts = {secret, secret.partition("@")[0], secret.partition("@")[2], secret.lstrip("+")}
    parts |= {secret.lstrip("+0")[2:], secret.replace("-", ""), secret.replace(" ", "")}
    if TAIL in secret:
        # what is left where somebody cut it off
        parts.add("vanterpool-mondegreen")
    for part in sorted(parts):
        if len(part) < 8:
            continue
        for text in {part, part.lower(), part.upper(), part.casefold(), part.title()}:
            for data in (text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be")):
                yield data
                yield data.hex().encode()
                yield data.hex().upper().encode()
                yield data[::-1]
                for shift in range(3):
                    # base64 in each of its three positions, without the ends that neighbours change
                    for alphabet in (b"+/", b"-_"):
                        coded = base64.b64encode(b"\0" * shift + data, altchars=alphabet)
                        yield coded[4:-4]


def found_in(data: bytes, secrets: dict[str, list[bytes]]) -> list[str]:
    return [name for name, forms in secrets.items() if any(form in data for form in forms)]


FORMS = {name: sorted(set(spellings(secret))) for name, secret in SECRETS.items()}
CONTROL = {"device": sorted(set(spellings(OPEN["device_id"])))}


def hostile(prefix: str) -> list[bytes]:
    """Messages that cannot be used, each with every secret in it."""
    good = event(f"{prefix}bad", 1, **personal())
    bad = [
        good | {"occurred_at": "yesterday"},
        good | {"occurred_at": 99_999_999_999_999},
        good | {"type": SECRETS["email"]},
        good | {"ip": SECRETS["email"]},
        good | {"phone": SECRETS["address"].replace("7", "x")},
        good | {"outcome": SECRETS["email"]},
        good | {"country": SECRETS["address"]},
        good | {"amount": SECRETS["payment_instrument"]},
        good | {"payment_instrument": {"id": "x", "kind": SECRETS["payment_instrument"]}},
        good | {"identifiers": {SECRETS["tax_id"]: "1"}},
        good | {"event_id": SECRETS["email"] + "\0"},
        good | {"email": [SECRETS["email"]]},
        good | {"device_id": SECRETS["email"] * 40},
        good | {"attributes": {"x": [SECRETS["email"]]}},
        good | {"user_agent": SECRETS["phone"] * 10_000},
    ]
    return [
        *(json.dumps(each).encode() for each in bad),
        json.dumps(good).encode()[:-9],
        json.dumps(good).encode() + b"\xff",
        SECRETS["email"].encode(),
        json.dumps([good]).encode(),
    ]
