"""What of the graph a run looks at: everything, or what hangs together with some accounts."""

from collections.abc import Iterable
from functools import partial

import numpy as np

from detection.projection import HORIZON_MS, Projection, age_hour, project
from detection.shared import TieRow, UseRow, share
from graph import metrics
from graph.deny_list import DenyList
from graph.kinds import hub_caps
from graph.store import GraphStore

#: an account with more counterparties is an exchange or a merchant: its ties link nobody
COUNTERPARTY_CAP = 50
seconds = metrics.DETECTION_STAGE_SECONDS.labels
#: accounts asked about in one statement
_CHUNK = 10_000


def all_rows(store: GraphStore, now: int) -> tuple[list[UseRow], list[TieRow]]:
    """All that any accounts share, and all ties, as the graph says them; `now` in milliseconds."""
    live_from = age_hour(now) - HORIZON_MS
    uses, ties = store.at_once(
        [
            partial(
                store.read_values,
                "detection/read_all_uses",
                caps=hub_caps(),
                live_from=live_from,
                now=age_hour(now),
            ),
            partial(
                store.read_values,
                "detection/read_all_ties",
                cap=COUNTERPARTY_CAP,
                live_from=live_from,
            ),
        ]
    )
    return list(uses), list(ties)


def project_around(
    store: GraphStore, account_ids: Iterable[str], now: int, denied: DenyList
) -> tuple[set[str], Projection]:
    """The accounts with everybody they hang together with, and the links among all these.

    Reads outwards until nobody new is linked, so that every component of these accounts is whole.
    """
    uses: dict[str, UseRow] = {}
    ties: dict[tuple[str, str], TieRow] = {}
    seen: set[str] = set()
    reached = set(account_ids)
    while new := reached - seen:
        with seconds("read").time():
            use_rows, tie_rows = _read_around(store, sorted(new), now)
        uses.update((row[0], row) for row in use_rows)
        ties.update(((row[0], row[1]), row) for row in tie_rows)
        seen |= new
        with seconds("project").time():
            # whatever a new account shares with anybody is in these rows
            reached = _linked(project(share(use_rows, tie_rows, denied), now), new)
    with seconds("project").time():
        return seen, project(share(uses.values(), ties.values(), denied), now)


def _read_around(
    store: GraphStore, account_ids: list[str], now: int
) -> tuple[list[UseRow], list[TieRow]]:
    hour = age_hour(now)
    live_from = hour - HORIZON_MS
    uses: dict[str, UseRow] = {}
    ties: dict[tuple[str, str], TieRow] = {}
    for start in range(0, len(account_ids), _CHUNK):
        chunk = account_ids[start : start + _CHUNK]
        asked = {"account_ids": chunk, "live_from": live_from}
        of_uses = {"caps": hub_caps(), "now": hour}
        use_rows, tie_rows = store.at_once(
            [
                partial(store.read_values, "detection/read_uses_of", **asked, **of_uses),
                partial(store.read_values, "detection/read_ties_of", **asked, cap=COUNTERPARTY_CAP),
            ]
        )
        uses.update((row[0], row) for row in use_rows)
        ties.update(((row[0], row[1]), row) for row in tie_rows)
    return list(uses.values()), list(ties.values())


def _linked(projection: Projection, account_ids: set[str]) -> set[str]:
    """Everybody who is linked to one of these accounts."""
    names = projection.account_ids
    mine = np.fromiter((name in account_ids for name in names), np.bool_, len(names))
    source, target = projection.source, projection.target
    ends = np.concatenate([target[mine[source]], source[mine[target]]])
    return {names[n] for n in np.unique(ends).tolist()}
