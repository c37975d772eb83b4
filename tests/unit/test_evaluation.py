"""Figures against a truth: small cases by hand, and what holds for all of them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.truth_file import read_truth
from detection.calibration import Calibration, Source, histogram
from detection.evaluation import (
    NO_SCORE,
    Observed,
    Truth,
    cut_figures,
    evaluate,
    flag_at,
    ranking,
    ranking_figures,
)
from detection.found_rings import (
    FoundRing,
    kinds_of,
    match_rings,
    ring_report,
    size_band,
    wilson,
)
from graph.errors import InputError
from graph.model import RiskLevel

LOW, HIGH, CRITICAL = RiskLevel.LOW, RiskLevel.HIGH, RiskLevel.CRITICAL
#: two of a hundred benign rings score 30: the threshold is 31
BENIGN = Calibration(histogram([0] * 97 + [30] * 2), histogram([]), Source.SIMULATED)


def members(*numbers: int) -> frozenset[int]:
    return frozenset(numbers)


def labels(count: int, *ones: int) -> np.ndarray:
    found = np.zeros(count, np.bool_)
    found[list(ones)] = True
    return found


def scores(*values: int) -> np.ndarray:
    return np.array(values, np.int16)


def test_ring_risk_comes_before_anomaly_which_breaks_ties() -> None:
    # in a ring of risk 0, in none, in the same ring twice, not scored at all
    order = ranking(scores(0, NO_SCORE, 50, 50, NO_SCORE), scores(0, 100, 3, 4, NO_SCORE))
    assert np.argsort(order).tolist() == [4, 1, 0, 2, 3]


def test_figures_of_a_ranking_worked_out_by_hand() -> None:
    # labels by falling score: 1 0 1 0; 3 of 4 pairs are in order; (1/1 + 2/3) / 2
    figures = ranking_figures(labels(4, 0, 2), scores(9, 8, 7, 6))
    assert figures["auc"] == pytest.approx(0.75)
    assert figures["average_precision"] == pytest.approx(5 / 6)
    # no false positive is allowed among 2
    assert figures["precision_at_1pct"] == 1.0
    assert figures["recall_at_1pct"] == 0.5
    assert figures["false_positives_at_1pct"] == 0.0


def test_where_one_label_occurs_only_there_is_nothing_to_say() -> None:
    for ones in ((), (0, 1, 2)):
        figures = ranking_figures(labels(3, *ones), scores(1, 2, 3))
        assert figures["auc"] is None
        assert figures["average_precision"] is None
        assert figures["precision_at_1pct"] is None


def test_few_false_positives_are_allowed_and_equals_stay_together() -> None:
    # 100 accounts labelled 0 with scores 0 to 99, and three labelled 1
    score = np.array([*range(100), 99, 98, 50], np.int16)
    is_member = labels(103, 100, 101, 102)
    # one may be flagged: the 99s, not the 98s
    assert np.flatnonzero(flag_at(is_member, score, 1)).tolist() == [99, 100]
    assert np.flatnonzero(flag_at(is_member, score, 2)).tolist() == [98, 99, 100, 101]
    assert cut_figures(is_member, flag_at(is_member, score, 2)) == {
        "precision": 0.5,
        "recall": pytest.approx(2 / 3),
        "false_positives": 0.02,
    }
    # all equal: none can be flagged alone
    assert not flag_at(is_member, np.zeros(103, np.int16), 2).any()
    assert flag_at(is_member, score, 100).all()


def test_a_found_ring_answers_for_one_true_ring_only_and_the_most_similar_go_first() -> None:
    true = [members(0, 1, 2, 3), members(4, 5, 6, 7)]
    # all of both; a half of the second; nobody's
    found = [members(*range(8)), members(6, 7), members(8, 9)]
    assert match_rings(true, found) == [(0, 0, 0.5), (1, 1, 0.5)]
    # the second would be 3/5 with it, the first is 1 with it
    assert match_rings([members(0, 1, 2), members(0, 1, 2, 3, 4)], [members(0, 1, 2)]) == [
        (0, 0, 1.0)
    ]
    assert match_rings([], found) == match_rings(true, []) == []


def test_rings_by_kind_size_and_level_worked_out_by_hand() -> None:
    true = {
        "card-1": members(0, 1, 2, 3),
        "card-2": members(4, 5, 6, 7, 8, 9),
        "money_circle-3": members(10, 11, 12, 13),
    }
    found = [
        FoundRing(HIGH, members(0, 1, 2, 3), 60),
        # 4 of 6 and one other: 4/7
        FoundRing(LOW, members(4, 5, 6, 7, 14), 10),
        # 1 of 4 and two others: 1/6, and noise
        FoundRing(CRITICAL, members(10, 15, 16), 80),
        # half of them labelled 1: no noise
        FoundRing(CRITICAL, members(11, 17), 80),
        # nobody whom the truth names
        FoundRing(CRITICAL, members(), 80),
    ]
    report = ring_report(labels(20, *range(14)), true, found)
    figures = report.flat()
    assert figures["true_rings"] == 3
    assert figures["found_50"] == pytest.approx(2 / 3)
    assert figures["found_80"] == figures["found_50_high"] == pytest.approx(1 / 3)
    assert figures["true_rings_kind_card"] == 2
    assert figures["found_50_kind_card"] == 1.0
    assert figures["found_50_high_kind_card"] == 0.5
    assert figures["found_50_kind_money_circle"] == 0.0
    assert figures["worst_kind"] == "money_circle"
    assert [(group.name, group.rings) for group in report.sizes] == [("3_5", 2), ("6_10", 1)]
    assert figures["found_80_size_6_10"] == 0.0
    assert figures["matched_rings"] == 2
    assert figures["matched_member_precision"] == pytest.approx(8 / 9)
    assert figures["matched_member_recall"] == pytest.approx(8 / 10)
    assert figures["member_precision"] == pytest.approx(10 / 14)
    assert figures["member_recall"] == pytest.approx(10 / 14)
    assert [figures[f"rings_{level}"] for level in ("low", "medium", "high", "critical")] == [
        *(1, 0, 1, 2)
    ]
    assert figures["noise_high"] == pytest.approx(1 / 3)
    assert figures["noise_high_lower"] == pytest.approx(0.0615, abs=1e-4)
    assert figures["noise_high_upper"] == pytest.approx(0.7923, abs=1e-4)


def test_without_rings_in_the_truth_there_are_figures_of_accounts_and_noise() -> None:
    truth = Truth({"a": 0, "b": 1, "c": 2, "d": 3}, labels(4, 0, 1), None)
    observed = Observed(
        is_known=np.array([True, True, True, False]),
        risk=scores(60, NO_SCORE, NO_SCORE, NO_SCORE),
        anomaly=scores(NO_SCORE, NO_SCORE, NO_SCORE, NO_SCORE),
        rings=[
            FoundRing(HIGH, members(0), 60),
            FoundRing(LOW, members(1, 2), 10),
            FoundRing(LOW, members(2), 30),
            FoundRing(LOW, members(2, 3), 31),
            FoundRing(LOW, members(), 90),
        ],
        unnamed=7,
    )
    figures = evaluate(truth, observed, HIGH, BENIGN).flat()
    assert figures["accounts"] == 3
    assert figures["accounts_unknown_to_graph"] == 1
    assert figures["accounts_unnamed_by_truth"] == 7
    assert figures["auc"] == 0.75
    assert figures["anomaly_auc"] is None
    assert figures["alert_level"] == "high"
    assert figures["precision_at_alert_level"] == 1.0
    assert figures["recall_at_alert_level"] == 0.5
    assert figures["calibrated"] is False
    assert figures["threshold"] == 31
    assert figures["precision_at_threshold"] == figures["recall_at_threshold"] == 0.5
    # half of the second is labelled 1, and of the last nobody is named
    assert (figures["benign_rings"], figures["benign_rings_at_threshold"]) == (2, 1)
    assert figures["benign_share_at_threshold"] == 0.5
    assert figures["benign_share_bound"] == pytest.approx(0.0298, abs=1e-3)
    assert figures["noise_high"] == 0.0
    assert "true_rings" not in figures
    assert evaluate(truth, observed, LOW, BENIGN).flat()["false_positives_at_alert_level"] == 1.0


def test_a_member_whom_the_graph_does_not_know_is_missing_in_its_ring() -> None:
    truth = Truth({"a": 0, "b": 1, "c": 2}, labels(3, 0, 1, 2), {"x": members(0, 1, 2)})
    known, nothing = np.array([True, True, False]), scores(NO_SCORE, NO_SCORE, NO_SCORE)
    observed = Observed(known, nothing, nothing, [FoundRing(LOW, members(0, 1), 10)], 0)
    figures = evaluate(truth, observed, HIGH, BENIGN).flat()
    assert (figures["found_50"], figures["found_80"]) == (1.0, 0.0)
    assert figures["worst_kind"] is None


@pytest.mark.parametrize(
    ("ring_ids", "kinds"),
    [
        (["shared_card-1f", "fan_in-2"], ["shared_card", "fan_in"]),
        (["money-circle-1", "p2p-2"], ["money-circle", "p2p"]),
        (["shared_card-1f", "17"], ["all", "all"]),
        (["f81d4fae-7dec-41d0-a765-00a0c91e6bf6"], ["all"]),
        ([], []),
    ],
)
def test_kinds_are_read_from_ring_ids_that_begin_with_one(
    ring_ids: list[str], kinds: list[str]
) -> None:
    assert kinds_of(ring_ids) == kinds


def test_size_bands_meet() -> None:
    sizes = {2: "1_2", 3: "3_5", 5: "3_5", 6: "6_10", 11: "11_20", 40: "21_40", 41: "over_40"}
    assert {size: size_band(size) for size in sizes} == sizes


def test_the_interval_is_wilsons() -> None:
    # Newcombe 1998, table I: 81/263, 15/148, 0/20, 1/29
    expected = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0.0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (hits, count), interval in expected.items():
        assert wilson(hits, count) == pytest.approx(interval, abs=1e-4)
    assert wilson(20, 20) == pytest.approx((0.8389, 1.0), abs=1e-4)
    assert wilson(0, 0) is None


RINGS = st.lists(st.frozensets(st.integers(0, 30), min_size=1, max_size=8), max_size=8)


@given(RINGS, RINGS)
def test_matches_are_one_to_one_and_no_pair_left_over_is_better(
    true: list[frozenset[int]], found: list[frozenset[int]]
) -> None:
    matches = match_rings(true, found)
    by_true = {match.true: match.jaccard for match in matches}
    by_found = {match.found: match.jaccard for match in matches}
    assert len(by_true) == len(by_found) == len(matches)
    for number, real in enumerate(true):
        for other, seen in enumerate(found):
            jaccard = len(real & seen) / len(real | seen)
            assert jaccard <= max(by_true.get(number, 0), by_found.get(other, 0))


@given(RINGS)
def test_what_is_found_exactly_is_found_whole(rings: list[frozenset[int]]) -> None:
    true = {f"kind-{number}": ring for number, ring in enumerate(rings)}
    figures = ring_report(
        labels(31, *frozenset().union(*rings)), true, [FoundRing(HIGH, ring, 60) for ring in rings]
    ).flat()
    if rings:
        assert figures["found_80"] == figures["found_80_high"] == 1.0
        assert figures["member_precision"] == figures["matched_member_recall"] == 1.0
        assert figures["noise_high"] == 0.0


@given(
    st.lists(st.tuples(st.booleans(), st.integers(-1, 20)), min_size=1, max_size=300),
    st.sampled_from([1, 2, 50]),
)
def test_false_positives_stay_at_or_below_what_is_asked_for_and_no_more_would_do(
    accounts: list[tuple[bool, int]], percent: int
) -> None:
    is_member = np.array([label for label, _ in accounts])
    score = np.array([value for _, value in accounts], np.int16)
    if is_member.all():
        return
    flagged = flag_at(is_member, score, percent)
    others = int((~is_member).sum())
    assert 100 * int((flagged & ~is_member).sum()) <= percent * others
    if not flagged.all():
        # the next group of equals would be too many
        more = score >= score[~flagged].max()
        assert 100 * int((more & ~is_member).sum()) > percent * others


def test_a_truth_file_with_and_without_rings(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_bytes(
        b"\xef\xbb\xbfring_id,account_id,note,label\r\nr-1,a,,1\r\n,b,x,0\r\n\r\nr-1,c,,1\r\n,d,,1\r\n"
    )
    truth = read_truth(path)
    assert truth.numbers == {"a": 0, "b": 1, "c": 2, "d": 3}
    assert truth.is_member.tolist() == [True, False, True, True]
    assert truth.rings == {"r-1": members(0, 2)}
    path.write_text("account_id,label\na,1\n")
    assert read_truth(path).rings is None
    path.write_text("account_id,label,ring_id\na,1,\n")
    assert read_truth(path).rings == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: there is no column account_id and no label"),
        (b"account_id,ring_id\na,1\n", "no column label"),
        (b"account_id,label\n", "names no account"),
        (b"account_id,label\na,1\nb,yes\n", "line 3: label 'yes' is neither 0 nor 1"),
        (b"account_id,label\na,1\nb,0\na,1\n", "line 4: account 'a' is named a second time"),
        (b"account_id,label\n,1\n", "account_id is empty"),
        (b"account_id,label,ring_id\na,0,r\n", "label 0 and a ring"),
        (b"account_id,label\na\n", "line 2: 1 values for 2 columns"),
        (b'account_id,label\n"a"b,1\n', "line 2: "),
        (b"account_id,label\n\xff\xfe,1\n", "is not UTF-8"),
    ],
)
def test_what_is_no_truth_file_is_said_in_a_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "truth.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_truth(path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="cannot be read"):
        read_truth(tmp_path)
