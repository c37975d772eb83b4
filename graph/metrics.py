"""Every metric of the service, each with one sentence, and the door of a stage to read them.

A stage counts in its own process; what the graph knows (`graph.stored_metrics`) is asked when the
HTTP service's metrics are read. Labels have few values: never an id.
"""

import errno
import logging
from dataclasses import dataclass

from prometheus_client import (
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    start_http_server,
)
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from graph.errors import SettingsError

log = logging.getLogger("ringtrace.metrics")

_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
_DELAYS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 86400.0)
#: parts of a batch's time, the values of the label `part`
BATCH_PARTS = (
    "read", "decode", "duplicates", "dead_letters", "fold", "wait", "structure", "counters",
    "archive",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Declared:
    """A metric as its readers see it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    sentence: str


# when a counter was made says nothing: no second series for it
disable_created_metrics()  # type: ignore[no-untyped-call]
#: all metrics, in the order of this file
DECLARED: list[Declared] = []


def _counter(name: str, sentence: str, *labels: str) -> Counter:
    DECLARED.append(Declared(name, "counter", labels, sentence))
    return Counter(name, sentence, labels)


def _gauge(name: str, sentence: str, *labels: str) -> Gauge:
    DECLARED.append(Declared(name, "gauge", labels, sentence))
    return Gauge(name, sentence, labels)


def _histogram(name: str, buckets: tuple[float, ...], sentence: str, *labels: str) -> Histogram:
    DECLARED.append(Declared(name, "histogram", labels, sentence))
    return Histogram(name, sentence, labels, buckets=buckets)


def _stored(name: str, sentence: str, *labels: str) -> Declared:
    DECLARED.append(Declared(name, "gauge", labels, sentence))
    return DECLARED[-1]


EVENTS = _counter("ringtrace_events_total", "Events accepted.")
DEAD_LETTERS = _counter(
    "ringtrace_dead_letters_total", "Messages that could not be used, by reason.", "reason"
)
DUPLICATES = _counter("ringtrace_duplicates_total", "Messages whose event was counted before.")
BATCHES = _counter("ringtrace_batches_total", "Batches written.")
BATCH_SECONDS = _histogram(
    "ringtrace_batch_seconds", _SECONDS, "Time of a batch in seconds, by part of the work.", "part"
)
for part in BATCH_PARTS:
    # shown from the start, at 0
    BATCH_SECONDS.labels(part)
LAG_MESSAGES = _gauge(
    "ringtrace_lag_messages",
    "Messages of a partition that were not read yet, as of the last batch.",
    *("topic", "partition"),
)
DELAY_SECONDS = _histogram(
    "ringtrace_delay_seconds",
    _DELAYS,
    "Seconds from the broker to the graph, of the oldest message of each batch.",
)
LAST_CHECKPOINT = _gauge(
    "ringtrace_last_checkpoint_timestamp_seconds",
    "When counters and archive last caught up, seconds since 1970: its age is `time()` less this.",
)
WAITING_COUNTERS_ROWS = _gauge(
    "ringtrace_waiting_counters_rows", "Pairs whose counters wait in memory for the checkpoint."
)
UNARCHIVED_ROWS = _gauge("ringtrace_unarchived_rows", "Events that wait in memory for the archive.")
KNOWN_PAIRS = _gauge("ringtrace_known_pairs", "Accounts and pairs remembered to be in the graph.")
REBALANCES = _counter("ringtrace_rebalances_total", "Times that partitions were given out anew.")
POSITION_RETRIES = _counter(
    "ringtrace_position_retries_total",
    "Times that a partition was read again because it stood elsewhere in the graph.",
)
ARCHIVED_ROWS = _counter("ringtrace_archived_rows_total", "Events written to the archive.")
ARCHIVED_SEGMENTS = _counter(
    "ringtrace_archived_segments_total", "Segments written to the archive."
)
ARCHIVED_BYTES = _counter("ringtrace_archived_bytes_total", "Bytes written to the archive.")
DETECTION_RUNS = _counter(
    "ringtrace_detection_runs_total", "Detection runs that looked at something."
)
DETECTION_RUN_SECONDS = _histogram(
    "ringtrace_detection_run_seconds",
    (*_SECONDS, 100.0, 300.0),
    "Time of a detection run in seconds.",
)
DETECTION_STAGE_SECONDS = _histogram(
    "ringtrace_detection_stage_seconds",
    (*_SECONDS, 100.0, 300.0),
    "Time of a detection run in seconds, by stage.",
    "stage",
)
for stage in ("read", "project", "cluster", "score", "write"):
    DETECTION_STAGE_SECONDS.labels(stage)
JOB_SUCCESS_SECONDS = _gauge(
    "ringtrace_job_success_timestamp_seconds", "When each job last went well.", "job"
)
JOB_FAILURES = _counter("ringtrace_job_failures_total", "Times that a job failed.", "job")
DELIVERIES = _counter(
    "ringtrace_deliveries_total",
    "Tries to deliver a message: delivered, waiting (tried again) or failed.",
    "state",
)
HTTP_REQUESTS = _counter(
    "ringtrace_http_requests_total",
    "HTTP requests answered, by route and status.",
    *("method", "route", "status"),
)
HTTP_REQUEST_SECONDS = _histogram(
    "ringtrace_http_request_seconds",
    _SECONDS,
    "Time of an HTTP request in seconds, by route.",
    *("method", "route"),
)
POSITION_OFFSET = _stored(
    "ringtrace_position_offset",
    "Offset up to which the graph has counted a partition.",
    *("topic", "topic_id", "partition"),
)
OUTBOX_MESSAGES = _stored(
    "ringtrace_outbox_messages", "Messages in the outbox: waiting, or failed for good.", "state"
)
OPEN_RINGS = _stored("ringtrace_open_rings", "Open rings, by risk level.", "level")
LAST_HOUR = _stored(
    "ringtrace_last_hour",
    "What came in during the last complete hour, by measure (see `ringtrace quality`).",
    "measure",
)
GRAPH_UP = _stored("ringtrace_graph_up", "Whether the graph answered just now, 1 or 0.")


#: stages that show metrics of their own; several together take ports in this order
STAGES = ("ingest", "detect", "deliver")


class MetricsSettings(BaseSettings):
    """Where a stage shows its metrics."""

    model_config = SettingsConfigDict(env_prefix="RINGTRACE_METRICS_", frozen=True)

    host: str = Field("127.0.0.1", description="Address at which a stage shows its metrics.")
    port: int = Field(
        0,
        ge=0,
        lt=65536,
        description="Port of a stage's metrics (`up`: of ingest, the next two of detect and "
        "deliver); 0: none.",
    )

    def port_of(self, stage: str) -> int:
        """Port of one of several stages that run together; 0 for none."""
        return self.port + STAGES.index(stage) if self.port and stage in STAGES else 0


def serve_metrics(settings: MetricsSettings) -> None:
    """Show this process's metrics at /metrics from now on, unless the port is 0.

    A port that is taken is a warning: another stage with the same settings runs here. SettingsError
    when the address cannot be listened on at all.
    """
    if not settings.port:
        return
    try:
        start_http_server(settings.port, settings.host)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        if error.errno != errno.EADDRINUSE:
            raise SettingsError(f"metrics cannot be shown at {where}: {error.strerror}") from error
        log.warning("no metrics of this process: another one shows its at %s", where)
