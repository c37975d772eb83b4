"""Log lines: for people at a terminal, JSON for programs, and one line a state change."""

import logging
import re
import sys
import time
from collections.abc import Callable
from typing import Any, Literal, TextIO

import structlog
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from structlog.stdlib import ExtraAdder, ProcessorFormatter
from structlog.typing import EventDict, Processor

#: clients whose trouble is our one line to say, not their twenty
_TALKATIVE = ("kafka", "neo4j", "apscheduler")
#: what stands in the place of a secret
HIDDEN = "***"
_SECRET_FIELDS = re.compile(r"password|secret|token|authorization|api_?key", re.IGNORECASE)
# a user and password in an address, and the signing secret of a webhook
_SECRET_TEXT = re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)|whsec_[A-Za-z0-9+/=]+")


class LogSettings(BaseSettings):
    """How the stages speak."""

    model_config = SettingsConfigDict(env_prefix="RINGTRACE_LOG_", frozen=True)

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "INFO", description="How much the stages say."
    )
    format: Literal["auto", "console", "json"] = Field(
        "auto", description="console, json, or auto: console at a terminal."
    )

    @field_validator("level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value


def configure_logs(settings: LogSettings, stage: str = "", stream: TextIO | None = None) -> None:
    """Send every log line of this process to `stream` (standard error), each naming the stage.

    Can be called again. Lines of `logging` and of structlog look the same; fields go in `extra`.
    """
    stream = stream or sys.stderr
    is_console = settings.format == "console" or (settings.format == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    shared = _shared(stage)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[ExtraAdder(), *shared],
            processors=[ProcessorFormatter.remove_processors_meta, *_rendering(is_console, stream)],
        )
    )
    structlog.configure(
        processors=[*shared, ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel("WARNING")
    logging.getLogger("ringtrace").setLevel(settings.level)
    for client in _TALKATIVE:
        # not DEBUG: the Kafka client would log whole records, people's data in clear
        wanted = "INFO" if settings.level == "DEBUG" else "CRITICAL"
        logging.getLogger(client).setLevel(wanted)


class StateLog:
    """Says when something goes away and when it is back, and nothing in between.

    The clock gives seconds. Not safe to share between threads.
    """

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        #: name of what is away to when it went
        self._away: dict[str, float] = {}

    def away(self, name: str, why: object) -> None:
        """Say that `name` is away, and why, unless that was said."""
        if name not in self._away:
            self._away[name] = self._clock()
            self._log.warning("%s is away: %s", name, why, extra={"state": "away", "what": name})

    def back(self, name: str) -> None:
        """Say that `name` is back and how long it was away, if it was."""
        if (since := self._away.pop(name, None)) is not None:
            seconds = round(self._clock() - since, 1)
            fields = {"state": "back", "what": name, "seconds": seconds}
            self._log.info("%s is back after %.0f s", name, seconds, extra=fields)

    def all_back(self) -> None:
        """Everything that was away is back: something that needs all of it went well."""
        for name in list(self._away):
            self.back(name)


def _shared(stage: str) -> list[Processor]:
    def add_stage(_: Any, __: str, event: EventDict) -> EventDict:
        if stage:
            event.setdefault("stage", stage)
        return event

    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        add_stage,
        # not dict_tracebacks or rich ones: they print local variables, which hold people's data
        structlog.processors.format_exc_info,
        hide_secrets,
    ]


def _rendering(is_console: bool, stream: TextIO) -> list[Processor]:
    if not is_console:
        renamed = structlog.processors.EventRenamer("message")
        return [renamed, structlog.processors.JSONRenderer(ensure_ascii=False)]
    # rich's traces print local variables too
    plain = structlog.dev.plain_traceback
    colors = stream.isatty()
    return [
        structlog.dev.ConsoleRenderer(colors=colors, timestamp_key="at", exception_formatter=plain)
    ]


def hide_secrets(_: Any, __: str, event: EventDict) -> EventDict:
    """Put stars in the place of secrets, in fields that are called so and inside texts."""
    for name, value in event.items():
        if name != "event" and _SECRET_FIELDS.search(name):
            event[name] = HIDDEN
        elif isinstance(value, str):
            event[name] = _SECRET_TEXT.sub(HIDDEN, value)
    return event
