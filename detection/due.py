"""When accounts are to be looked at again although nothing happens, and who with them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detection.components import component_labels
from detection.projection import Projection, next_class_at
from detection.shared import Ints, Longs, Shared

_NEVER = (None, None)


def due_times(projection: Projection, now: int) -> dict[str, tuple[int, str]]:
    """For each linked account when a use or tie in its component comes into its next age class.

    Milliseconds, full hours; and the first account of the component, which names it. All of a
    component are due at once, so that whoever loses a link is looked at together with those on its
    other side; and when one of them is touched, all are looked at whom it was linked to, though it
    may not be any more. Who is linked to nobody is never due, nor who is by dispositions only:
    links only fade with age. Nor does a use count at what nobody else of the component uses: others
    may come there, linked to none of it, while it is not looked at.
    """
    shared, ties = projection.shared, projection.shared.ties
    ages = ties.are_events
    tied = ties.last_seen[ages]
    label = component_labels(projection)
    common = _are_common(shared, label)
    account = np.concatenate([shared.account[common], ties.source[ages], ties.target[ages]])
    last_seen = np.concatenate([shared.last_seen[common], tied, tied])
    never = np.int64(1) << 60
    soonest: Longs = np.full(label.max(initial=0) + 1, never, np.int64)
    np.minimum.at(soonest, label[account], next_class_at(last_seen, now))
    linked = np.union1d(projection.source, projection.target)
    # labels are in the order of their first accounts
    firsts = np.unique(label, return_index=True)[1][label[linked]].tolist()
    times = soonest[label[linked]].tolist()
    names = projection.account_ids
    return {
        names[n]: (at, names[first])
        for n, at, first in zip(linked.tolist(), times, firsts, strict=True)
        if at < never
    }


def _are_common(shared: Shared, label: Ints) -> NDArray[np.bool_]:
    """Which uses are of something that two of the same component use."""
    where = shared.identifier.astype(np.int64) * len(shared.account_ids) + label[shared.account]
    _, inverse, users = np.unique(where, return_inverse=True, return_counts=True)
    common: NDArray[np.bool_] = users[inverse] >= 2
    return common


def changed_due(projection: Projection, stored: list[list[Any]], now: int) -> list[list[Any]]:
    """[account id, milliseconds, first account] for each that the graph has otherwise, or None.

    `stored` has what the graph has, in the same form, of every account that was looked at.
    """
    due = due_times(projection, now)
    return [[a, *due.get(a, _NEVER)] for a, *known in stored if due.get(a, _NEVER) != tuple(known)]
