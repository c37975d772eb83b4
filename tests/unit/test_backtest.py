import numpy as np
import pytest

from detection.backtest import count_hits
from detection.evaluation import Truth

TRUTH = Truth({"a": 0, "b": 1, "c": 2, "d": 3}, np.array([True, True, False, False]), None)


def test_what_a_rule_flags_is_compared_with_the_truth():
    found = count_hits("some", {"a", "c", "stranger"}, TRUTH)
    assert (found.flagged, found.labelled_1, found.labelled_0) == (3, 1, 1)
    assert found.precision == found.recall == 0.5
    assert found.lift == 1.0
    assert found.lower == pytest.approx(0.0945, abs=1e-4)
    assert found.upper == pytest.approx(0.9055, abs=1e-4)


def test_a_rule_that_flags_nobody_has_no_precision():
    found = count_hits("none", set(), TRUTH)
    assert (found.precision, found.lower, found.upper, found.lift) == (None,) * 4
    assert (found.flagged, found.recall) == (0, 0.0)
