"""Simulated traffic: valid, repeatable, believable, and never easier than promised."""

import hashlib
import ipaddress
import os
import subprocess
import sys
from collections import Counter, defaultdict
from functools import cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import msgspec
import networkx as nx
import numpy as np
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from graph.errors import InputError
from graph.times import DAY_MS
from ingest.events import parse_event
from ingest.files import read_events
from ingest.simulate import Simulation, simulate, truth
from ingest.simulation import lines
from ingest.simulation.belongings import Belongings
from ingest.simulation.countries import COUNTRIES
from ingest.simulation.output import write_events, write_truth
from ingest.simulation.population import Population
from ingest.simulation.rings import KINDS, LARGEST, SMALLEST, USE, Ring, plant_rings, ring_id
from tests.conftest import ROOT

WORLD = Simulation(accounts=6000, days=21, seed=5, ring_share=0.1)
#: nearly nothing happens but the rings
QUIET = Simulation(accounts=3000, days=1, seed=9, events_per_day=0.05, ring_share=0.2)
HOUR = DAY_MS // 24
IDENTIFIERS = ("device_id", "ip", "payment_instrument", "email", "phone", "address")
RESERVED = [ipaddress.ip_network(n) for n in ("240.0.0.0/4", "100.64.0.0/10", "2001:db8::/32")]
FIRST_EVENTS = """
import hashlib, itertools, sys
from ingest.simulate import Simulation, simulate
digest = hashlib.sha256()
for value in itertools.islice(simulate(Simulation(1000, 3, int(sys.argv[1]))), 5000):
    digest.update(value)
print(digest.hexdigest())
"""
PEAK_MEMORY = """
import psutil
from ingest.simulate import Simulation, simulate
process, peak = psutil.Process(), 0
for count, _ in enumerate(simulate(Simulation(20_000, 60, 1)), 1):
    if count % 2000 == 0:
        peak = max(peak, process.memory_info().rss)
        if count in (200_000, 1_000_000):
            print(peak)
"""


@cache
def arrivals(world: Simulation = WORLD) -> list[bytes]:
    return list(simulate(world))


@cache
def events(world: Simulation = WORLD) -> list[dict[str, Any]]:
    """Without the second arrivals, in the order in which they happened."""
    decoded = [msgspec.json.decode(value) for value in dict.fromkeys(arrivals(world))]
    return sorted(decoded, key=lambda event: (event["occurred_at"], event["event_id"]))


@cache
def uses(world: Simulation = WORLD) -> dict[tuple[str, str], dict[str, list[int]]]:
    """When each account used each identifier."""
    found: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for event in events(world):
        for field, value in identifiers(event):
            found[field, value][event["account_id"]].append(event["occurred_at"])
    return found


def identifiers(event: dict[str, Any]) -> list[tuple[str, str]]:
    found = []
    for field in IDENTIFIERS:
        value = event.get(field)
        if value is not None:
            text = value["id"] if isinstance(value, dict) else value
            is_network = field == "ip" and ":" in text
            found.append((field, text.split("::")[0] if is_network else text))
    return found


@cache
def planted(world: Simulation = WORLD) -> tuple[Population, list[Ring]]:
    belongings = Belongings(Population(world))
    rings = plant_rings(belongings, world.ring_share, world.events_per_day)
    return belongings.people, rings.rings


@cache
def members(world: Simulation = WORLD) -> dict[str, str]:
    """Account id to ring id."""
    return {account: ring for account, label, ring in truth(world) if label}


