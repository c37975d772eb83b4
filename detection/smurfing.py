"""Smurfing: accounts that one account fills in one sitting, and that are emptied in another."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import hypergeom

from detection.co_actions import chunks
from detection.coded_actions import Ints, Mask, expand, spans
from detection.coordination import Floats, pairs_of_groups
from detection.relays import (
    counterparties,
    currencies_of,
    ends_of,
    have_many,
    in_order,
    rounded,
)
from graph.times import DAY_MS, HOUR_MS

#: pairs of times that an account was filled and emptied compared in one go: 200 MB
_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True)
class Smurfing:
    """What filling and emptying accounts means; amounts as shares of what they were filled with."""

    #: two transfers of a sitting follow each other at most so late; milliseconds
    window_ms: int = HOUR_MS
    #: between being filled and being emptied at most; milliseconds
    horizon_ms: int = 90 * DAY_MS
    least: float = 0.2
    most: float = 1.5
    #: accounts in both sittings at least, and as a share of those in either
    accounts: int = 5
    share: float = 0.5
    #: an account with more counterparties than this pays wages, is a shop or an exchange
    counterparties: int = 100
    #: an account emptied more often within the horizon has an ordinary life
    busy: int = 50
    #: p-value of the two sittings having so many in common, times the pairs of sittings
    alpha: float = 1e-5


SMURFING = Smurfing()


def smurf_pairs(transfers: pa.Table, smurfing: Smurfing = SMURFING) -> pa.Table:
    """Find accounts filled and emptied together, every two with both ends, in PAIRS' columns.

    `transfers` has payer, payee, at (milliseconds since 1970 UTC), amount_micros and currency, in
    any order; rows with a null payer, payee or time are left out, and so are those without amount.
    A sitting is what one account pays to several, or is paid by several, in one currency, with less
    than an hour from one to the next. Accounts that one sitting of a payer fills, and that pay
    about as much in one sitting of a payee, which may be the same account, are a group if they make
    at least half of both sittings. One time is enough, other than for `detection.farms`: who fills
    accounts by a script does so once. Of those with the same two ends all belong together. Chance
    is the hypergeometric tail of so many common accounts, among as many accounts as there are,
    rounded up to a power of two so that it does not change with each. Objects are the pairs of
    sittings, coincidences and trials the accounts that they had in common, one after the other.

    It does not find accounts that are filled or emptied one by one over days, by way of accounts
    that are denied, or that deal with more than 100 themselves, as the ends must not. It does find
    an organiser who gives many their money back at once, if they all pay for the next trip at once.
    """
    transfers = in_order(transfers)
    transfers = transfers.filter(pc.greater(transfers["amount_micros"], 0))
    names, (payer, payee) = ends_of(transfers)
    count = max(len(names), 1)
    usable = _deal_with_few(payer, payee, count, smurfing)
    transfers, payer, payee = transfers.filter(pa.array(usable)), payer[usable], payee[usable]
    filled = _Sittings.of(transfers, payer, payee, smurfing)
    emptied = _Sittings.of(transfers, payee, payer, smurfing)
    one, other = _flows(filled, emptied, smurfing)
    key = filled.number[one] * len(emptied.end) + emptied.number[other]
    pairs, pair, common = np.unique(key, return_inverse=True, return_counts=True)
    begun, ended = np.divmod(pairs, max(len(emptied.end), 1))
    size, sizes = filled.size[begun], emptied.size[ended]
    tail = hypergeom.sf(common - 1, rounded(count), size, sizes) * rounded(len(pairs))
    kept = (common >= smurfing.accounts) & (common >= smurfing.share * np.maximum(size, sizes))
    rows = np.flatnonzero((kept & (tail <= smurfing.alpha))[pair])
    flows = _Flows(one[rows], other[rows], pair[rows], tail[pair[rows]])
    return _pairs(filled, emptied, flows, names)


@dataclass(frozen=True, slots=True)
class _Flows:
    """Accounts filled in one sitting and emptied in another that many of them have in common."""

    #: rows of the sittings
    filled: Ints
    emptied: Ints
    #: number and p-value of the two sittings
    pair: Ints
    p_value: Floats


@dataclass(frozen=True, slots=True)
class _Sittings:
    """Each account once in each sitting that it was dealt with in."""

    #: of each such row, sorted by account and time
    account: Ints
    number: Ints
    currency: Ints
    #: milliseconds
    first: Ints
    last: Ints
    #: millionths
    amount: Ints
    #: of each sitting: whose it is, and how many accounts were dealt with
    end: Ints
    size: Ints

    @classmethod
    def of(cls, transfers: pa.Table, end: Ints, other: Ints, smurfing: Smurfing) -> "_Sittings":
        """The sittings of these ends, without those in which too few are dealt with."""
        at = transfers["at"].to_numpy()
        amount = transfers["amount_micros"].to_numpy()
        currency = currencies_of(transfers)
        order = np.lexsort((at, currency, end))
        new = (np.diff(end[order], prepend=-1) != 0) | (np.diff(currency[order], prepend=-1) != 0)
        new |= np.diff(at[order], prepend=0) > smurfing.window_ms
        sitting = np.cumsum(new) - 1
        count = int(other.max(initial=0)) + 1
        key, row = np.unique(sitting * count + other[order], return_inverse=True)
        number, account = np.divmod(key, count)
        first, last = spans(row, at[order], at[order], len(key))
        total = np.zeros(len(key), np.int64)
        np.add.at(total, row, amount[order])
        size = np.bincount(number, minlength=int(new.sum()))
        kept = np.flatnonzero(size[number] >= smurfing.accounts)
        kept = kept[np.lexsort((number[kept], first[kept], account[kept]))]
        whose, in_what = end[order][new], currency[order][new]
        return cls(
            account[kept],
            number[kept],
            in_what[number[kept]],
            first[kept],
            last[kept],
            total[kept],
            whose,
            size,
        )


def _deal_with_few(payer: Ints, payee: Ints, count: int, smurfing: Smurfing) -> Mask:
    """Which transfers are between accounts that both have few counterparties."""
    many = have_many(*counterparties(payer, payee, count), count, smurfing.counterparties)
    return np.asarray(~many[payer] & ~many[payee], np.bool_)


def _flows(filled: _Sittings, emptied: _Sittings, smurfing: Smurfing) -> tuple[Ints, Ints]:
    """An account filled in a sitting, and emptied of about as much in one later."""
    ends = np.concatenate([filled.first, emptied.first])
    start = int(ends.min()) if len(ends) else 0
    length = (int(np.ptp(ends)) if len(ends) else 0) + smurfing.horizon_ms + 2
    line = emptied.account * length + emptied.first - start
    here = filled.account * length + filled.first - start
    since = np.searchsorted(line, here, "right")
    counts = np.searchsorted(line, here + smurfing.horizon_ms, "right") - since
    counts = np.where(counts <= smurfing.busy, counts, 0)
    found = [(np.zeros(0, np.int64),) * 2]
    for begin, stop in chunks(counts, _AT_ONCE):
        row, repeat = expand(counts[begin:stop])
        one, other = begin + row, since[begin + row] + repeat
        share = emptied.amount[other] / filled.amount[one]
        fits = (share >= smurfing.least) & (share <= smurfing.most)
        fits &= filled.currency[one] == emptied.currency[other]
        found.append((one[fits], other[fits]))
    ones, others = (np.concatenate(column) for column in zip(*found, strict=True))
    return ones, others


def _pairs(filled: _Sittings, emptied: _Sittings, flows: _Flows, names: list[str]) -> pa.Table:
    """Every two of all that have both ends in common, with these."""
    count = max(len(names), 1)
    source = filled.end[filled.number[flows.filled]]
    sink = emptied.end[emptied.number[flows.emptied]]
    ways, way = np.unique(source * count + sink, return_inverse=True)
    ends = (filled.account[flows.filled], source, sink)
    groups = np.unique(np.concatenate([way * count + end for end in ends]))
    group, account = np.divmod(groups, count)
    first, last = spans(way, filled.first[flows.filled], emptied.last[flows.emptied], len(ways))
    best = np.ones(len(ways))
    np.minimum.at(best, way, flows.p_value)
    common = np.bincount(way)
    said = {
        "window_ms": np.zeros(len(ways), np.int64),
        "objects": np.bincount(np.unique(np.stack([way, flows.pair]), axis=1)[0]),
        "coincidences": common,
        "trials": common,
        "p_value": best,
        "first_at": first,
        "last_at": last,
    }
    return pairs_of_groups(group, account, names, said)
