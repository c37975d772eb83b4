import math
from dataclasses import replace
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.evidence import RingEvidence, SharedValue, Tie
from detection.projection import HANDOVER_MS, TOGETHER_MS
from detection.risk import (
    BEGAN_POINTS,
    IN_STEP_POINTS,
    MAX_SCORE,
    NO_FAMILY,
    SIZE_POINTS,
    TIES_POINTS,
    TOGETHER_POINTS,
    risk_level,
    score,
)
from detection.rules import rules
from detection.settings import DetectionSettings
from detection.shared import TieKind
from graph.model import Finding, Reason, RiskLevel
from graph.times import DAY_MS, HOUR_MS
from tests.sharing import KINDS

ACCOUNTS = "".join(chr(97 + n) for n in range(26))
FAMILY = ACCOUNTS[: NO_FAMILY - 1]
CROWD = ACCOUNTS[:NO_FAMILY]

GIVES_POINTS = sorted(name for name, rule in rules().items() if rule.points)


def finding(rule: str, accounts: str, key: str = "device:d") -> Finding:
    return Finding(rule, key, tuple(accounts), len(accounts), 5, f"{rule} of {accounts}")


def value(
    key: str, accounts: str, first: list[int] | None = None, last: list[int] | None = None
) -> SharedValue:
    """An identifier; each came two days after the one before, and stayed, unless said."""
    came = first or [n * 2 * DAY_MS for n in range(len(accounts))]
    left = last or [came[-1] + HOUR_MS] * len(accounts)
    return SharedValue(key, key.partition(":")[0], tuple(accounts), tuple(came), tuple(left))


def evidence(
    accounts: str, *parts: SharedValue | Tie | Finding, devices: tuple[str, ...] = ()
) -> RingEvidence:
    values = [value(f"device:{n}", users) for n, users in enumerate(devices)]
    return RingEvidence(
        tuple(accounts),
        (*values, *(each for each in parts if isinstance(each, SharedValue))),
        tuple(each for each in parts if isinstance(each, Tie)),
        tuple(each for each in parts if isinstance(each, Finding)),
    )


def reasons(found: RingEvidence) -> dict[str, Reason]:
    return {reason.code: reason for reason in score(found)}


def points(found: RingEvidence) -> dict[str, int]:
    return {code: reason.points for code, reason in reasons(found).items()}


@st.composite
def any_evidence(draw: st.DrawFn) -> RingEvidence:
    accounts = tuple(f"a{n:02}" for n in range(draw(st.integers(2, 40))))
    some = st.lists(st.sampled_from(accounts), min_size=2, max_size=12, unique=True).map(
        lambda chosen: tuple(sorted(chosen))
    )
    moment = st.integers(0, 3).flatmap(lambda n: st.integers(0, (1, 90, 9_000, 600_000)[n]))
    values = []
    for number, kind in enumerate(draw(st.lists(st.sampled_from(KINDS), max_size=5))):
        users = draw(some)
        spans = [sorted((draw(moment) * 60_000, draw(moment) * 60_000)) for _ in users]
        first, last = zip(*spans, strict=True)
        values.append(SharedValue(f"{kind}:{number}", kind, users, first, last))
    one = st.sampled_from(accounts)
    ties = draw(st.lists(st.builds(Tie, st.sampled_from(TieKind), one, one, moment), max_size=5))
    findings = draw(
        st.lists(
            st.builds(
                Finding,
                st.sampled_from(sorted(rules())),
                st.sampled_from(["", "device:1", "email:x"]),
                some | st.just(accounts) | st.just(("other", "stranger")),
                st.integers(2, 99),
                st.integers(0, 9),
                st.text(max_size=9),
            ),
            max_size=14,
        )
    )
    return RingEvidence(accounts, tuple(values), tuple(ties), tuple(findings))


@settings(deadline=None, max_examples=200)
@given(any_evidence())
def test_points_always_add_up_to_0_to_100(found):
    given_reasons = score(found)
    assert 0 <= sum(reason.points for reason in given_reasons) <= MAX_SCORE
    order = [(-reason.points, reason.code) for reason in given_reasons]
    assert order == sorted(order)
    assert len({reason.code for reason in given_reasons}) == len(given_reasons)
    assert all(reason.points and reason.text for reason in given_reasons)
    for reason in given_reasons:
        assert list(reason.evidence) == sorted(set(reason.evidence))
        accounts = {e.partition(":")[2] for e in reason.evidence if e.startswith("account:")}
        assert accounts <= {*found.account_ids}


