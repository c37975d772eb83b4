"""What the rules would have flagged in the past, and how much of that is known to be bad."""

from collections import defaultdict
from dataclasses import dataclass

from detection.evaluation import Truth
from detection.found_rings import ratio, wilson
from detection.rules import rules, run_rules, without_denied
from detection.sequences import find_sequences
from graph.archive import Archive
from graph.deny_list import DenyList
from graph.dispositions import read_benign_keys
from graph.store import GraphStore


@dataclass(frozen=True, slots=True)
class Hits:
    """How the accounts that one rule flags are labelled."""

    rule: str
    flagged: int
    labelled_1: int
    labelled_0: int
    #: share labelled 1 of those that are labelled, and its interval of 95 % (Wilson 1927)
    precision: float | None
    lower: float | None
    upper: float | None
    #: share of all accounts labelled 1 that it flags
    recall: float | None
    #: precision over the share labelled 1 of all that are labelled
    lift: float | None


def flagged_by_rule(
    store: GraphStore, archive: Archive, names: list[str], denied: DenyList
) -> dict[str, set[str]]:
    """For each of these rules the accounts that it flags, whenever it was.

    Rules in Cypher look at the graph as it stands, rules in SQL at every event of the archive up to
    the graph's time. Raises QueryError for a rule that fails.
    """
    now = store.read("detection/read_now")[0]["now"] or 0
    wanted = [rules()[name] for name in names]
    found = [f for rule in wanted if rule.sql for f in find_sequences(archive, rule, 0, now)]
    if any(not rule.sql for rule in wanted):
        accounts = [row["id"] for row in store.read("detection/active_accounts")]
        found += run_rules(store, accounts)
    flagged = defaultdict[str, set[str]](set)
    for finding in without_denied(found, denied.with_keys(read_benign_keys(store))):
        flagged[finding.rule].update(finding.account_ids)
    return {name: flagged[name] for name in names}


def count_hits(rule: str, flagged: set[str], truth: Truth) -> Hits:
    """Compare whom a rule flags with the truth.

    Accounts that the truth does not name are among the flagged and in no other figure.
    """
    named = [truth.numbers[account] for account in flagged if account in truth.numbers]
    hits, bad = int(truth.is_member[named].sum()), int(truth.is_member.sum())
    precision, base = ratio(hits, len(named)), ratio(bad, len(truth.is_member))
    lower, upper = wilson(hits, len(named)) or (None, None)
    lift = precision / base if precision is not None and base else None
    return Hits(
        rule,
        len(flagged),
        hits,
        len(named) - hits,
        precision,
        lower,
        upper,
        ratio(hits, bad),
        lift,
    )
