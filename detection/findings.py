"""What the rules found, kept in the graph: only what changed since is written."""

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from detection.rules import finding_id, sequences
from graph.model import Finding
from graph.store import GraphStore, Row

#: flags asked about in one statement
_CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class KnownFinding:
    """A finding that the graph has."""

    finding_id: str
    digest: str
    #: with those of its accounts that were asked about
    finding: Finding


@dataclass(frozen=True, slots=True)
class KnownFindings:
    """What the graph has about some accounts."""

    #: of the rules in cypher/, which every run looks for again; a finding may come in parts
    in_graph: list[KnownFinding]
    #: of the rules in detection/sequences, sorted by id
    in_events: list[Finding]


@dataclass(frozen=True, slots=True)
class FindingChanges:
    """What is to be written so that the graph knows of these findings and of no others."""

    #: properties of findings that are new or changed
    findings: list[Row]
    #: [finding id, account id]
    new: list[list[str]]
    gone: list[list[str]]


def read_flags(store: GraphStore, account_ids: list[str]) -> KnownFindings:
    """What the graph has about some accounts."""
    names = {rule.name for rule in sequences()}
    in_graph: list[KnownFinding] = []
    in_events: dict[str, Finding] = {}
    for row in store.read_about("detection/read_findings", account_ids):
        flag = _flag(row)
        found = flag.finding
        if found.rule not in names:
            in_graph.append(flag)
        else:
            # about many accounts it comes in parts
            more = in_events.get(flag.finding_id, found).account_ids
            both = tuple(sorted({*found.account_ids, *more}))
            in_events[flag.finding_id] = replace(found, account_ids=both)
    return KnownFindings(in_graph, [in_events[key] for key in sorted(in_events)])


def read_flags_by(store: GraphStore, names: list[str]) -> list[KnownFinding]:
    """What the graph has of some rules, with all accounts that each is about."""
    return [_flag(row) for row in store.read_values("detection/read_findings_by", rules=names)]


def _flag(row: list[Any]) -> KnownFinding:
    finding_id, digest, account_ids, rule, key, account_count, at, detail = row
    accounts = tuple(sorted(account_ids))
    return KnownFinding(finding_id, digest, Finding(rule, key, accounts, account_count, at, detail))


def compare_findings(
    store: GraphStore, looked_at: set[str], flags: list[KnownFinding], findings: list[Finding]
) -> FindingChanges:
    """What is new, and what is gone, about the accounts that were looked at."""
    digests = {flag.finding_id: flag.digest for flag in flags}
    stored = {(flag.finding_id, a) for flag in flags for a in flag.finding.account_ids}
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
