"""Which community engine the settings name."""

from detection.communities import CommunityFinder, LeidenCpm, Louvain
from detection.gds import GdsFinder
from detection.settings import DetectionSettings
from graph.store import GraphStore


def community_finder(settings: DetectionSettings, store: GraphStore) -> CommunityFinder:
    """The engine; SettingsError when `store` has not what it needs."""
    match settings.engine:
        case "leiden":
            return LeidenCpm(settings.resolution)
        case "louvain":
            return Louvain()
        case "gds-leiden":
            return GdsFinder(store, "leiden")
        case "gds-louvain":
            return GdsFinder(store, "louvain")
