"""Smurfing: accounts that one account fills in one sitting, and that are emptied in another."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import hypergeom

from detection.co_actions import chunks
from detection.coded_actions import Ints, Mask, every_two, expand, spans
from detection.coordination import best_pairs, named_pairs
from detection.relays import ends_of, in_order
from graph.times import DAY_MS, HOUR_MS

#: pairs of transfers compared in one go
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
    #: an account with more counterparties than this pays wages, or is a shop
    counterparties: int = 100
    #: p-value of the two sittings having so many in common, times the pairs of sittings
    alpha: float = 1e-5


SMURFING = Smurfing()


def smurf_pairs(transfers: pa.Table, smurfing: Smurfing = SMURFING) -> pa.Table:
    """Find accounts filled and emptied together, every two with both ends, in PAIRS' columns.

    `transfers` has payer, payee, at (milliseconds since 1970 UTC), amount_micros and currency, in
    any order; rows with a null payer, payee or time are left out. A sitting is what one account
    pays to several, or is paid by several, with less than an hour from one to the next. Accounts
    that one sitting of a payer fills, and that pay about as much in one sitting of a payee, which
    may be the same account, are a group if they make at least half of both sittings. One time is
    enough, other than for `detection.farms`: who fills accounts by a script does so once. Chance is
    the hypergeometric tail of so many common accounts. Objects are the two sittings, coincidences
    the common accounts, trials those of the smaller sitting.

    It does not find accounts that are filled or emptied one by one over days, or by way of accounts
    that are denied or deal with more than 100. It does find an organiser who gives many their
    money back at once, if they all pay for the next trip at once.
    """
    transfers = in_order(transfers)
    names, (payer, payee) = ends_of(transfers)
    at, count = transfers["at"].to_numpy(), max(len(names), 1)
    amount = pc.fill_null(transfers["amount_micros"], 0).to_numpy()
    paid = _Paid(payer, payee, at, amount, _hubs(payer, payee, count, smurfing))
    filled = _sittings(paid.payer, paid.payee, paid, smurfing)
    emptied = _sittings(paid.payee, paid.payer, paid, smurfing)
    one, other = _flows(paid, filled, emptied, smurfing)
    pairs, flow = np.unique(filled.of[one] * len(at) + emptied.of[other], return_inverse=True)
    begun, ended = np.divmod(pairs, max(len(at), 1))
    both, account = np.divmod(np.unique(flow * count + payee[one]), count)
    common = np.bincount(both, minlength=len(pairs))
    least = np.minimum(filled.size[begun], emptied.size[ended])
    largest = np.maximum(filled.size[begun], emptied.size[ended])
    tail = hypergeom.sf(common - 1, count, filled.size[begun], emptied.size[ended])
    p_value = np.minimum(tail * len(pairs), 1.0)
    kept = (common >= smurfing.accounts) & (common >= smurfing.share * largest)
    kept &= p_value <= smurfing.alpha
    whole = np.flatnonzero(kept)
    group = np.concatenate([both[kept[both]], whole, whole])
    ends = [account[kept[both]], filled.end[begun[whole]], emptied.end[ended[whole]]]
    group, account = np.divmod(np.unique(group * count + np.concatenate(ends)), count)
    left, right = every_two(group)
    of = group[left]
    first, last = spans(flow, at[one], at[other], len(pairs))
    columns = {
        "pair": account[left] * count + account[right],
        "window_ms": np.full(len(of), smurfing.window_ms),
        "objects": np.full(len(of), 2),
        "coincidences": common[of],
        "trials": least[of],
        "p_value": p_value[of],
        "first_at": first[of],
        "last_at": last[of],
    }
    return named_pairs(best_pairs(pa.table(columns)), names)


@dataclass(frozen=True, slots=True)
class _Paid:
    """Transfers in order of time; accounts as codes, amounts in millionths."""

    payer: Ints
    payee: Ints
    at: Ints
    amount: Ints
    #: of each account
    is_hub: Mask


@dataclass(frozen=True, slots=True)
class _Sittings:
    """The sitting of each transfer, -1 for none; and of each, who sits and with how many."""

    of: Ints
    end: Ints
    size: Ints


def _hubs(payer: Ints, payee: Ints, count: int, smurfing: Smurfing) -> Mask:
    """Which accounts deal with too many."""
    dealt = np.unique(np.minimum(payer, payee) * count + np.maximum(payer, payee))
    counterparties = np.bincount(np.concatenate(np.divmod(dealt, count)), minlength=count)
    return np.asarray(counterparties > smurfing.counterparties, np.bool_)


def _sittings(end: Ints, other: Ints, paid: _Paid, smurfing: Smurfing) -> _Sittings:
    order = np.argsort(end, kind="stable")
    apart = (np.diff(end[order], prepend=-1) != 0) | (
        np.diff(paid.at[order], prepend=0) > smurfing.window_ms
    )
    sitting = np.cumsum(apart) - 1
    count = len(paid.is_hub)
    size = np.bincount(np.unique(sitting * count + other[order]) // count, minlength=apart.sum())
    ends = end[order][apart]
    kept = (size >= smurfing.accounts) & ~paid.is_hub[ends]
    of = np.empty(len(order), np.int64)
    of[order] = np.where(kept[sitting], sitting, -1)
    return _Sittings(of, ends, size)


def _flows(
    paid: _Paid, filled: _Sittings, emptied: _Sittings, smurfing: Smurfing
) -> tuple[Ints, Ints]:
    """What fills an account in a sitting and what leaves it in one later, about as much."""
    into, out = np.flatnonzero(filled.of >= 0), np.flatnonzero(emptied.of >= 0)
    out = out[np.argsort(paid.payer[out], kind="stable")]
    length = int(np.ptp(paid.at)) + smurfing.horizon_ms + 2 if len(paid.at) else 1
    start = paid.at.min(initial=0)
    line = paid.payer[out] * length + paid.at[out] - start
    here = paid.payee[into] * length + paid.at[into] - start
    from_ = np.searchsorted(line, here, "right")
    counts = np.searchsorted(line, here + smurfing.horizon_ms, "right") - from_
    found = [(into[:0], out[:0])]
    for begin, stop in chunks(counts, _AT_ONCE):
        row, repeat = expand(counts[begin:stop])
        one, other = into[begin + row], out[from_[begin + row] + repeat]
        share = paid.amount[other] / np.maximum(paid.amount[one], 1)
        fits = (share >= smurfing.least) & (share <= smurfing.most)
        found.append((one[fits], other[fits]))
    ones, others = (np.concatenate(column) for column in zip(*found, strict=True))
    return ones, others
