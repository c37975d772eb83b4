"""What investigators said, as lessons and examples for the detectors that learn."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from detection.detectors import Examples, Learned, Lessons
from detection.features import FEATURES, Features
from graph.dispositions import Conclusion
from graph.store import GraphStore, Row, Transaction
from graph.times import DAY_MS

#: how long somebody is an example
LESSON_DAYS = 30


def read_lessons(store: GraphStore) -> tuple[Lessons | None, int]:
    """What was learnt, and the number of the last disposition of it; None before the first."""
    for row in store.read("detection/read_lessons"):
        # of another version's features nothing is known
        if row["features"] == list(FEATURES):
            return Lessons(tuple(row["weights"]), row["intercept"]), row["until"]
    return None, 0


def learn_from_dispositions(
    store: GraphStore, usual: Features, present: Features
) -> Lessons | None:
    """Take in what was said of rings since the last time, in its order, each once; what is known.

    Members of a confirmed ring are bad, those excluded from it and those of a dismissed ring are
    not. An account is seen as it is now, a minute or so after somebody judged it. `usual` are the
    accounts that say what is usual, `present` all. None before the first lesson.
    """
    known, until = read_lessons(store)
    rows = store.read("detection/new_labels", since=until)
    if not rows or not usual.account_ids:
        return known
    detector = Learned(usual.values, known)
    place = {account_id: number for number, account_id in enumerate(present.account_ids)}
    for row in rows:
        is_bad = _labels(row)
        about = sorted(is_bad.keys() & place.keys())
        if about:
            values = present.values[[place[account_id] for account_id in about]]
            detector.learn(values, np.array([is_bad[account_id] for account_id in about]))
    learnt = detector.lessons
    store.write(
        partial(
            Transaction.run,
            name="detection/save_lessons",
            features=list(FEATURES),
            weights=list(learnt.weights),
            intercept=learnt.intercept,
            since=until,
            until=rows[-1]["number"],
        )
    )
    return learnt


def read_labels(store: GraphStore) -> dict[str, bool]:
    """Which accounts are bad by what was said of their rings last, and which are not.

    As far as it was said in the last LESSON_DAYS before the last word of all: those of longer ago
    do not act any more as they did when they were judged.
    """
    rows = store.read("detection/judged_accounts")
    since = max((row["at"] for row in rows), default=0) - LESSON_DAYS * DAY_MS
    labels: dict[str, bool] = {}
    for row in rows:
        if row["at"] >= since:
            labels |= _labels(row)
    return labels


def _labels(row: Row) -> dict[str, bool]:
    is_bad = dict.fromkeys(row["account_ids"], row["disposition"] == Conclusion.CONFIRMED)
    return is_bad | dict.fromkeys(row["excluded_account_ids"], False)


def examples_of(features: Features, labels: Mapping[str, bool]) -> Examples:
    """The accounts that have a label, as examples."""
    known = [n for n, account_id in enumerate(features.account_ids) if account_id in labels]
    is_bad = [labels[features.account_ids[n]] for n in known]
    return Examples(features.values[known], np.array(is_bad, np.bool_))
