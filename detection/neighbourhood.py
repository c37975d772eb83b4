"""What the accounts about an account are like: numbers of those it is linked to, two steps out."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from detection.shared import Ints, Longs

Values = NDArray[np.float64]


def co_users(users: Ints | Longs, keys: Ints | Longs, count: int) -> csr_array:
    """Who is linked to whom, accounts × accounts, 1 or 0: those who use the same thing.

    `users` and `keys` are the numbers of an account and of what it uses, one a use, each pair once.
    """
    things = int(keys.max()) + 1 if len(keys) else 0
    uses = csr_array((np.ones(len(users)), (users, keys)), shape=(count, things))
    links = (uses @ uses.T).tocoo()
    others = links.row != links.col
    ones = np.ones(int(others.sum()))
    return csr_array((ones, (links.row[others], links.col[others])), shape=(count, count))


def around(values: Values, links: csr_array) -> Values:
    """What those about each account are like, accounts × (4 × features + 1).

    Mean and spread of its neighbours' values, mean and spread of the means of theirs, and
    log(1 + number of neighbours); 0 for who has none. `links` is symmetric and has nobody linked to
    itself. Two rounds of averages without weights to learn are what a simple graph network sees
    (Wu et al. 2019); the spreads are ours.
    """
    degree = np.asarray(links.sum(axis=1), np.float64).reshape(-1, 1)
    mean, spread = _of_neighbours(values, links, degree)
    mean_of_means, spread_of_means = _of_neighbours(mean, links, degree)
    return np.hstack([mean, spread, mean_of_means, spread_of_means, np.log1p(degree)])


def _of_neighbours(values: Values, links: Any, degree: Values) -> tuple[Values, Values]:
    count = np.maximum(degree, 1.0)
    mean = links @ values / count
    # the square of the mean is a hair above where all have the same
    spread = np.sqrt(np.maximum(links @ values**2 / count - mean**2, 0.0))
    return mean, spread
