"""Every setting of the service, in the order of the README's table."""

from pydantic_settings import BaseSettings

from api.settings import ApiSettings
from detection.settings import DetectionSettings, EscalationSettings
from graph.logs import LogSettings
from graph.metrics import MetricsSettings
from graph.settings import ArchiveSettings, DataSettings, GraphSettings, PrivacySettings
from ingest.settings import IngestSettings

SETTINGS: tuple[type[BaseSettings], ...] = (
    DataSettings,
    GraphSettings,
    IngestSettings,
    ArchiveSettings,
    PrivacySettings,
    DetectionSettings,
    EscalationSettings,
    ApiSettings,
    MetricsSettings,
    LogSettings,
)
