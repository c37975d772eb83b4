import numpy as np
import pytest
from numpy.typing import NDArray

from detection.anomaly import MAX_DRIVERS, SAMPLE_SIZE, AccountScore, AnomalyModel, changed_scores
from detection.features import FEATURES, Features


def rows(account_ids: list[str], values: NDArray[np.float64]) -> Features:
    """Accounts that the graph has neither a score nor a due time of."""
    count = len(account_ids)
    return Features(account_ids, values, [(None, None)] * count, [(None, None)] * count)


def ordinary(count: int, seed: int = 1) -> Features:
    values = np.random.default_rng(seed).gamma(2.0, 1.0, (count, len(FEATURES)))
    return rows([f"a{n:05}" for n in range(count)], np.log1p(values))


def with_outlier(features: Features, column: str, value: float) -> Features:
    row = np.median(features.values, axis=0)
    row[list(FEATURES).index(column)] = np.log1p(value)
    return rows([*features.account_ids, "zz"], np.vstack([features.values, row]))


@pytest.fixture(scope="module")
def crowd() -> Features:
    return ordinary(600)


@pytest.fixture(scope="module")
def model(crowd) -> AnomalyModel:
    return AnomalyModel.train(crowd)


def test_scores_are_0_to_100_and_rank_the_sample(crowd, model):
    scores = model.score(crowd)
    assert min(scores) == 0
    assert 98 <= max(scores) <= 99
    # a percentile: each tenth of the sample has a tenth of the scores
    assert np.histogram(scores, bins=10, range=(0, 100))[0].tolist() == pytest.approx(
        [60] * 10, abs=3
    )


def test_a_far_outlier_is_more_unusual_than_the_crowd(crowd, model):
    row = rows(["zz"], np.full((1, len(FEATURES)), 15.0))
    assert model.score(row)[0] >= 99
    usual = rows(["mm"], np.median(crowd.values, axis=0)[None, :])
    assert model.score(usual)[0] <= 10


def test_the_same_sample_gives_the_same_scores(crowd, model):
    assert AnomalyModel(crowd.values.copy()).score(crowd) == model.score(crowd)


def test_an_account_scores_the_same_alone_and_among_others(crowd, model):
    together = model.score(crowd)[:5]
    alone = [model.score(rows([crowd.account_ids[n]], crowd.values[n : n + 1])) for n in range(5)]
    assert [each[0] for each in alone] == together


def test_a_stored_sample_is_the_same_model(crowd, model):
    again = np.frombuffer(model.sample.tobytes(), np.float64).reshape(-1, len(FEATURES))
    assert AnomalyModel(again).version == model.version
    assert AnomalyModel(again).drivers(crowd) == model.drivers(crowd)


def test_the_version_changes_with_the_sample(model):
    other = model.sample.copy()
    other[0, 0] += 1e-9
    assert AnomalyModel(other).version != model.version


def test_drivers_name_what_is_far_above_the_usual(crowd, model):
    odd = with_outlier(crowd, "payees", 1e6)
    assert model.drivers(odd)[-1] == [FEATURES["payees"]]


def test_an_account_like_the_others_has_no_drivers(crowd, model):
    usual = rows(["mm"], np.median(crowd.values, axis=0)[None, :])
    assert model.drivers(usual) == [[]]


def test_the_strongest_drivers_come_first_and_are_few(model):
    row = np.median(model.sample, axis=0)
    row[:5] += np.array([20.0, 40.0, 30.0, 50.0, 60.0]) * 1.4826
    (found,) = model.drivers(rows(["zz"], row[None, :]))
    assert len(found) == MAX_DRIVERS
    assert set(found) <= set(list(FEATURES.values())[:5])


def test_a_feature_that_most_do_not_have_is_still_a_driver():
    values = np.zeros((200, len(FEATURES)))
    values[:10, list(FEATURES).index("referrals")] = 1.0
    model = AnomalyModel(values)
    odd = np.zeros((1, len(FEATURES)))
    odd[0, list(FEATURES).index("referrals")] = 5.0
    assert model.drivers(rows(["zz"], odd)) == [[FEATURES["referrals"]]]


def test_a_sample_of_equals_has_neither_drivers_nor_unusual_accounts():
    model = AnomalyModel(np.ones((50, len(FEATURES))))
    same = rows(["a"], np.ones((1, len(FEATURES))))
    assert model.score(same) == [0]
    assert model.drivers(same) == [[]]


def test_without_accounts_there_is_nothing_to_say(crowd, model):
    empty = rows([], np.empty((0, len(FEATURES))))
    nobody = AnomalyModel.train(empty)
    assert nobody.score(crowd) == [0] * 600
    assert nobody.drivers(crowd) == [[]] * 600
    assert model.score(empty) == []
    assert model.drivers(empty) == []


def test_training_takes_a_sample_that_does_not_depend_on_order():
    count = SAMPLE_SIZE + 500
    values = np.zeros((count, len(FEATURES)))
    values[:, 0] = np.arange(count)
    ids = [f"a{n:06}" for n in range(count)]
    one = AnomalyModel.train(rows(ids, values)).sample[:, 0]
    other = AnomalyModel.train(rows(ids[::-1], values[::-1])).sample[:, 0]
    assert len(one) == SAMPLE_SIZE
    assert set(one) == set(other)
    # spread over all of them, not the first ones
    assert (one >= count / 2).sum() == pytest.approx(SAMPLE_SIZE / 2, rel=0.05)


def test_only_scores_and_drivers_that_changed_are_written(crowd, model):
    scores, drivers = model.score(crowd), model.drivers(crowd)
    stored: list[tuple[int | None, list[str] | None]] = list(zip(scores, drivers, strict=True))
    stored[3] = (None, None)
    stored[5] = (scores[5], ["many payees", *drivers[5]])
    stored[7] = (scores[7] + 1, drivers[7])
    features = Features(crowd.account_ids, crowd.values, stored, crowd.due)
    assert changed_scores(model, features) == [
        AccountScore(crowd.account_ids[n], scores[n], drivers[n]) for n in (3, 5, 7)
    ]
