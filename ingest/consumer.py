"""Kafka into batches, from where the stores stand and not from where the broker thinks."""

import logging
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from graph.errors import BrokerError, StoreAwayError
from ingest.batches import Batch, Message, Partition
from ingest.events import MAX_EVENT_BYTES
from ingest.settings import IngestSettings

log = logging.getLogger("ringtrace.ingest")

#: broker limit for one message: far above the event limit, so that a too large one
#: arrives here and becomes a dead letter instead of a producer's riddle
MAX_MESSAGE_BYTES = 32 * MAX_EVENT_BYTES


#: pause before a server that is away is asked again, seconds
RETRY_S = 2.0


def owner_name() -> str:
    """A name for this process that no other writer has."""
    return f"{socket.gethostname()}/{uuid.uuid4().hex[:12]}"


def ensure_topics(settings: IngestSettings, bootstrap_servers: str) -> None:
    """Make the event and dead-letter topics where they are missing."""
    admin = _admin(bootstrap_servers)
    try:
        for name in (settings.topic, settings.dead_letter_topic):
            topic = NewTopic(
                name,
                num_partitions=settings.partitions,
                replication_factor=-1,
                topic_configs={"max.message.bytes": str(MAX_MESSAGE_BYTES)},
            )
            try:
                admin.create_topics([topic])
            except TopicAlreadyExistsError:
                continue
        admin.wait_for_topics([settings.topic, settings.dead_letter_topic])
    except KafkaError as error:
        raise BrokerError(f"Kafka refused to make the topics: {error}") from error
    finally:
        admin.close()


def read_partitions(topic: str, bootstrap_servers: str) -> list[Partition]:
    """The partitions of a topic with the id of its present life, sorted."""
    admin = _admin(bootstrap_servers)
    try:
        described = admin.describe_topics([topic])[0]
    except KafkaError as error:
        raise BrokerError(f"Kafka cannot describe topic {topic}: {error}") from error
    finally:
        admin.close()
    topic_id = str(described["topic_id"])
    return sorted(
        Partition(topic, topic_id, part["partition_index"]) for part in described["partitions"]
    )


def end_offsets(partitions: list[Partition], bootstrap_servers: str) -> dict[Partition, int]:
    """The offset after the last message of each partition."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap_servers)
    try:
        ends = consumer.end_offsets([TopicPartition(p.topic, p.number) for p in partitions])
    finally:
        consumer.close()
    return {p: ends[TopicPartition(p.topic, p.number)] for p in partitions}


def _admin(bootstrap_servers: str) -> Any:
    try:
        return KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    except KafkaError as error:
        raise BrokerError(f"Kafka does not answer at {bootstrap_servers}: {error}") from error


class KafkaSource(ConsumerRebalanceListener):  # type: ignore[misc]
    """The event topic as batches.

    `graph_offset` and `lowest_offset` say, at each assignment, where the graph stands and from
    where to read: a store that is behind the graph is fed from there.
    """

    def __init__(
        self,
        settings: IngestSettings,
        bootstrap_servers: str,
        graph_offset: Callable[[Partition], int],
        lowest_offset: Callable[[Partition], int],
    ) -> None:
        self._settings = settings
        self._graph_offset = graph_offset
        self._lowest_offset = lowest_offset
        self._partitions = {p.number: p for p in read_partitions(settings.topic, bootstrap_servers)}
        self._expected: dict[Partition, int] = {}
        self._rebalanced = threading.Event()
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap_servers,
            group_id=settings.group_id,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            # a killed process keeps its partitions this long from the next one
            session_timeout_ms=10_000,
            max_poll_records=settings.batch_size,
            max_partition_fetch_bytes=8 * 1024 * 1024,
            fetch_max_wait_ms=100,
        )
        self._consumer.subscribe([settings.topic], listener=self)

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def on_partitions_revoked(self, _: list[TopicPartition]) -> None:
        """Note that partitions went to somebody else; the client's own thread must not block."""
        self._rebalanced.set()

    def on_partitions_assigned(self, _: list[TopicPartition]) -> None:
        """Note that partitions came; the next poll goes to where the stores stand."""
        self._rebalanced.set()

    def go_back(self) -> None:
        """Have the next poll start again from where the stores stand."""
        self._rebalanced.set()

    def batches(self) -> Iterator[Batch | None]:
        """Batches for ever, and None whenever there was nothing to read."""
        while True:
            try:
                batch = self._poll()
            except (StoreAwayError, KafkaError) as error:
                log.warning("%s; trying again", error)
                self.go_back()
                time.sleep(RETRY_S)
                batch = None
            yield batch

    def done(self, batch: Batch) -> None:
        """Note that a batch is in the graph, and tell the broker for its lag figures."""
        self._expected |= {
            p: max(offset, self._expected[p]) for p, offset in batch.next_offsets.items()
        }
        self._consumer.commit_async()

    def _place(self) -> None:
        """Go to where the stores stand, whatever the broker remembers."""
        self._rebalanced.clear()
        assigned = sorted(self._consumer.assignment())
        earliest = self._consumer.beginning_offsets(assigned)
        latest = self._consumer.end_offsets(assigned)
        self._expected = {}
        for tp in assigned:
            partition = self._partitions[tp.partition]
            graph, lowest = self._graph_offset(partition), self._lowest_offset(partition)
            _warn(partition, graph, earliest[tp], latest[tp])
            self._expected[partition] = graph
            self._consumer.seek(tp, min(max(lowest, earliest[tp]), latest[tp]))

    def _poll(self) -> Batch | None:
        if self._rebalanced.is_set():
            self._place()
        messages: list[Message] = []
        next_offsets: dict[Partition, int] = {}
        wait = self._settings.batch_wait_ms
        while len(messages) < self._settings.batch_size:
            room = self._settings.batch_size - len(messages)
            polled = self._consumer.poll(timeout_ms=wait, max_records=room)
            if self._rebalanced.is_set():
                # what was read so far may be somebody else's by now: read it again from our place
                return None
            if not polled:
                break
            for tp, records in polled.items():
                partition = self._partitions[tp.partition]
                messages += [Message(partition, r.offset, r.value) for r in records]
                next_offsets[partition] = records[-1].offset + 1
        if not messages:
            return None
        return Batch(messages, {p: self._expected[p] for p in next_offsets}, next_offsets)


def _warn(partition: Partition, graph: int, earliest: int, latest: int) -> None:
    if graph > latest:
        log.warning(
            "partition %d ends at %d but the graph has read to %d: the topic was rewound; "
            "new messages are skipped until it is there again",
            *(partition.number, latest, graph),
        )
    if graph < earliest:
        log.warning(
            "partition %d: messages %d to %d were deleted by Kafka before they were read",
            *(partition.number, graph, earliest - 1),
        )
