"""Detection on one screen: touched accounts → rings with reasons and scores → alerts."""

from dataclasses import dataclass

from detection.alerts import messages, raise_alerts
from detection.anomaly import AnomalyModel, read_model
from detection.communities import CommunityFinder, community_finder
from detection.components import Component, find_components
from detection.evidence import build_rings
from detection.features import read_features
from detection.projection import project
from detection.results import Results, Scope, read_known_rings, read_scope, read_used_ids, save
from detection.rings import match_rings, ring_change
from detection.rules import run_rules, without_denied
from detection.settings import DetectionSettings
from graph.deny_list import DenyList
from graph.model import Alert, Ring, RingChange
from graph.store import GraphStore

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
    scope = read_scope(store, full)
    if not scope.account_ids:
        return None
    projection = project(store, denied)
    components = find_components(
        projection, None if full else scope.account_ids, settings.min_ring_size
    )
    looked_at = scope.account_ids.union(*(component.account_ids for component in components))
    finder = community_finder(settings)
    communities = _communities(finder, components, settings.min_ring_size)
    findings = without_denied(run_rules(store, sorted(looked_at)), denied)
    evidence = build_rings(communities, projection, findings)
    known = read_known_rings(store, looked_at)
    founded_at = [e.first_seen for e in evidence]
    matching = match_rings(communities, known, founded_at, read_used_ids(store, looked_at))
    model, anomaly = _anomaly(store, scope, looked_at)
    version = f"{finder.version}+{model.version}"
    before = {ring.ring_id: ring for ring in known}
    rings = [
        e.as_ring(ring_id, matching.parents.get(ring_id, ()), settings)
        for ring_id, e in zip(matching.ring_ids, evidence, strict=True)
    ]
    changes = [c for ring in rings if (c := ring_change(ring, before.get(ring.ring_id)))]
    alerts = raise_alerts(rings, before, settings, scope.now, version)
    save(
        store,
        Results(
            scope=scope,
            looked_at=sorted(looked_at),
            rings=rings,
            strengths=dict(zip(matching.ring_ids, communities, strict=True)),
            changes=changes,
            before=before,
            ended=matching.ended,
            findings=findings,
            anomaly=anomaly,
            model=model,
            alerts=alerts,
            messages=messages(alerts, rings, settings, scope.run_id),
            detector_version=version,
        ),
    )
    return Run(scope.run_id, rings, changes, alerts, len(looked_at))


def _communities(
    finder: CommunityFinder, components: list[Component], min_size: int
) -> list[dict[str, int]]:
    """Communities of at least `min_size` accounts, each account with its strength."""
    found = []
    for component in components:
        strengths = component.strengths()
        for members in finder.find(component):
            if len(members) >= min_size:
                found.append({account_id: strengths[account_id] for account_id in members})
    return found


def _anomaly(
    store: GraphStore, scope: Scope, looked_at: set[str]
) -> tuple[AnomalyModel, list[tuple[str, int, list[str]]]]:
    """Scores of the accounts looked at; a full pass trains the model that the next runs use."""
    model = None if scope.is_full else read_model(store)
    if model is None:
        looked_at = {row["id"] for row in store.read("detection/active_accounts")}
    features = read_features(store, sorted(looked_at))
    model = model or AnomalyModel.train(features)
    scored = zip(features.account_ids, model.score(features), model.drivers(features), strict=True)
    return model, list(scored)
