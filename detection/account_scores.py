"""Account scores, kept in the graph: how unusual the archive says each account is, and in what."""

import hashlib
import logging
import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from detection.detectors import AutoEncoder, Detector, Forest, RobustZ, UpperTails, Values
from detection.features import FEATURES, Features, read_features
from graph.archive import Archive
from graph.deny_list import DenyList
from graph.dispositions import read_benign_keys
from graph.store import GraphStore
from graph.times import DAY_MS

log = logging.getLogger("ringtrace.detection")

#: by the name that the settings know them by
DETECTORS: dict[str, type[Detector]] = {
    "tails": UpperTails,
    "robust-z": RobustZ,
    "forest": Forest,
    "autoencoder": AutoEncoder,
}
#: accounts that a detector is made of at most, and fewest that say what is usual
SAMPLE_SIZE, ENOUGH = 20_000, 1_000
#: share of the sample up to which a feature is named as a driver
DRIVER_SHARE = 0.05
MAX_DRIVERS = 3
#: points for each tenth: one account of ten, of a hundred, of a thousand, of ten thousand
_A_TENTH = 25
_NOTHING = DenyList()


class AccountModel:
    """A detector, and the sample it was made of as its scale."""

    def __init__(self, detector: type[Detector], features: Features) -> None:
        """Learn what is usual from at most SAMPLE_SIZE accounts, chosen by a hash of their ids."""
        sample = features.values[_sample(features.account_ids)]
        self._none = not len(sample)
        if self._none:
            return
        self._detector = detector(sample)
        self._tails = UpperTails(sample)
        self._scale = UpperTails(_rounded(self._detector, sample))

    def score(self, features: Features) -> NDArray[np.int64]:
        """0 to 100 for each account: 25 for one in ten, 50 for one in a hundred, and so on.

        That is the share of the sample that is as unusual or more, on a scale of logarithms.
        """
        if self._none or not features.account_ids:
            return np.zeros(len(features.account_ids), np.int64)
        rarity = self._scale.parts(_rounded(self._detector, features.values))[:, 0]
        return np.minimum(np.floor(rarity / math.log(10) * _A_TENTH), 100).astype(np.int64)

    def drivers(self, features: Features) -> list[list[str]]:
        """For each account what drove its score, in words, strongest first.

        Features in which few others have as much, in the order of what the detector says they had
        to do with it.
        """
        if self._none or not features.account_ids:
            return [[] for _ in features.account_ids]
        shares = np.exp(-self._tails.parts(features.values))
        # what is 0 is high for nobody
        is_high = (shares <= DRIVER_SHARE) & (features.values > 0)
        parts = np.where(is_high, self._detector.parts(features.values), -1.0)
        order = np.argsort(-parts, axis=1, kind="stable")[:, :MAX_DRIVERS]
        words = list(FEATURES.values())
        found: list[list[str]] = [[] for _ in features.account_ids]
        for row in np.flatnonzero(is_high.any(axis=1)).tolist():
            few = [n for n in order[row].tolist() if is_high[row, n]]
            found[row] = [f"{words[n]} (top {_percent(shares[row, n])} %)" for n in few]
        return found


def _sample(account_ids: list[str]) -> list[int]:
    if len(account_ids) <= SAMPLE_SIZE:
        return list(range(len(account_ids)))
    digests = [hashlib.blake2b(a.encode(), digest_size=8).digest() for a in account_ids]
    order = sorted(range(len(account_ids)), key=digests.__getitem__)
    return sorted(order[:SAMPLE_SIZE])


def _rounded(detector: Detector, values: Values) -> Values:
    """So that the last bit of a sum never decides a rank; one column."""
    found: Values = np.round(detector.unusual(values), 9)[:, None]
    return found


def _percent(share: float) -> str:
    """A share rounded up to one digit: 5, 0.3; no less than a sample can tell.

    >>> _percent(0.041), _percent(0.0021), _percent(0.0)
    ('5', '0.3', '0.01')
    """
    percent = max(share * 100, 0.01)
    digits = max(-math.floor(math.log10(percent)), 0)
    # the last bit of an exponential must not round up
    return f"{math.ceil(round(percent * 10**digits, 6)) / 10**digits:.{digits}f}"


def keep_scores(
    store: GraphStore, archive: Archive, detector: str, denied: DenyList = _NOTHING
) -> int:
    """Bring the scores in the graph up to what the archive says; how many changed.

    A score is a function of the events up to the graph's time: what is usual is learnt from the
    accounts as they stood when the day (UTC) began, or stand now where those are not ENOUGH.
    Everything is looked at again: a million events and accounts take some ten seconds.
    """
    now = store.read("detection/read_now")[0]["now"] or 0
    denied = denied.with_keys(read_benign_keys(store))
    features = read_features(archive, now, denied)
    scored = score_accounts(archive, detector, features, now, denied)
    stored = {
        row[0]: (row[1], row[2])
        for row in store.read_about("detection/read_scores", features.account_ids)
    }
    rows = [
        [account_id, score, drivers]
        for account_id, (score, drivers) in zip(features.account_ids, scored, strict=True)
        if account_id in stored and stored[account_id] != (score, drivers)
    ]
    store.write_rows("detection/save_scores", rows)
    if rows:
        log.info("%d accounts have another score", len(rows))
    return len(rows)


def score_accounts(
    archive: Archive, detector: str, features: Features, now: int, denied: DenyList = _NOTHING
) -> list[tuple[int, list[str]]]:
    """The score of each account at `now`, milliseconds, and what drove it."""
    day = now // DAY_MS * DAY_MS
    model = _model_of_day(archive, detector, day, archive.count(0, day), denied)
    if model is None:
        model = AccountModel(DETECTORS[detector], features)
    return list(zip(model.score(features).tolist(), model.drivers(features), strict=True))


@lru_cache(maxsize=1)
def _model_of_day(
    archive: Archive, detector: str, day: int, count: int, denied: DenyList
) -> AccountModel | None:
    """What was usual when a day began; `count` events were before, of which some come late."""
    if not count:
        return None
    features = read_features(archive, day - 1, denied)
    if len(features.account_ids) < ENOUGH:
        return None
    return AccountModel(DETECTORS[detector], features)
