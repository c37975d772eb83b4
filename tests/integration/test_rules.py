"""Every rule, through the command line: where it must fire and where it must not."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from detection.account_scores import keep_scores, score_accounts
from detection.detectors import UpperTails
from detection.features import read_features
from detection.rules import rules
from detection.settings import DetectionSettings
from graph.queries import query
from graph.store import GraphStore
from graph.times import rfc3339
from graph.views import all_accounts
from tests.conftest import CommandLine, command_line, looked_at, own_settings
from tests.events import DAY, as_lines
from tests.rule_cases import Case, cases

#: whose accounts use nothing in their cases
ONLY_EVENTS = {
    "dormant_then_active",
    "failed_login_storm",
    "impossible_travel",
    "many_countries",
    "refund_loop",
    "signup_and_purchase",
}
pytestmark = pytest.mark.long
ALL = {(case.rule, case.fires): case for case in cases()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A world of its own with the events of all cases."""
    folder = tmp_path_factory.mktemp("rules")
    with looked_at(command(folder), [e for case in ALL.values() for e in case.events]):
        yield folder


def command(folder: Path) -> CommandLine:
    return command_line(folder / "world", RINGTRACE_GRAPH_HEAP_SIZE="1g")


@pytest.fixture(scope="module")
def graph(folder: Path) -> Iterator[GraphStore]:
    with own_settings(folder / "world").store() as store:
        yield store


def flags(store: GraphStore) -> dict[str, set[str]]:
    """Accounts by the rules that flag them."""
    found = defaultdict(set)
    for account in all_accounts(store, flagged=True):
        for flag in account.flags:
            found[flag.rule].add(account.account_id)
    return found


def mine(case: Case, accounts: set[str]) -> set[str]:
    return {account for account in accounts if account.startswith(f"{case.prefix}-")}


@pytest.mark.parametrize("rule", sorted(rules()))
def test_a_rule_fires_where_it_must_and_only_there(graph: GraphStore, rule: str) -> None:
    found = flags(graph)[rule]
    assert mine(ALL[rule, True], found) == ALL[rule, True].flagged != set()
    assert mine(ALL[rule, False], found) == set()


@pytest.mark.parametrize("rule", sorted(rules()))
def test_its_picture_shows_the_hit(graph: GraphStore, rule: str) -> None:
    key = graph.read("detection/read_findings_by", rules=[rule])[0]["identifier_key"]
    asked = {"identifier_key": key, "account_ids": sorted(ALL[rule, True].flagged)}
    text = rules()[rule].picture
    parameters = {name: value for name, value in asked.items() if name in query(text).parameters}
    # an account that only logs in uses nothing
    assert graph.read(text, **parameters) or rule in ONLY_EVENTS


def test_all_again_changes_nothing_and_what_is_no_more_true_goes(
    folder: Path, graph: GraphStore
) -> None:
    cli, before = command(folder), flags(graph)
    assert "nothing was touched" in cli.run("detect").stdout
    cli.run("detect", "--full")
    assert flags(graph) == before
    # a thirteenth of a hundred payees: a merchant after all
    case = ALL["fan_out", True]
    late = max(event["occurred_at"] for event in case.events) + DAY
    events = [
        case.events[0]
        | {
            "event_id": f"more{n}",
            "occurred_at": late + n,
            "counterparty_account_id": f"{case.prefix}-more{n}",
        }
        for n in range(100)
    ]
    (folder / "more.jsonl").write_bytes(as_lines(events))
    cli.run("replay", str(folder / "more.jsonl"), "--to", "graph")
    cli.run("detect")
    after = flags(graph)
    assert mine(case, after["fan_out"]) == set()
    assert {rule: a for rule, a in after.items() if rule != "fan_out"} == {
        rule: a for rule, a in before.items() if rule != "fan_out"
    }


def test_every_account_has_the_score_that_its_events_give(folder: Path, graph: GraphStore) -> None:
    archive, now = own_settings(folder / "world").archive(), graph.read("detection/read_now")
    features = read_features(archive, now[0]["now"])
    scored = score_accounts(archive, UpperTails, features, now[0]["now"])
    wanted = dict(zip(features.account_ids, scored, strict=True))
    found = {
        account.account_id: (account.anomaly_score, list(account.anomaly_reasons))
        for account in all_accounts(graph, flagged=False)
    }
    assert found == wanted
    scores = [score for score, _ in scored]
    assert min(scores) == 0
    assert max(scores) >= 25
    case = ALL["many_cards", True]
    (account,) = case.flagged
    assert any("many payment instruments" in words for words in found[account][1])
    # what is as it was is not written, what was changed by hand is
    assert keep_scores(graph, archive, DetectionSettings()) == 0
    row = [account, 1, ["by hand"], None]
    graph.write(lambda tx: tx.run("detection/save_scores", rows=[row]))
    assert keep_scores(graph, archive, DetectionSettings()) == 1
    # whose events the archive has no more has no score any more
    graph.run_schema(
        "CREATE (:Account {id: 'expired', anomaly_score: 7, anomaly_reasons: ['all']})"
    )
    assert keep_scores(graph, archive, DetectionSettings()) == 1
    (expired,) = graph.run_schema(
        "MATCH (a:Account {id: 'expired'}) WITH a, properties(a) AS had DELETE a RETURN had"
    )
    assert expired["had"] == {"id": "expired"}
    archive.close()


def test_a_ring_of_victims_says_so(folder: Path) -> None:
    rings = map(json.loads, command(folder).run("rings", "--format", "jsonl").stdout.splitlines())
    case = ALL["promotion_loop", True]
    (ring,) = (ring for ring in rings if set(ring["account_ids"]) == case.flagged)
    (reason,) = (r for r in ring["reasons"] if r["code"] == "promotion_loop")
    assert "took promotion" in reason["text"]
    assert reason["points"] > 0


def test_backtest_counts_what_had_happened(folder: Path) -> None:
    cli, truth, figures = command(folder), folder / "truth.csv", folder / "figures.json"
    case = ALL["fan_out", True]
    (account,) = case.flagged
    truth.write_text(f"account_id,label\n{account},1\n{case.prefix}-x1,0\n")
    # twelve payees within half a day: now they are a hundred more
    then = min(event["occurred_at"] for event in case.events) + 13 * 3_600_000
    files = ("--truth", str(truth), "--json", str(figures))
    for as_of, flagged in (((), 0), (("--as-of", rfc3339(then)), 1)):
        cli.run("backtest", "fan_out", *files, *as_of)
        row = json.loads(figures.read_text())["fan_out"]
        # those of other cases are strangers to the truth
        assert (row["labelled_1"], row["labelled_0"]) == (flagged, 0)
