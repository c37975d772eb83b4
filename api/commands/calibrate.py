"""`ringtrace calibrate`: the score that benign rings hardly ever reach."""

import hashlib
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from api.commands.evaluate import observe
from api.listing import figures_table, write_figures
from api.options import DataDir, open_world
from api.truth_file import read_truth
from detection.calibration import (
    CERTAINTY,
    ENOUGH,
    MOST_FALSE,
    Calibration,
    Source,
    histogram,
    present_scores,
    read_calibration,
    save_calibration,
)
from detection.found_rings import benign_scores
from detection.recalibration import drawn_rings
from graph.errors import InputError
from graph.store import GraphStore, Transaction
from graph.times import now_ms, rfc3339

out = Console()


def calibrate(
    sample: Annotated[
        int | None, typer.Option(min=1, help="Draw this many rings to be judged, and end.")
    ] = None,
    truth_file: Annotated[
        Path | None, typer.Option("--truth", help="CSV account_id,label instead of dispositions.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the counts of each score here.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Set the threshold by benign rings. Example: ringtrace calibrate --sample 60."""
    with open_world(data_dir).store() as store:
        if sample is not None:
            _draw(store, sample, now_ms())
            return
        if truth_file is not None:
            benign, source = _by_truth(store, truth_file), Source.TRUTH
        else:
            benign, source = _by_dispositions(store), Source.DISPOSITIONS
        everybody = present_scores(store)
        made = Calibration(histogram(benign), everybody, source, now_ms())
        if made.is_calibrated:
            save_calibration(store, made)
        _print(made, read_calibration(store))
    if json_file is not None:
        write_figures(json_file, {"benign": made.benign, "everybody": made.everybody})


def _draw(store: GraphStore, count: int, now: int) -> None:
    """Which rings is chance, by a hash of their ids: not their scores, and not who was alerted."""
    ids = [row["ring_id"] for row in store.read("cases/undrawn_rings")]
    ids.sort(key=lambda ring_id: hashlib.blake2b(ring_id.encode()).digest())
    rows = store.write(
        partial(Transaction.run, name="cases/draw_rings", ring_ids=ids[:count], now=now)
    )
    if not rows:
        raise InputError("there is no open ring that was not drawn before")
    headings = ("ring", "risk", "accounts", "judged")
    table = figures_table("Rings to be judged, whatever they score", *headings)
    for row in rows:
        size, said = f"{row['size']:,}", row["disposition"] or ""
        table.add_row(row["ring_id"], f"{row['risk_score']}", size, said)
    out.print(table)
    out.print("say of each what it is: `ringtrace dispose RING_ID --as confirmed|dismissed`")


def _by_dispositions(store: GraphStore) -> list[int]:
    drawn = drawn_rings(store)
    if not drawn.count:
        raise InputError("no rings were drawn yet: `ringtrace calibrate --sample 60` draws some")
    out.print(f"{drawn.count} open rings were drawn, {drawn.waiting} of them wait to be judged")
    return drawn.benign


def _by_truth(store: GraphStore, file: Path) -> list[int]:
    truth = read_truth(file)
    return benign_scores(truth.is_member, observe(store, truth).rings)


def _print(made: Calibration, used: Calibration) -> None:
    if not made.is_calibrated:
        out.print(
            f"{made.count} benign rings are too few, {ENOUGH} can say what {MOST_FALSE:.0%} of "
            "them do: nothing was changed",
            soft_wrap=True,
        )
    else:
        out.print("rings that are looked at from now on go by it; `ringtrace detect --full`: all")
    out.print(
        f"threshold {used.threshold} by {used.count} benign rings ({used.source.value}"
        f"{'' if not used.at else f', {rfc3339(used.at)}'}): one that is benign reaches it with "
        f"{100 * used.p_value(used.threshold):.2g} % of probability or less; with {CERTAINTY:.0%} "
        f"certainty at most {100 * used.bound(used.threshold):.2g} % do",
        highlight=False,
        soft_wrap=True,
    )
