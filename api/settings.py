"""Where the service listens."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ApiSettings(BaseSettings):
    """The HTTP door."""

    model_config = SettingsConfigDict(env_prefix="RINGTRACE_API_", frozen=True)

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on; there is no login yet, so keep it on loopback.",
    )
    port: int = Field(8000, ge=0, lt=65536, description="Port; the next free one if taken.")
    allowed_hosts: tuple[str, ...] = Field(
        ("127.0.0.1", "localhost"),
        description="Host names a browser may call the service by (JSON list).",
    )
