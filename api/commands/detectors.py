"""`ringtrace detectors`: what scores accounts, beside what else might, and how right rules were."""

from rich.console import Console

from api.listing import figures_table, percent
from api.options import DataDir, open_world
from detection.feedback import Compared, Precision, agreement, compared_rings, precision_by_week
from detection.settings import DetectionSettings

#: rings shown
_MOST = 20
out = Console()


def detectors(data_dir: DataDir = None) -> None:
    """Compare the live account detector with its challenger. Example: ringtrace detectors."""
    settings = DetectionSettings()
    with open_world(data_dir).store() as store:
        rings, judged = compared_rings(store), precision_by_week(store.read("explore/judged_rings"))
    _print_compared(rings, settings)
    _print_precision(judged)


def _print_compared(rings: list[Compared], settings: DetectionSettings) -> None:
    out.print(f"live: {settings.detector}; challenger: {settings.challenger or 'none'}")
    if settings.challenger is None:
        out.print("RINGTRACE_DETECTION_CHALLENGER sets one: it scores beside and alerts nobody")
        return
    rank = agreement(rings)
    said = "too few rings to say" if rank is None else f"{rank:.2f}"
    out.print(f"{len(rings)} open rings; rank correlation of their scores: {said}")
    table = figures_table(None, "ring", "risk", "accounts", "live", "challenger")
    for ring in rings[:_MOST]:
        means = ("" if mean is None else f"{mean:.0f}" for mean in (ring.live, ring.shadow))
        table.add_row(ring.ring_id, f"{ring.risk_score}", f"{ring.size:,}", *means)
    out.print(table)


def _print_precision(judged: list[Precision]) -> None:
    if not judged:
        out.print("no ring was confirmed or dismissed yet: `ringtrace dispose` says what one is")
        return
    table = figures_table(
        "\nRings judged, by week and reason",
        "week",
        "reason",
        "confirmed",
        "dismissed",
        "%",
        "95 %",
    )
    for row in judged:
        interval = f"{percent(row.lower)}–{percent(row.upper)}"
        counts = f"{row.confirmed}", f"{row.dismissed}"
        table.add_row(row.week, row.reason, *counts, percent(row.precision), interval)
    out.print(table)
