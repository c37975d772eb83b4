"""Account scores, kept in the graph: how unusual the archive says each account is, and in what."""

import hashlib
import logging
import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from detection.detectors import (
    EXAMPLES,
    Detector,
    Lessons,
    UpperTails,
    Values,
    detector_of,
)
from detection.experiments import is_in_experiment
from detection.features import FEATURES, Features, own, read_features, with_neighbours
from detection.learning import examples_of, learn_from_dispositions, read_labels
from detection.settings import DetectionSettings
from graph.archive import Archive
from graph.deny_list import DenyList
from graph.dispositions import read_benign_keys
from graph.store import GraphStore
from graph.times import DAY_MS

log = logging.getLogger("ringtrace.detection")

#: accounts that a detector is made of at most, and fewest that say what is usual
SAMPLE_SIZE, ENOUGH = 20_000, 1_000
#: share of the sample up to which a feature is named as a driver
DRIVER_SHARE = 0.05
MAX_DRIVERS = 3
#: points for each tenth: one account of ten, of a hundred, of a thousand, of ten thousand
_A_TENTH = 25
_NOTHING = DenyList()

#: a score of 0 to 100 and what drove it, in words
Verdict = tuple[int, list[str]]
_NO_SCORE: tuple[None, None] = (None, None)


class AccountModel:
    """A detector, and the sample it was made of as its scale."""

    def __init__(self, make: Callable[[Values], Detector], sample: Features) -> None:
        """Learn what is usual; of a sample of nobody, nothing is unusual."""
        self._none = not sample.account_ids
        if self._none:
            return
        self._detector = make(sample.values)
        self._tails = UpperTails(own(sample).values)
        self._scale = UpperTails(_rounded(self._detector, sample.values))

    def score(self, features: Features) -> NDArray[np.int64]:
        """0 to 100 for each account: 25 for one in ten, 50 for one in a hundred, and so on.

        That is the share of the sample that is as unusual or more, on a scale of logarithms.
        """
        if self._none or not features.account_ids:
            return np.zeros(len(features.account_ids), np.int64)
        rarity = self._scale.parts(_rounded(self._detector, features.values))[:, 0]
        # rounded, for a tenth of a tenth to be 50 on every machine
        points = np.floor(np.round(rarity / math.log(10) * _A_TENTH, 9))
        return np.minimum(points, 100).astype(np.int64)

    def verdicts(self, features: Features) -> list[Verdict]:
        """Score and drivers of each account."""
        return list(zip(self.score(features).tolist(), self.drivers(features), strict=True))

    def drivers(self, features: Features) -> list[list[str]]:
        """For each account what drove its score, in words, strongest first.

        Features in which few others have as much, in the order of what the detector says they had
        to do with it.
        """
        if self._none or not features.account_ids:
            return [[] for _ in features.account_ids]
        values = own(features).values
        shares = np.exp(-self._tails.parts(values))
        parts = self._detector.parts(features.values)[:, : values.shape[1]]
        # what is 0 is high for nobody
        is_high = (shares <= DRIVER_SHARE) & (values > 0) & (parts > 0)
        parts = np.where(is_high, parts, -1.0)
        order = np.argsort(-parts, axis=1, kind="stable")[:, :MAX_DRIVERS]
        words = list(FEATURES.values())
        found: list[list[str]] = [[] for _ in features.account_ids]
        for row in np.flatnonzero(is_high.any(axis=1)).tolist():
            few = [n for n in order[row].tolist() if is_high[row, n]]
            found[row] = [f"{words[n]} (top {_percent(shares[row, n])} %)" for n in few]
        return found


