"""What counts as a ring, and whom to tell."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from graph.model import RiskLevel

DetectorName = Literal["tails", "robust-z", "forest", "autoencoder", "learned", "boosted"]


class DetectionSettings(BaseSettings):
    """How rings are found and scored."""

    model_config = SettingsConfigDict(env_prefix="RINGTRACE_DETECTION_", frozen=True)

    engine: Literal["leiden", "louvain", "gds-leiden", "gds-louvain"] = Field(
        "leiden",
        description="Community engine: leiden (CPM), louvain (modularity), or gds-leiden and "
        "gds-louvain (modularity by Neo4j's Graph Data Science).",
    )
    resolution: float = Field(
        0.2, gt=0, description="CPM: least mean link weight inside a community."
    )
    detector: DetectorName = Field(
        "tails",
        description="Account detector: tails (sum of upper tails), robust-z, forest (Isolation "
        "Forest), autoencoder, learned (tails, weighted by what investigators said), or boosted "
        "(trees taught by it, over the numbers of neighbours too).",
    )
    challenger: DetectorName | None = Field(
        None,
        description="A second account detector: for comparing only, unless in an experiment.",
    )
    experiment_share: int = Field(
        0, ge=0, le=100, description="Percent of the components where the challenger is live."
    )
    min_ring_size: int = Field(3, ge=2, description="Fewest accounts of a ring.")
    medium_score: int = Field(25, description="Lowest risk score of level medium.")
    high_score: int = Field(50, description="Lowest risk score of level high.")
    critical_score: int = Field(75, description="Lowest risk score of level critical.")
    alert_level: RiskLevel = Field(
        RiskLevel.HIGH, description="Level from which a ring raises an alert."
    )
    digest_above: int = Field(
        20, ge=0, description="More alerts than this in one run leave as one digest."
    )
    deny_list: Path | None = Field(
        None, description="File of identifiers and accounts that never connect anything."
    )
    every_seconds: float = Field(
        5.0, gt=0, description="Seconds from one run of a running service to the next."
    )
    full_pass_hour: int = Field(
        3, ge=0, le=23, description="Hour (UTC) of the nightly full pass, and of calibration."
    )

    @model_validator(mode="after")
    def _experiment_has_a_challenger(self) -> Self:
        if self.experiment_share and self.challenger is None:
            raise ValueError("an experiment needs RINGTRACE_DETECTION_CHALLENGER")
        return self


class EscalationSettings(BaseSettings):
    """Where alerts are delivered."""

    model_config = SettingsConfigDict(env_prefix="RINGTRACE_ESCALATION_", frozen=True)

    webhook_url: str | None = Field(
        None, description="Receiver of webhooks; none are sent without."
    )
    webhook_secret: SecretStr | None = Field(
        None, description="Signing secret, `whsec_` and base64; a file is safer."
    )
    webhook_secret_file: Path | None = Field(None, description="File that holds the secret.")
    allow_private_addresses: bool = Field(
        False, description="Whether a receiver may be on this machine or a private network."
    )
    timeout_seconds: float = Field(15.0, gt=0, description="Longest wait for the receiver.")
