"""Where the graph is and how much memory a local one gets."""

from pathlib import Path
from typing import Any

import phonenumbers
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from graph.kinds import Privacy


def default_data_dir() -> Path:
    """The folder of this user: servers, duplicates store and models live there."""
    return Path.home() / ".local" / "share" / "ringtrace"


class DataSettings(BaseSettings):
    """The folder all stages share on one machine."""

    model_config = SettingsConfigDict(env_prefix="RINGTRACE_", frozen=True)

    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Folder for local servers and local state; two folders are two worlds.",
    )


class GraphSettings(BaseSettings):
    """The Neo4j that holds the graph."""

    model_config = SettingsConfigDict(env_prefix="RINGTRACE_GRAPH_", frozen=True)

    uri: str | None = Field(
        None, description="Bolt address of your Neo4j; without it a local one is started."
    )
    user: str = Field("neo4j", description="User to log in as.")
    password: SecretStr | None = Field(None, description="Password; a file is safer.")
    password_file: Path | None = Field(None, description="File that holds the password.")
    database: str = Field("neo4j", description="Database name.")
    heap_size: str = Field("1g", description="Java heap of the local Neo4j.")
    page_cache_size: str = Field("512m", description="Page cache of the local Neo4j.")
    gds: bool = Field(
        False,
        description="Whether the local Neo4j is started with Graph Data Science (GPLv3), fetched "
        "from Maven Central.",
    )
    start_seconds: int = Field(120, gt=0, description="Longest wait for a local Neo4j, seconds.")


class PrivacySettings(BaseSettings):
    """What the graph and the archive hold of personal identifiers."""

    model_config = SettingsConfigDict(env_prefix="RINGTRACE_PRIVACY_", frozen=True)

    keys_file: Path | None = Field(
        None,
        description="File of the keys; without it `keys/pseudonyms.json` in the data folder.",
    )
    phone_region: str | None = Field(
        None, description="Country (ISO 3166-1) of telephone numbers without a country code."
    )
    kinds: dict[str, Privacy] = Field(
        {}, description="JSON object: kind to clear, token or token+sealed, instead of the default."
    )

    @field_validator("phone_region")
    @classmethod
    def _known(cls, region: str | None) -> str | None:
        if region is not None and region not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError("there is no such country, or it is not two capital letters")
        return region


class ArchiveSettings(BaseSettings):
    """Where every accepted event is kept, and how long."""

    model_config = SettingsConfigDict(env_prefix="RINGTRACE_ARCHIVE_", frozen=True)

    url: str | None = Field(
        None,
        description="Folder, or an address such as s3://bucket/prefix; without it `archive` in the "
        "data folder.",
    )
    retention_days: int | None = Field(
        None, gt=0, description="Days after which an event is dropped; for ever without."
    )
    options: dict[str, Any] = Field(
        {}, description="JSON object for the store's fsspec class, for example an endpoint."
    )
    memory: str = Field("512MB", description="Memory that DuckDB may take to read and to sort.")
