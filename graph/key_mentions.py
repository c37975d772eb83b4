"""Keys of identifiers where detection wrote them down: in findings and in the reasons of rings."""

import hashlib
from collections.abc import Iterator, Mapping

from graph.pseudonyms import label
from graph.store import GraphStore, Row

#: findings, or rings with their reasons, in one statement
_PAGE = 500


def mentioned_keys(store: GraphStore, starts: tuple[str, ...]) -> set[str]:
    """Keys that begin in one of these ways and that a finding or a reason holds."""
    found = {row["identifier_key"] for rows in _findings(store) for row in rows}
    found.update(key for rows in _reasons(store) for row in rows for key in row["evidence"])
    return {key for key in found if key.startswith(starts)}


def rename_mentions(store: GraphStore, mapping: Mapping[str, str]) -> None:
    """Put new keys in the place of old ones; what was renamed before is passed over."""
    for rows in _findings(store):
        findings = [_finding(row, mapping) for row in rows if row["identifier_key"] in mapping]
        _write(store, "privacy/rename_findings", findings)
    for rows in _reasons(store):
        reasons = [_reason(row, mapping) for row in rows if mapping.keys() & set(row["evidence"])]
        _write(store, "privacy/rename_reasons", reasons)


def _finding(row: Row, mapping: Mapping[str, str]) -> Row:
    old = row["identifier_key"]
    return {
        "id": row["id"],
        "new_id": row["id"].replace(_digest(old), _digest(mapping[old])),
        "identifier_key": mapping[old],
        "detail": _relabel(row["detail"], [old], mapping),
    }


def _reason(row: Row, mapping: Mapping[str, str]) -> Row:
    old = [key for key in row["evidence"] if key in mapping]
    return {
        "ring_id": row["ring_id"],
        "position": row["position"],
        "text": _relabel(row["text"], old, mapping),
        "evidence": sorted(mapping.get(key, key) for key in row["evidence"]),
    }


def _relabel(text: str, keys: list[str], mapping: Mapping[str, str]) -> str:
    for key in keys:
        text = text.replace(label(key, None), label(mapping[key], None))
    return text


def _digest(key: str) -> str:
    # as detection.rules.finding_id names a finding about an identifier
    return hashlib.blake2b(key.encode(), digest_size=12).hexdigest()


def _findings(store: GraphStore) -> Iterator[list[Row]]:
    after = ""
    while rows := store.read("privacy/findings", after=after, limit=_PAGE):
        yield rows
        after = rows[-1]["id"]


def _reasons(store: GraphStore) -> Iterator[list[Row]]:
    after = ""
    while rows := store.read("privacy/reasons", after=after, limit=_PAGE):
        yield [reason | {"ring_id": row["ring_id"]} for row in rows for reason in row["reasons"]]
        after = rows[-1]["ring_id"]


def _write(store: GraphStore, name: str, rows: list[Row]) -> None:
    if rows:
        store.write(lambda tx: tx.run(name, rows=rows))
