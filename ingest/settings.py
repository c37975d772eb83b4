"""Where events come from and how they are batched."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class IngestSettings(BaseSettings):
    """The Kafka side of Ringtrace."""

    model_config = SettingsConfigDict(env_prefix="RINGTRACE_INGEST_", frozen=True)

    bootstrap_servers: str | None = Field(
        None, description="Your Kafka brokers; without it a local one is started."
    )
    topic: str = Field("ringtrace.events", description="Topic of the events.")
    dead_letter_topic: str = Field(
        "ringtrace.dead_letters", description="Topic of events that could not be used."
    )
    partitions: int = Field(4, gt=0, description="Partitions of a topic that is made here.")
    group_id: str = Field("ringtrace", description="Consumer group.")
    batch_size: int = Field(20_000, gt=0, description="Most events in one graph transaction.")
    batch_wait_ms: int = Field(250, gt=0, description="Longest wait for a batch, milliseconds.")
    checkpoint_seconds: float = Field(
        20,
        gt=0,
        description="How far counters and the archive may be behind new structure, seconds.",
    )
    duplicate_window_days: int = Field(
        30, gt=0, description="How long a repeated event is recognised, days since it came in."
    )
    heap_size: str = Field("512m", description="Java heap of the local Kafka.")
    start_seconds: int = Field(60, gt=0, description="Longest wait for a local Kafka, seconds.")
