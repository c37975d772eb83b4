"""The account–account graph: who is linked to whom, and how strongly."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from detection.shared import Ints, Longs, Shared, TieKind
from graph.kinds import IdentifierKind, Role, identifier_kinds
from graph.times import AGE_CLASS_DAYS, DAY_MS, HOUR_MS

#: weight of a link in millionths
MILLION = 1_000_000
#: pairs that come to less are not linked: one weak tie is no link, two are
MIN_LINK = 200_000
#: milliseconds after which a use expires: it links nobody any more and counts for no hub
HORIZON_MS = AGE_CLASS_DAYS[-1] * DAY_MS
#: two came to an identifier, or were last there, together: milliseconds between them
TOGETHER_MS = HOUR_MS // 2
#: longer between the last use of one and the first of the other, and it may have changed hands
HANDOVER_MS = 3 * DAY_MS
#: what a use counts by age class, the last of which has expired
AGE_WEIGHTS = np.array([1.0, 0.9, 0.8, 0.6, 0.0])
#: what a meeting at a supporting identifier counts where a third met both of them: two of twenty
#: that share an address come within half an hour by chance in a month, three hardly ever
MET_BY_THREE = 2.0
#: users of a device or card up to whom it counts fully, and above whom its links get weaker: a
#: kiosk must not take members out of a ring. They never get too weak to link: a new user unlinks
#: nobody
FEW_USERS = 10
#: what an identifier counts that may have changed hands between the two
HANDED_OVER = 0.5
#: a transfer or referral; a pair that pays each other, or a triangle in which money goes round;
#: accounts that acted in step more often than chance allows, or began so
ONE_WAY, MUTUAL, IN_STEP = 100_000, 300_000, 800_000
#: accounts that an investigator confirmed to belong together
CONFIRMED = MILLION
#: by kind of tie; somebody's being kept apart is seen to in `project`
_TIE_WEIGHTS = np.array([ONE_WAY, ONE_WAY, IN_STEP, IN_STEP, CONFIRMED, 0])

_LIMITS_MS = np.array([days * DAY_MS for days in AGE_CLASS_DAYS], np.int64)
#: pairs made at once, which bounds the memory
_CHUNK = 2_000_000


@dataclass(frozen=True, slots=True)
class Projection:
    """An undirected weighted graph; edge e links source[e] < target[e] with weight[e]."""

    shared: Shared
    #: indices into shared.account_ids, sorted by source, target
    source: Ints
    target: Ints
    #: millionths, so that sums never depend on the order of links
    weight: Longs

    @property
    def account_ids(self) -> list[str]:
        """The accounts, sorted, linked or not."""
        return self.shared.account_ids


def age_hour(now: int) -> int:
    """The hour that ages are measured at: between two hours no weight changes by itself.

    >>> age_hour(2 * HOUR_MS + 5) == 2 * HOUR_MS
    True
    """
    return now // HOUR_MS * HOUR_MS


def live_from(now: int) -> int:
    """What ended before this, in milliseconds, has expired."""
    return age_hour(now) - HORIZON_MS


def next_class_at(last_seen: Longs, now: int) -> Longs:
    """When uses come into their next age class, a full hour; far away for expired ones."""
    limit = np.append(_LIMITS_MS, np.int64(1) << 60)[age_classes(last_seen, now)]
    return (last_seen + limit) // HOUR_MS * HOUR_MS + HOUR_MS


def age_classes(last_seen: Longs, now: int) -> NDArray[np.intp]:
    """Age class of each use at the hour of `now`: 0 for up to 7 days to 4 for expired."""
    return np.searchsorted(_LIMITS_MS, age_hour(now) - last_seen, side="left")


def project(shared: Shared, now: int) -> Projection:
    """Link the accounts that share identifiers or are tied directly; `now` in milliseconds.

    A pair's weight is a sum: for each value of a connecting kind its prior, by the age of the older
    of the two uses, halved where it may have changed hands between them; for each value of a
    supporting kind the same, if both came or left within half an hour, and twice that if a third
    who is linked to both by this did so too; and what their direct ties give. Of a connecting value
    by which more than eight others are linked to both it is less, down to the least link.
    A pair that an investigator keeps apart is not linked, whatever it shares.
    Rings of 4 and of 10 are equally dense, and one more user changes links only of those that it is
    linked to: what a run looks at is all that changed.
    """
    codes, weights = zip(*pair_weights(shared, now), strict=True)
    unique, inverse = np.unique(np.concatenate(codes), return_inverse=True)
    total = np.zeros(unique.size, np.int64)
    np.add.at(total, inverse, np.concatenate(weights))
    linked = (total >= MIN_LINK) & ~np.isin(unique, _apart(shared))
    count = max(len(shared.account_ids), 1)
    code = unique[linked]
    return Projection(
        shared, (code // count).astype(np.int32), (code % count).astype(np.int32), total[linked]
    )


def pair_weights(shared: Shared, now: int) -> Iterator[tuple[Longs, Longs]]:
    """Pairs as source * accounts + target with source < target, and what each counts."""
    yield np.empty(0, np.int64), np.empty(0, np.int64)
    age = AGE_WEIGHTS[age_classes(shared.last_seen, now)]
    degrees = np.diff(shared.starts)
    kinds = np.array(shared.kinds, object)
    apart = _apart(shared)
    for name in sorted(set(shared.kinds)):
        kind = identifier_kinds()[name]
        of_kind = kinds == name
        for degree in np.unique(degrees[of_kind & (degrees >= 2)]).tolist():
            chosen = shared.starts[:-1][of_kind & (degrees == degree)]
            step = max(1, _CHUNK // (degree * (degree - 1) // 2))
            for start in range(0, len(chosen), step):
                rows = chosen[start : start + step, None] + np.arange(degree)
                yield _pairs(shared, rows, age, kind, apart)
    yield from _tied(shared, now)


def _pairs(
    shared: Shared, rows: Longs, age: NDArray[np.float64], kind: IdentifierKind, apart: Longs
) -> tuple[Longs, Longs]:
    """All pairs within each of some identifiers of one kind and degree; a row has its uses."""
    left, right = np.triu_indices(rows.shape[1], k=1)
    one, other = rows[:, left], rows[:, right]
    first, last = shared.first_seen, shared.last_seen
    code = shared.account[one].astype(np.int64) * len(shared.account_ids) + shared.account[other]
    weight = kind.prior * np.minimum(age[one], age[other])
    if kind.role is Role.SUPPORTS:
        gap = np.minimum(abs(first[one] - first[other]), abs(last[one] - last[other]))
        weight[gap > TOGETHER_MS] = 0.0
        met = (MILLION * weight >= MIN_LINK) & ~np.isin(code, apart)
        weight[met & (_thirds(met, left, right) > 0)] *= MET_BY_THREE
    else:
        gap = np.maximum(first[one], first[other]) - np.minimum(last[one], last[other])
        weight[gap > HANDOVER_MS] *= HANDED_OVER
        if rows.shape[1] > FEW_USERS:
            linked = (MILLION * weight >= MIN_LINK) & ~np.isin(code, apart)
            users = 2 + _thirds(linked, left, right)
            weaker = np.maximum(MIN_LINK / MILLION, weight * np.minimum(1.0, FEW_USERS / users))
            weight = np.where(linked, weaker, weight)
    kept = weight > 0
    return code[kept], np.rint(MILLION * weight[kept]).astype(np.int64)


def _thirds(
    linked: NDArray[np.bool_], left: NDArray[np.intp], right: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Of each pair, how many are linked to both; a row for each identifier."""
    count = int(right.max()) + 1
    table = np.zeros((len(linked), count, count), np.float32)
    table[:, left, right] = table[:, right, left] = linked
    thirds: NDArray[np.float32] = (table @ table)[:, left, right]
    return thirds


