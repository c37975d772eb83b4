"""Account detectors: how unusual an account's numbers are among those of a sample.

One protocol. Each is made of a sample of accounts (float64, accounts × features, log(1 + value))
and fixed seeds, two also of what somebody said of accounts: the same of all is the same detector.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
#: of the forest, and times that the network sees the sample
TREES, PASSES = 300, 50
#: of the boosted ones, and fewest examples of bad accounts and of others to teach them
BOOSTED_TREES, EXAMPLES = 200, 50
#: how far one account moves what is learnt
RATE = 0.001
#: share of the sample whose odds of being bad are even before anything is learnt
_EVEN = 0.01
#: nothing counts for more than this many deviations: one number must not decide alone
_MOST = 10.0


class Detector(Protocol):
    """What says how unusual accounts are."""

    def unusual(self, values: Values) -> Values:
        """A number for each account, the higher the more unusual, on no scale of its own."""

    def parts(self, values: Values) -> Values:
        """What each feature had to do with it, accounts × features, 0 for nothing."""


class UpperTails:
    """The sum over features of −log of the share of the sample that has as much or more.

    ECOD (Li et al. 2022) with upper tails only: features are directed. Such a sum is Fisher's
    for independent features (1932); these are not, so it ranks and is no p-value. It sees no odd
    combination of usual numbers, and who is odd in one number only is behind who is in several.
    """

    def __init__(self, sample: Values) -> None:
        self._sorted = np.sort(sample, axis=0)

    def parts(self, values: Values) -> Values:
        """−log of the share, with the account itself counted in."""
        count = len(self._sorted)
        least = np.column_stack(
            [
                np.searchsorted(known, column, side="left")
                for known, column in zip(self._sorted.T, values.T, strict=True)
            ]
        )
        found: Values = -np.log((count - least + 1) / (count + 1))
        return found

    def unusual(self, values: Values) -> Values:
        """The sum of the parts."""
        found: Values = self.parts(values).sum(axis=1)
        return found


class RobustZ:
    """How many robust deviations the features are above the median, as a root of squares.

    By the median absolute deviation (Iglewicz and Hoaglin 1993), by the mean one where most
    accounts have the same value: what hardly anybody has then counts for much.
    """

    def __init__(self, sample: Values) -> None:
        self._median = np.median(sample, axis=0)
        apart = np.abs(sample - self._median)
        spread, mean = 1.4826 * np.median(apart, axis=0), 1.2533 * np.mean(apart, axis=0)
        self._scale = np.where(spread > 0, spread, mean)

    def parts(self, values: Values) -> Values:
        """Deviations above the median."""
        above = values - self._median
        # where all have the same, more than that counts for all it can
        z = np.where(above > 0, _MOST, 0.0)
        np.divide(above, self._scale, where=self._scale > 0, out=z)
        return np.clip(z, 0, _MOST)

    def unusual(self, values: Values) -> Values:
        """The root of the sum of squares."""
        found: Values = np.sqrt((self.parts(values) ** 2).sum(axis=1))
        return found


class Forest:
    """Isolation Forest (Liu, Ting, Zhou 2008).

    It sees odd combinations, and knows no direction: an account that does very little is as odd as
    one that does very much. It does not work well when anomalies are packed together. Two seeds
    agreed on only 80 % of the top 1 % with 100 trees.
    """

    def __init__(self, sample: Values) -> None:
        # imported here: it is half the start-up time of every command, and few need it
        from sklearn.ensemble import IsolationForest

        self._tails = UpperTails(sample)
        self._forest: Any = IsolationForest(n_estimators=TREES, random_state=0).fit(sample)

    def parts(self, values: Values) -> Values:
        """Upper tails: a forest says nothing of single features."""
        return self._tails.parts(values)

    def unusual(self, values: Values) -> Values:
        """One minus the depth at which trees tell an account apart, on the paper's scale."""
        found: Values = -self._forest.score_samples(values)
        return found


