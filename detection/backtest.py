"""What the rules would have flagged in the past, and how much of that is known to be bad."""

from collections import defaultdict
from dataclasses import dataclass

from detection.evaluation import Truth
from detection.found_rings import ratio, wilson
from detection.rules import rules, run_rules, without_denied
from detection.sequences import find_sequences
from graph.archive import Archive
from graph.deny_list import DenyList
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


def flagged_by_rule(store: GraphStore, archive: Archive, denied: DenyList) -> dict[str, set[str]]:
    """For each rule the accounts that it flags, whenever it was.

    Rules in Cypher look at the graph as it stands, rules in SQL at every event of the archive up to
    the graph's time.
    """
    now = store.read("detection/read_now")[0]["now"] or 0
    accounts = [row["id"] for row in store.read("detection/active_accounts")]
    found = [*run_rules(store, accounts), *find_sequences(archive, 0, now)]
    flagged = defaultdict[str, set[str]](set)
    for finding in without_denied(found, denied):
        flagged[finding.rule].update(finding.account_ids)
    return {name: flagged[name] for name in sorted(rules())}


def count_hits(rule: str, flagged: set[str], truth: Truth) -> Hits:
    """Compare what a rule flags with the truth; accounts that it does not name count as flagged."""
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
