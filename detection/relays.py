"""Relays: an account gets money and passes on about as much soon after."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detection.co_actions import chunks
from detection.coded_actions import Ints, Mask, expand
from detection.components import connect
from graph.times import DAY_MS, HOUR_MS

#: pairs of transfers compared in one go: 200 MB
_AT_ONCE = 2_000_000
COLUMNS = ("payer", "payee", "at", "amount_micros", "currency")


@dataclass(frozen=True, slots=True)
class Relaying:
    """What passing on means; times in milliseconds, amounts as shares of what came in."""

    window_ms: int = 6 * HOUR_MS
    #: two transfers at most so far apart might have been a relay
    horizon_ms: int = 7 * DAY_MS
    least: float = 0.80
    most: float = 1.02
    #: how many times as likely as with evenly spread times such two are a relay by chance: people
    #: pay in the evening, and a cascade can branch
    factor: float = 4.0
    #: an account with more outgoing transfers than this around an incoming one is a business
    busy: int = 200
    #: an incoming transfer that could have been passed on in more ways says nothing, nor does an
    #: outgoing one that could have come from more
    ways: int = 20
    #: transfers above which a cascade is a business too
    largest: int = 200

    @property
    def chance(self) -> float:
        """Probability that two transfers within the horizon are a relay by chance."""
        return min(1.0, self.factor * self.window_ms / (2 * self.horizon_ms))


RELAYING = Relaying()
#: within the hour, and within the evening
RELAYINGS = (Relaying(window_ms=HOUR_MS), RELAYING)


def in_order(transfers: pa.Table) -> pa.Table:
    """The usable transfers, each once, by time."""
    table = transfers.select(list(COLUMNS))
    usable = pc.and_(
        pc.and_(pc.is_valid(table["payer"]), pc.is_valid(table["payee"])),
        pc.and_(pc.is_valid(table["at"]), pc.not_equal(table["payer"], table["payee"])),
    )
    table = table.filter(usable).group_by(list(COLUMNS), use_threads=False).aggregate([])
    order = ("at", "payer", "payee", "amount_micros", "currency")
    return table.select(list(COLUMNS)).sort_by([(name, "ascending") for name in order])


def ends_of(transfers: pa.Table) -> tuple[list[str], Ints]:
    """The accounts, sorted, and as indices into these the payers and the payees."""
    ends = pa.chunked_array([*transfers["payer"].chunks, *transfers["payee"].chunks], pa.string())
    ids = pc.unique(ends).sort()
    codes = [pc.index_in(transfers[name], ids).to_numpy() for name in ("payer", "payee")]
    return ids.to_pylist(), np.stack(codes).astype(np.int64)


def currencies_of(transfers: pa.Table) -> Ints:
    """The currency of each transfer as a number, one of them for none."""
    named = pc.fill_null(transfers["currency"], "").combine_chunks().dictionary_encode()
    return np.asarray(named.indices.to_numpy(), np.int64)


def counterparties(payer: Ints, payee: Ints, count: int) -> tuple[Ints, Ints]:
    """Pairs that dealt with each other, each once, the lower first."""
    apart = payer != payee
    low, high = np.minimum(payer, payee)[apart], np.maximum(payer, payee)[apart]
    return np.divmod(np.unique(low * count + high), max(count, 1))


def have_many(low: Ints, high: Ints, count: int, most: int) -> Mask:
    """Which accounts have more counterparties; `low` deals with `high`, each pair once."""
    return np.asarray(np.bincount(np.concatenate([low, high]), minlength=count) > most, np.bool_)


def possible_relays(
    transfers: pa.Table, ends: tuple[Ints, Ints], relaying: Relaying
) -> tuple[Ints, Ints]:
    """Transfers to an account and from it that match, at most the horizon apart either way."""
    payer, payee = ends
    at = transfers["at"].to_numpy()
    if not len(at):
        return payer, payee
    # the accounts one after the other on a line, further apart than the horizon
    since = at - at[0]
    step = int(since[-1]) + 2 * relaying.horizon_ms + 2
    out = np.lexsort((at, payer))
    line = payer[out] * step + since[out]
    into = payee * step + since
    from_ = np.searchsorted(line, into - relaying.horizon_ms, "left")
    counts = np.searchsorted(line, into + relaying.horizon_ms, "right") - from_
    counts = np.where(counts <= relaying.busy, counts, 0)
    amount = pc.fill_null(transfers["amount_micros"], -1).to_numpy().astype(np.float64)
    money = currencies_of(transfers)
    found = []
    for start, end in chunks(counts, _AT_ONCE):
        row, repeat = expand(counts[start:end])
        one, other = row + start, out[from_[start + row] + repeat]
        foreign = money[one] != money[other]
        share = amount[other] / np.maximum(amount[one], 1.0)
        known = (amount[one] > 0) & (amount[other] > 0)
        match = known & (foreign | ((share >= relaying.least) & (share <= relaying.most)))
        # what goes back is a refund
        match &= payee[other] != payer[one]
        found.append((one[match], other[match]))
    ones, others = (np.concatenate(column) for column in zip(*found, strict=True))
    return ones, others


def are_relays(at: Ints, one: Ints, other: Ints, relaying: Relaying) -> Mask:
    """Which of possible relays are some: the second transfer follows within the window."""
    gap = at[other] - at[one]
    return np.asarray((gap > 0) & (gap <= relaying.window_ms), np.bool_)


def chains(one: Ints, other: Ints, count: int, largest: int) -> tuple[Ints, Mask]:
    """The cascade of each transfer, and whether it is one of at least two relays in a row."""
    label = connect(one, other, count)
    middle = np.zeros(count, np.bool_)
    middle[np.intersect1d(one, other)] = True
    size = np.bincount(label)
    good = (np.bincount(label, middle, len(size)) > 0) & (size <= largest)
    return np.asarray(label, np.int64), np.asarray(good[label], np.bool_)


def rounded(number: int) -> int:
    """Up to a power of two, so that a p-value times this does not change with each account."""
    return 1 << number.bit_length()
