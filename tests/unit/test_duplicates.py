import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.archive import Archive
from graph.times import DAY_MS
from ingest.archiving import Segment
from ingest.batches import Accepted, Partition
from ingest.duplicates import DuplicateStore
from ingest.positions import Place
from tests.unit.accepted import NOW, ONE, ZERO, accepted


def message(
    offset: int, event_id: str, account_id: str = "a", body: str = "", partition: Partition = ZERO
) -> Accepted:
    return accepted(
        offset, partition, event_id=event_id, account_id=account_id, user_agent=body or None
    )


def sort(store: DuplicateStore, events: Iterable[Accepted], now: int = NOW):
    ends: dict[Partition, int] = {}
    batch = list(events)
    for each in batch:
        place = each.message.partition
        ends[place] = max(each.message.offset + 1, ends.get(place, 0))
    found = store.sort(batch, ends, now)
    fresh = [event.message for event in found.fresh]
    assert len(batch) == len(fresh) + len(found.repeated) + len(found.conflicting)
    return [(m.partition, m.offset) for m in fresh], [
        (m.partition, m.offset) for m in found.conflicting
    ]


def open_store(folder: Path) -> DuplicateStore:
    return DuplicateStore(folder / "seen.sqlite", window_days=30)


@pytest.fixture
def archive(tmp_path):
    archive = Archive(str(tmp_path / "archive"))
    yield archive
    archive.close()


def knows(store: DuplicateStore, archive: Archive, partition: Partition) -> int:
    """How far it knows a partition, of which the archive has nothing."""
    return store.fill(Place(partition), archive, NOW)


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


def test_it_remembers_events_and_positions_when_opened_again(tmp_path, archive):
    store = open_store(tmp_path)
    assert knows(store, archive, ZERO) == 0
    sort(store, [message(0, "e"), message(7, "f")])
    store.close()
    store = open_store(tmp_path)
    assert knows(store, archive, ZERO) == 8
    assert knows(store, archive, ONE) == 0
    assert sort(store, [message(8, "e")]) == ([], [])
    store.close()


def test_a_position_never_moves_back(tmp_path, archive):
    store = open_store(tmp_path)
    sort(store, [message(9, "e")])
    sort(store, [message(3, "f")])
    assert knows(store, archive, ZERO) == 10
    store.close()


def test_a_topic_made_anew_repeats_events_at_the_same_offsets(tmp_path):
    store = open_store(tmp_path)
    sort(store, [message(0, "e")])
    assert sort(store, [message(0, "e", partition=Partition("events", "life-2", 0))]) == ([], [])
    store.close()


def test_it_forgets_after_the_window(tmp_path):
    store = open_store(tmp_path)
    sort(store, [message(0, "old")], now=NOW)
    sort(store, [message(1, "new")], now=NOW + 20 * DAY_MS)
    store.prune(NOW + 31 * DAY_MS)
    assert sort(store, [message(2, "old"), message(3, "new")]) == ([(ZERO, 2)], [])
    store.close()


def test_a_lost_file_is_filled_from_the_archive(tmp_path, archive):
    store = open_store(tmp_path)
    events = [message(offset, f"e{offset}") for offset in range(20)]
    sort(store, events)
    segment = Segment(ZERO, 0)
    segment.add(events[:15], 15)
    segment.cut().write(archive)
    store.close()
    (tmp_path / "seen.sqlite").unlink()
    store = open_store(tmp_path)
    # the broker's time of these messages is NOW: all are within the window
    assert store.fill(Place(ZERO), archive, NOW) == 15
    again = [message(offset + 20, f"e{offset}") for offset in range(20)]
    assert sort(store, events[15:])[0] == [(ZERO, offset) for offset in range(15, 20)]
    assert sort(store, again) == ([], [])
    store.close()


def test_what_was_never_counted_in_an_earlier_life_is_forgotten(tmp_path, archive):
    store = open_store(tmp_path)
    sort(store, [message(offset, f"e{offset}") for offset in range(10)])
    anew = Partition("events", "life-2", 0)
    place = Place(anew, earlier=((ZERO.topic_id, 6),))
    assert store.fill(place, archive, NOW) == 0
    again = [message(offset, f"e{offset}", partition=anew) for offset in range(10)]
    assert sort(store, again) == ([(anew, offset) for offset in range(6, 10)], [])
    store.close()


def test_a_batch_that_fails_leaves_nothing(tmp_path, archive):
    store = open_store(tmp_path)
    here, elsewhere = message(5, "e"), message(5, "f", partition=ONE)
    with pytest.raises(KeyError):
        store.sort([here, elsewhere], {ZERO: 6}, NOW)
    assert knows(store, archive, ZERO) == 0
    assert sort(store, [message(6, "e")]) == ([(ZERO, 6)], [])
    store.close()


def test_a_batch_may_be_larger_than_one_look_up(tmp_path):
    store = open_store(tmp_path)
    batch = [message(n, f"e{n}") for n in range(10_500)]
    fresh, conflicting = sort(store, batch)
    assert (len(fresh), conflicting) == (10_500, [])
    later = [message(n + 20_000, f"e{n}") for n in range(10_500)]
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
        offset = each.message.offset
        if (account_id, event_id) not in bodies:
            bodies[account_id, event_id] = text
            expected_fresh.add((ZERO, offset))
        elif bodies[account_id, event_id] != text:
            expected_conflicts.add((ZERO, offset))
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
