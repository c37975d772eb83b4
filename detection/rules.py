"""The rules: each file in cypher/rules or detection/sequences is one, and a new one needs no code.

Those in cypher/rules are about the graph, those in detection/sequences about events one after the
other (detection.sequences).
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from graph.deny_list import DenyList
from graph.errors import QueryError
from graph.kinds import Role, kinds_that
from graph.model import Finding
from graph.queries import Query, parse, queries
from graph.queries import query as statement
from graph.store import GraphStore

SEQUENCES = Path(__file__).parent / "sequences"
#: what a rule in Cypher is asked about: accounts, or what links some of them with anybody by itself
ASKED_ABOUT = ("account_ids", "identifier_keys")
COLUMNS = ("identifier_key", "account_ids", "account_count", "at", "detail")


@dataclass(frozen=True, slots=True)
class Rule:
    """One file in cypher/rules or detection/sequences."""

    name: str
    summary: str
    severity: str
    #: what makes a hit the same hit: its `identifier`, or its `accounts`
    subject: str
    #: most points it gives a ring
    points: int
    #: statement in cypher/pictures that shows a hit
    picture: str
    #: default values of its parameters
    defaults: dict[str, Any]
    #: which of ASKED_ABOUT it takes; empty for SQL, which looks at all
    asked_about: str = ""
    #: empty for Cypher
    sql: str = ""


@cache
def rules() -> dict[str, Rule]:
    """All rules by name; QueryError for a file whose header lacks a rule's facts."""
    found: dict[str, Rule] = {}
    for rule in (*map(_structure, queries("rules")), *map(_sequence, sequence_queries())):
        if rule.name in found:
            raise QueryError(f"there are two rules {rule.name!r}")
        found[rule.name] = rule
    return found


def sequence_queries() -> list[Query]:
    """The statements in detection/sequences, sorted by name."""
    paths = sorted(SEQUENCES.glob("*.sql"))
    return [parse(f"sequences/{path.stem}", path.read_text("utf-8"), "--") for path in paths]


def sequences() -> list[Rule]:
    """The rules in detection/sequences, sorted by name."""
    return [rule for rule in rules().values() if rule.sql]


def _structure(query: Query) -> Rule:
    rule = _rule(query)
    fits = [each for each in ASKED_ABOUT if {*rule.defaults, each} == {*query.parameters}]
    if not fits:
        raise QueryError(
            f"rule {rule.name!r} needs a default for each parameter but $account_ids or "
            "$identifier_keys"
        )
    return replace(rule, asked_about=fits[0])


def _sequence(query: Query) -> Rule:
    rule = _rule(query)
    if {*rule.defaults} != {*query.parameters}:
        raise QueryError(f"rule {rule.name!r} needs a default for each parameter")
    return replace(rule, sql=query.text)


def _rule(query: Query) -> Rule:
    name = query.name.partition("/")[2]
    try:
        facts = query.facts
        rule = Rule(
            name,
            query.summary,
            facts["Severity"],
            facts["Subject"],
            int(facts["Points"]),
            f"pictures/{facts['Picture']}",
            json.loads(facts["Defaults"]),
        )
    except (KeyError, ValueError) as error:
        raise QueryError(
            f"rule {name!r} needs Severity, Points, Subject, Picture and Defaults: {error}"
        ) from error
    statement(rule.picture)
    if query.columns != COLUMNS:
        raise QueryError(f"rule {name!r} must return {', '.join(COLUMNS)}")
    return rule


def run_rules(store: GraphStore, account_ids: list[str]) -> list[Finding]:
    """What the rules in Cypher find that concerns any of the accounts, each once, sorted."""
    kinds = kinds_that(Role.CONNECTS)
    keys = {r[0] for r in store.read_about("detection/shared_keys", account_ids, kinds=kinds)}
    about = dict(zip(ASKED_ABOUT, (account_ids, sorted(keys)), strict=True))
    asked = set(account_ids)
    found = store.at_once(
        partial(_run, store, rule, about[rule.asked_about])
        for rule in rules().values()
        if rule.asked_about
    )
    # among the users of a value there may be others
    return merged(f for of_rule in found for f in of_rule if not asked.isdisjoint(f.account_ids))


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


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """What comes in several parts is one finding, with the accounts of all; sorted by id."""
    by_id: dict[str, Finding] = {}
    for finding in findings:
        key = finding_id(finding)
        if (known := by_id.get(key)) is not None:
            first = min(known, finding, key=lambda each: (each.identifier_key, each.detail))
            both = tuple(sorted({*known.account_ids, *finding.account_ids}))
            finding = replace(first, account_ids=both, at=max(known.at, finding.at))
        by_id[key] = finding
    return [by_id[key] for key in sorted(by_id)]
