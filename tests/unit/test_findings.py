from dataclasses import replace
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from detection.findings import FindingChanges, compare_findings, read_flags
from detection.rules import finding_id
from graph.model import Finding
from graph.store import GraphStore, Row

SAID = ("rule", "identifier_key", "account_count", "at", "detail")


class Kept:
    """A store that knows some findings; what changes is written to it."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.flags: set[tuple[str, str]] = set()

    def read_about(self, query: str, account_ids: list[str]) -> list[list[Any]]:
        assert query == "detection/read_findings"
        mine = {pair for pair in self.flags if pair[1] in account_ids}
        said = {found: [self.rows[found][name] for name in SAID] for found, _ in mine}
        return [
            [found, self.rows[found]["digest"], [a for x, a in mine if x == found], *said[found]]
            for found in said
        ]

    def write(self, changes: FindingChanges) -> None:
        self.rows |= {row["id"]: row for row in changes.findings}
        self.flags |= {(found, account_id) for found, account_id in changes.new}
        self.flags -= {(found, account_id) for found, account_id in changes.gone}


def compare(kept: Kept, accounts: str, findings: list[Finding]) -> FindingChanges:
    store = cast(GraphStore, kept)
    flags = read_flags(store, list(accounts)).in_graph
    return compare_findings(store, set(accounts), flags, findings)


def device(key: str, accounts: str, at: int = 5) -> Finding:
    return Finding("shared_device", f"device:{key}", tuple(accounts), len(accounts), at, "seen")


_runs = st.lists(
    st.dictionaries(
        st.sampled_from("123"),
        st.tuples(st.sets(st.sampled_from("abcd"), min_size=1), st.integers(0, 2)),
    ),
    min_size=1,
    max_size=5,
).map(
    lambda runs: [
        [device(key, "".join(sorted(names)), at) for key, (names, at) in run.items()]
        for run in runs
    ]
)


@settings(deadline=None)
@given(_runs)
def test_what_was_written_is_what_the_last_run_found(runs):
    store = Kept()
    for findings in runs:
        store.write(compare(store, "abcd", findings))
        assert store.flags == {(finding_id(f), a) for f in findings for a in f.account_ids}
        # and then nothing is left to write
        assert compare(store, "abcd", findings) == FindingChanges([], [], [])


def test_a_finding_that_changed_is_written_and_its_accounts_are_not():
    store, before = Kept(), device("1", "ab")
    store.write(compare(store, "ab", [before]))
    for changed in (replace(before, at=6), replace(before, detail="?"), device("1", "abc")):
        found = compare(store, "abc", [changed])
        assert [row["id"] for row in found.findings] == [finding_id(before)]
        assert found.new == [[finding_id(before), a] for a in changed.account_ids[2:]]
        assert found.gone == []


def test_accounts_that_were_not_looked_at_keep_what_was_found():
    store = Kept()
    store.write(compare(store, "abc", [device("1", "abc"), device("2", "bc")]))
    assert compare(store, "a", []).gone == [[finding_id(device("1", "")), "a"]]


def test_findings_of_different_rules_and_subjects_are_told_apart():
    one = device("1", "abc")
    money = Finding("money_going_round", "", ("a", "b", "c"), 3, 5, "seen")
    findings = [one, device("2", "abc"), money, replace(money, account_ids=("a", "b", "d"))]
    found = compare(Kept(), "abcd", findings)
    assert len({row["id"] for row in found.findings}) == 4
    assert len({row["digest"] for row in found.findings}) == 4
    assert len(found.new) == 12
    assert found.new == sorted(found.new)
