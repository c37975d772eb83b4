"""Topics that are made anew, cut off or widened, and partitions that change hands: still exact."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from kafka.admin import KafkaAdminClient, NewPartitions

from api.world import World
from graph.errors import PositionError
from graph.store import GraphStore
from graph.times import now_ms
from ingest.batches import Batch, Message, Partition
from ingest.consumer import ensure_topics, read_partitions
from ingest.positions import Place, find_place
from ingest.replay import DeadLetterTopic, replay
from ingest.writer import Writer
from tests.conftest import is_caught_up, wait_until
from tests.events import event
from tests.integration.test_ingest import counts, running


def send(world: World, prefix: str, numbers: range) -> None:
    """One event a number for one account a partition or so."""
    values = [json.dumps(event(f"{prefix}{n % 7}", n, device_id="d")).encode() for n in numbers]
    replay(values, world.ingest.topic, world.bootstrap_servers)


def total(store: GraphStore, prefix: str) -> int:
    return sum(n for _, n in counts(store, prefix))


@contextmanager
def administrator(world: World) -> Iterator[KafkaAdminClient]:
    admin = KafkaAdminClient(bootstrap_servers=world.bootstrap_servers)
    try:
        yield admin
    finally:
        admin.close()


def make_anew(world: World) -> None:
    """Delete the topic and make it again, empty."""
    before = read_partitions(world.ingest.topic, world.bootstrap_servers)[0].topic_id
    with administrator(world) as admin:
        admin.delete_topics([world.ingest.topic])

    def is_new() -> bool:
        ensure_topics(world.ingest, world.bootstrap_servers)
        now = read_partitions(world.ingest.topic, world.bootstrap_servers)
        return bool(now) and now[0].topic_id != before

    wait_until("the topic to be made anew", is_new, 60)


def test_a_topic_made_anew_under_a_running_ingest(
    world: World, store: GraphStore, prefix: str
) -> None:
    ensure_topics(world.ingest, world.bootstrap_servers)
    with running(world, store):
        send(world, prefix, range(40))
        wait_until("the first life", lambda: total(store, prefix) == 40, 60)
        make_anew(world)
        # half of it comes again, as from a producer that was told of no success
        send(world, prefix, range(20, 90))
        wait_until("the second life", lambda: is_caught_up(world, store))
        assert total(store, prefix) == 90


def test_a_topic_whose_end_was_cut_off_goes_on(
    world: World, store: GraphStore, prefix: str
) -> None:
    ensure_topics(world.ingest, world.bootstrap_servers)
    send(world, prefix, range(40))
    with running(world, store):
        wait_until("the graph to catch up", lambda: is_caught_up(world, store))
    # as if the log had been longer before
    store.run_schema(
        f"MATCH (p:Position {{topic: '{world.ingest.topic}'}}) SET p.next_offset = 100000"
    )
    with running(world, store):
        send(world, prefix, range(30, 70))
        wait_until("the new events", lambda: total(store, prefix) == 70, 60)


def test_partitions_that_are_added_are_read(world: World, store: GraphStore, prefix: str) -> None:
    ensure_topics(world.ingest, world.bootstrap_servers)
    with running(world, store):
        send(world, prefix, range(20))
        wait_until("the first events", lambda: total(store, prefix) == 20, 60)
    with administrator(world) as admin:
        admin.create_partitions({world.ingest.topic: NewPartitions(8)})
    wait_until(
        "the partitions",
        lambda: len(read_partitions(world.ingest.topic, world.bootstrap_servers)) == 8,
        60,
    )
    send(world, prefix, range(100, 160))
    with running(world, store):
        wait_until("the graph to catch up", lambda: is_caught_up(world, store))
        assert total(store, prefix) == 80


def test_two_ingests_share_the_partitions(world: World, store: GraphStore, prefix: str) -> None:
    ensure_topics(world.ingest, world.bootstrap_servers)
    with running(world, store), running(world, store):
        for start in range(0, 400, 100):
            send(world, prefix, range(start, start + 100))
        wait_until("the graph to catch up", lambda: is_caught_up(world, store))
    assert total(store, prefix) == 400


def test_partitions_that_are_added_under_a_running_ingest_are_read(
    world: World, store: GraphStore, prefix: str
) -> None:
    """Joining the group anew takes longer than this ingest waits for messages."""
    world = replace(world, ingest=world.ingest.model_copy(update={"batch_wait_ms": 1}))
    ensure_topics(world.ingest, world.bootstrap_servers)
    with running(world, store):
        for partitions in (6, 8, 10):
            with administrator(world) as admin:
                admin.create_partitions({world.ingest.topic: NewPartitions(partitions)})
            # it looks for partitions every ten seconds
            time.sleep(12)
            send(world, prefix, range(100 * partitions, 100 * partitions + 60))
            wait_until("the graph to catch up", lambda: is_caught_up(world, store), 60)
    assert total(store, prefix) == 180


def test_a_writer_that_lost_its_partition_cannot_commit(
    world: World, store: GraphStore, prefix: str
) -> None:
    partition = Partition("events", prefix, 0)
    values = [json.dumps(event(f"{prefix}a", n, device_id="d")).encode() for n in range(20)]
    messages = [Message(partition, offset, value) for offset, value in enumerate(values)]
    letters = DeadLetterTopic(world.ingest.dead_letter_topic, world.bootstrap_servers)
    ensure_topics(world.ingest, world.bootstrap_servers)
    with world.writer(store, letters) as first, world.writer(store, letters) as second:
        _hold(store, first, partition)
        first.write(Batch(messages[:10], {partition: 10}), now_ms())
        first.wait()
        assert _hold(store, second, partition) == 0
        first.write(Batch(messages[10:], {partition: 20}), now_ms())
        with pytest.raises(PositionError):
            _finish(first)
        # the first one's segment is in the archive: the second sees it when it looks again
        second.write(Batch(messages, {partition: 20}), now_ms())
        with pytest.raises(PositionError):
            _finish(second)
        _hold(store, second, partition)
        second.write(Batch(messages, {partition: 20}), now_ms())
        _finish(second)
        assert _hold(store, first, partition) == 20
    letters.close()
    assert counts(store, prefix) == [(f"{prefix}a", 20)]


def _hold(store: GraphStore, writer: Writer, partition: Partition) -> int:
    place: Place = find_place(store, partition, 10**9)
    return writer.hold([place], now_ms())[partition]


def _finish(writer: Writer) -> None:
    writer.checkpoint(now_ms())
    writer.wait()
