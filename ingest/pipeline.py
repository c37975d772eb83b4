"""The ingest on one screen: batches from a source, into the stores, until told to stop."""

import gc
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Protocol

from graph import metrics
from graph.errors import (
    ArchiveError,
    BrokerError,
    MissingStructureError,
    PositionError,
    StoreAwayError,
    TransactionTooLargeError,
)
from graph.logs import StateLog
from graph.times import now_ms
from ingest.batches import Batch
from ingest.memory import keep_large_blocks_apart
from ingest.writer import Writer, Written

log = logging.getLogger("ringtrace.ingest")

#: longest wait between two tries while a store is away, seconds
MAX_PAUSE_S = 30.0
#: shortest time between two checkpoints while there is nothing to read, seconds
IDLE_S = 2.0
#: what passes, or is settled by reading again from where the stores stand
PASSING = (StoreAwayError, PositionError, MissingStructureError, BrokerError)


class Source(Protocol):
    """Where batches come from: Kafka or files."""

    def batches(self) -> Iterator[Batch | None]:
        """Batches in order; None when there is nothing to read just now."""

    def done(self, batch: Batch) -> None:
        """The batch was taken over by the writer."""

    def go_back(self) -> None:
        """Start again from where the stores stand."""

    def shrink(self) -> None:
        """Make batches smaller: the graph could not take one."""


def ingest(
    source: Source,
    writer: Writer,
    stop: threading.Event,
    checkpoint_s: float,
    report: Callable[[Written], None] = lambda _: None,
) -> None:
    """Move events from the source into the stores until `stop` is set or the source ends.

    Counters and the archive follow at most `checkpoint_s` seconds behind. A store that is away is
    waited for; nothing is lost or counted twice meanwhile.
    """
    passing = _Passing(source, writer, stop)
    while True:
        saved_at = time.monotonic()
        for batch in source.batches():
            if stop.is_set():
                break
            with passing:
                if batch is not None:
                    written = writer.write(batch, now_ms())
                    source.done(batch)
                    report(written)
                else:
                    # a failure of the last batch must come out although no other follows
                    writer.wait()
                wait = IDLE_S if batch is None else checkpoint_s
                if writer.has_waiting and time.monotonic() > saved_at + wait:
                    writer.checkpoint(now_ms())
                    saved_at = time.monotonic()
        with passing:
            writer.checkpoint(now_ms())
            writer.wait()
            return
        if stop.is_set():
            return


def tune_interpreter() -> None:
    """Settings of Python and of its memory, once at the start of an ingest process.

    What waits and what is remembered is a million objects without cycles: looking through them for
    garbage again and again took a third of the time. And the thread that talks to the stores needs
    the interpreter often and shortly: at 5 ms a turn it took twice as long.
    """
    gc.set_threshold(500_000, 10, 10)
    keep_large_blocks_apart()
    sys.setswitchinterval(0.0002)


class _Passing:
    """Sits out what passes: the source goes back to where the stores stand, after a pause."""

    def __init__(self, source: Source, writer: Writer, stop: threading.Event) -> None:
        self._source = source
        self._writer = writer
        self._stop = stop
        self._pause_s = 1.0
        self._states = StateLog(log)

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        if error is None:
            self._pause_s = 1.0
            self._states.all_back()
            return False
        if isinstance(error, TransactionTooLargeError):
            log.warning("%s: trying smaller ones", error)
            self._source.shrink()
            self._writer.shrink()
        elif isinstance(error, PASSING):
            self._say(error)
            self._stop.wait(self._pause_s)
            self._pause_s = min(self._pause_s * 2, MAX_PAUSE_S)
        else:
            return False
        self._source.go_back()
        return True

    def _say(self, error: Exception) -> None:
        """One line when something goes away; what is settled by reading again, each time."""
        if isinstance(error, BrokerError):
            self._states.away("Kafka", error)
        elif isinstance(error, ArchiveError):
            self._states.away("the archive", error)
        elif isinstance(error, StoreAwayError):
            self._states.away("the graph", error)
        else:
            metrics.POSITION_RETRIES.inc()
            log.warning("%s; reading again from where the stores stand", error)
