"""`ringtrace evaluate`: what was found against a truth file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from api.demo import progress_bar
from api.listing import write_figures
from api.options import DataDir, open_world
from api.report import Part, Table, curve_picture, plain, print_parts, write_report
from api.truth_file import read_truth
from detection.calibration import read_calibration
from detection.evaluation import (
    FALSE_POSITIVES,
    NO_SCORE,
    Evaluation,
    Figure,
    Observed,
    Truth,
)
from detection.evaluation import evaluate as compare
from detection.found_rings import FOUND, FoundRing, Group
from detection.settings import DetectionSettings
from graph.errors import InputError
from graph.model import RiskLevel
from graph.store import GraphStore
from graph.views import RingFilter, all_accounts, all_rings

#: accounts between two steps of the progress bar
_STEP = 1000
out = Console()


def evaluate(
    truth_file: Annotated[Path, typer.Option("--truth", help="CSV account_id,label[,ring_id].")],
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures here.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write a page with pictures into this folder.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Compare rings and scores with what is true. Example: ringtrace evaluate --truth truth.csv."""
    truth, settings = read_truth(truth_file), DetectionSettings()
    with open_world(data_dir).store() as store:
        observed, calibration = observe(store, truth), read_calibration(store)
    if not observed.is_known.any():
        raise InputError(f"no account of {truth_file.name} is in the graph")
    found = compare(truth, observed, settings.alert_level, calibration)
    parts = [*_accounts(found.flat()), *_rings(found)]
    print_parts(parts, out)
    if json_file is not None:
        write_figures(json_file, found.flat())
    if report is not None:
        _write_report(report, truth_file.name, parts, found)


def observe(store: GraphStore, truth: Truth) -> Observed:
    """One pass over the open rings and one over the accounts; only numbers are kept."""
    numbers, count = truth.numbers, len(truth.numbers)
    rings = [
        FoundRing(
            ring.risk_level,
            frozenset(numbers[account] for account in ring.account_ids if account in numbers),
            ring.risk_score,
        )
        for ring in all_rings(store, RingFilter())
    ]
    is_known, unnamed = np.zeros(count, np.bool_), 0
    risk, anomaly = (np.full(count, NO_SCORE, np.int16) for _ in range(2))
    with progress_bar(out) as bar:
        task = bar.add_task("Reading accounts", total=count)
        for done, account in enumerate(all_accounts(store, flagged=False)):
            if not done % _STEP:
                bar.update(task, completed=done)
            number = numbers.get(account.account_id)
            if number is None:
                unnamed += 1
                continue
            is_known[number] = True
            risk[number] = NO_SCORE if account.risk_score is None else account.risk_score
            anomaly[number] = NO_SCORE if account.anomaly_score is None else account.anomaly_score
        bar.update(task, completed=count)
    return Observed(is_known, risk, anomaly, rings, unnamed)


def _accounts(figures: dict[str, Figure]) -> Iterator[Part]:
    yield (
        f"{figures['accounts']:,} accounts, {figures['accounts_labelled_1']:,} of them in rings; "
        f"not in the graph and left out: {figures['accounts_unknown_to_graph']:,}; "
        f"in the graph and not in the file: {figures['accounts_unnamed_by_truth']:,}"
    )
    names = {"AUC": "auc", "average precision": "average_precision"}
    for percent in FALSE_POSITIVES:
        for name in ("precision", "recall"):
            names[f"{name} at {percent} % false positives, %"] = f"{name}_at_{percent}pct"
    rows = []
    for title, name in names.items():
        show = _percent if "%" in title else _number
        rows.append((title, show(figures[name]), show(figures[f"anomaly_{name}"])))
    yield Table("Accounts", ("", "by ring risk", "by anomaly"), rows)
    level = figures["alert_level"]
    yield (
        f"accounts in rings of level {level} or above: "
        f"precision {_percent(figures['precision_at_alert_level'])} %, "
        f"recall {_percent(figures['recall_at_alert_level'])} %, "
        f"false positives {_percent(figures['false_positives_at_alert_level'], 2)} %"
    )
    how = "" if figures["calibrated"] else " (not calibrated on this graph)"
    yield (
        f"accounts in rings that score {figures['threshold']} or more, the threshold{how}: "
        f"precision {_percent(figures['precision_at_threshold'])} %, "
        f"recall {_percent(figures['recall_at_threshold'])} %; "
        f"of {figures['benign_rings']} benign rings {figures['benign_rings_at_threshold']} do, "
        f"{_percent(figures['benign_share_at_threshold'], 2)} %, "
        f"where at most {_percent(figures['benign_share_bound'], 2)} % are promised"
    )


def _rings(found: Evaluation) -> Iterator[Part]:
    report, figures = found.rings, found.flat()
    if report.whole is not None:
        similar = [f"J ≥ {percent / 100}" for percent in FOUND]
        rows = [_cells("all", report.whole), *(_cells(kind.name, kind) for kind in report.kinds)]
        for size in report.sizes:
            band = size.name.replace("over_", "over ").replace("_", "–")
            rows.append(_cells(f"{band} accounts", size))
        yield Table(
            "True rings found, %; high: by rings of level high or critical",
            ("", "rings", *similar, *(f"high, {name}" for name in similar)),
            rows,
        )
        if worst := report.worst_kind:
            yield f"worst kind: {worst.name}"
        yield _members("members of matched rings", "matched_member", figures)
    yield _members("members of any ring", "member", figures)
    levels = ", ".join(f"{figures[f'rings_{level.value}']} {level.value}" for level in RiskLevel)
    yield f"rings reported: {figures['rings']} ({levels})"
    if figures["noise_high"] is not None:
        yield (
            f"noise among those high or critical: {_percent(figures['noise_high'])} % "
            f"(95 % interval {_percent(figures['noise_high_lower'])} to "
            f"{_percent(figures['noise_high_upper'])} %)"
        )


def _write_report(folder: Path, name: str, parts: list[Part], found: Evaluation) -> None:
    pictures = {}
    if found.curves:
        roc = {name: each.roc for name, each in found.curves.items()}
        exact = {name: each.precision_recall for name, each in found.curves.items()}
        pictures = {
            "roc.svg": curve_picture("Found among innocents", "false positives", "recall", roc),
            "precision.svg": curve_picture("Right among found", "recall", "precision", exact),
        }
    shown = [plain(part) if isinstance(part, str) else part for part in parts]
    shown += [f"![{file.removesuffix('.svg')}]({file})" for file in pictures]
    write_report(folder, f"What was found, against {name}", shown, pictures)


def _members(title: str, name: str, figures: dict[str, Figure]) -> str:
    precision, recall = (_percent(figures[f"{name}_{part}"]) for part in ("precision", "recall"))
    return f"{title}: precision {precision} %, recall {recall} %"


def _cells(title: str, group: Group) -> list[str]:
    shares = [_percent(group.found[p]) for p in FOUND]
    return [title, f"{group.rings:,}", *shares, *(_percent(group.found_high[p]) for p in FOUND)]


def _percent(share: Figure, places: int = 1) -> str:
    return "-" if share is None else f"{100 * float(share):.{places}f}"


def _number(value: Figure) -> str:
    return "-" if value is None else f"{float(value):.3f}"
