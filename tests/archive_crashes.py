"""`python -m tests.archive_crashes FOLDER N`: kill -9 an archive before every Nth step on the disk.

Forks, so it is a program of its own: nothing here may start a thread before a fork.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from graph.archive import SCHEMA, Archive
from tests.archived import DAY, START, rows

#: what Python tells of before it does it
STEPS = {"open", "os.link", "os.rename", "os.remove", "os.mkdir", "os.rmdir"}
BEFORE = START + 50 * DAY
RENAMED = {"old": ["device:1"], "new": ["device:new"]}
WORK: list[Callable[[Archive], object]] = [
    lambda archive: _append(archive, 300, 400),
    lambda archive: archive.compact(START + DAY),
    lambda archive: _append(archive, 400, 500),
    lambda archive: archive.expire(BEFORE),
    lambda archive: _append(archive, 500, 600),
    lambda archive: archive.rename_keys(pa.table(RENAMED)),
    lambda archive: archive.compact(START + 900 * DAY),
]


def main(folder: Path, every: int) -> None:
    """Print how often it was killed; exit 1 when it hurt once. There are 170 steps or so."""
    template = folder / "template"
    _in_child(_prepare, template)
    count = 0
    while True:
        here = folder / f"{count}"
        shutil.copytree(template, here)
        acknowledged = folder / f"{count}.done"
        acknowledged.touch()
        status = _in_child(_work, here, acknowledged, count)
        if _in_child(_verify, here, acknowledged.stat().st_size) != 0:
            sys.exit(f"killed before step {count}, after {acknowledged.stat().st_size} works")
        shutil.rmtree(here)
        if status == 0:
            sys.stdout.write(f"{count // every}\n")
            return
        assert os.WTERMSIG(status) == signal.SIGKILL
        count += every


def _in_child(do: Callable[..., object], *arguments: object) -> int:
    child = os.fork()
    if not child:
        try:
            do(*arguments)
            os._exit(0)
        finally:
            # an error has been printed by then, or the next line is all there is to know
            sys.excepthook(*sys.exc_info())
            os._exit(1)
    return os.waitpid(child, 0)[1]


def _append(archive: Archive, first: int, next_offset: int) -> None:
    archive.append("topic", 0, first, next_offset, rows("topic", 0, first, next_offset))


def _prepare(folder: Path) -> None:
    archive = Archive(str(folder))
    for first in (0, 100, 200):
        if first == 200:
            archive.compact(START)
        _append(archive, first, first + 100)


def _work(folder: Path, acknowledged: Path, kill_at: int) -> None:
    archive, left = Archive(str(folder)), kill_at
    done = os.open(acknowledged, os.O_WRONLY)

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in STEPS and str(arguments[0]).startswith(str(folder)):
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

    sys.addaudithook(count)
    for work in WORK:
        work(archive)
        os.write(done, b"x")


def _verify(folder: Path, done: int) -> None:
    archive = Archive(str(folder))
    states, found = _states(), archive.state()
    # what was under way is there as a whole or not at all
    assert found.equals(states[done]) or found.equals(states[done + 1])
    began_again = done if found.equals(states[done]) else done + 1
    for number, work in enumerate(WORK[began_again:], began_again + 1):
        work(archive)
        assert archive.state().equals(states[number]), number
    assert archive.next_offset("topic", 0) == 600
    archive.expire(0)
    on_disk = {str(p) for p in folder.rglob("*.parquet") if ".ringtrace" not in str(p)}
    assert on_disk == set(archive.files())


def _states() -> list[pa.Table]:
    """What the archive holds before the first work and after each; one more for the end."""
    limit = pa.scalar(BEFORE, SCHEMA.field("occurred_at").type)
    fourth = rows("topic", 0, 0, 500)
    fourth = fourth.filter(pc.greater_equal(fourth["occurred_at"], limit))
    fifth = pa.concat_tables([fourth, rows("topic", 0, 500, 600)])
    text = pc.replace_substring(fifth["identifier_keys"].combine_chunks().flatten(), "e:1", "e:new")
    lists = pa.ListArray.from_arrays(fifth["identifier_keys"].combine_chunks().offsets, text)
    field = SCHEMA.field("identifier_keys")
    sixth = fifth.set_column(SCHEMA.get_field_index(field.name), field, lists)
    early = [rows("topic", 0, 0, 300), *[rows("topic", 0, 0, 400)] * 2, rows("topic", 0, 0, 500)]
    return [*early, fourth, fifth, sixth, sixth, sixth]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
