"""The nightly full pass: are the rings those that the runs of the day have found?"""

import hashlib
from importlib.metadata import version

from detection.pipeline import detect, report
from detection.rules import rules
from detection.scope import linked_before, read_scope
from detection.settings import DetectionSettings
from graph.deny_list import DenyList
from graph.jobs import keep_basis, read_jobs, tell_differences
from graph.kinds import identifier_kinds
from graph.model import RingChange
from graph.queries import query
from graph.store import GraphStore

FULL_PASS = "full_pass"


def full_pass(
    store: GraphStore, settings: DetectionSettings, denied: DenyList, now: int
) -> list[RingChange]:
    """Look at every account, and tell of rings that changed although nothing about them did.

    Runs that look at what was touched only must find the same: such a change is an incident. None
    is where a pass goes by other settings, rules or denied identifiers than the night before.
    `now`, of the clock, in milliseconds since 1970.
    """
    basis = _basis(settings, denied)
    before = {job.name: job.basis for job in read_jobs(store)}.get(FULL_PASS)
    found = unexplained_changes(store, settings, denied)
    if before != basis:
        found = []
    if found:
        tell_differences(store, FULL_PASS, now, sorted({change.ring_id for change in found}))
    keep_basis(store, FULL_PASS, basis)
    return found


def unexplained_changes(
    store: GraphStore, settings: DetectionSettings, denied: DenyList
) -> list[RingChange]:
    """What a full pass changes about rings that nothing has touched since the run before it."""
    report(detect(store, settings, denied=denied))
    # what a run would look at now, what was noted since, and what came while the pass was reading
    waiting = read_scope(store, full=False).account_ids
    run = detect(store, settings, full=True, denied=denied)
    report(run)
    if run is None:
        return []
    waiting |= run.touched_ids | read_scope(store, full=False).account_ids
    waiting |= linked_before(store, sorted(waiting))
    members = {ring.ring_id: ring.account_ids for ring in run.rings}
    return [
        change
        for change in run.changes
        if waiting.isdisjoint((*members.get(change.ring_id, ()), *change.left))
    ]


def _basis(settings: DetectionSettings, denied: DenyList) -> str:
    """What tells two passes apart that may find different rings in the same graph."""
    texts = [rule.sql or query(f"rules/{name}").text for name, rule in sorted(rules().items())]
    texts += [version("ringtrace"), settings.model_dump_json(), repr(sorted(rules().items()))]
    texts += [repr(sorted(denied.keys)), repr(sorted(denied.account_ids))]
    texts += [repr(sorted(identifier_kinds().items())), version("graspologic-native")]
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=12).hexdigest()
