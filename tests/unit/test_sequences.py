"""The rules over events, against a real archive; what is kept of them meets a graph elsewhere."""

from collections import defaultdict
from pathlib import Path

import pytest

from detection import rules as rule_files
from detection.rules import rules, sequences
from detection.sequences import find_sequences
from graph.archive import Archive
from graph.errors import QueryError
from graph.model import Finding
from tests.events import DAY, START
from tests.rule_cases import STORIES, cases
from tests.unit.accepted import archived

LATER = START + 300 * DAY


def find_all(archive: Archive, live_from: int, now: int) -> list[Finding]:
    return [f for rule in sequences() for f in find_sequences(archive, rule, live_from, now)]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Finding]]:
    """What each rule finds in the events of all cases."""
    events = [event for case in cases() for event in case.events]
    archive = archived(tmp_path_factory.mktemp("archive"), events, LATER)
    by_rule = defaultdict(list)
    for finding in find_all(archive, 0, LATER):
        by_rule[finding.rule].append(finding)
    # in whatever files and order they lie
    archive.compact(LATER)
    again = find_all(archive, 0, LATER)
    assert again == [f for each in by_rule.values() for f in each]
    archive.close()
    return by_rule


def test_every_rule_has_its_cases() -> None:
    assert STORIES.keys() == rules().keys()
    assert len(STORIES) >= 15


@pytest.mark.parametrize("rule", [rule.name for rule in sequences()])
def test_a_rule_fires_where_it_must_and_only_there(
    rule: str, found: dict[str, list[Finding]]
) -> None:
    flagged = {account for finding in found[rule] for account in finding.account_ids}
    mine = {case.fires: case for case in cases() if case.rule == rule}
    assert {a for a in flagged if a.startswith(mine[True].prefix)} == mine[True].flagged != set()
    assert not [a for a in flagged if a.startswith(mine[False].prefix)]
    assert all(START <= finding.at <= LATER and finding.detail for finding in found[rule])


def test_one_busy_account_or_value_silences_no_rule(tmp_path: Path) -> None:
    like = {"type": "promotion", "target_id": "ten-off", "device_id": "kiosk"}
    busy = [
        like
        | {"event_id": f"e{n}", "occurred_at": START + n, "account_id": f"a{n % 9_000}"}
        | {"country": "DE" if n % 2 else "US"}
        for n in range(18_000)
    ]
    one = [{**event, "account_id": "busy", "target_id": "other"} for event in busy]
    third = one[-1] | {"event_id": "third", "country": "BR"}
    archive = archived(tmp_path, [*busy, *one, third], LATER)
    found = find_all(archive, 0, LATER)
    assert "many_countries" in {finding.rule for finding in found if "busy" in finding.account_ids}
    # thousands on one device: a kiosk, however few of them had come at first
    assert "promotion_loop" not in {finding.rule for finding in found}
    archive.close()


def test_who_always_did_so_did_not_begin_when_history_is_cut(tmp_path: Path) -> None:
    like = {"type": "payment", "account_id": "a", "amount": 5, "currency": "EUR"}
    events = [
        like
        | {"event_id": f"e{n}", "occurred_at": START + n * DAY}
        | {"payment_instrument": f"card{n % 6}"}
        for n in range(60)
    ]
    first = [{**event, "occurred_at": START - DAY * 9 * n} for n, event in enumerate(events[:6])]
    archive = archived(tmp_path, first + events[6:], LATER)
    assert find_all(archive, START + 20 * DAY, LATER) == []
    archive.close()


def test_what_was_later_or_long_ago_counts_for_nothing(tmp_path: Path) -> None:
    case = next(case for case in cases() if case.rule == "fan_in")
    archive = archived(tmp_path, case.events, LATER)
    last = max(event["occurred_at"] for event in case.events)
    assert [f.rule for f in find_all(archive, 0, last)] == ["fan_in"]
    assert find_all(archive, 0, START + 8 * 3_600_000) == []
    assert find_all(archive, last + 1, last + DAY) == []
    assert find_all(Archive(str(tmp_path / "none")), 0, last) == []
    archive.close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of rules of an analyst's own."""
    monkeypatch.setattr(rule_files, "SEQUENCES", tmp_path)
    rules.cache_clear()
    yield tmp_path
    rules.cache_clear()


HEADER = """-- Somebody who came at night.
--
-- Access: read
-- Parameters:
--   $hour  int  until which it is night
-- Returns: identifier_key, account_ids, account_count, at, detail
-- Severity: low
-- Points: 0
-- Subject: accounts
-- Picture: account
-- Defaults: {"hour": 5}
"""
NIGHT = """
SELECT '' AS identifier_key, [account_id] AS account_ids, 1 AS account_count, max("at") AS "at",
    'at night' AS detail
FROM event WHERE "at" // 3600000 % 24 < $hour GROUP BY account_id;
"""


def test_an_analyst_adds_a_file_and_it_runs(folder: Path, tmp_path: Path) -> None:
    (folder / "at_night.sql").write_text(HEADER + NIGHT)
    day, night = START // DAY * DAY + 12 * 3_600_000, START // DAY * DAY + 2 * 3_600_000
    like = {"type": "login", "event_id": "e"}
    events = [like | {"account_id": a, "occurred_at": at} for a, at in (("d", day), ("n", night))]
    archive = archived(tmp_path / "archive", events, LATER)
    assert find_all(archive, 0, LATER) == [Finding("at_night", "", ("n",), 1, night, "at night")]
    archive.close()


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT nothing FROM event WHERE $hour", "nothing"),
        ("SELEC $hour", "at_night.sql"),
        (NIGHT.replace("[account_id]", "NULL").replace("< $", "< 24 + $"), "needs its accounts"),
        (NIGHT.replace("'at night'", "error('it broke')").replace("< $", "< 24 + $"), "it broke"),
    ],
)
def test_a_file_that_does_not_work_is_named(
    folder: Path, tmp_path: Path, sql: str, says: str
) -> None:
    (folder / "at_night.sql").write_text(HEADER + sql)
    archive = archived(tmp_path / "archive", next(cases()).events, LATER)
    with pytest.raises(QueryError, match=r"detection/sequences/at_night.sql: .*") as failed:
        find_all(archive, 0, LATER)
    assert says in str(failed.value)
    assert "\n" not in str(failed.value)
    archive.close()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEADER.replace("-- Points: 0\n", "") + NIGHT, "Points"),
        (HEADER.replace('hour": 5', 'day": 5') + NIGHT, "default"),
        (HEADER.replace(", detail", "") + NIGHT, "must return"),
        (HEADER.replace("Picture: account", "Picture: nothing") + NIGHT, "pictures"),
        (HEADER + NIGHT.replace("$hour", "5"), "declares"),
    ],
)
def test_a_header_that_does_not_fit_is_said(folder: Path, text: str, says: str) -> None:
    (folder / "at_night.sql").write_text(text)
    with pytest.raises(QueryError, match=says):
        rules()


def test_two_rules_of_one_name_are_refused(folder: Path) -> None:
    (folder / "shared_device.sql").write_text(HEADER + NIGHT)
    with pytest.raises(QueryError, match="two rules"):
        rules()
