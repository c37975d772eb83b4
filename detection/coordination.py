"""Which pairs of accounts act on the same objects together more often than chance allows."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.special import bdtrc

from detection.co_action_scales import SCALES, Scale, weigh
from detection.co_actions import Coincidences, coincidences, trials
from detection.coded_actions import CodedActions, Ints, Mask, code, every_two, visits_near

Floats = NDArray[np.float64]

#: p-value over all scales up to which a pair is linked. Simulated traffic has two to ten pairs an
#: account with so many trials that they could be linked at all: with a million accounts chance
#: links one pair at most, and fewer for the factors of the scales
ALPHA = 1e-7
#: p-value over all scales of a weak link, which counts only with supporters. With 1,000 such
#: pairs an account and 3 supporters, chance makes 0.05 groups among a million accounts
WEAK = 1e-4
#: two objects may be one habit of both: a shop and the café beside it
MIN_OBJECTS = 3

PAIRS = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        # of the scale at which the pair is least by chance
        pa.field("window_ms", pa.int64(), nullable=False),
        # on which both acted within the window, and how often
        pa.field("objects", pa.int64(), nullable=False),
        pa.field("coincidences", pa.int64(), nullable=False),
        # how often it might have been: each detector says of what
        pa.field("trials", pa.int64(), nullable=False),
        # over all scales
        pa.field("p_value", pa.float64(), nullable=False),
        # first and last action of a coincidence, milliseconds since 1970 UTC
        pa.field("first_at", pa.int64(), nullable=False),
        pa.field("last_at", pa.int64(), nullable=False),
    ]
)


def pairs(
    actions: pa.Table,
    accounts: Collection[str] | None = None,
    *,
    scales: Sequence[Scale] = SCALES,
    alpha: float = ALPHA,
    weak: float = WEAK,
) -> pa.Table:
    """Find coordinated pairs, source < target, in the columns of PAIRS, sorted.

    `actions` has account_id, object and at (milliseconds since 1970 UTC), in any order; repeated
    rows count once, and rows with a null not at all. With `accounts`, exactly those rows of the
    full result of which at least one end is in `affected(actions, accounts)`: when only these
    accounts have new actions, every other pair is as it was. Actions that are left out, because
    they got too old, affect pairs as new ones do. InputError when times are absurdly far apart.

    A pair's trials are the objects on which both acted within a horizon of each other; under the
    null each is a coincidence, within the window, with a probability that comes from the ratio of
    the two and from the object's other visits (the interval jitter of Amarasingham et al. 2012;
    a fixed window as in CooRTweet and SynchroTrap says nothing of chance, and the validated
    networks of Tumminello et al. 2011 need totals of the whole graph). Who likes the same things
    is not linked by that. The p-value is the binomial tail with the mean probability, a bound for
    unequal ones (Hoeffding 1956), times the number of scales; coincidences in one occasion count
    once. At scales with supporters near-cliques of weak links are links too (as in CopyCatch).

    On simulated traffic of 100,000 accounts it links 93 % of the pairs in lockstep rings and no
    others; 10 million actions take half a minute of CPU and 1.5 GB beside the input.

    It does not find: fewer than 4 joint objects (at the scale of days 6, or 4 in a group of 5); a
    campaign in one sitting; the same one or two objects again and again; crowds; slower than a
    minute on objects that hardly anybody else visits (`detection.crews` does). It does find
    innocent people who really go about together, and fans who answer to each of somebody's little
    noticed posts within the minute.
    """
    coded = code(actions, _reach(scales))
    chosen = np.ones(len(coded.at), np.bool_)
    wanted = np.ones(len(coded.account_ids), np.bool_)
    if accounts is not None:
        wanted = _affected(coded, accounts, scales)
        # the other ends of their pairs, and those who support them
        chosen = _near(coded, wanted, max(s.window_ms for s in scales))[coded.account]
    found = [_linked(coded, scale, chosen, (alpha, weak), len(scales)) for scale in scales]
    best = best_pairs(pa.concat_tables(found))
    size = max(len(coded.account_ids), 1)
    source, target = np.divmod(best["pair"].to_numpy(), size)
    best = best.filter(pa.array(wanted[source] | wanted[target]))
    return named_pairs(best, coded.account_ids)


def affected(
    actions: pa.Table, accounts: Collection[str], *, scales: Sequence[Scale] = SCALES
) -> list[str]:
    """The accounts of which a pair may change when these accounts have new actions, sorted.

    `actions` includes the new ones. These are `accounts`; whoever acted on an object on which one
    of them did, within a horizon of it, because a pair depends on what both did and on who else
    was there within a horizon of that; and, where a scale has supporters, whoever acted within its
    window of one of those, because they may support each other. On a popular object this is
    everybody who was there in 90 days: it is exact, not small.
    """
    coded = code(actions, _reach(scales))
    found = np.flatnonzero(_affected(coded, accounts, scales))
    return sorted({coded.account_ids[n] for n in found.tolist()} | set(accounts))


def _reach(scales: Sequence[Scale]) -> int:
    # a visit begins up to a window before an action
    return max(scale.horizon_ms for scale in scales) + max(scale.window_ms for scale in scales)


def _affected(coded: CodedActions, accounts: Collection[str], scales: Sequence[Scale]) -> Mask:
    names = set(accounts)
    found = np.fromiter((a in names for a in coded.account_ids), np.bool_, len(coded.account_ids))
    found = _near(coded, found, _reach(scales))
    windows = [scale.window_ms for scale in scales if scale.supporters is not None]
    return _near(coded, found, max(windows)) if windows else found


def _near(coded: CodedActions, accounts: Mask, reach_ms: int) -> Mask:
    """These accounts and those that acted within the reach of one of them on the same object."""
    places = np.sort(coded.place[accounts[coded.account]])
    found = accounts.copy()
    found[coded.account[visits_near(places, coded.place, reach_ms) > 0]] = True
    return found


def _linked(
    coded: CodedActions, scale: Scale, chosen: Mask, limits: tuple[float, float], tests: int
) -> pa.Table:
    """Pairs that are linked at one scale, under their codes; limits for strong and weak links."""
    counts, chance = weigh(coded, scale)
    found = coincidences(coded, scale.window_ms, chosen & counts, MIN_OBJECTS)
    pair, objects = np.unique(found.pair, return_counts=True)
    tried = trials(coded, pair, scale, chance)
    together = np.minimum(objects, occasions(found, scale))
    p_value = np.minimum(1.0, tests * binomial_tail(together, tried.objects, tried.expected))
    strong, weak = limits
    kept = p_value <= strong
    if scale.supporters is not None:
        near = np.flatnonzero(p_value <= max(weak, strong))
        kept[near] |= supporters(pair[near], len(coded.account_ids)) >= scale.supporters
    return summed_up(found, scale, tried.objects, p_value).filter(pa.array(kept))


def summed_up(found: Coincidences, scale: Scale, trials: Ints, p_value: Floats) -> pa.Table:
    """A row for each pair, with its trials and p-value, in the order of the pairs."""
    pair, starts, objects = np.unique(found.pair, return_index=True, return_counts=True)
    columns = {
        "pair": pair,
        "window_ms": np.full(len(pair), scale.window_ms),
        "objects": objects,
        "coincidences": _reduced(np.add, found.times, starts),
        "trials": trials,
        "p_value": p_value,
        "first_at": _reduced(np.minimum, found.first_at, starts),
        "last_at": _reduced(np.maximum, found.last_at, starts),
    }
    return pa.table(columns)


def _reduced(by: Any, values: Ints, starts: Ints) -> Ints:
    return np.asarray(by.reduceat(values, starts) if len(starts) else values, np.int64)


def occasions(found: Coincidences, scale: Scale) -> Ints:
    """On how many occasions each pair acted together, in the order of the pairs."""
    cell = found.first_at // scale.occasion_ms
    order = np.lexsort((cell, found.pair))
    pair, cell = found.pair[order], cell[order]
    new = (np.diff(pair, prepend=-1) != 0) | (np.diff(cell, prepend=-1) != 0)
    return np.unique(pair[new], return_counts=True)[1]


def binomial_tail(successes: Ints, trials: Ints, expected: Floats) -> Floats:
    """P(at least so many successes), at most, when the trials' probabilities add up to `expected`.

    1 where the bound does not hold: less than one success above what is expected (Hoeffding 1956,
    theorem 4).
    """
    mean = np.minimum(1.0, expected / np.maximum(trials, 1))
    tail = bdtrc(successes - 1.0, trials, mean)
    return np.where(successes >= expected + 1, tail, 1.0)


def supporters(pair: Ints, accounts: int) -> Ints:
    """How many others are in a pair with each of the two, for each pair."""
    present, ends = np.unique(np.concatenate(np.divmod(pair, accounts)), return_inverse=True)
    low, high = ends.reshape(2, -1)
    links = coo_array((np.ones(len(pair), np.int64), (low, high)), shape=(len(present),) * 2)
    links = (links + links.T).tocsr()
    common = (links @ links).multiply(links).tocsr()
    return np.asarray(common[low, high]).ravel().astype(np.int64) if len(pair) else pair


def best_pairs(found: pa.Table) -> pa.Table:
    """Each pair once, at its least p-value, of equal ones at the shortest window; sorted."""
    ranks = [("pair", "ascending"), ("p_value", "ascending"), ("window_ms", "ascending")]
    found = found.take(pc.sort_indices(found, sort_keys=ranks))
    return found.filter(pa.array(np.diff(found["pair"].to_numpy(), prepend=-1) != 0))


def pairs_of_groups(
    group: Ints, account: Ints, names: list[str], said: dict[str, NDArray[Any]]
) -> pa.Table:
    """Every two accounts of each group, with what is said of it, in the columns of PAIRS.

    `group` and `account` are sorted together, by group; `said` has a value for each group.
    """
    one, other = every_two(group)
    columns = {name: values[group[one]] for name, values in said.items()}
    pair = account[one] * len(names) + account[other]
    return named_pairs(best_pairs(pa.table({"pair": pair} | columns)), names)


def named_pairs(found: pa.Table, account_ids: list[str]) -> pa.Table:
    """Rows in the columns of PAIRS out of rows whose `pair` is source code * accounts + target."""
    names = pa.array(account_ids, pa.string())
    source, target = np.divmod(found["pair"].to_numpy(), max(len(account_ids), 1))
    ends = [names.take(pa.array(source)), names.take(pa.array(target))]
    columns = [found[name] for name in PAIRS.names[2:]]
    return pa.Table.from_arrays([*ends, *columns], schema=PAIRS)


def shared_objects(actions: pa.Table, window_ms: int) -> pa.Table:
    """Count what each pair did within the window: source < target, objects, coincidences; sorted.

    What CooRTweet counts: coincidences are pairs of actions, so that repeats on one object count
    again; no crowds are left out and nothing is tested, so it grows with the square of an object's
    accounts. For comparison and for exploring, not for links.
    """
    coded = code(actions, window_ms)
    found = coincidences(coded, window_ms, np.ones(len(coded.at), np.bool_), 1)
    pair, starts, objects = np.unique(found.pair, return_index=True, return_counts=True)
    names = pa.array(coded.account_ids, pa.string())
    source, target = np.divmod(pair, max(len(names), 1))
    columns = {
        "source": names.take(pa.array(source)),
        "target": names.take(pa.array(target)),
        "objects": objects,
        "coincidences": _reduced(np.add, found.times, starts),
    }
    return pa.table(columns)
