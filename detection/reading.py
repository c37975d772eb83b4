"""What of the graph a run looks at: everything, or what hangs together with some accounts."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from detection.projection import TOGETHER_MS, Projection, age_hour, live_from, project
from detection.rings import Dismissal, KnownRing
from detection.shared import Shared, TieRow, UseRow, share
from graph import metrics
from graph.deny_list import DenyList
from graph.kinds import Role, hub_caps, kinds_that
from graph.model import RiskLevel
from graph.store import GraphStore

#: an account with more counterparties is an exchange or a merchant: its ties link nobody
COUNTERPARTY_CAP = 50
seconds = metrics.DETECTION_STAGE_SECONDS.labels


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Some accounts with everybody whom they hang together with, and what hangs them together."""

    account_ids: set[str]
    projection: Projection
    #: the open rings of any of them, oldest first; all their members are among the accounts
    known: list[KnownRing]
    #: ids of all rings, closed ones too, that any of them was ever in
    used_ring_ids: set[str]


def look_at_all(
    store: GraphStore, account_ids: Iterable[str], now: int, denied: DenyList
) -> Surroundings:
    """All that links anybody; the accounts are all those that there are."""
    with seconds("read").time():
        uses, ties = all_rows(store, now)
        seen = set(account_ids)
        rings = store.read_about("detection/read_rings_of", sorted(seen))
    with seconds("project").time():
        return _surroundings(seen, project(share(uses, ties, denied), now), rings)


def all_rows(store: GraphStore, now: int) -> tuple[list[UseRow], list[TieRow]]:
    """All that any accounts share, and all ties, as the graph says them; `now` in milliseconds."""
    uses, ties = store.at_once(
        [
            partial(
                store.read_values,
                "detection/read_all_uses",
                caps=hub_caps(),
                live_from=live_from(now),
                now=age_hour(now),
            ),
            partial(
                store.read_values,
                "detection/read_all_ties",
                cap=COUNTERPARTY_CAP,
                live_from=live_from(now),
            ),
        ]
    )
    return list(uses), list(ties)


def look_around(
    store: GraphStore, account_ids: Iterable[str], now: int, denied: DenyList
) -> Surroundings:
    """Read outwards from some accounts until nobody new is linked, or in a ring with one of them.

    So every component is whole, and a ring that lost its ground is seen as a whole.
    """
    uses: list[UseRow] = []
    ties: list[TieRow] = []
    rings: list[list[Any]] = []
    seen: set[str] = set()
    reached = set(account_ids)
    projection, rounds = project(share([], [], denied), now), 0
    while new := reached - seen:
        rounds += 1
        with seconds("read").time():
            use_rows, tie_rows, ring_rows = _read_around(store, sorted(new), now)
        uses += use_rows
        ties += tie_rows
        rings += ring_rows
        seen |= new
        with seconds("project").time():
            # whatever a new account shares with anybody is in these rows
            projection = project(_share(use_rows, tie_rows, denied), now)
            reached = _linked(projection, new)
        reached.update(member[0] for row in ring_rows for member in row[5] or ())
    if rounds > 1:
        with seconds("project").time():
            projection = project(_share(uses, ties, denied), now)
    return _surroundings(seen, projection, rings)


def _read_around(
    store: GraphStore, account_ids: list[str], now: int
) -> tuple[list[UseRow], list[TieRow], list[list[Any]]]:
    live = {"live_from": live_from(now)}
    shared = {
        "kinds": kinds_that(Role.SUPPORTS),
        "together_ms": TOGETHER_MS,
        "caps": hub_caps(),
        "now": age_hour(now),
    }
    asked: dict[str, dict[str, Any]] = {
        "detection/read_ties_of": live | {"cap": COUNTERPARTY_CAP},
        "detection/read_uses_of": live | shared,
        "detection/read_rings_of": {},
    }
    ties, uses, rings = store.at_once(
        partial(store.read_about, name, account_ids, **parameters)
        for name, parameters in asked.items()
    )
    return uses, ties, rings


def _surroundings(
    account_ids: set[str], projection: Projection, rings: list[list[Any]]
) -> Surroundings:
    """Each ring once, though several of its members were asked about apart from each other."""
    known = {
        ring_id: KnownRing(
            ring_id,
            score,
            RiskLevel(level),
            RiskLevel(alerted) if alerted else None,
            alerts,
            {account_id: int(strength) for account_id, strength in members},
            digest,
            is_kept,
            _dismissal(said),
        )
        for ring_id, score, level, alerted, alerts, members, digest, is_kept, said in rings
        if members is not None
    }
    oldest_first = [known[ring_id] for ring_id in sorted(known)]
    return Surroundings(account_ids, projection, oldest_first, {row[0] for row in rings})


def _dismissal(said: tuple[list[str], str | None, int] | None) -> Dismissal | None:
    account_ids, level, alert_count = said or ([], None, 0)
    # one of an older version has none: such a ring is as any other
    return Dismissal(frozenset(account_ids), RiskLevel(level), alert_count) if level else None


def _share(uses: list[UseRow], ties: list[TieRow], denied: DenyList) -> Shared:
    """Arrays out of rows among which an identifier comes several times, with some of its uses."""
    merged: dict[tuple[str, str], dict[str, tuple[str, int, int]]] = defaultdict(dict)
    for key, kind, *columns in uses:
        merged[key, kind].update((use[0], use) for use in zip(*columns, strict=True))
    rows = [(*named, *zip(*of.values(), strict=True)) for named, of in merged.items()]
    return share(rows, ties, denied)


def _linked(projection: Projection, account_ids: set[str]) -> set[str]:
    """Everybody who is linked to one of these accounts."""
    names = projection.account_ids
    mine = np.fromiter((name in account_ids for name in names), np.bool_, len(names))
    source, target = projection.source, projection.target
    ends = np.concatenate([target[mine[source]], source[mine[target]]])
    return {names[n] for n in np.unique(ends).tolist()}
