"""Actions as sorted arrays of numbers, in which windows of time on one object are slices."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from graph.errors import InputError

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CodedActions:
    """Distinct actions in the order of object, account and time; one value a row each."""

    #: sorted; an account's code is its index
    account_ids: list[str]
    account: NDArray[np.int32]
    object: NDArray[np.int32]
    #: milliseconds since 1970 UTC
    at: Ints
    #: the time on a line on which objects lie one after the other, further apart than any window:
    #: rows of one object within a window are those whose places differ by at most as much
    place: Ints
    #: the rows in the order of their places
    by_place: Ints


def code(actions: pa.Table, reach_ms: int) -> CodedActions:
    """Number the accounts and objects of rows (account_id, object, at); windows reach `reach_ms`.

    Rows with a null are left out and rows that are there twice count once, in any order.
    InputError when the times of the objects together do not fit into 63 bits.
    """
    actions = actions.select(["account_id", "object", "at"]).drop_null()
    account_ids, account = _codes(actions["account_id"])
    _, item = _codes(actions["object"])
    at = actions["at"].to_numpy().astype(np.int64, copy=False)
    order = np.lexsort((at, account, item))
    account, item, at = account[order], item[order], at[order]
    new = np.ones(len(at), np.bool_)
    new[1:] = (np.diff(account) != 0) | (np.diff(item) != 0) | (np.diff(at) != 0)
    account, item, at = account[new], item[new], at[new]
    place = _places(item, at, reach_ms)
    return CodedActions(account_ids, account, item, at, place, np.argsort(place, kind="stable"))


def _codes(column: Any) -> tuple[list[str], NDArray[np.int32]]:
    encoded = pc.dictionary_encode(column.cast(pa.string()))
    whole = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.unify_dictionaries().chunk(0)
    order = pc.sort_indices(whole.dictionary).to_numpy()
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    values: list[str] = whole.dictionary.take(pa.array(order)).to_pylist()
    return values, rank[whole.indices.to_numpy()] if len(order) else np.zeros(0, np.int32)


def _places(item: NDArray[np.int32], at: Ints, reach_ms: int) -> Ints:
    if not len(at):
        return at
    starts = np.flatnonzero(np.diff(item, prepend=-1))
    first = np.minimum.reduceat(at, starts)
    lengths = np.maximum.reduceat(at, starts) - first + reach_ms + 1
    if float(lengths.astype(np.float64).sum()) > 9e18:
        raise InputError("the actions' times are too far apart: look at a shorter stretch")
    shift = np.cumsum(lengths) - lengths - first
    places: Ints = at + np.repeat(shift, np.diff(np.append(starts, len(at))))
    return places


def ends_of_visits(coded: CodedActions, window_ms: int) -> tuple[Mask, Mask]:
    """The first and the last row of each account on each object in each cell of `window_ms`.

    Cells begin at multiples of the window. Whatever is within a window of some row is within a
    window of the first or the last row of its cell too, so the rows between are not needed.
    """
    count = len(coded.at)
    first = np.ones(count, np.bool_)
    cell = coded.at // window_ms
    first[1:] = (np.diff(coded.account) != 0) | (np.diff(coded.object) != 0) | (np.diff(cell) != 0)
    last = np.ones(count, np.bool_)
    last[:-1] = first[1:]
    return first, last


def visits_near(visits: Ints, places: Ints, radius_ms: int) -> Ints:
    """How many of `visits`, sorted places, are within the radius of each of `places`."""
    return np.asarray(
        np.searchsorted(visits, places + radius_ms, "right")
        - np.searchsorted(visits, places - radius_ms, "left"),
        np.int64,
    )


def spans(
    group: Ints | NDArray[np.int32], first: Ints, last: Ints, count: int
) -> tuple[Ints, Ints]:
    """The first and the last time of each group; the end of time and 0 for one without any."""
    since, until = np.full(count, np.iinfo(np.int64).max), np.zeros(count, np.int64)
    np.minimum.at(since, group, first)
    np.maximum.at(until, group, last)
    return since, until


def expand(counts: Ints) -> tuple[Ints, Ints]:
    """Row numbers, each as often as its count, and which of its repeats each one is."""
    row = np.repeat(np.arange(len(counts)), counts)
    return row, np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)


def every_two(group: Ints) -> tuple[Ints, Ints]:
    """The rows of every two of each group, the earlier ones first; `group` is sorted."""
    row, repeat = expand(np.searchsorted(group, group, "right") - np.arange(len(group)) - 1)
    return row, row + 1 + repeat
