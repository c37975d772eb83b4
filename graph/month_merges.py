"""Which runs of a month are merged: few files to read, and no event written too often."""

from collections import Counter
from collections.abc import Iterable, Mapping

from graph.archive_manifest import MonthFile
from graph.month_files import month_bounds
from graph.times import DAY_MS

#: a run is merged with newer rows that are at least a third of it, so sizes grow geometrically
_GROWTH = 3
#: most runs of one month
MAX_RUNS = 4
#: a month is over so long after its end
_OVER_MS = 3 * DAY_MS
#: of a month that is over, all runs are merged when the small ones have this share of its rows
_SHARE = 20


def plan_merges(
    files: Iterable[MonthFile], fresh: Mapping[str, int], now: int
) -> dict[str, set[int]]:
    """Each month that is to be written, with the runs that its new run takes in.

    `fresh` says how many new rows a month gets. At most one month without any is written; `now`
    in milliseconds since 1970.
    """
    months: dict[str, Counter[int]] = {month: Counter() for month in fresh}
    for file in files:
        months.setdefault(file.month, Counter())[file.run] += file.rows
    plan, has_rest = {}, False
    for month, runs in sorted(months.items()):
        is_over = month_bounds(month)[1] + _OVER_MS <= now
        merged = _merged(runs, fresh.get(month, 0), is_over)
        if month in fresh:
            plan[month] = merged
        elif merged and not has_rest:
            plan[month], has_rest = merged, True
    return plan


def _merged(runs: Mapping[int, int], fresh: int, is_over: bool) -> set[int]:
    smallest_first = sorted(runs, key=lambda run: (runs[run], run))
    merged: set[int] = set()
    rows = fresh
    for run in smallest_first if fresh else ():
        left = len(runs) - len(merged)
        if runs[run] > _GROWTH * rows and left < MAX_RUNS:
            break
        merged.add(run)
        rows += runs[run]
    total = fresh + sum(runs.values())
    left = len(runs) - len(merged) + bool(fresh)
    if is_over and left > 1 and _SHARE * (total - max(runs.values())) >= total:
        return set(runs)
    return merged
