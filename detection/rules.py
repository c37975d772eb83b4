"""The rules in cypher/rules: each file is one, and a new file runs without code."""

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from graph.deny_list import DenyList
from graph.errors import QueryError
from graph.kinds import Role, kinds_that
from graph.model import Finding
from graph.queries import queries
from graph.store import GraphStore

#: what a rule is asked about: accounts, or what links some of them with anybody by itself
ASKED_ABOUT = ("account_ids", "identifier_keys")
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
    #: which of ASKED_ABOUT it takes
    asked_about: str
    #: default values of its other parameters
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
        except (KeyError, ValueError) as error:
            raise QueryError(
                f"cypher/{query.name}.cypher: Severity, Points, Subject, Defaults: {error}"
            ) from error
        fits = [each for each in ASKED_ABOUT if {*defaults, each} == {*query.parameters}]
        if query.columns != COLUMNS or not fits:
            raise QueryError(
                f"cypher/{query.name}.cypher must return {', '.join(COLUMNS)} and have a default "
                "for each parameter but $account_ids or $identifier_keys"
            )
        found[name] = Rule(name, query.summary, severity, subject, points, fits[0], defaults)
    return found


def run_rules(store: GraphStore, account_ids: list[str]) -> list[Finding]:
    """Findings that concern any of the accounts, each once, sorted."""
    kinds = kinds_that(Role.CONNECTS)
    keys = {r[0] for r in store.read_about("detection/shared_keys", account_ids, kinds=kinds)}
    about = dict(zip(ASKED_ABOUT, (account_ids, sorted(keys)), strict=True))
    findings: dict[str, Finding] = {}
    asked = set(account_ids)
    for found in store.at_once(
        partial(_run, store, rule, about[rule.asked_about]) for rule in rules().values()
    ):
        for finding in found:
            # among the users of a value there may be others
            if not asked.isdisjoint(finding.account_ids):
                _merge(findings, finding)
    return [findings[key] for key in sorted(findings)]


def _run(store: GraphStore, rule: Rule, about: list[str]) -> list[Finding]:
    return [
        Finding(rule.name, key, tuple(sorted(hit)), account_count, at or 0, detail)
        for key, hit, account_count, at, detail in store.read_about(
            f"rules/{rule.name}", about, rule.asked_about, **rule.defaults
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
    """What comes in several chunks is one finding, with the accounts of all."""
    key = finding_id(finding)
    if (known := findings.get(key)) is not None:
        first = min(known, finding, key=lambda each: (each.identifier_key, each.detail))
        both = tuple(sorted({*known.account_ids, *finding.account_ids}))
        finding = replace(first, account_ids=both, at=max(known.at, finding.at))
    findings[key] = finding
