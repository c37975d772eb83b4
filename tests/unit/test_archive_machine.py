"""Whatever writers, compactions and expiries do in whichever order: each event once."""

import shutil
import tempfile

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from graph.archive import SCHEMA, Archive
from graph.errors import PositionError
from tests.archived import DAY, START, rows

WRITERS = st.sampled_from([0, 1])
PARTITIONS = st.sampled_from([("topic-a", 0), ("topic-a", 1), ("+topic_b", 0)])


class TwoWriters(RuleBasedStateMachine):
    """Two writers that know nothing of each other, one of them often behind."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.mkdtemp()
        self.archives = [Archive(self.folder), Archive(self.folder)]
        #: where each writer believes a partition to stand
        self.believed: list[dict[tuple[str, int], int]] = [{}, {}]
        self.ends: dict[tuple[str, int], int] = {}
        self.tables: list[pa.Table] = []

    @rule(writer=WRITERS, place=PARTITIONS, length=st.integers(1, 40))
    def append(self, writer: int, place: tuple[str, int], length: int) -> None:
        first = self.believed[writer].get(place, 0)
        table = rows(*place, first, first + length)
        try:
            self.archives[writer].append(*place, first, first + length, table)
        except PositionError:
            assert first != self.ends.get(place, 0)
            self.believed[writer][place] = self.archives[writer].next_offset(*place) or 0
            assert self.believed[writer][place] == self.ends[place]
        else:
            assert first == self.ends.get(place, 0)
            self.ends[place] = self.believed[writer][place] = first + length
            self.tables.append(table)

    @rule(writer=WRITERS, days=st.integers(0, 200))
    def compact(self, writer: int, days: int) -> None:
        self.archives[writer].compact(START + days * DAY)

    @rule(writer=WRITERS, days=st.integers(0, 30))
    def expire(self, writer: int, days: int) -> None:
        before = START + days * DAY
        held = self.expected()
        kept = pc.greater_equal(held["occurred_at"], pa.scalar(before, SCHEMA.field(5).type))
        self.tables = [held.filter(kept)]
        gone = self.archives[writer].expire(before)
        assert gone == held.num_rows - self.tables[0].num_rows

    @rule(writer=WRITERS)
    def restart(self, writer: int) -> None:
        self.archives[writer].close()
        self.archives[writer] = Archive(self.folder)

    @invariant()
    def each_event_once(self) -> None:
        expected = self.expected()
        for archive in self.archives:
            assert archive.state().equals(expected)

    @invariant()
    def ends_are_known(self) -> None:
        for place in [("topic-a", 0), ("topic-a", 1), ("+topic_b", 0)]:
            assert Archive(self.folder).next_offset(*place) == self.ends.get(place)

    def expected(self) -> pa.Table:
        """All that was appended and has not expired."""
        table = pa.concat_tables([SCHEMA.empty_table(), *self.tables])
        return table.sort_by([(name, "ascending") for name in ("topic_id", "partition", "offset")])

    def teardown(self) -> None:
        for archive in self.archives:
            archive.close()
        shutil.rmtree(self.folder)


def test_each_event_is_there_once_whatever_happens() -> None:
    run_state_machine_as_test(
        TwoWriters, settings=settings(max_examples=15, stateful_step_count=20, deadline=None)
    )
