"""The rules in detection/sequences: SQL over the archive's events, one after the other.

What they find is kept in the graph, where every run reads it with the rest. A rule reads `event`,
which has the archive's columns and `at`, the time in milliseconds since 1970.
"""

import logging
import uuid
from functools import partial

import duckdb

from detection.findings import FindingChanges, KnownFinding, compare_findings, read_flags_by
from detection.projection import HORIZON_MS, age_hour
from detection.rules import Rule, merged, rules, sequences, without_denied
from graph.archive import Archive
from graph.archive_engine import Connection, read_table
from graph.deny_list import DenyList
from graph.dispositions import read_benign_keys
from graph.errors import QueryError
from graph.model import Finding
from graph.store import GraphStore, Transaction

log = logging.getLogger("ringtrace.detection")

#: findings in one transaction
_CHUNK = 5_000
_NOTHING = DenyList()

# `hit` may begin with a WITH of its own
_SQL = """
WITH event AS NOT MATERIALIZED (
    SELECT * EXCLUDE (body_hash, id_hash), epoch_ms(occurred_at) AS "at"
    FROM read_parquet($files, hive_partitioning = false)
    WHERE occurred_at >= make_timestamptz($since) AND occurred_at < make_timestamptz($until)
),
hit AS (
{}
)
SELECT identifier_key, account_ids, account_count, "at", detail FROM hit WHERE "at" >= $live_from
"""


def keep_sequences(store: GraphStore, archive: Archive, denied: DenyList = _NOTHING) -> int:
    """Bring what the graph has of these rules up to what the archive says; how many changed.

    The accounts of a finding that changed are touched for the next run where its rule gives rings
    points. Everything is looked at again: 10 million events take about a minute.
    """
    now = store.read("detection/read_now")[0]["now"] or 0
    live_from = age_hour(now) - HORIZON_MS
    not_counted = denied.with_keys(read_benign_keys(store))
    found = without_denied(find_sequences(archive, live_from, now), not_counted)
    stored = read_flags_by(store, [rule.name for rule in sequences()])
    about = {a for flag in stored for a in flag.finding.account_ids}
    about.update(account_id for finding in found for account_id in finding.account_ids)
    changes = compare_findings(store, about, stored, found)
    ids = sorted(
        {row["id"] for row in changes.findings} | {pair[0] for pair in changes.new + changes.gone}
    )
    accounts = _accounts(stored, changes)
    for start in range(0, len(ids), _CHUNK):
        part = set(ids[start : start + _CHUNK])
        store.write(partial(_write, changes=changes, part=part, accounts=accounts))
    if ids:
        log.info("%d findings of the rules about events are new, changed or gone", len(ids))
    return len(ids)


def find_sequences(archive: Archive, since: int, now: int) -> list[Finding]:
    """What the rules find in the events up to `now`, each hit once, sorted by its id.

    Events and hits before `since` count for nothing; both in milliseconds since 1970. QueryError
    for a file that DuckDB does not understand.
    """
    return archive.with_engine(partial(_find, span=(since, now)))


def _find(engine: Connection, files: list[str], span: tuple[int, int]) -> list[Finding]:
    if not files:
        return []
    return merged(f for rule in sequences() for f in _run(engine, files, rule, span))


def _run(engine: Connection, files: list[str], rule: Rule, span: tuple[int, int]) -> list[Finding]:
    since, now = span
    parameters = {
        "files": files,
        "since": since * 1000,
        "until": (now + 1) * 1000,
        "live_from": since,
        **rule.defaults,
    }
    try:
        rows = read_table(engine, _SQL.format(rule.sql), parameters)
    except (duckdb.ProgrammingError, duckdb.DataError) as error:
        first = (str(error).splitlines() or ["?"])[0]
        raise QueryError(f"detection/sequences/{rule.name}.sql: {first}") from error
    return [
        Finding(rule.name, key, tuple(sorted(account_ids)), account_count, at, detail)
        for key, account_ids, account_count, at, detail in zip(
            *(column.to_pylist() for column in rows.columns), strict=True
        )
    ]


def _accounts(stored: list[KnownFinding], changes: FindingChanges) -> dict[str, set[str]]:
    """Whom each finding is or was about, of the rules that give rings points."""
    accounts: dict[str, set[str]] = {}
    pairs = [(flag.finding_id, a) for flag in stored for a in flag.finding.account_ids]
    for finding_id, account_id in (*pairs, *map(tuple, changes.new)):
        if rules()[finding_id.partition(":")[0]].points:
            accounts.setdefault(finding_id, set()).add(account_id)
    return accounts


def _write(
    tx: Transaction, changes: FindingChanges, part: set[str], accounts: dict[str, set[str]]
) -> None:
    tx.run("detection/save_findings", rows=[row for row in changes.findings if row["id"] in part])
    tx.run("detection/save_flags", rows=[pair for pair in changes.new if pair[0] in part])
    tx.run("detection/end_findings", rows=[pair for pair in changes.gone if pair[0] in part])
    touched = sorted(set().union(*(accounts.get(each, ()) for each in part)))
    if touched:
        note = uuid.uuid4().hex
        tx.run("ingest/touch", id=note, account_ids=touched, partitions=[], latest_at=0)
