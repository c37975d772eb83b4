"""The archive under kill -9 and under several processes at once."""

import multiprocessing
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from graph.archive import Archive
from tests import archive_races as races
from tests.archived import START, rows
from tests.conftest import ROOT


def test_a_kill_before_any_step_leaves_neither_a_gap_nor_a_double(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.archive_crashes", str(tmp_path), "8"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) > 15


def test_two_writers_two_compactions_and_two_readers_at_once(tmp_path: Path) -> None:
    folder, end = str(tmp_path / "archive"), str(tmp_path / "done")
    roles = [races.append, races.append, races.compact, races.compact, races.read, races.read]
    with ProcessPoolExecutor(len(roles), multiprocessing.get_context("spawn")) as pool:
        first, second, *counts = pool.map(_play, roles, [folder] * 6, [end] * 6)
    assert first + second == races.END // races.STEP
    assert any(counts[:2])
    assert all(counts[2:])
    archive = Archive(folder)
    archive.compact(START)
    assert archive.state().equals(rows("topic", 0, 0, races.END))
    archive.expire(0)
    assert {str(path) for path in tmp_path.rglob("*.parquet")} == set(archive.files())
    archive.close()


def _play(role, folder: str, end: str) -> int:  # type: ignore[no-untyped-def]
    return role(folder, end)
