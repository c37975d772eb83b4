from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from detection.evidence import RingEvidence, SharedValue, Tie
from detection.innocence import fewest_links
from detection.risk import score
from detection.shared import TieKind
from graph.model import Finding
from graph.times import DAY_MS

ACCOUNTS = "abcdefgh"


@st.composite
def cases(draw: st.DrawFn) -> RingEvidence:
    """Devices, cards and addresses that some members use, ties in step, and a rule's hits."""
    used = st.sets(st.sampled_from(ACCOUNTS), min_size=2, max_size=6).map(sorted)
    kinds = st.sampled_from(["device", "payment_instrument", "ip"])
    values = [
        SharedValue(
            f"{(kind := draw(kinds))}:{number}",
            kind,
            tuple(users),
            tuple(draw(st.integers(0, 3)) * DAY_MS for _ in users),
            (9 * DAY_MS,) * len(users),
        )
        for number, users in enumerate(draw(st.lists(used, max_size=5)))
    ]
    pairs = st.sampled_from(list(combinations(ACCOUNTS, 2)))
    ties = [Tie(TieKind.COACTED, *pair, DAY_MS) for pair in draw(st.sets(pairs, max_size=8))]
    hits = [
        Finding("shared_device", value.key, value.account_ids, len(value.account_ids), 5, "hit")
        for value in values
        if draw(st.booleans())
    ]
    members = {a for value in values for a in value.account_ids}
    members |= {a for tie in ties for a in (tie.source, tie.target)}
    return RingEvidence(tuple(sorted(members)), tuple(values), tuple(ties), tuple(hits))


def points_without(case: RingEvidence, removed: tuple[str, ...]) -> int:
    """By the words alone: nobody used these identifiers, nor was tied to these accounts."""
    gone = {key.removeprefix("account:") for key in removed if key.startswith("account:")}
    values = tuple(value for value in case.identifiers if value.key not in removed)
    ties = tuple(tie for tie in case.ties if not gone & {tie.source, tie.target})
    left = {a for value in values for a in value.account_ids}
    left |= {a for tie in ties for a in (tie.source, tie.target)}
    if len(left) < 2:
        return 0
    hits = tuple(hit for hit in case.findings if hit.identifier_key not in removed)
    return sum(
        reason.points for reason in score(RingEvidence(tuple(sorted(left)), values, ties, hits))
    )


@settings(max_examples=200, deadline=None)
@given(cases(), st.integers(10, 80))
def test_without_the_fewest_links_it_is_no_case(case: RingEvidence, threshold: int) -> None:
    found = fewest_links(case, threshold)
    if len(case.account_ids) < 2 or points_without(case, ()) < threshold:
        assert found == ()
        return
    assert points_without(case, found) < threshold
    # each of them is needed
    for one in found:
        assert points_without(case, tuple(key for key in found if key != one)) >= threshold
    # and no one or two are enough when it names more; cases are small, so that all pairs are tried
    keys = sorted({value.key for value in case.identifiers})
    keys += sorted({f"account:{a}" for tie in case.ties for a in (tie.source, tie.target)})
    for fewer in range(1, min(len(found), 3 if len(keys) <= 8 else 2)):
        assert all(points_without(case, some) >= threshold for some in combinations(keys, fewer))


def test_a_large_case_names_few() -> None:
    """Of 40 in step on 20 devices of two, the devices and some accounts, and not all of them."""
    names = [f"m{n:02}" for n in range(40)]
    values = tuple(
        SharedValue(f"device:{n:02}", "device", (a, b), (0, DAY_MS), (DAY_MS, 2 * DAY_MS))
        for n, (a, b) in enumerate(zip(names[::2], names[1::2], strict=True))
    )
    ties = tuple(Tie(TieKind.COACTED, a, b, DAY_MS) for a, b in combinations(names, 2))
    case = RingEvidence(tuple(names), values, ties)
    found = fewest_links(case, 60)
    assert 0 < len(found) < 40
    assert points_without(case, found) < 60
