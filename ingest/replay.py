"""Producing: events from files onto the topic, and dead letters onto theirs."""

import logging
import math
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from kafka import KafkaProducer
from kafka.cluster import collect_hosts
from kafka.errors import KafkaError

from graph.errors import BrokerError, ServerError
from ingest.cells import rfc3339_millis
from ingest.consumer import MAX_MESSAGE_BYTES, ensure_topics
from ingest.settings import IngestSettings

log = logging.getLogger("ringtrace.ingest")

#: longest time until somebody who waits hears whether Kafka has his events, seconds
ANSWER_S = 10.0
#: pause before a Kafka that did not answer is asked again, seconds
PAUSE_S = 2.0


class _Keyed(msgspec.Struct):
    account_id: str | None = None
    occurred_at: Any = None


_peek = msgspec.json.Decoder(_Keyed)


def replay(
    values: Iterable[bytes],
    topic: str,
    bootstrap_servers: str,
    report: Callable[[int], None] = lambda _: None,
) -> int:
    """Send messages keyed by account and return how many, once the broker has them all."""
    producer = _producer(bootstrap_servers)
    failures: list[Exception] = []
    count = 0
    try:
        for count, value in enumerate(values, 1):
            producer.send(topic, value, key=_key(value)).add_errback(failures.append)
            if count % 1000 == 0:
                report(count)
            if failures:
                break
        producer.flush()
    except KafkaError as error:
        failures.append(error)
    finally:
        producer.close()
    if failures:
        raise BrokerError(f"Kafka did not take an event: {failures[0]}")
    report(count)
    return count


def paced(values: Iterable[bytes], rate: str) -> Iterator[bytes]:
    """The messages at N a second, or, with `Nx`, N times as fast as they happened."""
    if rate == "max":
        yield from values
        return
    is_factor = rate.endswith("x")
    speed = float(rate.removesuffix("x"))
    began, first = time.monotonic(), None
    for number, value in enumerate(values):
        due = number / speed
        if is_factor:
            at = _occurred_at(value)
            first = at if first is None else first
            due = (at - first) / 1000 / speed if at is not None and first is not None else 0.0
        time.sleep(max(0.0, began + due - time.monotonic()))
        yield value


class DeadLetterTopic:
    """The dead-letter topic."""

    def __init__(self, topic: str, bootstrap_servers: str) -> None:
        self._topic = topic
        self._producer = _producer(bootstrap_servers)

    def post(self, letters: list[tuple[bytes, bytes]]) -> None:
        """Send the letters and wait until the broker has them; BrokerError when it does not."""
        try:
            sent = [self._producer.send(self._topic, body, key=key) for key, body in letters]
            for future in sent:
                future.get(timeout=30)
        except KafkaError as error:
            raise BrokerError(f"Kafka did not take a dead letter: {error}") from error

    def close(self) -> None:
        """Close the producer."""
        self._producer.close()


class EventTopic:
    """The event topic for those who wait for an answer; it connects when it is first used.

    `find_brokers` gives the addresses, and may raise ServerError as long as there are none. May be
    used by several threads at once.
    """

    def __init__(self, settings: IngestSettings, find_brokers: Callable[[], str]) -> None:
        self._settings = settings
        self._find_brokers = find_brokers
        self._lock = threading.Lock()
        self._producer: Any = None
        self._failed_at = -math.inf

    def send(self, events: list[tuple[str, bytes]]) -> None:
        """Send messages, each with its account, and wait until the broker has them all.

        Raises BrokerError or ServerError when that cannot be said within ANSWER_S seconds; some may
        be there all the same. Sent again they count once.
        """
        deadline = time.monotonic() + ANSWER_S
        producer = self._connected()
        try:
            topic = self._settings.topic
            sent = [producer.send(topic, value, key=key.encode()) for key, value in events]
            for future in sent:
                future.get(timeout=max(0.0, deadline - time.monotonic()))
        except KafkaError as error:
            # the next one asks anew where the brokers are
            self._drop(producer)
            raise BrokerError(f"Kafka did not take an event: {error}") from error

    def close(self) -> None:
        """Close the producer."""
        if self._producer is not None:
            _close(self._producer)

    def _connected(self) -> Any:
        with self._lock:
            if self._producer is None:
                if time.monotonic() < self._failed_at + PAUSE_S:
                    raise BrokerError("Kafka did not answer a moment ago")
                try:
                    self._producer = self._connect()
                except (BrokerError, ServerError):
                    self._failed_at = time.monotonic()
                    raise
            return self._producer

    def _connect(self) -> Any:
        brokers = self._find_brokers()
        _check_reachable(brokers)
        limit_ms = int(ANSWER_S * 1000)
        limits = ("bootstrap_timeout_ms", "max_block_ms", "delivery_timeout_ms")
        producer = _producer(
            brokers, **dict.fromkeys(limits, limit_ms), request_timeout_ms=limit_ms // 2
        )
        ensure_topics(self._settings, brokers)
        return producer

    def _drop(self, producer: Any) -> None:
        with self._lock:
            if self._producer is not producer:
                return
            self._producer = None
        # it waits for what was being sent to arrive or expire, which nobody else needs to
        threading.Thread(target=_close, args=(producer,), daemon=True).start()


def _close(producer: Any) -> None:
    try:
        producer.close(timeout=ANSWER_S)
    except KafkaError as error:
        log.info("a producer was left behind: %s", error)


def _check_reachable(bootstrap_servers: str) -> None:
    """BrokerError unless something listens: the client would not say so before its time is up."""
    for host, port, _ in collect_hosts(bootstrap_servers, randomize=False):
        try:
            socket.create_connection((host, port), ANSWER_S / 2).close()
            return
        except OSError:
            continue
    raise BrokerError(f"Kafka does not answer at {bootstrap_servers}")


def _producer(bootstrap_servers: str, **limits: int) -> Any:
    """A producer that loses nothing; `limits` are times in milliseconds."""
    try:
        return KafkaProducer(
            **limits,
            bootstrap_servers=bootstrap_servers,
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            linger_ms=20,
            batch_size=256 * 1024,
            max_request_size=MAX_MESSAGE_BYTES,
        )
    except KafkaError as error:
        raise BrokerError(f"Kafka does not answer at {bootstrap_servers}: {error}") from error


def _key(value: bytes) -> bytes | None:
    try:
        account_id = _peek.decode(value).account_id
        return account_id.encode() if account_id else None
    except (msgspec.DecodeError, UnicodeEncodeError, UnicodeDecodeError, RecursionError):
        return None


def _occurred_at(value: bytes) -> int | None:
    try:
        at = _peek.decode(value).occurred_at
        return at if isinstance(at, int) else rfc3339_millis(at)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