def rings_of(kind: str) -> list[set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for account, ring in members().items():
        if ring.startswith(kind):
            found[ring].add(account)
    assert len(found) >= 5
    return list(found.values())


def names(ring: Ring, world: Simulation) -> list[str]:
    people, _ = planted(world)
    return [f"{bits:016x}" for bits in people.account_ids(ring.members).tolist()]


def shared_keys(ring: Ring, world: Simulation) -> list[tuple[tuple[str, str], set[str]]]:
    """Identifiers of a ring as events spell them, with the members that were to use each."""
    keys = []
    for shared in ring.shared:
        bits = int(shared.bits[0])
        key = {
            "device": ("device_id", f"{bits:016x}"),
            "card": ("payment_instrument", f"tok_{bits:016x}"),
            "ip": ("ip", lines.ip_text(bits).split("::")[0]),
            "address": ("address", lines.address_text(bits)),
        }[shared.column]
        chosen = zip(names(ring, world), shared.used.tolist(), strict=True)
        keys.append((key, {name for name, used in chosen if used}))
    return keys


def digest(seed: int) -> str:
    found = hashlib.sha256()
    for value in islice(simulate(Simulation(1000, 3, seed)), 5000):
        found.update(value)
    return found.hexdigest()


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_a_seed_gives_the_same_bytes_in_every_process(hash_seed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST_EVENTS, "11"],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == digest(11)


def test_the_bytes_do_not_depend_on_how_many_are_encoded_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usual = digest(3)
    assert usual != digest(4)
    monkeypatch.setattr(lines, "BLOCK", 17)
    assert digest(3) == usual


@settings(deadline=None, max_examples=20)
@given(
    st.builds(
        Simulation,
        accounts=st.integers(100, 600),
        days=st.integers(1, 6),
        seed=st.integers(-(2**70), 2**70),
        start=st.integers(0, 1_700_000_000_000),
        events_per_day=st.floats(0.01, 4),
        ring_share=st.floats(0, 0.2),
    )
)
def test_whatever_is_asked_for_is_valid_and_not_too_easy(simulation: Simulation) -> None:
    end = simulation.start + simulation.length
    known = {account for account, _, _ in truth(simulation)}
    for value in simulate(simulation):
        event = parse_event(value, now=end)
        assert simulation.start <= event.at < end
        assert event.account_id in known
        assert event.counterparty_account_id in known | {None}
    assert len(known) == simulation.accounts
    sizes = Counter(ring for _, label, ring in truth(simulation) if label)
    assert all(SMALLEST <= size <= LARGEST for size in sizes.values())
    assert sum(sizes.values()) <= round(0.2 * simulation.accounts)


def test_identifiers_are_of_their_kind_and_nobodys() -> None:
    phones = set()
    for text in {event["ip"] for event in events()}:
        address = ipaddress.ip_address(text)
        assert any(address in network for network in RESERVED), text
    for event in events():
        if "email" in event:
            assert event["email"].split("@")[1].split(".")[-2] == "example"
        if "phone" in event:
            phones.add((event["phone"], event["country"]))
    assert len(phones) > 500
    for phone, country in phones:
        number = phonenumbers.parse(phone, None)
        assert phonenumbers.is_valid_number(number), phone
        assert country in phonenumbers.region_codes_for_country_code(number.country_code)


def test_few_come_in_late_or_twice() -> None:
    latest, late, seen = 0, 0, {}
    repeats = 0
    for value in arrivals():
        event = msgspec.json.decode(value)
        if event["event_id"] in seen:
            repeats += 1
            assert seen[event["event_id"]] == value
            assert latest - event["occurred_at"] < HOUR
            continue
        seen[event["event_id"]] = value
        late += event["occurred_at"] < latest
        assert latest - event["occurred_at"] < HOUR
        latest = max(latest, event["occurred_at"])
    assert 0.003 < late / len(seen) < 0.006
    assert 0.001 < repeats / len(seen) < 0.003


def test_the_truth_names_every_account_once_and_all_kinds_of_rings() -> None:
    rows = list(truth(WORLD))
    accounts = {account for account, _, _ in rows}
    assert len(rows) == len(accounts) == WORLD.accounts
    assert {event["account_id"] for event in events()} <= accounts
    assert all(bool(ring) == bool(label) for _, label, ring in rows)
    sizes = Counter(members().values())
    assert {ring.split("-")[0] for ring in sizes} == set(KINDS)
    assert min(sizes.values()) == SMALLEST
    assert 15 < max(sizes.values()) <= LARGEST
    assert sum(sizes.values()) == pytest.approx(WORLD.ring_share * WORLD.accounts, abs=SMALLEST)
    # neither the order of the rows nor that of the ids brings members of a ring together
    for order in (rows, sorted(rows)):
        beside = sum(a[2] == b[2] != "" for a, b in pairwise(order))
        assert beside < 0.05 * len(members())


@pytest.mark.parametrize("world", [WORLD, QUIET])
def test_members_use_shared_identifiers_as_often_as_promised_and_nobody_else_does(
    world: Simulation,
) -> None:
    people, rings = planted(world)
    assert {ring_id(people, ring) for ring in rings} == set(members(world).values())
    chosen = asked = 0
    for ring in rings:
        for key, planned in shared_keys(ring, world):
            assert set(uses(world).get(key, ())) == planned
            lowest, highest = (
                binom.ppf(tail, len(ring.members), p)
                for tail, p in ((1e-5, USE[0]), (1 - 1e-5, USE[1]))
            )
            assert lowest <= len(planned) <= highest
            chosen += len(planned)
            asked += len(ring.members)
    assert 0.66 < chosen / asked < 0.74


@pytest.mark.parametrize("world", [WORLD, QUIET])
def test_members_live_like_ordinary_accounts_and_share_with_them(world: Simulation) -> None:
    _, rings = planted(world)
    by_account = defaultdict(list)
    for event in events(world):
        by_account[event["account_id"]].append(event)
    for_ring = ordinary = 0
    for ring in rings:
        if ring.shared and ring.kind != "money_circle":
            own = {key for key, _ in shared_keys(ring, world)}
            for account in names(ring, world):
                work = [not own.isdisjoint(identifiers(event)) for event in by_account[account]]
                for_ring += sum(work)
                ordinary += len(work) - sum(work)
    assert ordinary / (ordinary + for_ring) >= 0.3
    among_others = set()
    for (field, _), users in uses(world).items():
        # no kiosks
        if field in ("device_id", "payment_instrument") and len(users) <= LARGEST:
            outside = users.keys() - members(world).keys()
            among_others |= users.keys() & members(world).keys() if outside else set()
    assert len(among_others) / len(members(world)) >= 0.3


def test_sequential_accounts_are_made_one_after_the_other_and_slow_ones_days_apart() -> None:
    joined = {e["account_id"]: e["occurred_at"] for e in events() if e["type"] == "signup"}
    for ring in rings_of("sequential"):
        times = sorted(joined[account] for account in ring)
        assert all(60_000 <= later - earlier < 6 * HOUR for earlier, later in pairwise(times))
    grown = 0
    for ring in rings_of("slow_growth"):
        times = sorted(joined[account] for account in ring if account in joined)
        assert all(
            1.4 * DAY_MS < later - earlier < 6 * DAY_MS for earlier, later in pairwise(times)
        )
        grown += len(times)
    assert grown > 10


def test_lockstep_rings_share_moments_and_nothing_else() -> None:
    acted: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for event in events():
        if event["type"] in ("content", "review"):
            acted[event["target_id"]].append((event["account_id"], event["occurred_at"]))
    for ring in rings_of("lockstep"):
        together = 0
        for actions in acted.values():
            moments = [(at, account) for account, at in actions if account in ring]
            together += any(
                later[1] != earlier[1] and later[0] - earlier[0] <= 60_000
                for earlier, later in pairwise(moments)
            )
        assert together >= 6
        assert sum(in_common(ring).values()) <= 1


def in_common(ring: set[str]) -> Counter[str]:
    """How many identifiers of each field but IP two members share, and few others."""
    return Counter(
        field
        for (field, _), by_account in uses().items()
        if field != "ip" and len(by_account) <= LARGEST and len(by_account.keys() & ring) > 1
    )


def plans_of(kind: str) -> list[Ring]:
    found = [ring for ring in planted()[1] if ring.kind == kind]
    assert len(found) >= 5
    return found


def test_weak_ties_are_several_lines_and_addresses_in_joint_sittings_and_nothing_stronger() -> None:
    with_address = 0
    for ring in plans_of("weak_ties"):
        columns = Counter(shared.column for shared in ring.shared)
        assert 2 <= columns["ip"] <= 3
        assert columns["address"] <= 1
        with_address += columns["address"]
        for turn, (key, planned) in enumerate(shared_keys(ring, WORLD)):
            sittings = ring.rounds[turn :: len(ring.shared)] + WORLD.start
            crowds = defaultdict(set)
            for account, times in uses()[key].items():
                for at in times:
                    (sitting,) = np.flatnonzero((sittings <= at) & (at < sittings + 45 * 60_000))
                    crowds[sitting].add(account)
            assert len(crowds) >= 2
            assert max(map(len, crowds.values())) >= min(2, len(planned))
        assert sum((in_common(set(names(ring, WORLD))) - Counter(address=1)).values()) <= 1
    assert with_address > 0


def test_money_comes_in_at_one_member_within_an_hour_and_moves_on_in_part() -> None:
    passed_on = Counter[bool]()
    for ring in plans_of("fan_in"):
        collector, *others = names(ring, WORLD)
        paid, moved = Counter[int](), 0
        for event in events():
            if event["type"] != "transfer" or event["account_id"] not in {collector, *others}:
                continue
            at = event["occurred_at"] - WORLD.start
            if event["account_id"] == collector:
                since = (ring.rounds + HOUR <= at) & (at < ring.rounds + 3 * HOUR)
                if since.any() and euros(event) >= 200:
                    passed_on[event["counterparty_account_id"] in others] += 1
                    moved += 1
            elif event["counterparty_account_id"] == collector:
                (number, *_) = np.flatnonzero((ring.rounds <= at) & (at < ring.rounds + HOUR))
                assert 0.85 * 200 <= euros(event) <= 1.15 * 2000
                paid[number] += 1
        assert len(paid) >= 3
        assert sum(paid.values()) >= 2 * len(paid)
        assert 0.3 * len(paid) <= moved
        assert sum(in_common({collector, *others}).values()) <= 1
    assert min(passed_on[True], passed_on[False]) > 5


def euros(event: dict[str, Any]) -> float:
    (price,) = (c.price for c in COUNTRIES if c.code == event["country"])
    return float(event["amount"]) / price


def test_money_goes_in_circles_again_and_again() -> None:
    for ring in rings_of("money_circle"):
        graph = nx.DiGraph()
        sent = Counter[tuple[str, str]]()
        for event in events():
            pair = (event["account_id"], event.get("counterparty_account_id"))
            if event["type"] == "transfer" and set(pair) <= ring:
                graph.add_edge(*pair)
                sent[pair] += 1
        assert nx.find_cycle(graph)
        assert len(max(nx.strongly_connected_components(graph), key=len)) >= 3
        assert sum(sent.values()) >= 8


def test_innocent_sharing_surrounds_the_rings() -> None:
    degrees = {key: len(by_account.keys() - members().keys()) for key, by_account in uses().items()}
    devices = [n for (field, _), n in degrees.items() if field == "device_id"]
    addresses = [(value, n) for (field, value), n in degrees.items() if field == "ip"]
    carriers = [n for value, n in addresses if value.startswith("100.")]
    lines_ = [n for value, n in addresses if not value.startswith("100.")]
    kiosks = [n for n in devices if n >= 100]
    assert 1 <= len(kiosks) <= 4
    assert sum(2 <= n <= 5 for n in devices) > 100
    assert sum(2 <= n <= 5 for n in lines_) > 500
    assert sum(20 <= n <= 300 for n in lines_) > 10
    assert len(carriers) <= 2 * 254
    assert np.median(carriers) > 5


def test_devices_are_resold_after_a_while() -> None:
    resold = 0
    for (field, _), by_account in uses().items():
        if (
            field == "device_id"
            and len(by_account) == 2
            and not by_account.keys() & members().keys()
        ):
            first, second = sorted(by_account.values(), key=lambda times: times[0])
            resold += second[0] - first[-1] > HOUR
    assert resold >= 5


def test_most_events_repeat_what_their_account_used_before() -> None:
    seen: set[tuple[str, str, str]] = set()
    total, repeated = Counter[int](), Counter[int]()
    for event in events():
        pairs = {(event["account_id"], *key) for key in identifiers(event)}
        day = (event["occurred_at"] - WORLD.start) // DAY_MS
        total[day] += 1
        repeated[day] += pairs <= seen
        seen |= pairs
    shares = [repeated[day] / total[day] for day in range(WORLD.days)]
    assert shares[0] < 0.65
    assert all(0.82 < share < 0.92 for share in shares[14:])


def test_activity_follows_the_day_and_few_accounts_are_very_active() -> None:
    by_hour, by_day, by_account = Counter[int](), Counter[int](), Counter[str]()
    for event in events():
        if event["country"] == "DE":
            by_hour[(event["occurred_at"] // HOUR + 1) % 24] += 1
        by_day[(event["occurred_at"] - WORLD.start) // DAY_MS % 7] += 1
        if event["account_id"] not in members():
            by_account[event["account_id"]] += 1
    night, evening = (sum(by_hour[h] for h in hours) for hours in (range(1, 5), range(18, 22)))
    assert evening > 5 * night
    assert by_day[6] < 0.95 * by_day[4]
    counts = sorted(by_account.values(), reverse=True)
    assert sum(counts[: len(counts) // 100]) > 0.08 * sum(counts)
    assert sum(counts) == pytest.approx(0.9 * WORLD.accounts * WORLD.days, rel=0.25)


def test_memory_does_not_grow_with_the_events() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PEAK_MEMORY], cwd=ROOT, capture_output=True, text=True, check=True
    )
    after_200_000, after_1_000_000 = (int(line) for line in done.stdout.split())
    assert after_1_000_000 - after_200_000 < 10_000_000
    assert after_1_000_000 < 150_000_000


@pytest.mark.parametrize(
    "wrong",
    [
        {"accounts": 99},
        {"days": 0},
        {"events_per_day": 0.0},
        {"ring_share": 0.3},
        {"ring_share": -0.1},
        {"start": -1},
    ],
)
def test_what_cannot_be_simulated_is_said(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Simulation(**{"accounts": 100, "days": 1, "seed": 1} | wrong)


def test_files_hold_the_same_events_however_they_are_packed(tmp_path: Path) -> None:
    simulation = Simulation(200, 2, 1)
    expected = list(simulate(simulation))
    for ending in (".jsonl", ".jsonl.gz", ".jsonl.zst"):
        path, again = tmp_path / f"events{ending}", tmp_path / f"again{ending}"
        assert write_events(simulate(simulation), path) == len(expected)
        assert list(read_events([path], None)[0]) == expected
        write_events(simulate(simulation), again)
        assert path.read_bytes() == again.read_bytes()
    truth_file = tmp_path / "truth.csv"
    in_rings, rings = write_truth(truth(Simulation(1000, 2, 1)), truth_file)
    rows = [line.split(",") for line in truth_file.read_text().splitlines()]
    assert rows[0] == ["account_id", "label", "ring_id"]
    assert len(rows) == 1001
    assert sum(row[1] == "1" for row in rows) == in_rings > 0
    assert len({row[2] for row in rows[1:]} - {""}) == rings


def test_a_file_that_was_not_finished_does_not_appear(tmp_path: Path) -> None:
    def broken() -> Any:
        yield b"{}"
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        write_events(broken(), tmp_path / "events.jsonl.gz")
    for path in (tmp_path / "events.txt", tmp_path / "missing" / "events.jsonl"):
        with pytest.raises(InputError):
            write_events(iter([b"{}"]), path)
    assert list(tmp_path.iterdir()) == []
