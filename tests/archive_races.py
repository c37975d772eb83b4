"""What several processes do with one archive at the same time; each for a process of its own."""

from pathlib import Path

import pyarrow.compute as pc

from graph.archive import Archive
from graph.errors import PositionError
from tests.archived import START, rows

END, STEP = 600, 6


def append(folder: str, done: str) -> int:
    """Append what nobody else did until all is there; how many segments were this writer's."""
    archive, written = Archive(folder), 0
    while (first := archive.next_offset("topic", 0) or 0) < END:
        try:
            archive.append("topic", 0, first, first + STEP, rows("topic", 0, first, first + STEP))
            written += 1
        except PositionError:
            continue
    Path(done).touch()
    return written


def compact(folder: str, done: str) -> int:
    """Compact again and again; how many segments were moved by this one."""
    archive, moved = Archive(folder), 0
    while not Path(done).exists():
        moved += archive.compact(START).segments
    return moved


def read(folder: str, done: str) -> int:
    """Read again and again: always the first events, each once, never fewer; how often."""
    archive, known, count = Archive(folder), 0, 0
    expected = rows("topic", 0, 0, END)
    while not Path(done).exists():
        found = archive.state()
        assert found.num_rows >= known
        assert found.equals(expected.slice(0, found.num_rows))
        sought = archive.activity("account-1", limit=1000)
        seen = sorted(event.place.offset for event in sought)
        of_account = expected.filter(pc.equal(expected["account_id"], "account-1"))
        assert seen == of_account["offset"].to_pylist()[: len(seen)]
        known, count = found.num_rows, count + 1
    return count
