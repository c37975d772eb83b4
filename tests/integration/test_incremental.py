"""Whatever order things come in, however they are split: what runs find is what one full run finds.

A graph of its own, which is emptied between examples.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detection.pipeline import detect
from detection.settings import DetectionSettings
from graph.kinds import identifier_kinds
from graph.schema import apply_schema
from graph.store import GraphStore
from graph.times import DAY_MS, HOUR_MS
from tests.conftest import own_settings

START = 1_700_000_000_000
CAPS = dict.fromkeys(identifier_kinds(), 4)
PLACE = {"topic": "t", "topic_id": "t", "partition": 0}
ACCOUNTS = [f"a{number:02}" for number in range(14)]
KINDS = ("device", "payment_instrument", "ip", "ip")


@dataclass(frozen=True)
class Deed:
    """One thing that an account did: it used an identifier, or paid another account."""

    account: str
    kind: str
    other: str
    #: milliseconds after the start
    at: int


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    world = own_settings(tmp_path_factory.mktemp("incremental"))
    started = world.start_servers(origin="http://127.0.0.1:8000")
    try:
        with world.store() as store:
            apply_schema(store)
            yield store
    finally:
        world.stop_servers(started)


@pytest.fixture(autouse=True)
def small_hubs(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("detection.reading", "detection.scope"):
        monkeypatch.setattr(f"{module}.hub_caps", lambda: CAPS)
        monkeypatch.setattr(f"{module}.COUNTERPARTY_CAP", 5)
    # what three use is a crowd
    monkeypatch.setattr("detection.projection.FEW_USERS", 2)
    # many accounts are asked about some at a time
    monkeypatch.setattr("graph.store._VALUES", 5)
    # what is due is written before and after the rings where it is more than this
    monkeypatch.setattr("detection.results._DUE", 3)


def empty(store: GraphStore) -> None:
    store.run_schema("MATCH (n) WHERE NOT n:World DETACH DELETE n")
    store.run_schema("MATCH (w:World) REMOVE w.detection_runs")
    store.write(lambda tx: tx.run("ingest/take_positions", rows=[PLACE], owner="test"))


_NOTES = count()


def write(store: GraphStore, deeds: list[Deed], now: int) -> None:
    """What ingest would write of these deeds, in one transaction."""

    def work(tx: Any) -> None:
        people = {d.account for d in deeds} | {d.other for d in deeds if d.kind == "pay"}
        tx.run("ingest/merge_accounts", rows=[[a, 0, None, None] for a in sorted(people)])
        for deed in deeds:
            at = START + deed.at
            tx.run("ingest/merge_accounts", rows=[[deed.account, 1, at, at]])
            if deed.kind == "pay":
                row = [deed.account, deed.other, "EUR", 1, 1_000_000, at, at]
                tx.run("ingest/merge_transfers", rows=[row])
                continue
            kind = identifier_kinds()[deed.kind]
            key = f"{kind.name}:{deed.other}"
            tx.run(
                "ingest/merge_identifiers", rows=[[key, kind.name, kind.label, deed.other, None]]
            )
            tx.run("ingest/merge_uses", rows=[[deed.account, key, 1, at, at]])
        tx.run(
            "ingest/touch",
            id=f"note-{next(_NOTES)}",
            account_ids=sorted(people),
            partitions=[PLACE],
            latest_at=START + now,
        )

    store.write(work)


def rings(store: GraphStore, with_ids: bool = False) -> list[Any]:
    """Open rings with all that is known of them, and every account's flags."""
    found = store.run_schema(
        "MATCH (r:Ring {status: 'open'}) "
        "CALL (r) { MATCH (r)<-[m:MEMBER_OF]-(a) WHERE m.until IS NULL "
        "  WITH a.id AS id, m.strength AS strength ORDER BY id "
        "  RETURN collect([id, strength]) AS members } "
        "CALL (r) { OPTIONAL MATCH (r)-[:HAS_REASON]->(x) WITH x ORDER BY x.position "
        "  RETURN collect([x.code, x.points, x.text, x.evidence]) AS reasons } "
        "CALL (r) { OPTIONAL MATCH (r)-[h:HELD_BY]->(i) WITH i.key AS key, h ORDER BY key "
        "  RETURN collect([key, h.account_count]) AS held } "
        "RETURN r.id AS id, r.risk_score AS score, r.risk_level AS level, r.size AS size, "
        "  r.first_seen AS first, r.last_seen AS last, r.innocent_reading AS reading, "
        "  r.fewest_links AS fewest, members, reasons, held ORDER BY members"
    )
    if not with_ids:
        for row in found:
            del row["id"]
    return found


def accounts(store: GraphStore) -> list[Any]:
    return store.run_schema(
        "MATCH (a:Account) OPTIONAL MATCH (a)-[:FLAGGED_BY]->(f) "
        "WITH a, f.id AS id, f.detail AS detail, f.at AS at ORDER BY id "
        "RETURN a.id AS id, a.due_at AS due, a.component AS component, a.is_crowded AS crowded, "
        "collect([id, detail, at]) AS flags ORDER BY id"
    )


