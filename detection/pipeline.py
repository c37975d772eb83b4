"""Detection on one screen: touched accounts → rings with reasons and scores → alerts."""

from dataclasses import dataclass
from functools import partial

from detection.alerts import messages, raise_alerts
from detection.anomaly import changed_scores, present_model
from detection.changes import ring_changes
from detection.communities import find_communities
from detection.components import find_components
from detection.due import changed_due
from detection.engines import community_finder
from detection.evidence import gather
from detection.features import read_features
from detection.findings import compare_findings
from detection.projection import Projection, project
from detection.reading import all_rows, project_around
from detection.results import Results, read_known_rings, read_used_ids, save
from detection.rings import KnownRing, make_ring, match_rings
from detection.rules import run_rules, without_denied
from detection.scope import Scope, read_scope
from detection.settings import DetectionSettings
from detection.shared import share
from graph import metrics
from graph.deny_list import DenyList
from graph.dispositions import read_benign_keys
from graph.model import Alert, Ring, RingChange
from graph.store import GraphStore

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
    looked_at, projection, known = look_around(store, scope, denied)
    with seconds("cluster").time():
        components = find_components(projection, None if full else looked_at, finder.connect)
        ties = projection.shared.ties
        communities = find_communities(finder, components, settings.min_ring_size, ties)
    with seconds("score").time():
        innocent = denied.with_keys(read_benign_keys(store))
        findings = without_denied(run_rules(store, sorted(looked_at)), innocent)
        evidence = gather(communities, projection.shared, findings)
        members = [community.by_account for community in communities]
        founded_at = [each.first_seen for each in evidence]
        matching = match_rings(members, known, founded_at, read_used_ids(store, looked_at))
        features = read_features(store, sorted(looked_at), projection.shared)
        model = present_model(store, features, train=full)
        rings = [
            make_ring(each, ring_id, matching.parents.get(ring_id, ()), settings)
            for ring_id, each in zip(matching.ring_ids, evidence, strict=True)
        ]
        scores = changed_scores(model, features)
    with seconds("write").time():
        version = f"{finder.version}+{model.version}"
        before = {ring.ring_id: ring for ring in known}
        changes = ring_changes(rings, before, matching)
        alerts = raise_alerts(rings, before, settings, scope.now, version)
        results = Results(
            scope=scope,
            account_count=len(looked_at),
            rings=rings,
            strengths=dict(zip(matching.ring_ids, members, strict=True)),
            changes=changes,
            before=before,
            ended=matching.ended,
            findings=compare_findings(store, sorted(looked_at), findings),
            scores=scores,
            due=changed_due(projection, features, scope.now),
            model=model,
            alerts=alerts,
            messages=messages(alerts, rings, settings, scope.run_id),
            detector_version=version,
        )
        save(store, results)
    return Run(scope.run_id, rings, changes, alerts, len(looked_at))


def look_around(
    store: GraphStore, scope: Scope, denied: DenyList
) -> tuple[set[str], Projection, list[KnownRing]]:
    """The accounts to look at, what links them, and the open rings that any of them is in.

    Whoever is in such a ring is looked at too: a ring that lost its ground is seen as a whole.
    """
    if scope.is_full:
        with seconds("read").time():
            uses, ties = all_rows(store, scope.now)
            known = read_known_rings(store, scope.account_ids)
        with seconds("project").time():
            projection = project(share(uses, ties, denied), scope.now)
        return scope.account_ids, projection, known
    look = partial(project_around, store, now=scope.now, denied=denied)
    looked_at, projection = look(scope.account_ids)
    while True:
        with seconds("read").time():
            known = read_known_rings(store, looked_at)
        members = {account_id for ring in known for account_id in ring.members}
        if members <= looked_at:
            return looked_at, projection, known
        looked_at, projection = look(looked_at | members)
