"""Detection on one screen: touched accounts → rings with reasons and scores → alerts."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

from detection.alerts import messages, raise_alerts
from detection.calibration import read_calibration
from detection.changes import ring_changes
from detection.communities import find_communities
from detection.components import find_components
from detection.due import changed_due
from detection.engines import community_finder
from detection.evidence import gather
from detection.findings import compare_findings, read_flags
from detection.reading import look_around, look_at_all
from detection.results import Results, save
from detection.rings import make_ring, match_rings
from detection.rules import run_rules, without_denied
from detection.scope import read_scope
from detection.settings import DetectionSettings
from graph import metrics, outbox
from graph.deny_list import DenyList
from graph.dispositions import read_benign_keys
from graph.model import Alert, Ring, RingChange
from graph.store import GraphStore

log = logging.getLogger("ringtrace.detection")
#: time of a part of a run
seconds = metrics.DETECTION_STAGE_SECONDS.labels
_NOTHING = DenyList()


@dataclass(frozen=True, slots=True)
class Run:
    """What a detection run found."""

    run_id: str
    #: rings that were looked at and are open, sorted by id
    rings: list[Ring]
    changes: list[RingChange]
    alerts: list[Alert]
    #: accounts looked at
    account_count: int
    #: accounts that events were about since the run before, and who hung together with them then
    touched_ids: set[str]


def detect(
    store: GraphStore,
    settings: DetectionSettings,
    *,
    full: bool = False,
    denied: DenyList = _NOTHING,
) -> Run | None:
    """Find, score and report the rings of the accounts touched since the last run, or of all.

    What is denied connects nobody; a list that changed counts for rings that are looked at again,
    with `full` for all. Returns None when nothing was touched. A crash anywhere repeats the run
    and nothing else.
    """
    finder = community_finder(settings, store)
    with seconds("read").time():
        scope = read_scope(store, full)
    if not scope.account_ids:
        return None
    look = look_at_all if full else look_around
    around = look(store, scope.account_ids, scope.now, denied)
    looked_at, projection, known = around.account_ids, around.projection, around.known
    with _read_about(store, sorted(looked_at)) as (hits, benign, due, flags):
        with seconds("cluster").time():
            least, touched = settings.min_ring_size, None if full else looked_at
            components = find_components(projection, touched, finder.connect, least)
            communities = find_communities(finder, components, least, projection.shared.ties)
        with seconds("score").time():
            findings = without_denied(hits(), denied.with_keys(benign()))
            evidence = gather(communities, projection.shared, findings + flags().in_events)
            members = [community.by_account for community in communities]
            founded = [each.first_seen for each in evidence]
            matching = match_rings(members, known, founded, around.used_ring_ids)
            rings = [
                make_ring(each, ring_id, matching.parents.get(ring_id, ()), settings)
                for ring_id, each in zip(matching.ring_ids, evidence, strict=True)
            ]
    with seconds("write").time():
        before = {ring.ring_id: ring for ring in known}
        changes = ring_changes(rings, before, matching)
        calibration = read_calibration(store)
        alerts = raise_alerts(rings, before, settings, scope.now, finder.version, calibration)
        results = Results(
            scope=scope,
            account_count=len(looked_at),
            rings=rings,
            strengths=dict(zip(matching.ring_ids, members, strict=True)),
            changes=changes,
            before=before,
            ended=matching.ended,
            findings=compare_findings(store, looked_at, flags().in_graph, findings),
            due=changed_due(projection, due(), scope.now),
            alerts=alerts,
            messages=messages(alerts, rings, settings, scope.run_id),
            detector_version=finder.version,
            # alerts are listed meanwhile
            send_at=outbox.HELD if calibration.is_frozen else 0,
        )
        save(store, results)
    return Run(scope.run_id, rings, changes, alerts, len(looked_at), scope.touched_ids)


def report(run: Run | None) -> None:
    """One line about a run that found something to look at."""
    if run is not None:
        metrics.DETECTION_RUNS.inc()
        log.info(
            "%s: %d accounts looked at, %d rings, %d changed, %d alerts",
            *(run.run_id, run.account_count, len(run.rings), len(run.changes), len(run.alerts)),
        )


def _read_about(
    store: GraphStore, account_ids: list[str]
) -> AbstractContextManager[list[Callable[[], Any]]]:
    """What the score needs, read while communities are found; what is needed first comes first."""
    return store.meanwhile(
        (
            partial(run_rules, store, account_ids),
            partial(read_benign_keys, store),
            partial(store.read_about, "detection/known_due", account_ids),
            partial(read_flags, store, account_ids),
        )
    )
