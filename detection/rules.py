"""The rules in cypher/rules: each file is one, and a new file runs without code."""

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from graph.deny_list import DenyList
from graph.errors import QueryError
from graph.model import Finding
from graph.queries import queries
from graph.store import GraphStore

COLUMNS = ("identifier_key", "account_ids", "account_count", "at", "detail")


@dataclass(frozen=True, slots=True)
class Rule:
    """One file in cypher/rules."""

    name: str
    summary: str
    severity: str
    #: what makes a hit the same hit: its `identifier`, or its `accounts`
    subject: str
    #: most points it gives a ring
    points: int
    #: default values of its parameters, all but $account_ids
    defaults: dict[str, Any]


@cache
def rules() -> dict[str, Rule]:
    """All rules by name; QueryError for a header whose header lacks a rule's facts."""
    found = {}
    for query in queries("rules"):
        name = query.name.removeprefix("rules/")
        try:
            defaults = json.loads(query.facts["Defaults"])
            severity, subject = query.facts["Severity"], query.facts["Subject"]
            points = int(query.facts["Points"])
            rule = Rule(name, query.summary, severity, subject, points, defaults)
        except (KeyError, ValueError) as error:
            raise QueryError(
                f"cypher/{query.name}.cypher: Severity, Points, Subject, Defaults: {error}"
            ) from error
        if query.columns != COLUMNS or {*defaults, "account_ids"} != set(query.parameters):
            raise QueryError(
                f"cypher/{query.name}.cypher must return {', '.join(COLUMNS)} and have a default "
                "for each parameter but $account_ids"
            )
        found[name] = rule
    return found


def run_rules(store: GraphStore, account_ids: list[str]) -> list[Finding]:
    """Findings that concern any of the accounts, each once, sorted."""
    findings: dict[str, Finding] = {}
    for found in store.at_once(
        partial(_run, store, rule, account_ids) for rule in rules().values()
    ):
        for finding in found:
            _merge(findings, finding)
    return [findings[key] for key in sorted(findings)]


def _run(store: GraphStore, rule: Rule, account_ids: list[str]) -> list[Finding]:
    return [
        Finding(rule.name, key, tuple(sorted(hit)), account_count, at or 0, detail)
        for key, hit, account_count, at, detail in store.read_about(
            f"rules/{rule.name}", account_ids, **rule.defaults
        )
    ]


def without_denied(findings: list[Finding], denied: DenyList) -> list[Finding]:
    """Findings that say something although the denied identifiers and accounts say nothing."""
    kept = []
    for finding in findings:
        left = tuple(a for a in finding.account_ids if a not in denied.account_ids)
        is_whole = len(left) == len(finding.account_ids)
        # what is about certain accounts falls with one of them, what is about a value does not
        needs_all = rules()[finding.rule].subject == "accounts"
        if finding.identifier_key in denied.keys or not left or (needs_all and not is_whole):
            continue
        kept.append(finding if is_whole else replace(finding, account_ids=left))
    return kept


def finding_id(finding: Finding) -> str:
    """The same hit has the same id in every run."""
    about_accounts = rules()[finding.rule].subject == "accounts"
    subject = "\0".join(finding.account_ids) if about_accounts else finding.identifier_key
    digest = hashlib.blake2b(subject.encode(), digest_size=12).hexdigest()
    return f"{finding.rule}:{digest}"


def _merge(findings: dict[str, Finding], finding: Finding) -> None:
    """A hub's accounts come in several chunks: one finding holds them all."""
    key = finding_id(finding)
    if (known := findings.get(key)) is not None:
        both = tuple(sorted({*known.account_ids, *finding.account_ids}))
        finding = Finding(
            finding.rule,
            finding.identifier_key,
            both,
            finding.account_count,
            max(known.at, finding.at),
            min(known.detail, finding.detail),
        )
    findings[key] = finding