def _tied(shared: Shared, now: int) -> Iterator[tuple[Longs, Longs]]:
    ties, count, code = shared.ties, len(shared.account_ids), _codes(shared)
    age = np.where(ties.are_events, AGE_WEIGHTS[age_classes(ties.last_seen, now)], 1.0)
    # what has expired brings no money back either
    paid = (ties.kind == TieKind.TRANSFERRED) & (age > 0)
    weight = _TIE_WEIGHTS[ties.kind]
    goes_round = _goes_round(ties.source[paid], ties.target[paid], count)
    weight[paid] = np.where(goes_round, MUTUAL, ONE_WAY)
    weighed = np.rint(weight * age).astype(np.int64)
    # of what ties a pair in one way, there and back, the strongest counts
    order = np.lexsort((-weighed, ties.kind, code))
    code, kind, weighed = code[order], ties.kind[order], weighed[order]
    first = np.ones(code.size, np.bool_)
    first[1:] = (np.diff(code) != 0) | (np.diff(kind) != 0)
    yield code[first], weighed[first]


def _apart(shared: Shared) -> Longs:
    apart: Longs = _codes(shared)[shared.ties.kind == TieKind.CANNOT_LINK]
    return apart


def _codes(shared: Shared) -> Longs:
    """Each tie's pair as one number, whichever way it goes."""
    ties = shared.ties
    low, high = np.minimum(ties.source, ties.target), np.maximum(ties.source, ties.target)
    code: Longs = low.astype(np.int64) * len(shared.account_ids) + high
    return code


def _goes_round(source: Ints, target: Ints, count: int) -> NDArray[np.bool_]:
    """Whether money of each transfer can come back over at most one more account."""
    if not source.size:
        return np.zeros(0, np.bool_)
    paid = csr_array((np.ones(source.size, np.int32), (source, target)), shape=(count, count))
    back = (paid + paid @ paid).tocsr()
    return np.asarray(back[target, source]).ravel() > 0
