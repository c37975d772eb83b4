import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.risk import MAX_SCORE, RingEvidence, risk_level, score
from detection.rules import rules
from detection.settings import DetectionSettings
from graph.model import Finding, RiskLevel

DAY = 24 * 3600 * 1000


def finding(rule: str, accounts: str, key: str = "device:d") -> Finding:
    return Finding(rule, key, tuple(accounts), len(accounts), 5, f"{rule} of {accounts}")


def evidence(
    accounts: str = "abc", findings: tuple[Finding, ...] = (), days: int = 1, **identifiers: str
) -> RingEvidence:
    used = {f"device:{k}": tuple(v) for k, v in identifiers.items()} or {"device:d": ("a", "b")}
    return RingEvidence(tuple(accounts), used, 0, days * DAY, findings)


def points(found: RingEvidence) -> dict[str, int]:
    return {reason.code: reason.points for reason in score(found)}


@st.composite
def any_evidence(draw: st.DrawFn) -> RingEvidence:
    accounts = tuple(f"a{n:02}" for n in range(draw(st.integers(2, 60))))
    some = st.lists(st.sampled_from(accounts), min_size=2, max_size=12, unique=True).map(
        lambda chosen: tuple(sorted(chosen))
    )
    used = draw(st.dictionaries(st.sampled_from(["device:1", "card:2", "ip:3"]), some, min_size=1))
    findings = draw(
        st.lists(
            st.builds(
                Finding,
                st.sampled_from([*rules(), *rules()]),
                st.sampled_from(["", "device:1", "email:x"]),
                some | st.just(accounts) | st.just(("stranger", "other")),
                st.integers(2, 99),
                st.integers(0, 9),
                st.text(max_size=9),
            ),
            max_size=14,
        )
    )
    return RingEvidence(accounts, used, 0, draw(st.integers(0, 400)) * DAY, findings)


@settings(deadline=None)
@given(any_evidence())
def test_points_always_add_up_to_0_to_100(found):
    reasons = score(found)
    assert 0 <= sum(reason.points for reason in reasons) <= MAX_SCORE
    assert [r.points for r in reasons] == sorted((r.points for r in reasons), reverse=True)
    assert len({reason.code for reason in reasons}) == len(reasons)
    assert all(reason.text for reason in reasons)
    assert all(list(reason.evidence) == sorted(reason.evidence) for reason in reasons)


@settings(deadline=None)
@given(any_evidence(), st.randoms(use_true_random=False))
def test_the_order_of_findings_makes_no_difference_to_the_points(found, chance):
    shuffled = chance.sample(list(found.findings), len(found.findings))
    other = RingEvidence(found.account_ids, found.identifiers, 0, found.last_seen, shuffled)
    assert [(r.code, r.points, r.evidence) for r in score(found)] == [
        (r.code, r.points, r.evidence) for r in score(other)
    ]


@pytest.mark.parametrize("rule", sorted(rules()))
def test_a_rule_that_covers_every_member_gives_its_points(rule):
    assert points(evidence("abcd", (finding(rule, "abcd"),)))[rule] == rules()[rule].points


def test_a_rule_that_covers_half_gives_half():
    (rule,) = [name for name in rules() if name == "money_going_round"]
    found = points(evidence("abcd", (finding(rule, "ab"),)))
    assert found[rule] == rules()[rule].points // 2


def test_a_hit_that_reaches_in_with_one_account_says_nothing():
    found = evidence("abc", (finding("shared_device", "axyz"),))
    assert "shared_device" not in points(found)


def test_several_hits_cover_together():
    hits = (finding("money_going_round", "ab"), finding("money_going_round", "cd"))
    found = points(evidence("abcd", hits))
    assert found["money_going_round"] == rules()["money_going_round"].points


def test_a_larger_ring_has_at_least_the_points_of_a_smaller_one():
    sizes = [evidence("".join(chr(97 + n) for n in range(size))) for size in range(2, 26)]
    found = [points(each).get("size", 0) for each in sizes]
    assert found == sorted(found)
    assert found[0] == 0


def test_one_shared_identifier_reads_innocently():
    assert points(evidence("abcdefghij", d="ab"))["single_identifier"] < 0
    assert "single_identifier" not in points(evidence("abcdefghij", d="ab", e="bc"))


def test_a_household_is_small_and_old():
    ties = {"d": "abcde", "e": "abcde"}
    assert points(evidence("abcde", days=90, **ties))["household"] < 0
    assert "household" not in points(evidence("abcde", days=89, **ties))
    assert "household" not in points(evidence("abcdef", days=90, **ties))


def test_members_with_two_ties_count():
    found = points(evidence("abcd", d="abcd", e="ab"))
    assert found["several_ties"] == round(15 * 2 / 4)


def test_innocent_readings_never_lead_below_nothing():
    reasons = score(evidence("ab", days=400, d="ab"))
    assert sum(reason.points for reason in reasons) == 0


def test_everything_at_once_is_no_more_than_100():
    accounts = "".join(chr(97 + n) for n in range(25))
    hits = tuple(finding(rule, accounts) for rule in rules())
    found = points(evidence(accounts, hits, d=accounts, e=accounts))
    assert sum(found.values()) == MAX_SCORE


@pytest.mark.parametrize(
    ("number", "level"),
    [
        (0, RiskLevel.LOW),
        (24, RiskLevel.LOW),
        (25, RiskLevel.MEDIUM),
        (49, RiskLevel.MEDIUM),
        (50, RiskLevel.HIGH),
        (74, RiskLevel.HIGH),
        (75, RiskLevel.CRITICAL),
        (100, RiskLevel.CRITICAL),
    ],
)
def test_levels_are_bands_of_the_score(number, level):
    assert risk_level(number, DetectionSettings()) is level
