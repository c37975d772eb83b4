"""Few files to read, few rewrites, and nothing forgotten."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from graph.archive_manifest import MonthFile
from graph.month_files import month_bounds
from graph.month_merges import MAX_RUNS, plan_merges

MONTH = "2026-01"
WITHIN, LONG_AFTER = month_bounds(MONTH)[0] + 1, month_bounds("2026-03")[0]


def file(run: int, rows: int, month: str = MONTH, part: int = 0) -> MonthFile:
    return MonthFile(f"{month}/{run}-{part}", month, run, rows, rows, "a", "b", 0, 0, None)


@given(st.lists(st.integers(1, 10**6), max_size=12), st.integers(1, 10**6))
def test_a_month_never_has_more_runs_than_allowed(sizes: list[int], fresh: int) -> None:
    files = [file(run, rows) for run, rows in enumerate(sizes)]
    merged = plan_merges(files, {MONTH: fresh}, WITHIN)[MONTH]
    kept = [rows for run, rows in enumerate(sizes) if run not in merged]
    new = fresh + sum(sizes) - sum(kept)
    assert len(kept) + 1 <= MAX_RUNS
    # what stays is much larger than what was written: nothing large is written for little
    assert all(rows > 3 * new for rows in kept)


def test_rows_that_come_evenly_are_seldom_written_again() -> None:
    runs: Counter[int] = Counter()
    written = 0
    for number in range(3_000):
        merged = plan_merges([file(run, rows) for run, rows in runs.items()], {MONTH: 100}, WITHIN)[
            MONTH
        ]
        runs[number] = 100 + sum(runs.pop(run) for run in merged)
        written += runs[number]
    assert sum(runs.values()) == 300_000
    assert written / 300_000 < 20


def test_a_month_that_is_over_becomes_one_run() -> None:
    files = [file(1, 1000), file(2, 100), file(2, 50, part=1)]
    assert plan_merges(files, {}, WITHIN) == {}
    assert plan_merges(files, {}, LONG_AFTER) == {MONTH: {1, 2}}
    assert plan_merges(files, {MONTH: 1}, LONG_AFTER) == {MONTH: {1, 2}}


def test_stragglers_do_not_have_an_old_month_written_again() -> None:
    files = [file(1, 1_000_000), file(2, 10)]
    assert plan_merges(files, {}, LONG_AFTER) == {}
    assert plan_merges(files, {MONTH: 10}, LONG_AFTER) == {MONTH: {2}}


def test_one_month_at_a_time_is_merged_beside_those_with_new_rows() -> None:
    files = [file(run, 5, month) for month in ("2025-10", "2025-11", MONTH) for run in (1, 2)]
    assert plan_merges(files, {MONTH: 1}, LONG_AFTER) == {"2025-10": {1, 2}, MONTH: {1, 2}}
