import random
from collections import defaultdict
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection import projection as module
from detection.projection import (
    AGE_WEIGHTS,
    FEW_USERS,
    HANDED_OVER,
    HORIZON_MS,
    IN_STEP,
    MILLION,
    MIN_LINK,
    MUTUAL,
    ONE_WAY,
    TOGETHER_MS,
    age_classes,
    age_hour,
    next_class_at,
    project,
)
from detection.shared import TieRow, UseRow, share
from graph.kinds import Role, identifier_kinds
from graph.times import AGE_CLASS_DAYS, DAY_MS, HOUR_MS, age_class
from tests.sharing import (
    HOUR,
    KINDS,
    NOW,
    edges,
    moments,
    shuffled_ties,
    shuffled_uses,
    tie,
    tie_rows,
    use,
    use_rows,
)

Links = dict[tuple[str, str], int]

DEVICE = round(MILLION * identifier_kinds()["device"].prior)
IP = round(MILLION * identifier_kinds()["ip"].prior)


def reference(uses: list[UseRow], ties: list[TieRow], now: int) -> Links:
    """The same links, pair by pair."""
    total: Links = defaultdict(int)
    for _, kind, *columns in uses:
        pairs = list(combinations(sorted(zip(*columns, strict=True)), 2))
        weights = {(one[0], other[0]): use_weight(kind, one, other, now) for one, other in pairs}
        supports = identifier_kinds()[kind].role is Role.SUPPORTS
        for pair, weight in weights.items():
            others = thirds(pair, weights)
            if supports:
                total[pair] += 2 * weight if others else weight
            elif weight >= MIN_LINK:
                total[pair] += round(max(MIN_LINK, weight * min(1, FEW_USERS / (2 + others))))
            else:
                total[pair] += weight
    for pair, by_kind in tied(ties, now).items():
        total[pair] += sum(by_kind.values())
    return {pair: weight for pair, weight in total.items() if weight >= MIN_LINK}


def thirds(pair: tuple[str, str], weights: Links) -> int:
    """How many are linked to both by this, if they are to each other."""
    if weights[pair] < MIN_LINK:
        return 0
    links: dict[str, set[str]] = defaultdict(set)
    for (one, other), weight in weights.items():
        if weight >= MIN_LINK:
            links[one].add(other)
            links[other].add(one)
    return len(links[pair[0]] & links[pair[1]])


def age_weight(last_seen: int, now: int) -> float:
    days = (now // HOUR_MS * HOUR_MS - last_seen) / DAY_MS
    return float(AGE_WEIGHTS[sum(days > limit for limit in (7, 30, 90, 400))])


def use_weight(kind: str, one: tuple[str, int, int], other: tuple[str, int, int], now: int) -> int:
    (_, first, last), (_, other_first, other_last) = one, other
    factor = identifier_kinds()[kind].prior
    if identifier_kinds()[kind].role is Role.SUPPORTS:
        came, left = abs(first - other_first), abs(last - other_last)
        if came > TOGETHER_MS and left > TOGETHER_MS:
            return 0
    elif other_first - last > 3 * DAY_MS or first - other_last > 3 * DAY_MS:
        factor *= HANDED_OVER
    return round(MILLION * factor * min(age_weight(last, now), age_weight(other_last, now)))


def tied(ties: list[TieRow], now: int) -> dict[tuple[str, str], dict[str, int]]:
    """For each pair, of each kind of tie, the strongest."""
    paid = {
        (source, target)
        for kind, source, (target,), (at,) in ties
        if kind == "TRANSFERRED" and source != target and age_weight(at, now)
    }
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for kind, source, (target,), (at,) in ties:
        weight = {"COACTED": IN_STEP, "REFERRED": ONE_WAY}.get(kind) or (
            MUTUAL if comes_back(source, target, paid) else ONE_WAY
        )
        if source != target:
            pair = min(source, target), max(source, target)
            weighed = round(weight * age_weight(at, now))
            found[pair][kind] = max(weighed, found[pair].get(kind, 0))
    return found


def comes_back(source: str, target: str, paid: set[tuple[str, str]]) -> bool:
    return (target, source) in paid or any(
        (target, over) in paid and (over, source) in paid for _, over in paid
    )


@settings(deadline=None, max_examples=200)
@given(use_rows(), tie_rows())
def test_it_is_the_graph_built_pair_by_pair(uses, ties):
    projection = project(share(uses, ties), NOW)
    assert edges(projection) == reference(uses, ties, NOW)
    assert projection.account_ids == sorted(
        {a for row in uses for a in row[2]} | {a for row in ties for a in (row[1], *row[2])}
    )
    pairs = list(zip(projection.source.tolist(), projection.target.tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    assert all(source < target for source, target in pairs)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("abcde"), moments)))