def state(store: GraphStore) -> tuple[list[Any], list[Any], list[Any]]:
    # not until when: that is a lower bound of the time of the run that found them
    hubs = store.run_schema(
        "MATCH (i:Identifier) WHERE i.hub_until IS NOT NULL RETURN i.key AS key ORDER BY key"
    )
    return rings(store), accounts(store), hubs


@st.composite
def deeds(draw: st.DrawFn) -> list[Deed]:
    """A few busy hours, and perhaps some more after a pause in which things age or expire."""
    made = []
    for start in draw(st.lists(st.sampled_from([0, 3, 8, 31, 95, 410]), min_size=1, max_size=3)):
        for _ in range(draw(st.integers(3, 14))):
            kind = draw(st.sampled_from([*KINDS, "pay"]))
            pool = ACCOUNTS if kind == "pay" else ["x", "y", "z"]
            account, other = draw(st.sampled_from(ACCOUNTS)), draw(st.sampled_from(pool))
            if account == other:
                continue
            at = start * DAY_MS + draw(st.integers(0, 20)) * HOUR_MS // 4
            made.append(Deed(account, kind, other, at))
    return made


def play(store: GraphStore, deeds: list[Deed], chance: Any) -> None:
    """In batches of any size, late within the hour, some twice, with runs in between or not."""
    late = sorted(deeds, key=lambda deed: deed.at + chance.randint(0, HOUR_MS))
    now = 0
    while late:
        size = chance.randint(1, 8)
        batch, late = late[:size], late[size:]
        now = max(now, *(deed.at for deed in batch))
        write(store, batch, now)
        if chance.random() < 0.3:
            # again: counts differ, but no link reads them
            write(store, batch[:2], now)
        if chance.random() < 0.6:
            detect(store, SETTINGS)
    write(store, [], now)
    detect(store, SETTINGS)


SETTINGS = DetectionSettings()


def test_who_is_left_by_another_at_an_address_is_looked_at_again(graph: GraphStore) -> None:
    empty(graph)
    met = [
        Deed(who, "ip", ip, at * HOUR_MS // 6)
        for ip in "xy"
        for who, at in zip("aba", (0, 6, 7), strict=True)
    ]
    write(graph, met, HOUR_MS * 2)
    detect(graph, SETTINGS)
    assert [row["component"] for row in accounts(graph)] == ["a", "a"]
    # they came at different times, and now a comes back
    write(graph, [Deed("a", "ip", ip, 5 * HOUR_MS) for ip in "xy"], 5 * HOUR_MS)
    run = detect(graph, SETTINGS)
    assert run is not None
    assert run.account_count == 2
    assert [(row["component"], row["due"]) for row in accounts(graph)] == [(None, None)] * 2


def test_where_members_were_at_different_times_is_known_too(graph: GraphStore) -> None:
    """It links nobody, and is evidence of those whom a device links."""
    empty(graph)
    used = [Deed(who, "device", "x", 0) for who in "abc"]
    used += [
        Deed(who, "ip", "y", hours * HOUR_MS) for who, hours in zip("abc", (0, 9, 18), strict=True)
    ]
    write(graph, used, 20 * HOUR_MS)
    detect(graph, SETTINGS)
    found = state(graph)
    assert [key for key, _ in found[0][0]["held"]] == ["device:x", "ip:y"]
    run = detect(graph, SETTINGS, full=True)
    assert run is None or run.changes == []
    assert state(graph) == found


def test_whoever_comes_to_an_address_later_makes_nobody_due_there(graph: GraphStore) -> None:
    empty(graph)
    met = [Deed("a", "ip", "x", 0), *(Deed(who, "device", "y", 3 * HOUR_MS) for who in "ab")]
    write(graph, met, 3 * HOUR_MS)
    detect(graph, SETTINGS)
    write(graph, [Deed("c", "ip", "x", 5 * HOUR_MS)], 5 * HOUR_MS)
    run = detect(graph, SETTINGS)
    assert run is not None
    assert run.account_count == 1
    found = state(graph)
    detect(graph, SETTINGS, full=True)
    assert state(graph) == found
    assert [row["component"] for row in accounts(graph)] == ["a", "a", None]


_slow = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@_slow
@given(deeds(), st.randoms(use_true_random=False), st.randoms(use_true_random=False))
def test_any_split_and_order_gives_what_one_full_run_gives(
    graph: GraphStore, deeds: list[Deed], one: Any, other: Any
) -> None:
    empty(graph)
    play(graph, deeds, one)
    found = state(graph)
    run = detect(graph, SETTINGS, full=True)
    assert run is None or run.changes == []
    assert state(graph) == found
    empty(graph)
    play(graph, deeds, other)
    assert state(graph) == found


@pytest.mark.long
@_slow
@given(deeds(), st.integers(0, 2**32))
def test_the_same_sequence_of_runs_gives_the_same_ids(
    graph: GraphStore, deeds: list[Deed], seed: int
) -> None:
    empty(graph)
    play(graph, deeds, random.Random(seed))
    found = rings(graph, with_ids=True)
    empty(graph)
    play(graph, deeds, random.Random(seed))
    assert rings(graph, with_ids=True) == found
