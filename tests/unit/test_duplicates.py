import json
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.batches import Message, Partition
from ingest.duplicates import DuplicateStore
from ingest.events import parse_event

NOW = 1_700_000_000_000
DAY = 24 * 3600 * 1000
ZERO = Partition("events", "life-1", 0)
ONE = Partition("events", "life-1", 1)


def message(
    offset: int, event_id: str, account_id: str = "a", body: str = "", partition: Partition = ZERO
) -> Message:
    value = {"event_id": event_id, "type": "login", "occurred_at": 1, "account_id": account_id}
    return Message(partition, offset, json.dumps(value | {"user_agent": body}).encode())


def sort(store: DuplicateStore, messages: Iterable[Message], now: int = NOW):
    batch = [(each, parse_event(each.value, NOW)) for each in messages]
    ends: dict[Partition, int] = {}
    for each, _ in batch:
        ends[each.partition] = max(each.offset + 1, ends.get(each.partition, 0))
    found = store.sort(batch, ends, now)
    return [(m.partition, m.offset) for m, _ in found.fresh], [
        (m.partition, m.offset) for m in found.conflicting
    ]


def open_store(folder: Path, now: int = NOW) -> DuplicateStore:
    return DuplicateStore(folder / "seen.sqlite", window_days=30, now=now)


def test_a_repeated_event_counts_once(tmp_path):
    store = open_store(tmp_path)
    first = sort(store, [message(0, "e"), message(1, "f"), message(2, "e")])
    assert first == ([(ZERO, 0), (ZERO, 1)], [])
    assert sort(store, [message(3, "e"), message(0, "e", partition=ONE)]) == ([], [])
    store.close()


def test_the_same_id_of_another_account_is_another_event(tmp_path):
    store = open_store(tmp_path)
    batch = [message(0, "c", "ab"), message(1, "bc", "a"), message(2, "c", "a"), message(3, "c")]
    assert sort(store, batch) == ([(ZERO, 0), (ZERO, 1), (ZERO, 2)], [])
    store.close()


def test_the_same_id_with_another_body_conflicts_within_and_across_batches(tmp_path):
    store = open_store(tmp_path)
    assert sort(store, [message(0, "e", body="x"), message(1, "e", body="y")]) == (
        [(ZERO, 0)],
        [(ZERO, 1)],
    )
    assert sort(store, [message(2, "e", body="y"), message(3, "e", body="x")]) == (
        [],
        [(ZERO, 2)],
    )
    store.close()


def test_another_spelling_of_the_same_body_is_a_repetition(tmp_path):
    store = open_store(tmp_path)
    spelled = {"account_id": "a", "occurred_at": 1, "user_agent": "", "type": "login"}
    again = Message(ZERO, 1, json.dumps(spelled | {"event_id": "e"}, indent=2).encode())
    assert sort(store, [message(0, "e"), again]) == ([(ZERO, 0)], [])
    store.close()


def test_a_body_that_cannot_be_spelled_anew_is_sorted_like_any_other(tmp_path):
    store = open_store(tmp_path)
    value = message(0, "e").value[:-1] + b', "unknown": 1e999}'
    other = message(0, "e").value[:-1] + b', "unknown": 2e999}'
    batch = [Message(ZERO, 0, value), Message(ZERO, 1, value), Message(ZERO, 2, other)]
    assert sort(store, batch) == ([(ZERO, 0)], [(ZERO, 2)])
    store.close()


def test_after_a_crash_its_own_place_is_fresh_again(tmp_path):
    batch = [message(0, "e"), message(1, "e", body="y"), message(2, "f")]
    store = open_store(tmp_path)
    expected = sort(store, batch)
    store.close()
    store = open_store(tmp_path)
    assert sort(store, batch) == expected == ([(ZERO, 0), (ZERO, 2)], [(ZERO, 1)])
    # the same events further down the topic are still repetitions
    assert sort(store, [message(3, "e"), message(4, "f")]) == ([], [])
    store.close()


