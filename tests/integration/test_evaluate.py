"""`ringtrace evaluate` over a simulated world in the real graph."""

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Set
from pathlib import Path
from typing import Any

from graph.model import RiskLevel
from graph.store import GraphStore
from graph.views import RingFilter, all_accounts, all_rings
from tests.conftest import CommandLine
from tests.events import as_lines, event

WORLD = ("--accounts", "500", "--days", "12", "--seed", "4242", "--rings", "0.15")


def test_a_simulated_world_is_evaluated_as_its_listings_say(
    cli: CommandLine, store: GraphStore, prefix: str, tmp_path: Path
) -> None:
    truth_file, figures_file = tmp_path / "truth.csv", tmp_path / "figures.json"
    simulate(cli, truth_file, prefix)
    cli.run("detect", "--full")
    page = tmp_path / "page"
    written = ("--json", str(figures_file), "--report", str(page))
    done = cli.run("evaluate", "--truth", str(truth_file), *written)
    figures = json.loads(figures_file.read_text())

    with truth_file.open(newline="") as file:
        rows = {row["account_id"]: row for row in csv.DictReader(file)}
    known = {account.account_id for account in all_accounts(store, flagged=False)}
    assert figures["accounts"] == len(rows.keys() & known)
    assert figures["accounts_unknown_to_graph"] == len(rows.keys() - known) >= 1
    assert figures["accounts_unnamed_by_truth"] == len(known - rows.keys()) >= 1
    assert figures["auc"] > 0.6
    true = defaultdict(set)
    for account, row in rows.items():
        if row["ring_id"]:
            true[row["ring_id"]].add(account)
    check_rings(store, figures, true, rows.keys())
    kinds = {ring_id.rpartition("-")[0] for ring_id in true}
    assert {name.removeprefix("true_rings_kind_") for name in figures if "s_kind" in name} == kinds
    for text in ("AUC", "True rings found", f"worst kind: {figures['worst_kind']}"):
        assert text in done.stdout
        assert text in (page / "report.html").read_text()
    assert sorted(each.name for each in page.iterdir()) == [
        "precision.svg", "report.html", "report.md", "roc.svg",
    ]  # fmt: skip


def simulate(cli: CommandLine, truth_file: Path, prefix: str) -> None:
    """A world, an account that its truth does not name, and one that the graph never sees."""
    events = truth_file.with_name("events.jsonl")
    cli.run("simulate", *WORLD, "--out", str(events), "--truth", str(truth_file))
    with events.open("ab") as file:
        file.write(as_lines([event(f"{prefix}stranger", 1, device_id=f"{prefix}d")]))
    with truth_file.open("a") as file:
        file.write(f"{prefix}unseen,0,\n")
    cli.run("replay", str(events), "--to", "graph")


def check_rings(
    store: GraphStore, figures: dict[str, Any], true: dict[str, set[str]], named: Set[str]
) -> None:
    found = {ring: named & ring.account_ids for ring in all_rings(store, RingFilter())}
    found = {ring: accounts for ring, accounts in found.items() if accounts}
    levels = Counter(ring.risk_level for ring in found)
    assert [figures[f"rings_{level}"] for level in RiskLevel] == [levels[x] for x in RiskLevel]
    # above one half, a true ring and a found one have no other partner
    whole = sum(
        any(len(ring & seen) / len(ring | seen) >= 0.8 for seen in found.values())
        for ring in true.values()
    )
    assert figures["true_rings"] == len(true) >= 5
    assert figures["found_80"] == round(whole / len(true), 6)
    inside, labelled = set().union(*found.values()), set().union(*true.values())
    assert figures["member_recall"] == round(len(inside & labelled) / len(labelled), 6)


def test_what_cannot_be_evaluated_is_said_in_a_line(
    cli: CommandLine, prefix: str, tmp_path: Path
) -> None:
    strangers = tmp_path / "strangers.csv"
    strangers.write_text(f"account_id,label\n{prefix}a,1\n{prefix}b,0\n")
    for path, message in (
        (strangers, "no account of strangers.csv is in the graph"),
        (tmp_path / "gone.csv", "cannot be read"),
    ):
        done = cli.run("evaluate", "--truth", str(path), expect=1)
        assert message in done.stderr
        assert done.stderr.startswith("ringtrace: ")
        assert done.stderr.count("\n") == 1
    cli.run("evaluate", expect=2)
