"""Cascades: money that is passed on from account to account within hours, again and again."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from detection.co_actions import coincidences
from detection.coded_actions import Ints, Mask, code
from detection.coordination import PAIRS, named_pairs
from detection.relays import (
    COLUMNS,
    RELAYING,
    RELAYINGS,
    Relaying,
    are_relays,
    chains,
    ends_of,
    in_order,
    possible_relays,
)

#: p-value up to which a pair is linked: only pairs of MIN_CASCADES joint cascades are tested, of
#: those not in one ring less than one in a thousand accounts of simulated traffic: with a million
#: accounts chance links 0.01 pairs
ALPHA = 1e-5
MIN_CASCADES = 3


@dataclass(frozen=True, slots=True)
class _Cascades:
    account_ids: list[str]
    #: one row for each account in each cascade, with the time of its first transfer in it
    account: Ints
    number: Ints
    at: Ints
    #: whether it both got and paid in it: an end may be anybody
    passes: Mask
    #: of each cascade: object, first transfer, and the logarithm of its probability to come about
    #: by chance from one given transfer
    names: list[str]
    start: Ints
    chance: NDArray[np.float64]
    #: transfers of each account that might be in a cascade
    trials: Ints


def cascade_actions(transfers: pa.Table, relaying: Relaying = RELAYING) -> pa.Table:
    """Turn cascades into actions: rows (account_id, object, at), sorted.

    `transfers` has payer, payee, at (milliseconds since 1970 UTC), amount_micros and currency, in
    any order; rows with a null payer, payee or time are left out. A relay is a transfer to an
    account and one from it to a third within the window whose amount is a share of the first
    between `least` and `most`; where the currencies differ amounts are not compared. A cascade is
    what relays connect, at least three transfers in a row. Its object is `cascade:` and a hash of
    its first transfer, which stays when the cascade grows at its end.

    It does not see money that is split or collected, held for longer than the window, or passed
    through an account as busy as a business; and a late transfer can join two cascades to one.
    """
    found = _cascades(transfers, relaying)
    names = pa.array(found.account_ids, pa.string()).take(pa.array(found.account))
    table = pa.table(
        {
            "account_id": names,
            "object": pa.array(found.names, pa.string()).take(pa.array(found.number)),
            "at": found.at,
        }
    )
    return table.sort_by(
        [("account_id", "ascending"), ("at", "ascending"), ("object", "ascending")]
    )


def cascade_pairs(
    transfers: pa.Table,
    *,
    relayings: Sequence[Relaying] = RELAYINGS,
    alpha: float = ALPHA,
) -> pa.Table:
    """Find pairs that are in the same cascades again and again, in the columns of PAIRS.

    Objects and coincidences are the joint cascades, first_at and last_at the beginnings of the
    first and the last one, trials the transfers of one of the two that might have been in one. An
    account counts only in cascades in which it both got and paid: to whom a ring's money goes in
    the end may be anybody.
    That two who are in cascades at all are there together is no surprise where people deal with
    few others, so chance is asked for the cascades: money that could be passed on in k ways within
    the horizon is so within the window with a probability of k * `Relaying.chance`, and a cascade
    of m accounts is m - 2 such relays. A pair's p-value is the product, over its cascades, of that
    times the transfers at which the cascade could hang; the smaller one of its two accounts, each
    of which is a bound, times the number of windows.

    It does not find small rings in few rounds: of 4 or 5 accounts each cascade is two or three
    relays, and where one member is missing none. It does not work for those who pass money on
    by arrangement (a tenant, an agent, a landlord): that is no chance. There is no incremental
    form: transfers are few, compare two results.
    """
    found = [_linked(_cascades(transfers, relaying), relaying) for relaying in relayings]
    table = pa.concat_tables(found)
    total = np.minimum(1.0, table["p_value"].to_numpy() * len(relayings))
    table = table.set_column(PAIRS.names.index("p_value"), PAIRS.field("p_value"), pa.array(total))
    table = table.filter(pc.less_equal(table["p_value"], alpha))
    names = ("source", "target", "p_value", "window_ms")
    table = table.sort_by([(name, "ascending") for name in names])
    ends = list(zip(table["source"].to_pylist(), table["target"].to_pylist(), strict=True))
    new = [n == 0 or ends[n] != ends[n - 1] for n in range(len(ends))]
    return table.filter(pa.array(new, pa.bool_()))


def _linked(found: _Cascades, relaying: Relaying) -> pa.Table:
    ids = pa.array(found.account_ids, pa.string())
    members = {
        "account_id": ids.take(pa.array(found.account)),
        "object": pa.array([f"{n:09}" for n in found.number.tolist()], pa.string()),
        "at": found.start[found.number],
    }
    coded = code(pa.table(members).filter(pa.array(found.passes)), 1)
    everyone = np.ones(len(coded.at), np.bool_)
    together = coincidences(coded, 0, everyone, MIN_CASCADES)
    pair, starts, cascades = np.unique(together.pair, return_index=True, return_counts=True)
    if not len(pair):
        return PAIRS.empty_table()
    # codes of those who are in cascades to codes of all
    codes = np.searchsorted(np.array(found.account_ids), np.array(coded.account_ids))
    trials = found.trials[codes[np.stack(np.divmod(pair, len(coded.account_ids)))]].min(axis=0)
    # objects are numbered as cascades are
    each = found.chance[together.object] + np.log(np.repeat(trials, cascades))
    columns = {
        "pair": pair,
        "window_ms": np.full(len(pair), relaying.window_ms),
        "objects": cascades,
        "coincidences": cascades,
        "trials": trials,
        "p_value": np.exp(np.add.reduceat(np.minimum(0.0, each), starts)),
        "first_at": np.minimum.reduceat(together.first_at, starts),
        "last_at": np.maximum.reduceat(together.last_at, starts),
    }
    return named_pairs(pa.table(columns), coded.account_ids)


def _cascades(transfers: pa.Table, relaying: Relaying) -> _Cascades:
    transfers = in_order(transfers)
    ids, (payer, payee) = ends_of(transfers)
    at = transfers["at"].to_numpy()
    count = len(at)
    one, other = possible_relays(transfers, (payer, payee), relaying)
    ways = np.bincount(one, minlength=count)
    few = (ways[one] <= relaying.ways) & (
        np.bincount(other, minlength=count)[other] <= relaying.ways
    )
    one, other = one[few], other[few]
    real = are_relays(at, one, other, relaying)
    label, kept = chains(one[real], other[real], count, relaying.largest)
    rows = np.flatnonzero(kept)
    # transfers are in the order of time: the first of each cascade is its name and its start
    _, first, number = np.unique(label[rows], return_index=True, return_inverse=True)
    most = np.zeros(len(first), np.int64)
    np.maximum.at(most, number, ways[rows])
    start, names = at[rows][first], transfers.take(pa.array(rows[first])).to_pylist()
    account, number, when, passes = _members(payer[rows], payee[rows], number, at[rows])
    relays = np.bincount(number, minlength=len(first)) - 2
    might = np.zeros(count, np.bool_)
    might[one] = might[other] = True
    return _Cascades(
        ids,
        account,
        number,
        when,
        passes,
        [_name(transfer) for transfer in names],
        start,
        relays * np.log(np.minimum(1.0, relaying.chance * most)),
        np.bincount(np.concatenate([payer[might], payee[might]]), minlength=len(ids)),
    )


def _members(payer: Ints, payee: Ints, number: Ints, at: Ints) -> tuple[Ints, Ints, Ints, Mask]:
    """Account, cascade, first time and whether it got and paid, for each one of each cascade."""
    pays = np.repeat([True, False], len(payer))
    account, number, at = np.concatenate([payer, payee]), np.tile(number, 2), np.tile(at, 2)
    order = np.lexsort((at, account, number))
    account, number, at, pays = account[order], number[order], at[order], pays[order]
    new = (np.diff(account, prepend=-1) != 0) | (np.diff(number, prepend=-1) != 0)
    member = np.cumsum(new) - 1
    passes = (np.bincount(member, pays) > 0) & (np.bincount(member, ~pays) > 0)
    return account[new], number[new], at[new], passes


def _name(transfer: dict[str, object]) -> str:
    text = "\0".join(str(transfer[name]) for name in COLUMNS)
    return "cascade:" + hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