def test_it_remembers_events_and_positions_when_opened_again(tmp_path):
    store = open_store(tmp_path)
    assert store.next_offset(ZERO) == 0
    sort(store, [message(0, "e"), message(7, "f")])
    store.close()
    store = open_store(tmp_path)
    assert store.next_offset(ZERO) == 8
    assert store.next_offset(ONE) == 0
    assert sort(store, [message(8, "e")]) == ([], [])
    store.close()


def test_a_position_never_moves_back(tmp_path):
    store = open_store(tmp_path)
    sort(store, [message(9, "e")])
    sort(store, [message(3, "f")])
    assert store.next_offset(ZERO) == 10
    store.close()


def test_a_topic_made_anew_repeats_events_at_the_same_offsets(tmp_path):
    store = open_store(tmp_path)
    sort(store, [message(0, "e")])
    assert sort(store, [message(0, "e", partition=Partition("events", "life-2", 0))]) == ([], [])
    store.close()


def test_it_forgets_after_the_window(tmp_path):
    store = open_store(tmp_path)
    sort(store, [message(0, "old")], now=NOW)
    sort(store, [message(1, "new")], now=NOW + 20 * DAY)
    store.close()
    store = open_store(tmp_path, now=NOW + 31 * DAY)
    assert sort(store, [message(2, "old"), message(3, "new")]) == ([(ZERO, 2)], [])
    store.close()


def test_a_batch_that_fails_leaves_nothing(tmp_path):
    store = open_store(tmp_path)
    broken = message(5, "e")
    event = parse_event(broken.value, NOW)
    elsewhere = broken._replace(partition=ONE)
    with pytest.raises(KeyError):
        store.sort([(broken, event), (elsewhere, event)], {ZERO: 6}, NOW)
    assert store.next_offset(ZERO) == 0
    assert sort(store, [message(6, "e")]) == ([(ZERO, 6)], [])
    store.close()


def test_a_batch_may_be_larger_than_one_look_up(tmp_path):
    store = open_store(tmp_path)
    batch = [message(n, f"e{n}") for n in range(10_500)]
    fresh, conflicting = sort(store, batch)
    assert (len(fresh), conflicting) == (10_500, [])
    later = [each._replace(offset=each.offset + 20_000) for each in batch]
    assert sort(store, later) == ([], [])
    store.close()


_streams = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.sampled_from("pq")),
    min_size=1,
    max_size=14,
)


@settings(max_examples=40, deadline=None)
@given(stream=_streams, data=st.data())
def test_batches_restarts_and_replays_change_nothing(stream, data):
    """Whatever the batches and crashes, the same events are fresh and the same conflict."""
    messages = [
        message(offset, event_id, account_id, text)
        for offset, (account_id, event_id, text) in enumerate(stream)
    ]
    expected_fresh, expected_conflicts, bodies = set(), set(), {}
    for each, (account_id, event_id, text) in zip(messages, stream, strict=True):
        if (account_id, event_id) not in bodies:
            bodies[account_id, event_id] = text
            expected_fresh.add((ZERO, each.offset))
        elif bodies[account_id, event_id] != text:
            expected_conflicts.add((ZERO, each.offset))
    fresh, conflicting = set(), set()
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder))
        at = steps = 0
        while at < len(messages):
            end = data.draw(st.integers(at + 1, len(messages)))
            new, odd = sort(store, messages[at:end])
            fresh.update(new)
            conflicting.update(odd)
            # a crash: the graph stands somewhere before the end of this batch
            crashed = steps < 6 and data.draw(st.booleans())
            if crashed:
                store.close()
                store = open_store(Path(folder))
                end = data.draw(st.integers(0, end))
            at, steps = end, steps + 1
        store.close()
    assert fresh == expected_fresh
    assert conflicting == expected_conflicts
