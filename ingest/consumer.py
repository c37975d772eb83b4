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
from kafka.errors import (
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    TopicAlreadyExistsError,
)

from graph import metrics
from graph.errors import BrokerError, StoreError
from graph.store import GraphStore
from graph.times import now_ms
from ingest import checksums
from ingest.batches import Batch, Message, Partition
from ingest.events import MAX_EVENT_BYTES
from ingest.positions import Place
from ingest.settings import IngestSettings

log = logging.getLogger("ringtrace.ingest")
checksums.compute_in_c()

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
        return _partitions(admin, topic)
    finally:
        admin.close()


def _partitions(admin: Any, topic: str) -> list[Partition]:
    try:
        described = admin.describe_topics([topic])[0]
    except KafkaError as error:
        raise BrokerError(f"Kafka cannot describe topic {topic}: {error}") from error
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


def progress(store: GraphStore, topic: str, bootstrap_servers: str) -> tuple[int, int]:
    """How many messages of a topic are counted in the graph, and how many there are."""
    partitions = read_partitions(topic, bootstrap_servers)
    ends = end_offsets(partitions, bootstrap_servers)
    rows = store.read("ingest/read_positions", topic=topic)
    counted = {(row["topic_id"], row["partition"]): row["next_offset"] for row in rows}
    done = {p: min(counted.get((p.topic_id, p.number), 0), ends[p]) for p in partitions}
    return sum(done.values()), sum(ends.values())


def _admin(bootstrap_servers: str) -> Any:
    try:
        return KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    except KafkaError as error:
        raise BrokerError(f"Kafka does not answer at {bootstrap_servers}: {error}") from error


class KafkaSource(ConsumerRebalanceListener):  # type: ignore[misc]
    """The event topic as batches.

    At each assignment `find_place` says which life of a partition is read, by where its log ends,
    and `hold` takes them over and says from where to read.
    """

    def __init__(
        self,
        settings: IngestSettings,
        bootstrap_servers: str,
        find_place: Callable[[Partition, int], Place],
        hold: Callable[[list[Place], int], dict[Partition, int]],
    ) -> None:
        self._settings = settings
        self._find_place = find_place
        self._hold = hold
        self._batch_size = settings.batch_size
        #: partition number to the partition as the stores call it
        self._partitions: dict[int, Partition] = {}
        self._topic_id = ""
        self._rebalanced = threading.Event()
        self._admin = _admin(bootstrap_servers)
        self._consumer = KafkaConsumer(
            bootstrap_servers=bootstrap_servers,
            group_id=settings.group_id,
            enable_auto_commit=False,
            # where to read is for the stores to say: a place that is gone must not be left silently
            auto_offset_reset="none",
            # a killed process keeps its partitions this long from the next one
            session_timeout_ms=10_000,
            # whoever rebalances while a topic is made anew gets no partitions until it looks again
            metadata_max_age_ms=10_000,
            max_poll_records=settings.batch_size,
            # room for a batch: mixed from all partitions, folds would hold fewer repeats
            max_partition_fetch_bytes=8 * 1024 * 1024,
            fetch_max_wait_ms=100,
        )
        self._consumer.subscribe([settings.topic], listener=self)

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()
        self._admin.close()

    def on_partitions_revoked(self, _: list[TopicPartition]) -> None:
        """Note that partitions went to somebody else; the client's own thread must not block."""
        self._rebalanced.set()
        # kafka-python 3.0.12 forgets that it is joining when it began because the partitions
        # changed and a poll ends before the broker's answer: it would stay out of the group for
        # ever, without a word (in Java it was KAFKA-9815)
        self._consumer._coordinator.request_rejoin()

    def on_partitions_assigned(self, _: list[TopicPartition]) -> None:
        """Note that partitions came; the next poll goes to where the stores stand."""
        self._rebalanced.set()

    def go_back(self) -> None:
        """Start again from where the stores stand."""
        self._rebalanced.set()

    def shrink(self) -> None:
        """Halve the batches."""
        self._batch_size = max(1, self._batch_size // 2)

    def batches(self) -> Iterator[Batch | None]:
        """Batches for ever, and None whenever there was nothing to read."""
        while True:
            try:
                batch = self._poll()
            except (NoOffsetForPartitionError, OffsetOutOfRangeError):
                self.go_back()
                batch = None
            except (StoreError, BrokerError, KafkaError, ValueError, KeyError) as error:
                # ValueError and KeyError: the topic or a partition went away meanwhile
                log.warning("%s; trying again", error)
                self.go_back()
                time.sleep(RETRY_S)
                batch = None
            yield batch

    def done(self, batch: Batch) -> None:
        """Tell the broker, for its lag figures."""
        del batch
        self._consumer.commit_async()

    def _place(self) -> None:
        """Go to where the stores stand, whatever the broker remembers."""
        self._rebalanced.clear()
        assigned = sorted(self._consumer.assignment())
        lives = {p.number: p for p in _partitions(self._admin, self._settings.topic)}
        self._topic_id = lives[0].topic_id
        earliest = self._consumer.beginning_offsets(assigned)
        latest = self._consumer.end_offsets(assigned)
        places = [self._find_place(lives[tp.partition], latest[tp]) for tp in assigned]
        offsets = self._hold(places, now_ms())
        self._partitions = {p.number: p for p in offsets}
        metrics.REBALANCES.inc()
        for tp in assigned:
            wanted = offsets[self._partitions[tp.partition]]
            if wanted < earliest[tp]:
                log.warning(
                    "partition %d: messages %d to %d were deleted by Kafka before all stores had "
                    "them",
                    *(tp.partition, wanted, earliest[tp] - 1),
                )
            self._consumer.seek(tp, min(max(wanted, earliest[tp]), latest[tp]))

    def _poll(self) -> Batch | None:
        if self._rebalanced.is_set():
            self._place()
        began = time.perf_counter()
        messages: list[Message] = []
        next_offsets: dict[Partition, int] = {}
        while len(messages) < self._batch_size:
            room = self._batch_size - len(messages)
            polled = self._consumer.poll(self._settings.batch_wait_ms, max_records=room)
            if self._rebalanced.is_set():
                # what was read so far may be somebody else's by now: read it again from our place
                return None
            if not polled:
                break
            for tp, records in polled.items():
                partition = self._partitions[tp.partition]
                messages += [Message(partition, r.offset, r.value, r.timestamp) for r in records]
                next_offsets[partition] = records[-1].offset + 1
                lag = (self._consumer.highwater(tp) or 0) - next_offsets[partition]
                metrics.LAG_MESSAGES.labels(tp.topic, tp.partition).set(max(lag, 0))
        if not messages:
            return None
        # asked after reading: the same id now was the same id then
        if _partitions(self._admin, self._settings.topic)[0].topic_id != self._topic_id:
            self.go_back()
            return None
        metrics.BATCH_SECONDS.labels("read").observe(time.perf_counter() - began)
        return Batch(messages, next_offsets)
