"""What investigators said of accounts, in the links and communities that detection makes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from detection.communities import LeidenCpm, find_communities
from detection.components import find_components
from detection.due import due_times
from detection.evidence import gather
from detection.projection import HORIZON_MS, MILLION, Projection, project
from detection.risk import score
from detection.shared import TieRow, UseRow, share
from graph.deny_list import DenyList

NOW = 2 * HORIZON_MS


def linked(projection: Projection) -> dict[tuple[str, str], int]:
    """Weight of each link by the names of its ends."""
    ids = projection.account_ids
    rows = zip(
        projection.source.tolist(),
        projection.target.tolist(),
        projection.weight.tolist(),
        strict=True,
    )
    return {(ids[one], ids[other]): weight for one, other, weight in rows}


def device(names: str, key: str = "device:d", at: int = NOW) -> UseRow:
    return [key, "device", list(names), [at] * len(names), [at] * len(names)]


def said(kind: str, one: str, others: str, at: int = 0) -> TieRow:
    return [kind, one, list(others), [at] * len(others)]


def found(uses: list[UseRow], ties: list[TieRow]) -> list[tuple[str, ...]]:
    projection = project(share(uses, ties), NOW)
    communities = find_communities(
        LeidenCpm(0.05), find_components(projection), 2, projection.shared.ties
    )
    return [community.account_ids for community in communities]


def test_confirmed_members_are_linked_for_ever() -> None:
    ties = [said("MUST_LINK", "a", "bc"), said("MUST_LINK", "b", "c")]
    projection = project(share([], ties), NOW)
    assert linked(projection) == dict.fromkeys([("a", "b"), ("a", "c"), ("b", "c")], MILLION)
    assert due_times(projection, NOW) == {}


def test_who_is_kept_apart_is_not_linked_whatever_is_shared() -> None:
    uses = [device("abc"), device("abc", "device:e")]
    assert linked(project(share(uses, [said("CANNOT_LINK", "c", "ab")]), NOW)).keys() == {
        ("a", "b")
    }
    assert found(uses, [said("CANNOT_LINK", "c", "ab")]) == [("a", "b")]


def test_a_third_account_does_not_bring_back_who_was_excluded() -> None:
    uses = [device("abcdxy"), device("xy", "device:e")]
    # y came later, and nobody said anything of it
    assert found(uses, [said("CANNOT_LINK", "x", "abcd")]) == [("a", "b", "c", "d", "y")]


def test_the_deny_list_goes_before_what_was_confirmed() -> None:
    ties = [said("MUST_LINK", "a", "b")]
    assert linked(project(share([], ties, DenyList(account_ids=frozenset("a"))), NOW)) == {}


def test_what_was_confirmed_is_no_evidence() -> None:
    ties = [said("MUST_LINK", "a", "bc", at=7), said("CANNOT_LINK", "x", "abc", at=9)]
    for uses in ([], [device("abc")]):
        projections = [project(share(uses, some), NOW) for some in (ties, [])]
        evidence = [
            gather(find_communities(LeidenCpm(0.05), find_components(each), 2), each.shared, [])
            for each in projections
        ]
        for one in evidence[0]:
            assert one.ties == ()
        if uses:
            assert [score(each) for each in evidence[0]] == [score(each) for each in evidence[1]]
        else:
            assert [(each.first_seen, each.last_seen) for each in evidence[0]] == [(7, 7)]


_pairs = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")).filter(lambda p: p[0] != p[1]),
    max_size=6,
)


@settings(deadline=None)
@given(st.sets(st.sampled_from("abcdef"), min_size=2), _pairs, _pairs)
def test_no_community_holds_two_that_are_kept_apart(
    users: set[str], together: list[tuple[str, str]], apart: list[tuple[str, str]]
) -> None:
    ties = [said("MUST_LINK", *pair) for pair in together]
    ties += [said("CANNOT_LINK", *pair) for pair in apart]
    projection = project(share([device("".join(sorted(users)))], ties), NOW)
    for one, other in apart:
        assert not {(one, other), (other, one)} & linked(projection).keys()
    for members in found([device("".join(sorted(users)))], ties):
        assert not any({*pair} <= {*members} for pair in apart)
