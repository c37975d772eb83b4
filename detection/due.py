"""When accounts are to be looked at again although nothing happens: links fade with age."""

from typing import Any

import numpy as np

from detection.components import component_labels
from detection.features import Features
from detection.projection import Projection, next_class_at
from detection.shared import Longs


def due_times(projection: Projection, now: int) -> dict[str, int]:
    """For each linked account when a use or tie in its component comes into its next age class.

    Milliseconds, full hours. All of a component are due at once, so that whoever loses a link is
    looked at together with those on its other side. Who is linked to nobody is never due: links
    only fade with age.
    """
    shared, ties = projection.shared, projection.shared.ties
    ages = ties.are_events
    tied = ties.last_seen[ages]
    account = np.concatenate([shared.account, ties.source[ages], ties.target[ages]])
    last_seen = np.concatenate([shared.last_seen, tied, tied])
    label = component_labels(projection)
    never = np.int64(1) << 60
    soonest: Longs = np.full(label.max(initial=0) + 1, never, np.int64)
    np.minimum.at(soonest, label[account], next_class_at(last_seen, now))
    linked = np.union1d(projection.source, projection.target)
    times = soonest[label[linked]].tolist()
    return {
        projection.account_ids[n]: at
        for n, at in zip(linked.tolist(), times, strict=True)
        if at < never
    }


def changed_due(projection: Projection, features: Features, now: int) -> list[list[Any]]:
    """[account id, milliseconds or None] for each account that the graph has otherwise."""
    due = due_times(projection, now)
    stored = zip(features.account_ids, features.due_at, strict=True)
    return [[a, due.get(a)] for a, at in stored if due.get(a) != at]
