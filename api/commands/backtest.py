"""`ringtrace backtest`: what each rule would have flagged in the past."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from api.listing import figures_table, percent, write_figures
from api.options import AsOf, DataDir, open_world
from api.truth_file import read_truth
from detection.rules import rules
from graph.errors import InputError

if TYPE_CHECKING:
    from detection.backtest import Hits

out = Console()


def backtest(
    truth_file: Annotated[Path, typer.Option("--truth", help="CSV account_id,label.")],
    names: Annotated[list[str] | None, typer.Argument(help="Rules; without, all.")] = None,
    as_of: AsOf = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures here.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Run rules over the past. Example: ringtrace backtest fan_in --truth truth.csv."""
    # imported here: it needs what detects, and an ingest does not
    from detection.backtest import count_hits, flagged_by_rule

    wanted = names or sorted(rules())
    if unknown := sorted(set(wanted) - rules().keys()):
        raise InputError(f"there is no rule {unknown[0]!r}; there are {', '.join(sorted(rules()))}")
    truth, world = read_truth(truth_file), open_world(data_dir)
    with world.store() as store:
        denied = world.denied(store)
    with world.store_at(as_of) as store:
        flagged = flagged_by_rule(store, world.archive(), wanted, denied)
    hits = [count_hits(name, flagged[name], truth) for name in wanted]
    _print(hits)
    if json_file is not None:
        write_figures(json_file, {each.rule: asdict(each) for each in hits})


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
