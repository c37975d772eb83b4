"""Detectors and what is made of them; what is kept of scores meets a graph elsewhere."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from detection.account_scores import (
    ENOUGH,
    MAX_DRIVERS,
    SAMPLE_SIZE,
    AccountModel,
    sampled,
    score_accounts,
)
from detection.detectors import DETECTORS, Learned, Lessons, UpperTails
from detection.features import FEATURES, Features, read_features
from detection.settings import DetectionSettings
from graph.times import DAY_MS
from tests.events import START
from tests.unit.accepted import archived

DAY_START = START // DAY_MS * DAY_MS + DAY_MS
COLUMNS = list(FEATURES)


def people(values: NDArray[np.float64]) -> Features:
    return Features([f"a{n:06}" for n in range(len(values))], values)


def one(*values: float) -> Features:
    return people(np.array([values]))


@pytest.fixture(scope="module")
def crowd() -> Features:
    return people(np.log1p(np.random.default_rng(1).gamma(2.0, 1.0, (2_000, len(FEATURES)))))


@pytest.fixture(scope="module", params=sorted(DETECTORS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def model(name: str, crowd: Features) -> AccountModel:
    return AccountModel(DETECTORS[name], crowd)


def test_every_detector_can_be_chosen():
    for name in DETECTORS:
        assert DetectionSettings(detector=name).detector == name  # type: ignore[arg-type]


def test_a_score_says_how_few_are_as_unusual(crowd, model):
    scores = model.score(crowd)
    assert scores.min() == 0
    for points, share in ((25, 0.1), (50, 0.01)):
        assert (scores >= points).mean() == pytest.approx(share, abs=0.002)
    assert scores.max() <= 100


def test_a_far_outlier_is_more_unusual_than_the_crowd(crowd, model):
    assert model.score(one(*[15.0] * len(FEATURES)))[0] > 75
    assert model.score(people(np.median(crowd.values, axis=0)[None, :]))[0] <= 10


def test_the_same_sample_gives_the_same_scores(crowd, name, model):
    again = AccountModel(DETECTORS[name], Features(crowd.account_ids, crowd.values.copy()))
    assert again.score(crowd).tolist() == model.score(crowd).tolist()
    assert again.drivers(crowd) == model.drivers(crowd)


def test_an_account_scores_the_same_alone_and_among_others(crowd, model):
    alone = [people(crowd.values[n : n + 1]) for n in range(5)]
    assert [model.score(each)[0] for each in alone] == model.score(crowd)[:5].tolist()
    assert [model.drivers(each)[0] for each in alone] == model.drivers(crowd)[:5]


def test_drivers_name_what_few_have_as_much_of(crowd, model):
    row = np.median(crowd.values, axis=0)
    assert model.drivers(people(row[None, :])) == [[]]
    row[COLUMNS.index("devices")] = 9.0
    assert model.drivers(people(row[None, :])) == [["many devices (top 0.05 %)"]]


def test_the_strongest_drivers_come_first_and_are_few(crowd):
    model = AccountModel(UpperTails, crowd)
    row = np.median(crowd.values, axis=0)
    for place, share in enumerate((0.01, 0.001, 0.04, 0.03)):
        row[place] = np.quantile(crowd.values[:, place], 1 - share, method="higher")
    (found,) = model.drivers(people(row[None, :]))
    assert len(found) == MAX_DRIVERS
    words = list(FEATURES.values())
    assert [text.rpartition(" (")[0] for text in found] == [words[1], words[0], words[3]]


@pytest.mark.parametrize("detector", sorted(DETECTORS))
def test_among_equals_nobody_is_unusual(detector):
    model = AccountModel(DETECTORS[detector], people(np.ones((50, len(FEATURES)))))
    same = one(*[1.0] * len(FEATURES))
    assert model.score(same).tolist() == [0]
    assert model.drivers(same) == [[]]


@pytest.mark.parametrize("detector", sorted(DETECTORS))
def test_without_accounts_there_is_nothing_to_say(detector, crowd):
    nobody = people(np.empty((0, len(FEATURES))))
    model = AccountModel(DETECTORS[detector], nobody)
    assert model.score(crowd).tolist() == [0] * 2_000
    assert model.drivers(crowd) == [[]] * 2_000
    model = AccountModel(DETECTORS[detector], crowd)
    assert model.score(nobody).tolist() == []
    assert model.drivers(nobody) == []


def test_the_upper_tails_of_an_account_add_up(crowd):
    detector = UpperTails(crowd.values)
    parts = detector.parts(crowd.values)
    assert (parts >= 0).all()
    assert detector.unusual(crowd.values) == pytest.approx(parts.sum(axis=1))
    # by the definition: the share that has as much or more, with the account itself
    for row, column in ((0, 0), (17, 3)):
        value = crowd.values[row, column]
        share = ((crowd.values[:, column] >= value).sum() + 1) / (len(crowd.values) + 1)
        assert parts[row, column] == pytest.approx(-np.log(share))


def test_a_sample_is_spread_over_all_accounts():
    values = np.zeros((SAMPLE_SIZE + 5_000, len(FEATURES)))
    values[:, 0] = np.arange(len(values))
    everybody = people(values)
    sample = sampled(everybody)
    assert len(sample.account_ids) == SAMPLE_SIZE
    scores = AccountModel(UpperTails, sample).score(everybody)
    assert (scores >= 25).mean() == pytest.approx(0.1, abs=0.01)
    back = sampled(Features(everybody.account_ids[::-1], values[::-1]))
    assert AccountModel(UpperTails, back).score(everybody).tolist() == scores.tolist()


def test_without_lessons_the_learner_is_the_sum_of_tails(crowd):
    sums = UpperTails(crowd.values).unusual(crowd.values)
    assert Learned(crowd.values).unusual(crowd.values) == pytest.approx(sums)


def test_lessons_move_weights_towards_what_tells_the_bad_from_the_good(crowd):
    learner = Learned(crowd.values)
    before = learner.lessons
    high = np.zeros_like(crowd.values[:200])
    high[:, 0] = 9.0
    also_high = np.zeros_like(high)
    # in so many ways that they are thought bad at first
    also_high[:, 1:6] = 9.0
    is_bad = np.arange(400) < 200
    for _ in range(20):
        learner.learn(np.vstack([high, also_high]), is_bad)
    after = learner.lessons
    assert after.weights[0] > before.weights[0] == 1.0
    assert all(0 <= weight < 0.5 for weight in after.weights[1:6])
    # of what nobody had there is no lesson
    assert after.weights[6:] == before.weights[6:]
    assert Learned(crowd.values, after).lessons == after


def test_an_account_is_learnt_by_logistic_regression(crowd):
    """One step by hand (Bottou 2010)."""
    lessons = Lessons((1.0,) * len(FEATURES), -3.0)
    learner, row = Learned(crowd.values, lessons), crowd.values[:1]
    learner.learn(row, np.array([True]))
    parts = UpperTails(crowd.values).parts(row)[0]
    step = 0.001 * (1 - 1 / (1 + np.exp(3.0 - parts.sum())))
    assert learner.lessons.weights == pytest.approx(1 + step * parts)
    assert learner.lessons.intercept == pytest.approx(-3.0 + step)


def did(account_id: str, at: int, number: int = 0) -> dict[str, object]:
    return {
        "event_id": f"e{number}",
        "type": "device",
        "occurred_at": at,
        "account_id": account_id,
        "device_id": f"d-{account_id}-{number}",
    }


def test_what_is_usual_is_learnt_from_the_day_before(tmp_path: Path):
    """Or from the accounts as they are, where there were few."""
    before = [did(f"a{n:04}", DAY_START - 1) for n in range(ENOUGH)]
    # on the day itself everybody gets five more devices
    on_it = [did(f"a{n:04}", DAY_START, k) for n in range(ENOUGH) for k in range(1, 6)]
    now = DAY_START + 60_000
    known = archived(tmp_path / "known", before + on_it, now)
    features = read_features(known, now)
    assert min(score for score, _ in score_accounts(known, UpperTails, features, now)) > 50
    few = archived(tmp_path / "few", before[1:] + on_it, now)
    features = read_features(few, now)
    assert {score for score, _ in score_accounts(few, UpperTails, features, now)} == {0}
