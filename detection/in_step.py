"""Accounts that act in step, kept as ties in the graph: the archive tells who they are."""

import logging
import math
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from detection.cascades import cascade_pairs
from detection.closed_groups import closed_group_pairs
from detection.cohorts import cohort_pairs
from detection.coordination import pairs
from detection.crews import crew_pairs
from detection.fan_in import fan_in_pairs
from detection.farms import farm_pairs
from detection.funnels import funnel_pairs
from detection.projection import age_hour
from detection.round_trips import round_trip_pairs
from detection.shared import TieKind
from detection.smurfing import smurf_pairs
from graph.archive import Archive
from graph.deny_list import DenyList
from graph.store import GraphStore, Transaction
from graph.times import DAY_MS, HOUR_MS

log = logging.getLogger("ringtrace.detection")

#: days back that actions are compared: the most of these with no more events than fit in memory
LOOKBACK_DAYS = (400, 90, 30, 7)
MAX_EVENTS = 20_000_000
#: p-value below which one is as good as another
LEAST = 1e-12
#: pairs in one transaction
_CHUNK = 10_000
_NOTHING = DenyList()

#: [type, source, target, objects, p-value, first seen, last seen]; source < target, milliseconds
Pair = list[Any]


def keep_in_step(store: GraphStore, archive: Archive, denied: DenyList = _NOTHING) -> int:
    """Bring the graph's ties of accounts in step up to what the archive says; how many changed.

    Ten kinds, each with a test against chance: acting on the same objects within a window
    (detection.coordination), choosing the same ones (detection.crews), passing money on in the same
    cascades (detection.cascades) or round (detection.round_trips), paying one account together
    (detection.fan_in), being funded from one and emptied to one again and again (detection.farms)
    or once, all in one sitting (detection.smurfing), paying one that passes it all on
    (detection.funnels), funding and emptying one another in bursts (detection.closed_groups), and
    beginning together (detection.cohorts), which is a tie of its own.
    The accounts of each tie that changed are touched for the next run. All is compared again:
    10 million actions take about a minute.
    """
    now = store.read("detection/read_now")[0]["now"] or 0
    found = {tuple(pair[:3]): pair for pair in find_in_step(archive, now, denied)}
    stored = {tuple(row[:3]): row for row in store.read_values("detection/read_in_step")}
    new = [pair for ends, pair in sorted(found.items()) if stored.get(ends) != pair]
    gone = [row for ends, row in sorted(stored.items()) if ends not in found]
    for statement, rows in (("detection/save_in_step", new), ("detection/end_in_step", gone)):
        for start in range(0, len(rows), _CHUNK):
            part = rows[start : start + _CHUNK]
            store.write(partial(_write, statement=statement, rows=part, now=now))
    if new or gone:
        log.info("%d pairs of accounts in step are new or changed, %d ended", len(new), len(gone))
    return len(new) + len(gone)


def find_in_step(archive: Archive, now: int, denied: DenyList = _NOTHING) -> Iterator[Pair]:
    """Pairs in step up to `now`, in order; who is denied is in none, and no reason for one."""
    since = _since(archive, age_hour(now))
    nobody = denied.account_ids
    actions = _without(nobody, archive.actions(since, now + 1), "account_id")
    actions = _without((f"payee:{account_id}" for account_id in nobody), actions, "object")
    transfers = _without(nobody, archive.transfers(since, now + 1), "payer", "payee")
    in_step = [
        pairs(actions),
        crew_pairs(actions),
        cascade_pairs(transfers),
        round_trip_pairs(transfers),
        fan_in_pairs(transfers),
        farm_pairs(transfers),
        funnel_pairs(transfers),
        smurf_pairs(transfers),
        closed_group_pairs(transfers),
    ]
    yield from _ties(TieKind.BEGAN_WITH, [cohort_pairs(transfers, archive.beginnings(now + 1))])
    yield from _ties(TieKind.COACTED, in_step)


def _ties(kind: TieKind, found: list[pa.Table]) -> Iterator[Pair]:
    """The least likely row of each pair."""
    best: dict[tuple[str, str], dict[str, Any]] = {}
    for row in pa.concat_tables(found).to_pylist():
        ends = row["source"], row["target"]
        if ends not in best or row["p_value"] < best[ends]["p_value"]:
            best[ends] = row
    for ends, row in sorted(best.items()):
        # in powers of ten, and no less than says anything: each new account changes them all
        p_value = 10.0 ** math.ceil(math.log10(max(row["p_value"], LEAST)))
        yield [kind.name, *ends, row["objects"], p_value, row["first_at"], row["last_at"]]


def _without(names: Iterable[str], table: pa.Table, *columns: str) -> pa.Table:
    """The rows that have none of these names in the columns."""
    values = pa.array(sorted(names), pa.string())
    for column in columns:
        table = table.filter(pc.invert(pc.is_in(table[column], values)))
    return table


def _since(archive: Archive, hour: int) -> int:
    """From when on actions are compared, milliseconds."""
    for days in LOOKBACK_DAYS:
        since = hour - days * DAY_MS
        if archive.count(since, hour + HOUR_MS) <= MAX_EVENTS:
            return since
    log.warning("accounts in step are looked for in the last %d days only", LOOKBACK_DAYS[-1])
    return since


def _write(tx: Transaction, statement: str, rows: list[Pair], now: int) -> None:
    tx.run(statement, rows=rows)
    touched = sorted({account_id for row in rows for account_id in row[1:3]})
    note = f"{statement}-{now}-{'-'.join(rows[0][:3])}"
    tx.run("ingest/touch", id=note, account_ids=touched, partitions=[], latest_at=0)
