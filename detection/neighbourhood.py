"""What the accounts about an account are like: numbers of those it is linked to, two steps out."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from detection.shared import Longs

Values = NDArray[np.float64]


class Links(Protocol):
    """Who is linked to whom, as a matrix accounts × accounts of which only products are needed."""

    def __matmul__(self, values: Values) -> Values:
        """For each account the sum of its neighbours' rows."""


class CoUses:
    """Links between accounts that use the same things, one for each thing.

    The matrix itself is never made: a value that fifty use is two thousand pairs. `users` and
    `keys` are the numbers of an account and of what it uses, one a use, each pair once.
    """

    def __init__(self, users: Longs, keys: Longs, count: int) -> None:
        things = int(keys.max()) + 1 if len(keys) else 0
        self._uses = csr_array((np.ones(len(users)), (users, keys)), shape=(count, things))
        # what each has in common with itself
        self._own = np.bincount(users, minlength=count).astype(np.float64)[:, None]

    def __matmul__(self, values: Values) -> Values:
        """For each account the sum of the rows of who uses what it uses."""
        found: Values = self._uses @ (self._uses.T @ values) - self._own * values
        return found


def around(values: Values, links: Links) -> Values:
    """What those about each account are like, accounts × (4 × features + 1).

    Mean and spread of its neighbours' values, mean and spread of the means of theirs, and
    log(1 + number of links); 0 for who has none. `links` is symmetric and has nobody linked to
    itself; who is linked twice counts twice. Two rounds of averages without weights to learn are
    what a simple graph network sees (Wu et al. 2019); the spreads are ours.
    """
    degree = links @ np.ones((len(values), 1))
    mean, spread = _of_neighbours(values, links, degree)
    mean_of_means, spread_of_means = _of_neighbours(mean, links, degree)
    found = np.hstack([mean, spread, mean_of_means, spread_of_means, np.log1p(degree)])
    # sums go by what is used, in the order of tokens that each installation draws for itself, and
    # a spread of nothing is the root of their last bit: neither may tell accounts apart
    rounded: Values = np.round(found, 6)
    return rounded


def _of_neighbours(values: Values, links: Links, degree: Values) -> tuple[Values, Values]:
    count = np.maximum(degree, 1.0)
    mean = links @ values / count
    # the square of the mean is a hair above where all have the same
    spread = np.sqrt(np.maximum(links @ values**2 / count - mean**2, 0.0))
    return mean, spread
