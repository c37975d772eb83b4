"""What the rules found, kept in the graph: only what changed since is written."""

import hashlib
from dataclasses import dataclass
from typing import Any

from detection.rules import finding_id
from graph.model import Finding
from graph.store import GraphStore, Row

#: flags asked about in one statement
_CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class FindingChanges:
    """What is to be written so that the graph knows of these findings and of no others."""

    #: properties of findings that are new or changed
    findings: list[Row]
    #: [finding id, account id]
    new: list[list[str]]
    gone: list[list[str]]


def read_flags(store: GraphStore, account_ids: list[str]) -> list[list[Any]]:
    """[finding id, digest, account ids] of what the graph has about some accounts."""
    return store.read_about("detection/read_findings", account_ids)


def compare_findings(
    store: GraphStore, looked_at: set[str], flags: list[list[Any]], findings: list[Finding]
) -> FindingChanges:
    """What is new, and what is gone, about the accounts that were looked at."""
    digests = {finding_id: digest for finding_id, digest, _ in flags}
    stored = {(finding_id, account_id) for finding_id, _, of in flags for account_id in of}
    rows = [_row(finding) for finding in findings]
    found = {
        (row["id"], account_id)
        for row, finding in zip(rows, findings, strict=True)
        for account_id in finding.account_ids
    }
    # a hit may be about accounts that nobody looked at, too
    beside = sorted(pair for pair in found - stored if pair[1] not in looked_at)
    for start in range(0, len(beside), _CHUNK):
        part = [list(pair) for pair in beside[start : start + _CHUNK]]
        stored.update(
            (row[0], row[1]) for row in store.read_values("detection/known_flags", rows=part)
        )
    changed = [row for row in rows if digests.get(row["id"]) != row["digest"]]
    new, gone = ([list(pair) for pair in sorted(some)] for some in (found - stored, stored - found))
    return FindingChanges(changed, new, gone)


def _row(finding: Finding) -> Row:
    row = {
        "id": finding_id(finding),
        "rule": finding.rule,
        "identifier_key": finding.identifier_key,
        "at": finding.at,
        "detail": finding.detail,
        "account_count": finding.account_count,
    }
    digest = hashlib.blake2b(repr(row).encode(), digest_size=12).hexdigest()
    return row | {"digest": digest}