def test_transfers_are_the_graph_built_pair_by_pair(transfers):
    ties = [tie("TRANSFERRED", *each) for each in transfers]
    assert edges(project(share([], ties), NOW)) == reference([], ties, NOW)


@settings(deadline=None)
@given(use_rows(), tie_rows(), st.integers(1, 5))
def test_making_pairs_in_small_parts_makes_no_difference(uses, ties, chunk):
    shared = share(uses, ties)
    expected = edges(project(shared, NOW))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK", chunk)
        assert edges(project(shared, NOW)) == expected


def test_a_large_graph_is_the_graph_built_pair_by_pair():
    chance = random.Random(1)
    names = [f"account-{n}" for n in range(3_000)]
    uses = []
    for number in range(1_500):
        row = use(f"{chance.choice(KINDS)}:{number}", chance.sample(names, chance.randint(2, 20)))
        for n in range(len(row[2])):
            row[4][n] -= chance.randrange(HORIZON_MS * 11 // 10)
            row[3][n] = row[4][n] - chance.randrange(5 * DAY_MS)
        uses.append(row)
    ties = [
        tie(
            chance.choice(["TRANSFERRED", "REFERRED", "COACTED"]),
            *chance.sample(names[:300], 2),
            HOUR - chance.randrange(HORIZON_MS),
        )
        for _ in range(5_000)
    ]
    assert edges(project(share(uses, ties), NOW)) == reference(uses, ties, NOW)


@settings(deadline=None)
@given(use_rows(), tie_rows(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_accounts_makes_no_difference(uses, ties, chance):
    one = project(share(uses, ties), NOW)
    other = project(share(shuffled_uses(uses, chance), shuffled_ties(ties, chance)), NOW)
    assert one.account_ids == other.account_ids
    for name in ("source", "target", "weight"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@settings(deadline=None)
@given(use_rows(), tie_rows(), st.integers(0, 2 * HORIZON_MS))
def test_links_only_fade_while_nothing_happens(uses, ties, later):
    shared = share(uses, ties)
    before, after = edges(project(shared, NOW)), edges(project(shared, NOW + later))
    assert all(weight <= before.get(pair, 0) for pair, weight in after.items())


@settings(deadline=None)
@given(use_rows(), tie_rows(), st.integers(0, HOUR_MS - 1))
def test_between_two_hours_no_weight_changes(uses, ties, later):
    shared = share(uses, ties)
    assert edges(project(shared, HOUR + later)) == edges(project(shared, HOUR))


@settings(deadline=None)
@given(use_rows("abcd"), use_rows("stuvwx"), tie_rows("abcd"), tie_rows("stuvwx"), st.data())
def test_what_others_do_changes_no_link_between_two(uses, more_uses, ties, more_ties, data):
    before = edges(project(share(uses, ties), NOW))
    # others come to the same identifiers, and to identifiers of their own
    crowded = [
        [key, kind, *(mine + other for mine, other in zip(columns, others[2:], strict=True))]
        for (key, kind, *columns), others in zip(uses, more_uses, strict=False)
    ] + uses[len(more_uses) :]
    own = [[f"{row[1]}:of others {n}", *row[1:]] for n, row in enumerate(more_uses)]
    # and refer one of the two, or act in step with one
    one, other = st.sampled_from("abcd"), st.sampled_from("stuvwx")
    reaching = [
        tie(data.draw(st.sampled_from(["REFERRED", "COACTED"])), data.draw(one), data.draw(other))
        for _ in range(data.draw(st.integers(0, 4)))
    ]
    after = edges(project(share(crowded + own, ties + more_ties + reaching), NOW))
    among = {pair: w for pair, w in after.items() if {*pair} <= {*"abcd"}}
    assert among.keys() == before.keys()
    for (a, b), weight in among.items():
        # a third who met both of them is linked to both
        thirds = [c for c in "stuvwx" if {(a, c), (b, c)} <= after.keys()]
        assert weight == before[a, b] or (thirds and weight > before[a, b])


@settings(deadline=None)
@given(use_rows(), tie_rows(), st.integers(0, HORIZON_MS))
def test_what_has_expired_was_never_there(uses, ties, later):
    live_from = age_hour(NOW + later) - HORIZON_MS
    live_uses = []
    for key, kind, *columns in uses:
        live = [row for row in zip(*columns, strict=True) if row[2] >= live_from]
        if live:
            live_uses.append([key, kind, *(list(column) for column in zip(*live, strict=True))])
    live_ties = [row for row in ties if row[3][0] >= live_from]
    assert edges(project(share(uses, ties), NOW + later)) == edges(
        project(share(live_uses, live_ties), NOW + later)
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [2, 4, 10, 16, 40])
def test_the_number_of_users_makes_a_difference_above_ten(kind, size):
    names = [f"{n:02}" for n in range(size)]
    found = edges(project(share([use(f"{kind}:1", names), use(f"{kind}:2", names)]), NOW))
    assert set(found) == set(combinations(names, 2))
    supports = identifier_kinds()[kind].role is Role.SUPPORTS
    times = 2 if supports and size > 2 else 1 if supports or size <= 10 else 10 / size
    weight = round(times * MILLION * identifier_kinds()[kind].prior)
    assert set(found.values()) == {2 * max(MIN_LINK, weight)}


def test_a_meeting_of_three_counts_twice_for_those_who_met_both_others():
    row = use("ip:1", "abcd")
    # b, c and d are within half an hour of each other, and a of b
    row[3][0] = row[4][0] = HOUR - TOGETHER_MS
    row[3][3] = row[4][3] = HOUR + TOGETHER_MS
    row[3][2] = row[4][2] = HOUR + TOGETHER_MS // 2
    expected = {("a", "b"): IP, ("b", "c"): 2 * IP, ("b", "d"): 2 * IP, ("c", "d"): 2 * IP}
    assert edges(project(share([row]), NOW)) == expected


def test_a_third_who_is_kept_apart_from_both_has_not_met_them():
    ties = [tie("CANNOT_LINK", "c", "a"), tie("CANNOT_LINK", "c", "b")]
    assert edges(project(share([use("ip:1", "abc")], ties), NOW)) == {("a", "b"): IP}


@pytest.mark.parametrize(
    ("days", "expected"), [(7, 1.0), (8, 0.9), (30, 0.9), (31, 0.8), (90, 0.8), (91, 0.6)]
)
def test_a_link_is_as_old_as_the_older_of_its_uses(days, expected):
    uses = use("device:1", "ab", HOUR - 400 * DAY_MS)
    uses[4][1] = HOUR - days * DAY_MS
    assert edges(project(share([uses]), NOW)) == {("a", "b"): round(DEVICE * expected)}


def test_an_expired_use_links_nobody():
    row = use("device:1", "ab", HOUR - 800 * DAY_MS)
    row[4][1] = HOUR - 400 * DAY_MS
    assert list(edges(project(share([row]), NOW))) == [("a", "b")]
    row[4][1] -= 1
    assert edges(project(share([row]), NOW)) == {}


def test_what_may_have_changed_hands_counts_half():
    row = use("device:1", "ab", HOUR - 4 * DAY_MS, HOUR)
    row[4][0] = HOUR - 3 * DAY_MS
    row[3][1] = HOUR
    assert edges(project(share([row]), NOW)) == {("a", "b"): DEVICE}
    row[4][0] -= 1
    assert edges(project(share([row]), NOW)) == {("a", "b"): round(HANDED_OVER * DEVICE)}


def test_a_use_within_the_time_of_another_did_not_change_hands():
    row = use("device:1", "ab", HOUR - 60 * DAY_MS, HOUR)
    row[3][1] = row[4][1] = HOUR - 30 * DAY_MS
    assert edges(project(share([row]), NOW)) == {("a", "b"): round(DEVICE * 0.9)}


def test_supporting_values_of_two_who_came_together_add_up():
    uses = [use("ip:1", "ab"), use("address:2", "ab"), use("ip:3", "bc")]
    assert edges(project(share(uses), NOW)) == {("a", "b"): 2 * IP, ("b", "c"): IP}


def test_a_supporting_value_strengthens_a_link():
    uses = [use("ip:1", "ab"), use("device:2", "ab")]
    assert edges(project(share(uses), NOW)) == {("a", "b"): DEVICE + IP}


@pytest.mark.parametrize("column", [3, 4])
def test_a_supporting_value_counts_for_two_that_came_or_left_together(column):
    rows = []
    for number in (1, 2):
        row = use(f"ip:{number}", "ab", HOUR - 5 * DAY_MS, HOUR)
        # far apart at one end, half an hour at the other
        row[3][0], row[4][0] = HOUR - 6 * DAY_MS, HOUR - DAY_MS
        row[column][0] = row[column][1] - TOGETHER_MS
        rows.append(row)
    assert edges(project(share(rows), NOW)) == {("a", "b"): 2 * IP}
    rows[1][column][0] -= 1
    assert edges(project(share(rows), NOW)) == {("a", "b"): IP}
    rows[0][column][0] -= 1
    assert edges(project(share(rows), NOW)) == {}


def links_of_ties(*ties: str) -> Links:
    """Links of ties such as "a pays b"; each pair shares an e-mail address too."""
    words = {"pays": "TRANSFERRED", "refers": "REFERRED", "with": "COACTED"}
    rows = [tie(words[kind], a, b) for a, kind, b in (each.split() for each in ties)]
    names = sorted({name for row in rows for name in (row[1], *row[2])})
    uses = [use("email:1", names)]
    links = edges(project(share(uses, rows), NOW))
    return {pair: w - MILLION for pair, w in links.items() if w > MILLION}


def test_money_that_goes_round_counts_more_than_money_that_goes_away():
    assert links_of_ties("a pays b") == {("a", "b"): ONE_WAY}
    assert links_of_ties("b pays a") == {("a", "b"): ONE_WAY}
    assert links_of_ties("a pays b", "b pays a") == {("a", "b"): MUTUAL}
    triangle = {("a", "b"): MUTUAL, ("b", "c"): MUTUAL, ("a", "c"): MUTUAL}
    assert links_of_ties("a pays b", "b pays c", "c pays a") == triangle
    assert links_of_ties("a pays c", "c pays b", "b pays a") == triangle
    assert set(links_of_ties("a pays b", "b pays c", "a pays c").values()) == {ONE_WAY}
    square = links_of_ties("a pays b", "b pays c", "c pays d", "d pays a")
    assert set(square.values()) == {ONE_WAY}


def test_ties_of_one_kind_count_once_and_of_several_kinds_together():
    assert links_of_ties("a refers b", "b refers a") == {("a", "b"): ONE_WAY}
    assert links_of_ties("a with b", "b with a") == {("a", "b"): IN_STEP}
    # a referral brings no money back
    assert links_of_ties("a pays b", "b refers a") == {("a", "b"): 2 * ONE_WAY}
    assert links_of_ties("a pays b", "b pays a", "b refers a", "b with a") == {
        ("a", "b"): MUTUAL + ONE_WAY + IN_STEP
    }


def test_a_tie_fades_and_expires_as_a_use_does():
    def weight(days: int) -> int:
        ties = [tie("COACTED", "b", "a", HOUR - days * DAY_MS)]
        return edges(project(share([], ties), NOW)).get(("a", "b"), 0)

    ages = (7, 8, 30, 31, 90, 91, 400, 401)
    assert [weight(days) / IN_STEP for days in ages] == [1.0, 0.9, 0.9, 0.8, 0.8, 0.6, 0.6, 0.0]


def test_of_payments_there_and_back_the_younger_counts():
    ties = [tie("TRANSFERRED", "a", "b", HOUR - 90 * DAY_MS), tie("TRANSFERRED", "b", "a")]
    assert edges(project(share([], ties), NOW)) == {("a", "b"): MUTUAL}


def test_an_expired_payment_brings_no_money_back():
    ties = [tie("TRANSFERRED", "a", "b", HOUR - 401 * DAY_MS), tie("TRANSFERRED", "b", "a")]
    ties.append(tie("REFERRED", "a", "b"))
    assert edges(project(share([], ties), NOW)) == {("a", "b"): 2 * ONE_WAY}


def test_less_than_the_least_link_is_none():
    assert 2 * ONE_WAY >= MIN_LINK > ONE_WAY
    ties = [tie("REFERRED", "a", "b"), tie("TRANSFERRED", "a", "b"), tie("REFERRED", "a", "c")]
    assert edges(project(share([], ties), NOW)) == {("a", "b"): 2 * ONE_WAY}


@settings(deadline=None)
@given(st.integers(0, 2 * HORIZON_MS), st.integers(0, HOUR_MS - 1))
def test_age_classes_are_those_that_ingest_writes_by(age, minute):
    last_seen = np.array([HOUR - age], np.int64)
    assert age_classes(last_seen, HOUR + minute).tolist() == [age_class(age)]


@settings(deadline=None)
@given(moments, st.integers(0, 2 * HORIZON_MS))
def test_the_next_class_comes_at_the_first_full_hour_that_is_another_class(last_seen, later):
    use_times, now = np.array([last_seen], np.int64), HOUR + later
    (at,) = next_class_at(use_times, now).tolist()
    present = age_classes(use_times, now)[0]
    if present == len(AGE_CLASS_DAYS):
        assert at > now + 100 * HORIZON_MS
    else:
        assert at > now
        assert at % HOUR_MS == 0
        assert age_classes(use_times, at)[0] > present
        assert age_classes(use_times, at - 1)[0] == present


def test_nothing_gives_an_empty_graph():
    projection = project(share([]), NOW)
    assert projection.account_ids == []
    assert projection.source.size == projection.weight.size == 0
