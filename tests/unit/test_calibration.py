import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from detection.calibration import (
    CERTAINTY,
    DRIFTED,
    ENOUGH,
    MOST_FALSE,
    Calibration,
    Source,
    drift,
    histogram,
    simulated,
)

score_lists = st.lists(st.integers(0, 100), max_size=200)


def made(scores: list[int], source: Source = Source.TRUTH) -> Calibration:
    return Calibration(histogram(scores), histogram(scores), source)


@given(score_lists)
def test_the_threshold_is_the_lowest_that_keeps_the_promise(scores):
    found = made(scores)
    for score in range(101):
        above = sum(s >= score for s in scores)
        assert found.p_value(score) == (1 + above) / (len(scores) + 1)
        keeps = found.p_value(score) <= MOST_FALSE
        assert keeps == (score >= found.threshold)
    if len(scores) < ENOUGH:
        # too few to promise anything: no score is high enough
        assert found.threshold == 101
        assert not found.is_calibrated


@given(score_lists, st.integers(0, 100))
def test_the_bound_is_that_of_clopper_and_pearson(scores, score):
    found = made(scores)
    if not scores:
        assert found.bound(score) == 1.0
        return
    above = sum(s >= score for s in scores)
    exact = binomtest(above, len(scores), alternative="less")
    interval = exact.proportion_ci(confidence_level=CERTAINTY, method="exact")
    assert found.bound(score) == pytest.approx(interval.high)


def test_what_is_promised_is_kept_by_fresh_rings():
    """Over many calibrations: two of a hundred on average, and inside the bound nearly always."""
    chance = np.random.default_rng(1)
    shares, kept = [], []
    for _ in range(400):
        found = made(chance.binomial(100, 0.2, 200).tolist())
        fresh = chance.binomial(100, 0.2, 20_000)
        shares.append((fresh >= found.threshold).mean())
        # of a score that was chosen before
        kept.append((fresh >= 28).mean() <= found.bound(28))
    assert np.mean(shares) <= MOST_FALSE
    assert np.mean(kept) >= CERTAINTY - 0.03


def test_an_alert_says_how_sure_it_is():
    many = [0] * 200 + [60]
    assert made(many, Source.SIMULATED).says(50) == "not calibrated"
    assert made([0] * 20).says(50) == "not calibrated"
    assert made(many).says(50) == (
        "at most 2.4 % of benign rings score so high (95% certain, by 201 benign rings)"
    )
    calibration = made(many)
    frozen = Calibration(calibration.benign, calibration.everybody, Source.TRUTH, 0, True)
    assert "not calibrated any more" in frozen.says(50)


def test_drift_is_the_population_stability_index():
    half = histogram([5] * 200 + [100] * 200)
    other = histogram([5] * 300 + [95] * 100)
    assert drift(half, half) == pytest.approx(0)
    # by the formula, with half a ring in each of the eight empty bins
    total = 400 + 8 * 0.5
    old, new = np.array([200, 200]) / total, np.array([300, 100]) / total
    assert drift(half, other) == pytest.approx(float(((new - old) * np.log(new / old)).sum()))
    assert drift(half, histogram([45] * 400)) > DRIFTED  # type: ignore[operator]
    assert drift(half, histogram([5] * 48)) is None


@pytest.mark.parametrize("count", [49, 100, 400])
def test_chance_alone_is_hardly_ever_drift(count):
    chance = np.random.default_rng(2)
    drawn = (histogram(chance.integers(0, 101, count).tolist()) for _ in range(600))
    found = [drift(before, now) for before, now in zip(drawn, drawn, strict=True)]
    assert sum(index is not None and index >= DRIFTED for index in found) <= 3


def test_simulated_rings_stand_in_for_a_start():
    found = simulated()
    assert found.count >= 5 * ENOUGH
    assert not found.is_calibrated
    assert found.threshold <= 50
    assert sum(found.everybody) >= found.count
