"""`ringtrace backtest` over real transfers: the P2P platform and its chargebacks of 2017."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from detection.rules import rules
from tests.conftest import P2P, command_line


@pytest.mark.long
def test_backtest_counts_whom_each_rule_flags_on_real_data(tmp_path: Path) -> None:
    cli = command_line(tmp_path / "world", RINGTRACE_GRAPH_HEAP_SIZE="1g")
    truth, figures = tmp_path / "truth.csv", tmp_path / "figures.json"
    with (P2P / "chargebacks_2017.csv").open(newline="") as file:
        bad = {row["account_id"] for row in csv.DictReader(file)}
    accounts = pq.read_table(P2P / "accounts.parquet")["account_id"].to_pylist()
    rows = "".join(f"{account},{int(str(account) in bad)}\n" for account in accounts)
    truth.write_text(f"account_id,label\n{rows}")
    cli.run("servers", "start")
    try:
        cli.run("replay", str(P2P), "--mapping", "p2p", "--to", "graph")
        done = cli.run("backtest", "--truth", str(truth), "--json", str(figures))
        found = json.loads(figures.read_text())
        assert found.keys() == rules().keys()
        for rule, row in found.items():
            assert rule in done.stdout
            assert row["flagged"] == row["labelled_1"] + row["labelled_0"]
        # 8,490 cards are used by two accounts or more
        assert found["shared_instrument"]["flagged"] > 1_000
        assert found["shared_instrument"]["lift"] > 2
        # as it was: nothing had happened yet that happened later
        cli.run("backtest", "fan_out", "--truth", str(truth), "--as-of", "2017-03-01T00:00:00Z")
    finally:
        cli.run("servers", "stop")
