"""Account anomaly scores by Isolation Forest (Liu, Ting, Zhou 2008)."""

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detection.features import FEATURES, Features
from graph.store import GraphStore, Transaction

#: accounts a model is trained on at most
SAMPLE_SIZE = 20_000
#: two seeds agreed on only 80 % of the top 1 % with 100 trees
TREES = 300
#: robust z-score from which a feature is named as a driver (Iglewicz and Hoaglin 1993)
DRIVER_Z = 3.5
MAX_DRIVERS = 3


@dataclass(frozen=True)
class AnomalyModel:
    """A forest over a sample of accounts; the sample and a fixed seed are the whole model.

    A high score is unusual, not guilty. It does not work well when anomalies are packed together
    (a large ring of like accounts is a mode of its own) or when most accounts are anomalous.
    """

    #: accounts × features
    sample: NDArray[np.float64]

    @classmethod
    def train(cls, features: Features) -> "AnomalyModel":
        """A model of at most SAMPLE_SIZE accounts, chosen by a hash of their ids."""
        order = sorted(
            range(len(features.account_ids)),
            key=lambda n: hashlib.blake2b(features.account_ids[n].encode()).digest(),
        )
        return cls(features.values[sorted(order[:SAMPLE_SIZE])])

    @property
    def version(self) -> str:
        """Changes with the sample and with the features."""
        text = ",".join(FEATURES).encode() + self.sample.tobytes()
        return "iforest-" + hashlib.blake2b(text, digest_size=6).hexdigest()

    @cached_property
    def _forest(self) -> Any:
        # imported here: it is half the start-up time of every command, and one needs it
        from sklearn.ensemble import IsolationForest

        return IsolationForest(n_estimators=TREES, random_state=0).fit(self.sample)

    @cached_property
    def _sample_scores(self) -> NDArray[np.float64]:
        return np.sort(self._scores(self.sample))

    @cached_property
    def _usual(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Median and scale of each feature."""
        median = np.median(self.sample, axis=0)
        spread = 1.4826 * np.median(np.abs(self.sample - median), axis=0)
        # where most accounts have the same value the median deviation is 0: use the mean one
        fallback = 1.2533 * np.mean(np.abs(self.sample - median), axis=0)
        return median, np.where(spread > 0, spread, fallback)

    def _scores(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        # rounded, so that the last bit of a sum never decides a rank
        scores: NDArray[np.float64] = np.round(-self._forest.score_samples(values), 9)
        return scores

    def score(self, features: Features) -> list[int]:
        """0 to 100 for each account: the share of the sample that is less unusual."""
        if not len(self.sample) or not features.account_ids:
            return [0] * len(features.account_ids)
        below = np.searchsorted(self._sample_scores, self._scores(features.values), side="left")
        return [int(score) for score in below * 100 // len(self.sample)]

    def drivers(self, features: Features) -> list[list[str]]:
        """For each account the features far above the usual, strongest first, in words."""
        if not len(self.sample):
            return [[] for _ in features.account_ids]
        median, scale = self._usual
        z = np.divide(
            features.values - median, scale, where=scale > 0, out=np.zeros_like(features.values)
        )
        words = list(FEATURES.values())
        order = np.argsort(-z, axis=1, kind="stable")[:, :MAX_DRIVERS]
        return [
            [words[n] for n in columns if row[n] >= DRIVER_Z]
            for row, columns in zip(z, order.tolist(), strict=True)
        ]


@dataclass(frozen=True, slots=True)
class AccountScore:
    """What an account's score becomes."""

    account_id: str
    #: 0 to 100
    score: int
    #: features that drove it, in words
    drivers: list[str]


def present_model(store: GraphStore, features: Features, train: bool) -> AnomalyModel:
    """The model of the last full pass; with `train`, and in the very first run, a new one."""
    model = None if train else read_model(store)
    return model or AnomalyModel.train(features)


def changed_scores(model: AnomalyModel, features: Features) -> list[AccountScore]:
    """The scores that are not what the graph has."""
    rows = zip(
        features.account_ids,
        model.score(features),
        model.drivers(features),
        features.stored,
        strict=True,
    )
    return [AccountScore(a, s, d) for a, s, d, stored in rows if (s, d) != stored]


@lru_cache(maxsize=1)
def _model(store: GraphStore, version: str) -> AnomalyModel | None:
    rows = store.read("detection/read_anomaly_model", version=version)
    if not rows or rows[0]["columns"] != len(FEATURES):
        return None
    sample = np.frombuffer(rows[0]["sample"], np.float64).reshape(-1, len(FEATURES))
    return AnomalyModel(sample)


def read_model(store: GraphStore) -> AnomalyModel | None:
    """The model of the last full pass; a process keeps it until there is another."""
    rows = store.read("detection/anomaly_model_version")
    return _model(store, rows[0]["version"]) if rows else None


def save_model(tx: Transaction, model: AnomalyModel, now: int) -> None:
    """Keep a model for the runs until the next full pass."""
    tx.run(
        "detection/save_anomaly_model",
        version=model.version,
        sample=model.sample.tobytes(),
        columns=len(FEATURES),
        trained_at=now,
    )
