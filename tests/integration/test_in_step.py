"""Accounts that share nothing but what they do: from events to a ring, through the command line."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from graph.neighbourhoods import ring_graph
from tests.conftest import command_line, own_settings
from tests.events import START, as_lines, event

FARM = [f"farm{n}" for n in range(8)]
#: new wallets, of which each pays the next
CHAIN = [f"wallet{n:02}" for n in range(14)]
MINUTE, DAY = 1, 24 * 60


def transfer(number: int, payer: str, payee: str, minute: int) -> dict[str, object]:
    money = {"amount": "20.00", "currency": "EUR", "counterparty_account_id": payee}
    return event(payer, number, type="transfer", occurred_at=START + minute * 60_000, **money)


def all_moves() -> list[tuple[str, str, int]]:
    """Payer, payee and minute of what all pay."""
    moves = [("exchange", FARM[0], DAY)]
    moves += [(FARM[0], each, DAY + 10 * n * MINUTE) for n, each in enumerate(FARM[1:], 1)]
    moves += [(each, "exchange", 3 * DAY + 400 * n) for n, each in enumerate(FARM)]
    moves += [(each, "collector", 9 * DAY + 10 * n * MINUTE) for n, each in enumerate(FARM[1:])]
    moves += [("exchange", CHAIN[0], 50 * DAY)]
    moves += [(a, b, 50 * DAY + 300 * n) for n, (a, b) in enumerate(pairwise(CHAIN), 1)]
    # others pay each other over two months, and the exchange
    moves += [(f"p{n}", f"p{n * 7 % 40}", n * 1500) for n in range(1, 60) if n != n * 7 % 40]
    moves += [(f"p{n}", "exchange", n * 1450) for n in range(60)]
    return moves


@pytest.mark.long
def test_a_farm_and_a_chain_that_only_move_money_are_rings(tmp_path: Path) -> None:
    events = [transfer(number, *move) for number, move in enumerate(all_moves())]
    (tmp_path / "events.jsonl").write_bytes(as_lines(events))
    (tmp_path / "deny.txt").write_text("account:exchange\n")
    cli = command_line(tmp_path / "world", RINGTRACE_GRAPH_HEAP_SIZE="1g")
    cli.run("servers", "start")
    try:
        deny = ("--deny-list", str(tmp_path / "deny.txt"))
        cli.run("replay", str(tmp_path / "events.jsonl"), "--to", "graph", *deny)
        # not --full: the new ties touch the accounts
        cli.run("detect")
        farm, chain = map(json.loads, cli.run("rings", "--format", "jsonl").stdout.splitlines())
        assert farm["account_ids"] == sorted([*FARM, "collector"])
        assert "in_step" in {reason["code"] for reason in farm["reasons"]}
        assert chain["account_ids"] == CHAIN
        assert {reason["code"] for reason in chain["reasons"]} == {"began_together", "size"}
        assert chain["risk_level"] == "medium"
        assert farm["identifiers"] == chain["identifiers"] == []
        with own_settings(tmp_path / "world").store() as store:
            picture = ring_graph(store, chain["ring_id"], 500)
        ties = [link for link in picture.links if link.type == "BEGAN_WITH"]
        assert {end for tie in ties for end in (tie.source, tie.target)} == {
            f"account:{account_id}" for account_id in CHAIN
        }
        assert len(ties) < len(CHAIN) * (len(CHAIN) - 1) / 2
        # and everything again changes nothing
        cli.run("detect", "--full")
        again = map(json.loads, cli.run("rings", "--format", "jsonl").stdout.splitlines())
        assert [*again] == [farm, chain]
    finally:
        cli.run("servers", "stop")
