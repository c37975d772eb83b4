"""The crowd workers of tests/data/tolokers, as a detector takes them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from detection.neighbourhood import Values, around

_FILE = Path(__file__).parent / "data" / "tolokers" / "tolokers.npz"
Mask = NDArray[np.bool_]


def read_tolokers() -> tuple[Values, Values, Mask, list[tuple[Mask, Mask]]]:
    """Their own numbers, these with their neighbours', who is banned, who is to train and test."""
    data = np.load(_FILE)
    own, is_banned = data["node_features"].astype(float), data["node_labels"].astype(bool)
    pairs = np.concatenate([data["edges"], data["edges"][:, ::-1]])
    ones = np.ones(len(pairs))
    links = csr_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(len(own), len(own)))
    wide = np.hstack([own, around(own, links)])
    return own, wide, is_banned, list(zip(data["train_masks"], data["test_masks"], strict=True))
