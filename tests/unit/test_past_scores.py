"""How well detectors would have told what became known later."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from detection.evaluation import Truth
from detection.features import FEATURES
from detection.past_scores import AHEAD_MS, Cut, cuts, foresight, placements, recall_at
from graph.archive import Archive
from graph.times import DAY_MS, millis
from tests.unit.accepted import archived


def day(month: int, number: int) -> int:
    return millis(datetime(2025, month, number, tzinfo=UTC))


scores = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30).filter(
    lambda rows: len({bad for _, bad in rows}) == 2
)


@given(scores)
def test_the_mean_placement_is_the_auc(rows):
    score, is_bad = (np.array(column) for column in zip(*rows, strict=True))
    assert placements(score, is_bad).mean() == pytest.approx(roc_auc_score(is_bad, score))


@given(scores)
def test_recall_at_a_share_is_what_a_fair_choice_among_equals_gives(rows):
    score, is_bad = (np.array(column) for column in zip(*rows, strict=True))
    most = max(int(len(score) * 0.3), 1)
    chance = np.random.default_rng(0)
    found = []
    for _ in range(300):
        order = np.lexsort((chance.random(len(score)), -score))[:most]
        found.append(is_bad[order].sum() / is_bad.sum())
    assert recall_at(score, is_bad, 0.3) == pytest.approx(np.mean(found), abs=0.12)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Cut]:
    """Of sixty accounts ten spend much in April and become known in May, one more in September."""
    names = [f"a{n:02}" for n in range(60)]
    events = [
        {
            "event_id": f"e{at}",
            "type": "payment",
            "occurred_at": at,
            "account_id": name,
            "amount": 1 + n % 7,
        }
        for n, name in enumerate(names)
        for at in range(day(1, 5) + n, day(7, 1), 20 * DAY_MS)
    ]
    events += [
        {
            "event_id": f"much{name}",
            "type": "transfer",
            "occurred_at": day(4, 20),
            "account_id": name,
            "amount": 900,
            "counterparty_account_id": "shop",
        }
        for name in names[:10]
    ]
    archive = archived(tmp_path_factory.mktemp("archive"), events, day(7, 1))
    since = {n: day(5, 2 + n) for n in range(10)} | {59: day(9, 2)}
    is_bad = np.isin(np.arange(61), [*list(since), 60])
    numbers = {name: n for n, name in enumerate([*names, "undated"])}
    truth = Truth(numbers, is_bad, None, since)
    taken = list(cuts(archive, truth, day(10, 20)))
    # of May one knows when it is over, and nothing later
    assert [cut.at for cut in cuts(archive, truth, day(5, 5))] == [day(m, 1) for m in (3, 4, 5)]
    assert list(cuts(archive, truth, day(5, 1))) == []
    archive.close()
    empty = Archive(str(tmp_path_factory.mktemp("empty")))
    assert list(cuts(empty, truth, day(10, 20))) == []
    return taken


def test_cuts_are_the_ends_of_months_that_have_something_to_foretell(found):
    assert [cut.at for cut in found] == [day(month, 1) for month in range(3, 11)]
    assert all(cut.at - cut.begins >= 28 * DAY_MS for cut in found)
    # the shop is named by nobody
    assert all(len(cut.features.account_ids) == 60 for cut in found)
    assert [int(cut.paid.sum()) for cut in found] == [0, 0, 10, 10, 10, 10, 10, 10]


def test_nothing_later_is_known_at_a_cut(found):
    spent = list(FEATURES).index("spent")
    april = [cut.features.values[:10, spent].min() for cut in found]
    assert max(april[:2]) < min(april[2:])


def test_who_was_known_before_is_not_asked_about(found):
    march, _, may, june, july, august, *_ = found
    assert [int(mask.sum()) for mask in march.asked("month")] == [60, 0]
    # by the second of May plus nine days; ninety days from the first of March end on the thirtieth
    assert [int(mask.sum()) for mask in march.asked("next")] == [60, 10]
    assert AHEAD_MS == 90 * DAY_MS
    assert [int(mask.sum()) for mask in may.asked("next")] == [60, 10]
    assert [int(mask.sum()) for mask in june.asked("month")] == [60, 10]
    assert [int(mask.sum()) for mask in june.asked("next")] == [50, 0]
    assert [int(mask.sum()) for mask in july.asked("next")] == [50, 1]
    # of all ninety days after it nobody knows yet
    assert [int(mask.sum()) for mask in august.asked("next")] == [0, 0]


def test_foresight_is_asked_of_all_cuts_with_bad_ones(found):
    rows = {(row.window, row.population): row for row in foresight("tails", found)}
    # in no month did only some of those who paid one another become known
    assert rows.keys() == {("month", "all"), ("next", "all")}
    row = rows["next", "all"]
    assert (row.cuts, row.bad, row.accounts) == (4, 31, 230)
    # before April they were like the others
    assert 0.5 < row.auc_of_all < 1
    assert row.lower <= row.gain <= row.upper


def test_the_learner_is_taught_only_what_was_over(found):
    # the first cut's ninety days end with May: nothing can be asked about May that it does not tell
    rows = {row.window: row for row in foresight("learned", found) if row.population == "all"}
    assert (rows["month"].cuts, rows["next"].cuts) == (1, 1)
    assert foresight("learned", found[:3]) == []
    assert foresight("boosted", found) == []
