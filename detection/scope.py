"""Where a run starts: what was touched, what is due, and what turned into a hub or out of one."""

from dataclasses import dataclass
from functools import partial

from detection.projection import HORIZON_MS, age_hour, live_from
from detection.reading import COUNTERPARTY_CAP
from graph.kinds import hub_caps
from graph.store import GraphStore, Row
from graph.world_keys import read_world


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run begins with."""

    #: time of the graph, milliseconds: the greatest accepted occurred_at
    now: int
    number: int
    #: how many there were when the run began
    dispositions: int
    is_full: bool
    #: accounts to look at again
    account_ids: set[str]
    #: accounts that notes of ingest name, and those they hung together with before
    touched_ids: set[str]
    #: notes of ingest that this run deals with
    touched: list[Row]
    #: {key, hub_until} of identifiers that became hubs, or are none any more
    hubs: list[Row]
    #: {id, is_crowded} of accounts that have too many counterparties since, or no more
    crowds: list[Row]
    #: which keys identifiers had when they were read
    fingerprint: str | None

    @property
    def run_id(self) -> str:
        """Name of the run."""
        return f"run-{self.number:08d}"


def read_scope(store: GraphStore, full: bool) -> Scope:
    """What was touched since the last run, with all whose links changed by it; or every account."""
    # first: whatever is said while the rest is read makes the run begin again
    last = store.read("detection/last_run")[0]
    fingerprint = read_world(store)["fingerprint"]
    touched = store.read("detection/read_touched")
    now = store.read("detection/read_now")[0]["now"] or 0
    touched_ids = {account_id for row in touched for account_id in row["account_ids"]}
    accounts = {row["id"] for row in store.read("detection/accounts_due", now=age_hour(now))}
    accounts |= touched_ids
    if full:
        accounts = {row["id"] for row in store.read("detection/active_accounts")}
    names = sorted(accounts)
    hubs, crowds, linked = store.at_once(
        (
            partial(_hubs, store, names, now, full),
            partial(store.read, "detection/crowds_turned", account_ids=names, cap=COUNTERPARTY_CAP),
            # before the first run nobody hung together with anybody
            partial(linked_before, store, sorted(touched_ids if full else names))
            if last["number"]
            else set,
        )
    )
    kept, turned = hubs
    if not full:
        beside = {row["id"] for row in store.read("detection/accounts_of", keys=turned)}
        beside.update(other for row in crowds for other in row["others"])
        accounts |= linked | beside | linked_before(store, sorted(beside))
    return Scope(
        now=now,
        number=last["number"] + 1,
        dispositions=last["dispositions"],
        is_full=full,
        account_ids=accounts,
        touched_ids=touched_ids | linked,
        touched=[{"id": row["id"]} for row in touched],
        hubs=kept,
        crowds=[{"id": row["id"], "is_crowded": row["is_crowded"]} for row in crowds],
        fingerprint=fingerprint,
    )


def linked_before(store: GraphStore, account_ids: list[str]) -> set[str]:
    """Everybody in a component that any of these accounts was in when it was last looked at."""
    return {row[0] for row in store.read_about("detection/linked_before", account_ids)}


def _hubs(
    store: GraphStore, account_ids: list[str], now: int, full: bool
) -> tuple[list[Row], list[str]]:
    """What to keep of hubs, and the keys that turned into one or out of one."""
    hour = age_hour(now)
    asked = {
        "caps": hub_caps(),
        "horizon": HORIZON_MS,
        "live_from": live_from(now),
        "now": hour,
    }
    due = {row["key"]: row["hub_until"] for row in store.read("detection/hubs_due", **asked)}
    if full:
        rows = store.read("detection/new_hubs", **asked)
    else:
        rows = store.read("detection/new_hubs_of", account_ids=account_ids, **asked)
    new = {row["key"]: row["hub_until"] for row in rows if row["key"] not in due}
    turned = [*new, *(key for key, until in due.items() if until is None)]
    kept = [{"key": key, "hub_until": until} for key, until in sorted((due | new).items())]
    return kept, turned