def sampled(features: Features) -> Features:
    """At most SAMPLE_SIZE of the accounts, chosen by a hash of their ids."""
    ids = features.account_ids
    if len(ids) <= SAMPLE_SIZE:
        return features
    digests = [hashlib.blake2b(a.encode(), digest_size=8).digest() for a in ids]
    chosen = sorted(sorted(range(len(ids)), key=digests.__getitem__)[:SAMPLE_SIZE])
    return Features([ids[n] for n in chosen], features.values[chosen])


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
    store: GraphStore, archive: Archive, settings: DetectionSettings, denied: DenyList = _NOTHING
) -> int:
    """Bring the scores in the graph up to what the archive says; how many accounts changed.

    A score is a function of the events up to the graph's time: what is usual is learnt from the
    accounts as they stood when the day (UTC) began, or stand now where those are not ENOUGH. A
    challenger scores beside, and what it says is seen in `ringtrace detectors` only; in components
    of an experiment it is the other way round. Everything is looked at again: a million events and
    accounts take some ten seconds.
    """
    now = store.read("detection/read_now")[0]["now"] or 0
    denied = denied.with_keys(read_benign_keys(store))
    features = read_features(archive, now, denied)
    usual = usual_accounts(archive, features, now, denied)

    def judge(name: str) -> list[Verdict]:
        if name == "boosted" and (boosted := _boosted(store, archive, now, denied)):
            return boosted.verdicts(with_neighbours(archive, features, now, denied))
        lessons = learn_from_dispositions(store, usual, features) if name == "learned" else None
        return _model(name, lessons, usual).verdicts(features)

    live, other = judge(settings.detector), settings.challenger and judge(settings.challenger)
    found = dict(zip(features.account_ids, live, strict=True))
    shadow = dict(zip(features.account_ids, other or (), strict=bool(other)))
    rows, share = [], settings.experiment_share
    for account_id, component, *stored in store.read_values("detection/read_scores"):
        is_in = is_in_experiment(str(settings.challenger), component or account_id, share)
        one, two = found.get(account_id, _NO_SCORE), shadow.get(account_id, _NO_SCORE)
        if is_in:
            one, two = two, one
        # whose events have expired has no score any more
        scored = [*one, two[0], is_in or None]
        if stored != scored:
            rows.append([account_id, *scored])
    store.write_rows("detection/save_scores", rows)
    if rows:
        log.info("%d accounts have another score", len(rows))
    return len(rows)


def score_accounts(
    archive: Archive,
    make: Callable[[Values], Detector],
    features: Features,
    now: int,
    denied: DenyList = _NOTHING,
) -> list[Verdict]:
    """The score of each account at `now`, milliseconds, and what drove it."""
    return AccountModel(make, usual_accounts(archive, features, now, denied)).verdicts(features)


def usual_accounts(
    archive: Archive, present: Features, now: int, denied: DenyList = _NOTHING
) -> Features:
    """Those that say what is usual at `now`, milliseconds, when there are these accounts."""
    day = now // DAY_MS * DAY_MS
    # of the events before some may come late
    return _sample_of_day(archive, day, archive.count(0, day), denied) or sampled(present)


@lru_cache(maxsize=1)
def _sample_of_day(archive: Archive, day: int, count: int, denied: DenyList) -> Features | None:
    """Some of the accounts as they stood when a day began, after `count` events; None for few."""
    sample = sampled(read_features(archive, day - 1, denied)) if count else None
    return sample if sample and len(sample.account_ids) >= ENOUGH else None


@lru_cache(maxsize=2)
def _model(name: str, lessons: Lessons | None, usual: Features) -> AccountModel:
    return AccountModel(detector_of(name, lessons), usual)


def _boosted(
    store: GraphStore, archive: Archive, now: int, denied: DenyList
) -> AccountModel | None:
    """Taught by the judged accounts as they stood when the day began; None for too few."""
    day, labels = now // DAY_MS * DAY_MS, tuple(sorted(read_labels(store).items()))
    return _boosted_of_day(archive, day, archive.count(0, day), denied, labels)


@lru_cache(maxsize=1)
def _boosted_of_day(
    archive: Archive, day: int, count: int, denied: DenyList, labels: tuple[tuple[str, bool], ...]
) -> AccountModel | None:
    bad = sum(is_bad for _, is_bad in labels)
    if not count or min(bad, len(labels) - bad) < EXAMPLES:
        return None
    past = read_features(archive, day - 1, denied)
    past = with_neighbours(archive, past, day - 1, denied)
    examples = examples_of(past, dict(labels))
    if not examples.is_enough:
        return None
    return AccountModel(detector_of("boosted", examples=examples), sampled(past))
