"""Producing: events from files onto the topic, and dead letters onto theirs."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError

from graph.errors import BrokerError
from ingest.consumer import MAX_MESSAGE_BYTES
from ingest.dead_letters import DeadLetter


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

    def post(self, letters: list[DeadLetter], now: int) -> None:
        """Send the letters and wait until the broker has them; BrokerError when it does not."""
        try:
            sent = [self._producer.send(self._topic, x.body(now), key=x.key) for x in letters]
            for future in sent:
                future.get(timeout=30)
        except KafkaError as error:
            raise BrokerError(f"Kafka did not take a dead letter: {error}") from error

    def close(self) -> None:
        """Close the producer."""
        self._producer.close()


def _producer(bootstrap_servers: str) -> Any:
    try:
        return KafkaProducer(
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
    from ingest.mapping import _rfc3339

    try:
        at = _peek.decode(value).occurred_at
        return at if isinstance(at, int) else _rfc3339(at)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