@settings(deadline=None)
@given(any_evidence(), st.randoms(use_true_random=False))
def test_the_order_of_the_evidence_makes_no_difference(found, chance):
    def shuffled(value: SharedValue) -> SharedValue:
        rows = list(zip(value.account_ids, value.first_seen, value.last_seen, strict=True))
        return SharedValue(
            value.key, value.kind, *zip(*chance.sample(rows, len(rows)), strict=True)
        )

    values = [shuffled(value) for value in found.identifiers]
    other = RingEvidence(
        found.account_ids,
        tuple(chance.sample(values, len(values))),
        tuple(chance.sample(found.ties, len(found.ties))),
        tuple(chance.sample(found.findings, len(found.findings))),
    )
    assert score(other) == score(found)


@settings(deadline=None)
@given(any_evidence(), st.integers(0, 500))
def test_it_makes_no_difference_when_it_happened(found, days):
    values = tuple(
        replace(
            each,
            first_seen=tuple(at + days * DAY_MS for at in each.first_seen),
            last_seen=tuple(at + days * DAY_MS for at in each.last_seen),
        )
        for each in found.identifiers
    )
    ties = tuple(replace(tie, last_seen=tie.last_seen + days * DAY_MS) for tie in found.ties)
    assert score(replace(found, identifiers=values, ties=ties)) == score(found)


@pytest.mark.parametrize("rule", GIVES_POINTS)
def test_a_rule_that_covers_every_member_of_no_family_gives_its_points(rule):
    found = evidence(CROWD, finding(rule, CROWD), devices=("ab",))
    assert points(found)[rule] == rules()[rule].points


@pytest.mark.parametrize("rule", GIVES_POINTS)
def test_a_rule_that_covers_half_gives_half(rule):
    members = ACCOUNTS[: 2 * NO_FAMILY]
    found = evidence(members, finding(rule, CROWD), devices=("ab",))
    assert points(found)[rule] == round(rules()[rule].points / 2)


def test_what_a_family_shares_gives_fewer_points_than_what_a_crowd_shares():
    for rule, key in product(map(rules().get, GIVES_POINTS), ("device:d", "")):
        found = [
            points(evidence(users, finding(rule.name, users, key), devices=("ab", "ab"))).get(
                rule.name, 0
            )
            for users in (ACCOUNTS[:size] for size in range(2, NO_FAMILY + 3))
        ]
        if rule.subject == "identifier" or key:
            assert found == sorted(found)
            assert found[0] == 0 < found[-1] == rule.points
        else:
            assert set(found) == {rule.points}


def test_a_hit_that_reaches_in_with_one_account_says_nothing():
    rule = "money_going_round"
    assert rule not in points(evidence("abc", finding(rule, "axyz", "")))
    assert rule in points(evidence("abc", finding(rule, "abyz", "")))


def test_several_hits_cover_together():
    hits = (finding("money_going_round", "ab", ""), finding("money_going_round", "cd", ""))
    reason = reasons(evidence("abcd", *hits))["money_going_round"]
    assert reason.points == rules()["money_going_round"].points
    assert reason.evidence == ("account:a", "account:b", "account:c", "account:d")
    assert reason.text.startswith("4 of 4 members:")
    assert reason.text.endswith("and 1 more like it")


def test_a_larger_ring_has_at_least_the_points_of_a_smaller_one():
    found = [points(evidence(ACCOUNTS[:size])).get("size", 0) for size in range(2, 27)]
    assert found == sorted(found)
    assert found[0] == 0 < found[-1] <= SIZE_POINTS
    assert found[8] == round(SIZE_POINTS * (1 - math.exp(-8 / 5)))


def test_members_with_two_ties_count():
    reason = reasons(evidence("abcd", devices=("abcd", "ab")))["several_ties"]
    assert reason.points == round(TIES_POINTS * 2 / 4)
    assert reason.evidence == ("account:a", "account:b")
    assert "several_ties" not in points(evidence("abcd", devices=("ab", "cd")))


def test_members_that_came_within_the_hour_of_another_count():
    near = value("ip:1", "abcd", [0, HOUR_MS, 10 * DAY_MS, 20 * DAY_MS])
    reason = reasons(evidence("abcd", near))["together_in_time"]
    assert reason.points == round(TOGETHER_POINTS * 2 / 4)
    assert reason.evidence == ("account:a", "account:b", "ip:1")
    apart = value("ip:1", "abcd", [0, HOUR_MS + 1, 10 * DAY_MS, 20 * DAY_MS])
    assert "together_in_time" not in points(evidence("abcd", apart))


