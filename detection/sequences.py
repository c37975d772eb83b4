"""The rules in detection/sequences: SQL over the archive's events, one after the other.

What they find is kept in the graph, where every run reads it with the rest. A rule reads `event`,
which has the archive's columns and `at`, the time in milliseconds since 1970.
"""

import logging
import uuid
from functools import partial

from detection.findings import FindingChanges, KnownFinding, compare_findings, read_flags_by
from detection.projection import live_from
from detection.rules import Rule, merged, rules, sequences, without_denied
from graph.archive import Archive
from graph.deny_list import DenyList
from graph.dispositions import read_benign_keys
from graph.errors import ArchiveError, QueryError
from graph.model import Finding
from graph.store import GraphStore, Transaction
from graph.world_keys import keep_keys, read_world

log = logging.getLogger("ringtrace.detection")

#: findings in one transaction
_CHUNK = 500
_NOTHING = DenyList()

# a rule may begin with a WITH of its own. What happened before `$since` is no hit, and still
# tells what is new and who is a merchant
_SQL = """
WITH hit AS (
{}
)
SELECT identifier_key, account_ids, account_count, "at", detail FROM hit WHERE "at" >= $since
"""


def keep_sequences(store: GraphStore, archive: Archive, denied: DenyList = _NOTHING) -> int:
    """Bring what the graph has of these rules up to what the archive says; how many changed.

    The accounts of a finding that changed are touched for the next run where its rule gives rings
    points. Everything is looked at again: a million events take about ten seconds. A rule that
    fails is said in the log, keeps what it has found, and the others go on.
    """
    fingerprint = read_world(store)["fingerprint"]
    now = store.read("detection/read_now")[0]["now"] or 0
    found: list[Finding] = []
    looked_for: list[str] = []
    for rule in sequences():
        try:
            found += find_sequences(archive, rule, live_from(now), now)
            looked_for.append(rule.name)
        except (ArchiveError, QueryError) as error:
            log.error("rule %s is left out: %s", rule.name, error)
    found = without_denied(found, denied.with_keys(read_benign_keys(store)))
    stored = read_flags_by(store, looked_for)
    about = {a for flag in stored for a in flag.finding.account_ids}
    about.update(account_id for finding in found for account_id in finding.account_ids)
    changes = compare_findings(store, about, stored, found)
    ids = sorted(
        {row["id"] for row in changes.findings} | {pair[0] for pair in changes.new + changes.gone}
    )
    accounts = _accounts(stored, changes)
    work = partial(_write, changes=changes, accounts=accounts, fingerprint=fingerprint)
    for start in range(0, len(ids), _CHUNK):
        store.write(partial(work, part=set(ids[start : start + _CHUNK])))
    if ids:
        log.info("%d findings of the rules about events are new, changed or gone", len(ids))
    return len(ids)


def find_sequences(archive: Archive, rule: Rule, since: int, now: int) -> list[Finding]:
    """What a rule finds in the events up to `now`, each hit once, sorted by its id.

    Hits before `since` are left out; both in milliseconds since 1970. QueryError for a file
    that DuckDB does not understand or that returns what is no finding.
    """
    try:
        hits = archive.ask(_SQL.format(rule.sql), now + 1, {"since": since} | rule.defaults)
    except QueryError as error:
        raise _refused(rule, str(error)) from error
    return merged(
        _finding(rule, *row) for row in zip(*(c.to_pylist() for c in hits.columns), strict=True)
    )


def _finding(
    rule: Rule,
    key: str | None,
    account_ids: list[str] | None,
    account_count: int,
    at: int,
    detail: str,
) -> Finding:
    if not account_ids or (rule.subject == "identifier" and not key):
        raise _refused(rule, f"a hit needs its accounts, and its identifier if about one: {detail}")
    return Finding(rule.name, key or "", tuple(sorted(account_ids)), account_count, at, detail)


def _refused(rule: Rule, why: str) -> QueryError:
    return QueryError(f"detection/sequences/{rule.name}.sql: {why}")


def _accounts(stored: list[KnownFinding], changes: FindingChanges) -> dict[str, set[str]]:
    """Whom each finding is or was about, of the rules that give rings points."""
    accounts: dict[str, set[str]] = {}
    pairs = [(flag.finding_id, a) for flag in stored for a in flag.finding.account_ids]
    for finding_id, account_id in (*pairs, *map(tuple, changes.new)):
        if rules()[finding_id.partition(":")[0]].points:
            accounts.setdefault(finding_id, set()).add(account_id)
    return accounts


def _write(
    tx: Transaction,
    changes: FindingChanges,
    part: set[str],
    accounts: dict[str, set[str]],
    fingerprint: str | None,
) -> None:
    # tokens that were renamed since the archive was read must not come back
    keep_keys(tx, fingerprint)
    tx.run("detection/save_findings", rows=[row for row in changes.findings if row["id"] in part])
    tx.run("detection/save_flags", rows=[pair for pair in changes.new if pair[0] in part])
    tx.run("detection/end_findings", rows=[pair for pair in changes.gone if pair[0] in part])
    # about accounts that the archive has and the graph has not yet
    tx.run("detection/end_unflagged", finding_ids=sorted(part))
    touched = sorted(set().union(*(accounts.get(each, ()) for each in part)))
    if touched:
        note = uuid.uuid4().hex
        tx.run("ingest/touch", id=note, account_ids=touched, partitions=[], latest_at=0)
