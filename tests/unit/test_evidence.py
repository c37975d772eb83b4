from collections import defaultdict

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.communities import Community
from detection.evidence import RingEvidence, SharedValue, Tie, gather
from detection.shared import Shared, TieKind, TieRow, UseRow, share
from graph.deny_list import DenyList
from graph.kinds import Role, identifier_kinds
from graph.model import Finding, RingIdentifier
from tests.sharing import tie, tie_rows, use, use_rows


def communities_of(shared: Shared, groups: list[tuple[str, ...]]) -> list[Community]:
    place = {account_id: n for n, account_id in enumerate(shared.account_ids)}
    return [
        Community(np.array([place[a] for a in group], np.int32), group, (1,) * len(group))
        for group in groups
    ]


def reference(
    members: tuple[str, ...], uses: list[UseRow], ties: list[TieRow], findings: list[Finding]
) -> RingEvidence:
    """The same evidence for one community, row by row."""
    values = []
    for key, kind, *columns in uses:
        rows = sorted(row for row in zip(*columns, strict=True) if row[0] in members)
        if len(rows) >= 2:
            values.append(SharedValue(key, kind, *zip(*rows, strict=True)))
    latest: dict[tuple[str, str, TieKind], int] = defaultdict(int)
    for kind, source, (target,), (at,) in ties:
        if source != target and {source, target} <= {*members}:
            latest[source, target, TieKind[kind]] = max(at, latest[source, target, TieKind[kind]])
    return RingEvidence(
        members,
        tuple(sorted(values, key=lambda value: (-len(value.account_ids), value.key))),
        tuple(Tie(kind, s, t, at) for (s, t, kind), at in sorted(latest.items())),
        tuple(finding for finding in findings if {*members} & {*finding.account_ids}),
    )


_findings = st.lists(
    st.lists(st.sampled_from("abcdefghxyz"), min_size=1, max_size=5, unique=True).map(
        lambda names: Finding("shared_device", "", tuple(sorted(names)), len(names), 1, "")
    ),
    max_size=6,
)


@settings(deadline=None)
@given(use_rows(), tie_rows(), _findings, st.lists(st.integers(-1, 3), min_size=8, max_size=8))
def test_it_is_what_a_plain_search_finds(uses, ties, findings, homes):
    shared = share(uses, ties)
    groups: dict[int, list[str]] = defaultdict(list)
    for account_id, home in zip("abcdefgh", homes, strict=True):
        if home >= 0 and account_id in shared.account_ids:
            groups[home].append(account_id)
    members = [tuple(group) for group in groups.values()]
    assert gather(communities_of(shared, members), shared, findings) == [
        reference(group, uses, ties, findings) for group in members
    ]


def test_what_only_denied_accounts_used_is_evidence_of_nothing():
    rows = [use("device:1", "xy"), use("device:2", "ab"), use("device:3", "xy")]
    shared = share(rows, denied=DenyList(account_ids=frozenset("xy")))
    (found,) = gather(communities_of(shared, [("a", "b")]), shared, [])
    assert [value.key for value in found.identifiers] == ["device:2"]


def test_what_most_members_use_comes_first():
    rows = [use("email:1", "ab"), use("device:2", "abc"), use("device:1", "bc")]
    shared = share(rows)
    (found,) = gather(communities_of(shared, [("a", "b", "c")]), shared, [])
    assert found.ring_identifiers == (
        RingIdentifier("device", "device:2", 3),
        RingIdentifier("device", "device:1", 2),
        RingIdentifier("email", "email:1", 2),
    )


def test_it_lasts_from_the_first_use_to_the_last_use_or_tie():
    uses = [use("device:1", "ab", 50, 60), use("ip:2", "bc", 40, 70), use("ip:3", "cx", 1, 99)]
    shared = share(uses, [tie("TRANSFERRED", "a", "c", 80), tie("TRANSFERRED", "c", "x", 3)])
    (found,) = gather(communities_of(shared, [("a", "b", "c")]), shared, [])
    assert (found.first_seen, found.last_seen) == (40, 80)
    alone = RingEvidence(("a", "b"), ties=(Tie(TieKind.COACTED, "a", "b", 7),))
    assert (alone.first_seen, alone.last_seen) == (7, 7)
    assert (RingEvidence(("a",)).first_seen, RingEvidence(("a",)).last_seen) == (0, 0)


def test_an_identifier_connects_as_its_kind_says():
    for name, kind in identifier_kinds().items():
        value = SharedValue(f"{name}:1", name, ("a", "b"), (0, 0), (1, 1))
        assert value.connects is (kind.role is Role.CONNECTS)


def test_nothing_is_evidence_of_nothing():
    assert gather([], share([]), []) == []
    shared = share([use("device:1", "ab")])
    assert gather([], shared, [Finding("shared_device", "", ("a",), 1, 1, "")]) == []