@pytest.mark.parametrize("size", [2, 3, 10, 26])
def test_all_that_came_in_one_hour_came_together(size):
    step = TOGETHER_MS // (size - 1)
    first = [n * step for n in range(size)]
    found = points(evidence(ACCOUNTS[:size], value("device:1", ACCOUNTS[:size], first)))
    assert found["together_in_time"] == TOGETHER_POINTS


def test_of_many_arrivals_some_are_near_each_other_by_chance():
    # 26 in a day and a half, two of them within the hour
    first = [n * 5 * HOUR_MS // 4 for n in range(26)]
    first[1] = first[0] + HOUR_MS // 2
    assert "together_in_time" not in points(evidence(ACCOUNTS, value("device:1", ACCOUNTS, first)))
    # in as many years it is no chance
    first = [n * 365 * DAY_MS for n in range(26)]
    first[1] = first[0] + HOUR_MS // 2
    found = evidence(ACCOUNTS, value("device:1", ACCOUNTS, first))
    assert points(found)["together_in_time"] == round(TOGETHER_POINTS * 2 / 26)


def test_members_that_acted_in_step_count():
    ties = [Tie(TieKind.COACTED, "a", "b", 5), Tie(TieKind.COACTED, "b", "c", 5)]
    reason = reasons(evidence("abcd", *ties))["in_step"]
    assert reason.points == round(IN_STEP_POINTS * 3 / 4)
    assert reason.evidence == ("account:a", "account:b", "account:c")
    others = [Tie(TieKind.REFERRED, "a", "b", 5), Tie(TieKind.TRANSFERRED, "b", "c", 5)]
    assert "in_step" not in points(evidence("abcd", *others))


def test_beginning_together_counts_less_and_is_no_ring_of_level_high_by_itself():
    ties = [Tie(TieKind.BEGAN_WITH, a, b, 5) for a, b in pairwise(ACCOUNTS)]
    found = points(evidence(ACCOUNTS, *ties))
    assert found == {"began_together": BEGAN_POINTS, "size": SIZE_POINTS}
    assert sum(found.values()) < DetectionSettings().high_score


def test_one_shared_identifier_reads_innocently():
    one = evidence(ACCOUNTS, devices=("ab",))
    assert reasons(one)["single_identifier"].points < 0
    assert reasons(one)["single_identifier"].evidence == ("device:0",)
    assert "single_identifier" not in points(evidence(ACCOUNTS, devices=("ab", "bc")))
    tied = evidence("abc", Tie(TieKind.TRANSFERRED, "a", "c", 5), devices=("abc",))
    assert "single_identifier" not in points(tied)


def test_what_hardly_anybody_shares_beside_makes_no_second_identifier():
    assert "single_identifier" in points(evidence(CROWD, devices=(CROWD, "ab")[:1]))
    assert "single_identifier" in points(evidence(ACCOUNTS, devices=(ACCOUNTS, "ab")))
    assert "single_identifier" not in points(evidence(ACCOUNTS, devices=(ACCOUNTS, ACCOUNTS[:9])))


def test_a_device_with_a_crowd_and_its_address_are_one_public_place():
    size = len(ACCOUNTS)
    first, last = [n * DAY_MS for n in range(size)], [n * DAY_MS + 5 for n in range(size)]
    kiosk = [value("device:k", ACCOUNTS, first, last), value("ip:k", ACCOUNTS, first, last)]
    found = points(evidence(ACCOUNTS, *kiosk))
    assert found["single_identifier"] < 0
    assert found["public_device"] < 0
    assert "several_ties" not in found
    elsewhere = value("ip:k", ACCOUNTS, [at + 9 for at in first], last)
    assert points(evidence(ACCOUNTS, kiosk[0], elsewhere))["several_ties"] > 0


def test_a_home_whose_address_changes_is_one_too():
    days = [n * DAY_MS for n in range(4)]
    card = value("payment_instrument:c", "abc", [0, 5, 9], [DAY_MS] * 3)
    nights = [value(f"ip:{n}", "abc", [at] * 3, [at + 9] * 3) for n, at in enumerate(days)]
    assert reasons(evidence("abc", card, *nights))["household"].points < 0
    assert "household" not in points(evidence("abc", card, *nights[:2]))


def old(days: int, accounts: str) -> RingEvidence:
    """They all share two devices, for so many days."""
    size = len(accounts)
    first, last = [n * DAY_MS for n in range(size)], [days * DAY_MS] * size
    return evidence(*[accounts, *(value(f"device:{n}", accounts, first, last) for n in (1, 2))])


def test_a_few_that_shared_for_long_may_be_a_household():
    assert reasons(old(90, FAMILY))["household"].points < 0
    assert reasons(old(90, FAMILY))["household"].evidence == ("device:1", "device:2")
    assert "household" not in points(old(89, FAMILY))
    assert "household" not in points(old(90, CROWD))


def home(accounts: str, users: str, days: float = 3) -> RingEvidence:
    """They share two devices, and some of them an address, for so many days."""
    last = [int(days * DAY_MS)] * len(users)
    address = value("address:1", users, [0] * len(users), last)
    devices = [value(f"device:{n}", accounts, [0] * len(accounts)) for n in (1, 2)]
    return evidence(accounts, address, *devices)


def test_those_who_come_back_to_one_address_are_a_household():
    found = points(home(FAMILY, FAMILY))
    # all there is can be explained by living together
    assert sum(found.values()) == 0
    assert found["household"] == -sum(each for each in found.values() if each > 0) < 0
    assert "household" not in points(home(FAMILY, FAMILY, days=2.9))
    assert "household" not in points(home(CROWD, CROWD))
    assert "household" not in points(home(CROWD, FAMILY))


def test_only_those_who_live_together_are_explained():
    found = points(home("abcde", "ab"))
    positive = sum(each for each in found.values() if each > 0)
    assert found["household"] == -round(positive * 2 / 5)


def test_living_together_explains_neither_acting_in_step_nor_money_going_round():
    at_home, money = home(FAMILY, FAMILY), finding("money_going_round", FAMILY, "")
    step = Tie(TieKind.COACTED, FAMILY[0], FAMILY[1], 5)
    before = points(at_home)["household"]
    after = points(replace(at_home, ties=(step,), findings=(money,)))
    assert after["household"] == before
    assert sum(after.values()) == after["in_step"] + after["money_going_round"]


def test_a_device_that_was_sold_on_reads_innocently():
    sold = [0, HANDOVER_MS + 1, 2 * HANDOVER_MS + 2]
    both = [value(f"device:{n}", "abc", sold, sold) for n in (1, 2)]
    crowd = value("email:1", CROWD)
    assert reasons(evidence(CROWD, *both))["changed_hands"].points < 0
    assert reasons(evidence(CROWD, *both))["changed_hands"].evidence == ("device:1", "device:2")
    # one thing that was used at the same time is enough
    assert "changed_hands" not in points(evidence(CROWD, *both, crowd))
    # of what connects nobody the time says nothing
    public = value("ip:1", "abc", [0, 0, 0], [1, 1, 1])
    assert "changed_hands" in points(evidence(CROWD, *both, public))
    assert "changed_hands" not in points(evidence(CROWD, public))


def test_a_device_that_was_shared_for_a_while_was_not_sold_on():
    for first in ([0, HANDOVER_MS, 2 * HANDOVER_MS + 1], [0, HANDOVER_MS + 1, 2 * HANDOVER_MS + 1]):
        shared = value("device:1", "abc", first, first)
        assert "changed_hands" not in points(evidence(CROWD, shared))


def test_innocent_readings_never_lead_below_nothing():
    found = points(evidence("abc", value("device:1", "abc", last=[400 * DAY_MS] * 3)))
    assert sum(found.values()) == 0
    assert all(found.values())


def test_everything_at_once_is_no_more_than_100():
    hits = [finding(rule, ACCOUNTS) for rule in rules()]
    values = [value(f"device:{n}", ACCOUNTS, [0] * 26) for n in (1, 2)]
    ties = [Tie(TieKind.COACTED, a, b, 5) for a, b in pairwise(ACCOUNTS)]
    found = points(evidence(ACCOUNTS, *hits, *values, *ties))
    assert sum(found.values()) == MAX_SCORE
    # rules about single accounts flag them and say nothing of a ring
    assert {*GIVES_POINTS, "size", "several_ties", "together_in_time", "in_step"} == found.keys()
    # all shrink alike: who has more has no fewer afterwards
    assert found["in_step"] == max(found.values())


def test_nothing_but_accounts_has_no_more_than_its_size():
    assert points(evidence("ab")) == {}
    assert points(evidence("abc")).keys() == {"size"}


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
