"""`ringtrace backtest`: whom rules would have flagged, and detectors scored high, in the past."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from api.listing import figures_table, percent, write_figures
from api.options import AsOf, DataDir, open_world
from api.truth_file import read_truth
from api.world import World
from detection.evaluation import Truth
from detection.features import FEATURES
from detection.rules import rules
from graph.dispositions import read_benign_keys
from graph.errors import InputError
from graph.times import now_ms

if TYPE_CHECKING:
    from detection.backtest import Hits

out = Console()


def backtest(
    truth_file: Annotated[
        Path, typer.Option("--truth", help="CSV account_id,label[,since] (since for detectors).")
    ],
    names: Annotated[
        list[str] | None, typer.Argument(help="Rules, or account detectors; without, all rules.")
    ] = None,
    as_of: AsOf = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures here.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Run rules or detectors on the past. Example: ringtrace backtest fan_in --truth truth.csv."""
    # imported here, and what they need: an ingest has none of it
    from detection.detectors import DETECTORS

    wanted = names or sorted(rules())
    if unknown := sorted(set(wanted) - rules().keys() - DETECTORS.keys()):
        there = ", ".join([*sorted(rules()), *DETECTORS])
        raise InputError(f"there is no rule or detector {unknown[0]!r}; there are {there}")
    truth, world = read_truth(truth_file), open_world(data_dir)
    figures: dict[str, object] = {}
    if by_rule := [name for name in wanted if name in rules()]:
        figures |= _rules(world, truth, by_rule, as_of)
    if detectors := [name for name in wanted if name in DETECTORS]:
        if not truth.since:
            raise InputError(
                f"{truth_file.name} has no column since: when was it known who is bad?"
            )
        figures |= _detectors(world, truth, detectors, as_of)
    if json_file is not None:
        write_figures(json_file, figures)


def _rules(world: World, truth: Truth, names: list[str], as_of: int | None) -> dict[str, object]:
    from detection.backtest import count_hits, flagged_by_rule

    with world.store() as store:
        denied = world.denied(store)
    with world.store_at(as_of) as store:
        flagged = flagged_by_rule(store, world.archive(), names, denied)
    hits = [count_hits(name, flagged[name], truth) for name in names]
    _print(hits)
    return {each.rule: asdict(each) for each in hits}


def _detectors(
    world: World, truth: Truth, names: list[str], as_of: int | None
) -> dict[str, object]:
    from detection.past_scores import BASELINE, LOOKED_AT, cuts, foresight

    if undated := int(truth.is_member.sum()) - len(truth.since):
        out.print(f"{undated} accounts have label 1 and no time since: they are not asked about")
    with world.store() as store:
        denied = world.denied(store).with_keys(read_benign_keys(store))
    until, neighbours = now_ms() if as_of is None else as_of, "boosted" in names
    found = list(cuts(world.archive(), truth, until, denied, neighbours=neighbours))
    rows = [row for name in names for row in foresight(name, found)]
    headings = ("cuts", "bad", "AUC", "of all", f"top {LOOKED_AT:.0%}, %", "gain", "from", "to")
    table = figures_table(None, "detector, known in, of", *headings, padding=(0, 0))
    for row in rows:
        table.add_row(
            f"{row.detector}, {row.window}, {row.population}",
            f"{row.cuts}",
            f"{row.bad}",
            f"{row.auc:.3f}",
            f"{row.auc_of_all:.3f}",
            percent(row.recall),
            f"{row.gain:+.3f}",
            f"{row.lower:+.3f}",
            f"{row.upper:+.3f}",
        )
    out.print(table)
    out.print(
        "month: known in the month just ended; next: in the 90 days after it; paid: of those who "
        f"paid or were paid; gain: AUC of all beyond that of {FEATURES[BASELINE]!r}, from and to "
        "with 95 % of certainty",
        highlight=False,
        soft_wrap=True,
    )
    return {f"{row.detector}_{row.window}_{row.population}": asdict(row) for row in rows}


def _print(hits: "list[Hits]") -> None:
    headings = ("accounts", "label 1", "label 0", "share 1, %", "95 %", "recall, %", "lift")
    table = figures_table(None, "rule", *headings, padding=(0, 0))
    for each in hits:
        interval = "" if each.lower is None else f"{percent(each.lower)}–{percent(each.upper)}"
        table.add_row(
            each.rule,
            f"{each.flagged:,}",
            f"{each.labelled_1:,}",
            f"{each.labelled_0:,}",
            percent(each.precision),
            interval,
            percent(each.recall),
            "" if each.lift is None else f"{each.lift:.1f}",
        )
    out.print(table)
