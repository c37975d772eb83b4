"""How well account detectors would have told what became known: as of each month's end.

An account is scored by what had happened until then and nothing later. Two questions are asked: of
whom it became known in the month just ended, and of whom in the 90 days after.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from detection.account_scores import AccountModel, sampled, usual_accounts
from detection.detectors import Examples, Learned, Lessons, Values, detector_of
from detection.evaluation import Truth
from detection.features import FEATURES, Features, own, read_features, with_neighbours
from graph.archive import Archive
from graph.deny_list import DenyList
from graph.times import DAY_MS, millis

AHEAD_MS = 90 * DAY_MS
#: what a detector is to be better than
BASELINE = "spent_recently"
#: share of the accounts that somebody looks at
LOOKED_AT = 0.01
#: what is asked, and of whom: all, or those who paid or were paid
QUESTIONS = (("month", "all"), ("month", "paid"), ("next", "all"), ("next", "paid"))
_DRAWS = 2_000
_NEVER = 1 << 60
#: more than any month has
_MONTH_MS = 32 * DAY_MS
#: who had to do with money that went from one account to another
_PAID = """
WITH transfer AS (
    SELECT account_id, counterparty_account_id AS other FROM event
    WHERE counterparty_account_id IS NOT NULL AND type <> 'referral'
        AND outcome IS DISTINCT FROM 'failure'
)
SELECT account_id FROM transfer UNION SELECT other FROM transfer
"""
_NOTHING = DenyList()
Mask = NDArray[np.bool_]
Scores = NDArray[np.number]


@dataclass(frozen=True, slots=True)
class Cut:
    """The accounts as they stood at one instant, and what became known of them."""

    #: it, and the beginning of the month that ends here; milliseconds since 1970
    at: int
    begins: int
    #: up to when it is known who is bad
    told_until: int
    #: of the accounts that are asked about, with what their neighbours are like if that is wanted
    features: Features
    #: the accounts that say what is usual, without it, and some of all as they stand, with it
    usual: Features
    some: Features
    #: whether an account had to do with money that went from one account to another
    paid: Mask
    #: when each became known to be bad, milliseconds; far away for the others
    known_at: NDArray[np.int64]

    def asked(self, window: str) -> tuple[Mask, Mask]:
        """Who is asked about, and who of them is bad: not who was known before.

        Nobody, where it is not yet known who became bad in all of the window.
        """
        since, until = (
            (self.begins, self.at) if window == "month" else (self.at, self.at + AHEAD_MS)
        )
        asked = (self.known_at >= since) & (until <= self.told_until)
        return asked, asked & (self.known_at < until)


@dataclass(frozen=True, slots=True)
class Foresight:
    """How a detector would have done in one question, over all cuts."""

    detector: str
    window: str
    population: str
    cuts: int
    accounts: int
    bad: int
    #: the mean over cuts, and over bad accounts of all cuts (each against the others of its cut)
    auc: float
    auc_of_all: float
    #: share of the bad among the LOOKED_AT who score highest, the mean over cuts
    recall: float
    #: AUC of all beyond that of BASELINE, and its interval of 95 %: a bootstrap of the accounts
    gain: float
    lower: float
    upper: float


def cuts(
    archive: Archive,
    truth: Truth,
    until: int,
    denied: DenyList = _NOTHING,
    *,
    neighbours: bool = False,
) -> Iterator[Cut]:
    """The ends of the months (UTC) with somebody who became known in it, or in the 90 days after.

    None is before the archive's first event or after `until`, milliseconds since 1970. Only
    accounts that the truth names are asked about, and of those that are bad only those of which
    it says since when. What became known ends with the month of the last one: whom one would know
    of later cannot be asked about. What neighbours are like is looked at only if it is wanted.
    """
    known = {
        account_id: truth.since.get(n, _NEVER)
        for account_id, n in truth.numbers.items()
        if n in truth.since or not truth.is_member[n]
    }
    times = [at for at in known.values() if at < until]
    (first,) = archive.ask('SELECT min("at") AS "at" FROM event', until, {})["at"].to_pylist()
    if not times or first is None:
        return
    begins = max(_month(min(times) - AHEAD_MS), _month(first))
    told_until = _month(_month(max(times)) + _MONTH_MS)
    # from its first day on, a month is over
    while (end := _month(begins + _MONTH_MS)) <= min(until, told_until):
        features = read_features(archive, end - 1, denied)
        usual = usual_accounts(archive, features, end - 1, denied)
        if neighbours:
            features = with_neighbours(archive, features, end - 1, denied)
        named = [n for n, a in enumerate(features.account_ids) if a in known]
        ids = [features.account_ids[n] for n in named]
        paid = set(archive.ask(_PAID, end, {})["account_id"].to_pylist())
        yield Cut(
            end,
            begins,
            told_until,
            Features(ids, features.values[named]),
            usual,
            sampled(features),
            np.array([a in paid for a in ids], np.bool_),
            np.array([known[a] for a in ids], np.int64),
        )
        begins = end


def _month(at: int) -> int:
    """The beginning of the month of an instant, both in milliseconds since 1970."""
    day = datetime.fromtimestamp(at / 1000, UTC)
    return millis(datetime(day.year, day.month, 1, tzinfo=UTC))


def foresight(name: str, found: Sequence[Cut]) -> list[Foresight]:
    """How a detector would have done at these cuts, for each question and population.

    Those that learn are taught before each cut what had become known of the cuts that were 90 days
    before, or more, by then, or by the beginning of the month that is asked about; cuts at which
    they had learnt nothing yet are left out.
    """
    windows = dict.fromkeys(window for window, _ in QUESTIONS)
    if teach := {"learned": _learned, "boosted": _boosted}.get(name):
        scored = {window: list(teach(found, window)) for window in windows}
    else:
        same = list(_untaught(name, found))
        scored = {window: same for window in windows}
    rows = [_foresight(name, *asked, scored[asked[0]]) for asked in QUESTIONS]
    return [row for row in rows if row is not None]


def _untaught(name: str, found: Sequence[Cut]) -> Iterator[tuple[Cut, Scores]]:
    for cut in found:
        yield cut, AccountModel(detector_of(name), cut.usual).score(own(cut.features))


def _learned(found: Sequence[Cut], window: str) -> Iterator[tuple[Cut, Scores]]:
    lessons: Lessons | None = None
    for cut, new in _known_since(found, window):
        for past in new:
            detector = Learned(past.usual.values, lessons)
            asked, is_bad = past.asked("next")
            if asked.any():
                detector.learn(own(past.features).values[asked], is_bad[asked])
            lessons = detector.lessons
        if lessons:
            model = AccountModel(detector_of("learned", lessons), cut.usual)
            yield cut, model.score(own(cut.features))


def _boosted(found: Sequence[Cut], window: str) -> Iterator[tuple[Cut, Scores]]:
    # each account once, as it was when last asked about
    known: dict[str, tuple[Values, bool]] = {}
    for cut, new in _known_since(found, window):
        for past in new:
            asked, is_bad = past.asked("next")
            for n in np.flatnonzero(asked).tolist():
                known[past.features.account_ids[n]] = past.features.values[n], bool(is_bad[n])
        values, bad = zip(*known.values(), strict=True) if known else ((), ())
        examples = Examples(np.array(values), np.array(bad, np.bool_))
        if examples.is_enough:
            model = AccountModel(detector_of("boosted", examples=examples), cut.some)
            yield cut, model.score(cut.features)


def _known_since(found: Sequence[Cut], window: str) -> Iterator[tuple[Cut, list[Cut]]]:
    """Each cut, and those before of which all became known, since the last, before the window."""
    taught = 0
    for cut in found:
        known, until = taught, cut.begins if window == "month" else cut.at
        while found[known].at + AHEAD_MS <= until:
            known += 1
        yield cut, list(found[taught:known])
        taught = known


def _foresight(
    name: str,
    window: str,
    population: str,
    scored: Sequence[tuple[Cut, Scores]],
) -> Foresight | None:
    aucs, recalls, places, gains, who, asked_about = [], [], [], [], [], 0
    baseline = list(FEATURES).index(BASELINE)
    for cut, score in scored:
        spent = cut.features.values[:, baseline]
        asked, is_bad = cut.asked(window)
        if population == "paid":
            asked, is_bad = asked & cut.paid, is_bad & cut.paid
        bad = is_bad[asked]
        if not bad.any() or bad.all():
            continue
        place = placements(score[asked], bad)
        aucs.append(place.mean())
        recalls.append(recall_at(score[asked], bad, LOOKED_AT))
        places.append(place)
        gains.append(place - placements(spent[asked], bad))
        who += [cut.features.account_ids[n] for n in np.flatnonzero(is_bad)]
        asked_about += len(bad)
    if not aucs:
        return None
    gain = np.concatenate(gains)
    return Foresight(
        name,
        window,
        population,
        len(aucs),
        asked_about,
        len(who),
        float(np.mean(aucs)),
        float(np.concatenate(places).mean()),
        float(np.mean(recalls)),
        float(gain.mean()),
        *_interval(gain, who),
    )


def placements(score: NDArray[np.number], is_bad: Mask) -> Values:
    """For each bad account the share of the others that score lower, equals half: its AUC."""
    others = np.sort(score[~is_bad])
    below = np.searchsorted(others, score[is_bad], side="left")
    up_to = np.searchsorted(others, score[is_bad], side="right")
    found: Values = (below + up_to) / 2 / len(others)
    return found


def recall_at(score: NDArray[np.number], is_bad: Mask, share: float) -> float:
    """Share of the bad among this share of all who score highest; equals at its edge by chance."""
    most = max(int(len(score) * share), 1)
    edge = np.sort(score)[-most]
    above, at = score > edge, score == edge
    room = (most - above.sum()) / at.sum()
    return float((is_bad[above].sum() + is_bad[at].sum() * room) / is_bad.sum())


def _interval(gain: Values, account_ids: list[str]) -> tuple[float, float]:
    """Of 95 % of the mean gain, by drawing accounts, each with all its cuts (Efron 1979).

    The others are so many that which of them there are makes no difference.
    """
    codes = np.unique(account_ids, return_inverse=True)[1]
    sums, counts = np.bincount(codes, gain), np.bincount(codes)
    chance = np.random.default_rng(0)
    means = []
    for _ in range(_DRAWS):
        drawn = chance.integers(0, len(sums), len(sums))
        means.append(sums[drawn].sum() / counts[drawn].sum())
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)
