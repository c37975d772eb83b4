"""What a run did to each ring, and what that comes to."""

import itertools
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from detection.changes import change_rows, ring_changes
from detection.rings import KnownRing, Matching, match_rings
from graph.model import ChangeKind, Ring, RingChange, RingStatus, RiskLevel
from graph.ring_changes import NetDifference, net_difference


def level(score: int) -> RiskLevel:
    return RiskLevel.HIGH if score >= 50 else RiskLevel.LOW


def ring(members: str, score: int = 50, ring_id: str = "R") -> Ring:
    status = RingStatus.OPEN
    return Ring(ring_id, status, score, level(score), tuple(sorted(members)), (), (), 0, 1)


def known(members: str, score: int = 50, ring_id: str = "R") -> KnownRing:
    return KnownRing(ring_id, score, level(score), None, 0, dict.fromkeys(members, 10))


def changes(
    rings: list[Ring], before: list[KnownRing], **matching: Any
) -> list[tuple[str, str, str, str, tuple[str, ...]]]:
    """Ring, kind, who joined and left, and other rings."""
    found = ring_changes(rings, {each.ring_id: each for each in before}, Matching([], **matching))
    return [(c.ring_id, c.kind.value, "".join(c.joined), "".join(c.left), c.others) for c in found]


def test_who_joined_and_left() -> None:
    assert changes([ring("abc")], []) == [("R", "born", "abc", "", ())]
    assert changes([ring("abc")], [known("abc")]) == []
    assert changes([ring("abcd")], [known("abc")]) == [("R", "grew", "d", "", ())]
    assert changes([ring("ab")], [known("abc")]) == [("R", "shrank", "", "c", ())]
    assert changes([ring("abd")], [known("abc")]) == [("R", "changed", "d", "c", ())]
    assert changes([ring("abc", 60)], [known("abc")]) == [("R", "rescored", "", "", ())]


def test_another_level_is_a_change_although_the_score_is_the_same() -> None:
    (found,) = ring_changes(
        [ring("abc")], {"R": replace(known("abc"), risk_level=RiskLevel.LOW)}, Matching([])
    )
    assert found.kind is ChangeKind.RESCORED
    assert (found.level_before, found.level_after) == (RiskLevel.LOW, RiskLevel.HIGH)


def test_a_merger_is_told_of_both() -> None:
    before = [known("abc"), known("xyz", ring_id="S")]
    assert changes([ring("abcxyz")], before, ended={"S": "R"}) == [
        ("R", "absorbed", "xyz", "", ("S",)),
        ("S", "merged", "", "xyz", ("R",)),
    ]


def test_a_split_names_the_children_and_a_child_its_parents() -> None:
    rings = [ring("abcd"), ring("xyz", ring_id="S")]
    assert changes(rings, [known("abcdxyz")], parents={"S": ("R",)}) == [
        ("R", "split", "", "xyz", ("S",)),
        ("S", "born", "xyz", "", ("R",)),
    ]


def test_a_lapse_names_all_who_left_and_what_came_out() -> None:
    assert changes([], [known("abc")], ended={"R": None}) == [("R", "lapsed", "", "abc", ())]
    rings = [ring("ab", ring_id="S"), ring("cd", ring_id="T")]
    parents = {"S": ("R",), "T": ("R",)}
    assert changes(rings, [known("abcdefgh")], ended={"R": None}, parents=parents)[:2] == [
        ("R", "split", "", "", ("S", "T")),
        ("R", "lapsed", "", "abcdefgh", ()),
    ]


def test_one_run_may_do_two_things_and_they_add_up() -> None:
    before = [known("abcd", 40), known("xyz", ring_id="S")]
    rings = [ring("abxyz", 60), ring("cd", ring_id="T")]
    found = ring_changes(
        rings,
        {each.ring_id: each for each in before},
        Matching([], parents={"T": ("R",)}, ended={"S": "R"}),
    )
    mine = [change for change in found if change.ring_id == "R"]
    assert [(c.kind.value, c.joined, c.left, c.score_before, c.score_after) for c in mine] == [
        ("absorbed", ("x", "y", "z"), ("c", "d"), 40, 60),
        ("split", (), (), 60, 60),
    ]
    assert [row["position"] for row in change_rows(found)] == list(range(len(found)))


def test_who_came_and_left_again_is_no_difference() -> None:
    def moved(joined: str, left: str, before: int, after: int) -> RingChange:
        return RingChange(
            "R",
            ChangeKind.CHANGED,
            tuple(joined),
            tuple(left),
            before,
            after,
            level(before),
            level(after),
        )

    found = net_difference([moved("xy", "a", 40, 45), moved("a", "x", 45, 60)], ring("bcy", 60))
    high, low = RiskLevel.HIGH, RiskLevel.LOW
    assert found == NetDifference(("y",), (), 40, 60, low, high, (), ())
    nothing = net_difference([], ring("abc", 60))
    assert nothing == NetDifference((), (), 60, 60, high, high, (), ())


_groups = st.lists(st.integers(-1, 3), min_size=12, max_size=12)


def grouped(homes: list[int]) -> list[dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    for account_id, home in zip("abcdefghijkl", homes, strict=True):
        if home >= 0:
            found.setdefault(home, {})[account_id] = 10
    return [found[home] for home in sorted(found)]


@settings(deadline=None)
@given(st.lists(st.tuples(_groups, st.integers(0, 100)), min_size=1, max_size=6))
def test_changes_of_all_runs_add_up_to_what_is_there(runs: list[tuple[list[int], int]]) -> None:
    open_rings: dict[str, KnownRing] = {}
    told: dict[str, list[RingChange]] = {}
    used: set[str] = set()
    for homes, score in runs:
        communities = grouped(homes)
        matching = match_rings(
            communities, list(open_rings.values()), [1000] * len(communities), used
        )
        used |= set(matching.ring_ids)
        pairs = list(zip(matching.ring_ids, communities, strict=True))
        rings = [ring("".join(members), score, ring_id) for ring_id, members in pairs]
        for change in ring_changes(rings, open_rings, matching):
            told.setdefault(change.ring_id, []).append(change)
        open_rings = {
            each.ring_id: known("".join(each.account_ids), score, each.ring_id) for each in rings
        }
    for ring_id, all_changes in told.items():
        now = open_rings.get(ring_id)
        members = set(now.members) if now else set()
        for start in range(len(all_changes) + 1):
            net = net_difference(all_changes[start:], ring("".join(members), 0, ring_id))
            before: set[str] = set()
            for change in all_changes[:start]:
                assert before.isdisjoint(change.joined)
                assert before.issuperset(change.left)
                before = before.union(change.joined) - set(change.left)
            assert set(net.joined) == members - before
            assert set(net.left) == before - members
        scores = [(change.score_before, change.score_after) for change in all_changes]
        assert scores[0][0] is None
        assert all(one[1] == other[0] for one, other in itertools.pairwise(scores))
        assert scores[-1][1] == (now.risk_score if now else None)
        assert all_changes[0].kind is ChangeKind.BORN