class AutoEncoder:
    """How badly a small neural network rebuilds an account from half as many numbers.

    It sees accounts whose numbers do not go together as those of others do (Hawkins et al. 2002);
    where all go together, as in a sample of copies, it sees nothing.
    """

    def __init__(self, sample: Values) -> None:
        from sklearn.neural_network import MLPRegressor

        self._mean = sample.mean(axis=0)
        self._scale = np.where(sample.std(axis=0) > 0, sample.std(axis=0), 1.0)
        self._network: Any = MLPRegressor(
            hidden_layer_sizes=(max(sample.shape[1] // 2, 1),),
            activation="tanh",
            random_state=0,
        )
        scaled = self._scaled(sample)
        for _ in range(PASSES):
            self._network.partial_fit(scaled, scaled)

    def _scaled(self, values: Values) -> Values:
        found: Values = np.clip((values - self._mean) / self._scale, -_MOST, _MOST)
        return found

    def parts(self, values: Values) -> Values:
        """The square of what each feature lacks or has too much."""
        scaled = self._scaled(values)
        found: Values = (scaled - self._network.predict(scaled)) ** 2
        return found

    def unusual(self, values: Values) -> Values:
        """The mean of the parts."""
        found: Values = self.parts(values).mean(axis=1)
        return found


@dataclass(frozen=True, slots=True)
class Lessons:
    """What investigators taught: a weight for each feature, and the log odds of who has none."""

    weights: tuple[float, ...]
    intercept: float


class Learned:
    """Upper tails, each times a weight that is learnt from what investigators said.

    Logistic regression by stochastic gradient descent (Bottou 2010), an account at a time and each
    once, from weights of 1: without lessons it is UpperTails, and some wrong ones move it little. A
    weight never falls below 0. It learns from rings that somebody looked at, and knows nothing of
    others; what was taken back it does not forget.
    """

    def __init__(self, sample: Values, lessons: Lessons | None = None) -> None:
        self._tails = UpperTails(sample)
        if lessons is None:
            even = float(np.quantile(self._tails.unusual(sample), 1 - _EVEN))
            lessons = Lessons((1.0,) * sample.shape[1], -even)
        self._weights, self._intercept = np.array(lessons.weights), lessons.intercept

    @property
    def lessons(self) -> Lessons:
        """What it has learnt."""
        return Lessons(tuple(self._weights.tolist()), self._intercept)

    def learn(self, values: Values, is_bad: NDArray[np.bool_]) -> None:
        """Take in some accounts that somebody judged, in this order."""
        from sklearn.linear_model import SGDClassifier

        classifier: Any = SGDClassifier(
            loss="log_loss", alpha=0.0, learning_rate="constant", eta0=RATE, shuffle=False
        )
        # a lesson about nobody, for it to take weights from elsewhere
        nobody = np.zeros((2, len(self._weights)))
        classifier.partial_fit(nobody, [0, 1], classes=[0, 1])
        classifier.coef_, classifier.intercept_ = self._weights[None, :], [self._intercept]
        classifier.partial_fit(self._tails.parts(values), is_bad.astype(np.int64))
        self._weights = np.maximum(classifier.coef_[0], 0.0)
        self._intercept = float(classifier.intercept_[0])

    def parts(self, values: Values) -> Values:
        """Upper tails times their weights."""
        found: Values = self._tails.parts(values) * self._weights
        return found

    def unusual(self, values: Values) -> Values:
        """The sum of the parts."""
        found: Values = self.parts(values).sum(axis=1)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Accounts of which somebody said what they are."""

    values: Values
    is_bad: NDArray[np.bool_]

    @property
    def is_enough(self) -> bool:
        """Whether there are EXAMPLES of both."""
        bad = int(self.is_bad.sum())
        return min(bad, len(self.is_bad) - bad) >= EXAMPLES


class Boosted:
    """Gradient-boosted trees (Friedman 2001; scikit-learn's by histograms) taught by examples.

    Made for an account's own numbers beside those of who is around it (detection.neighbourhood).
    Until there are examples enough it is UpperTails. It knows nothing of what no example was like,
    and less the longer ago they are.
    """

    def __init__(self, sample: Values, examples: Examples | None = None) -> None:
        self._tails = UpperTails(sample)
        self._trees: Any = None
        if examples is not None and examples.is_enough:
            from sklearn.ensemble import HistGradientBoostingClassifier

            self._trees = HistGradientBoostingClassifier(
                max_iter=BOOSTED_TREES,
                learning_rate=0.05,
                max_leaf_nodes=15,
                l2_regularization=1.0,
                max_features=0.3,
                early_stopping=False,
                random_state=0,
            ).fit(examples.values, examples.is_bad)

    def parts(self, values: Values) -> Values:
        """Upper tails: trees say nothing of single features."""
        return self._tails.parts(values)

    def unusual(self, values: Values) -> Values:
        """The log odds of being bad."""
        if self._trees is None:
            return self._tails.unusual(values)
        found: Values = self._trees.decision_function(values)
        return found


#: by the name that the settings know them by: what makes one of a sample of at least one row
DETECTORS: dict[str, Callable[[Values], Detector]] = {
    "tails": UpperTails,
    "robust-z": RobustZ,
    "forest": Forest,
    "autoencoder": AutoEncoder,
    "learned": Learned,
    "boosted": Boosted,
}


def detector_of(
    name: str, lessons: Lessons | None = None, examples: Examples | None = None
) -> Callable[[Values], Detector]:
    """What makes the detector of this name; lessons are for `learned`, examples for `boosted`."""
    match name:
        case "learned":
            return partial(Learned, lessons=lessons)
        case "boosted":
            return partial(Boosted, examples=examples)
    return DETECTORS[name]
