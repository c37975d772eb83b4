"""What the account score looks at, out of a real archive."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.features import FEATURES, RECENT_DAYS, own, read_features, with_neighbours
from graph.archive import Archive
from graph.deny_list import DenyList
from graph.kinds import hub_caps
from graph.times import HOUR_MS
from tests.events import DAY, START
from tests.unit.accepted import archived

NOW = START // HOUR_MS * HOUR_MS + 100 * DAY + 17
RECENT = NOW // HOUR_MS * HOUR_MS - RECENT_DAYS * DAY
NOTHING = dict.fromkeys(FEATURES, 0.0)
_NO_DENIED = DenyList()

Event = dict[str, Any]


def told(deeds: list[Event]) -> list[Event]:
    return [
        {"event_id": f"e{n}", "type": "login", "occurred_at": RECENT - DAY} | deed
        for n, deed in enumerate(deeds)
    ]


def features_of(archive: Archive, denied: DenyList = _NO_DENIED) -> dict[str, dict[str, float]]:
    found = read_features(archive, NOW, denied)
    assert found.account_ids == sorted(found.account_ids)
    return {
        account_id: dict(zip(FEATURES, np.expm1(values).round(6).tolist(), strict=True))
        for account_id, values in zip(found.account_ids, found.values, strict=True)
    }


@pytest.fixture
def look(tmp_path: Path) -> Iterator[Any]:
    """Features of some deeds, by account."""

    def looked(deeds: list[Event], denied: DenyList = _NO_DENIED) -> dict[str, dict[str, float]]:
        archive = archived(tmp_path, told(deeds), NOW)
        found = features_of(archive, denied)
        archive.compact(NOW)
        assert features_of(archive, denied) == found
        archive.close()
        return found

    return looked


deeds = st.lists(
    st.fixed_dictionaries(
        {
            "account_id": st.sampled_from("abcd"),
            "type": st.sampled_from(["login", "transfer", "refund", "chargeback", "signup"]),
            "occurred_at": st.sampled_from([RECENT - 1, RECENT, RECENT + 1, NOW, NOW + 1]),
        },
        optional={
            "device_id": st.sampled_from("xyz"),
            "payment_instrument": st.sampled_from("xyz"),
            "ip": st.sampled_from(["10.0.0.1", "10.0.0.2"]),
            "counterparty_account_id": st.sampled_from("abe"),
            "amount": st.integers(0, 9),
            "currency": st.sampled_from(["EUR", "JPY"]),
            "outcome": st.sampled_from(["success", "failure"]),
        },
    ),
    min_size=1,
    max_size=25,
)


def expected(events: list[Event]) -> dict[str, dict[str, float]]:
    """The same in plain Python."""
    events = [e for e in events if e["occurred_at"] <= NOW]
    accounts = {e["account_id"] for e in events}
    accounts |= {e["counterparty_account_id"] for e in events if "counterparty_account_id" in e}
    first: dict[tuple[str, str], int] = {}
    for e in events:
        for field in ("device_id", "payment_instrument", "ip"):
            if field in e:
                use = (e["account_id"], f"{field}:{e[field]}")
                first[use] = min(e["occurred_at"], first.get(use, NOW))
    holders = defaultdict(set)
    for account_id, key in first:
        holders[key].add(account_id)
    paid = [
        e
        for e in events
        if e.get("amount") and e["type"] not in ("refund", "chargeback")
        if e.get("outcome") != "failure"
    ]
    amounts = defaultdict(list)
    for e in paid:
        amounts[e.get("currency")].append(e["amount"])
    return {
        a: _numbers(a, [e for e in events if e["account_id"] == a], first, holders, paid, amounts)
        for a in accounts
    }


def _numbers(
    account_id: str, mine: list[Event], first: Any, holders: Any, paid: list[Event], amounts: Any
) -> dict[str, float]:
    def held(field: str, since: int = 0) -> int:
        return sum(
            key.startswith(f"{field}:") and at >= since
            for (a, key), at in first.items()
            if a == account_id
        )

    def widest(*fields: str) -> int:
        counts = [
            len(holders[key])
            for a, key in first
            if a == account_id and key.partition(":")[0] in fields and len(holders[key]) > 1
        ]
        return max(counts, default=0)

    def spent(since: int) -> float:
        return sum(
            e["amount"] / float(np.median(amounts[e.get("currency")]))
            for e in paid
            if e["account_id"] == account_id and e["occurred_at"] >= since
        )

    signed_up = min((e["occurred_at"] for e in mine if e["type"] == "signup"), default=None)
    times = [e["occurred_at"] for e in paid if e["account_id"] == account_id]
    waits = [at - signed_up for at in times if signed_up is not None and at >= signed_up]
    return {
        "spent": spent(0),
        "spent_recently": spent(RECENT),
        "payment_instruments": held("payment_instrument"),
        "new_payment_instruments": held("payment_instrument", RECENT),
        "devices": held("device_id"),
        "new_devices": held("device_id", RECENT),
        "recent_events": sum(
            e["occurred_at"] >= RECENT and e["type"] not in ("refund", "chargeback") for e in mine
        ),
        "widest_sharing": widest("device_id", "payment_instrument"),
        "widest_address": widest("ip"),
        "haste": 3_600_000 / (60_000 + min(waits)) if waits else 0,
    }


@settings(deadline=None, max_examples=60)
@given(deeds)
def test_features_are_what_the_events_say(some):
    with TemporaryDirectory() as folder:
        archive = archived(Path(folder), told(some), NOW)
        found = features_of(archive)
        archive.close()
    wanted = expected(told(some))
    assert found.keys() == wanted.keys()
    for account_id, numbers in wanted.items():
        assert found[account_id] == pytest.approx(numbers, abs=1e-5)


def test_what_is_denied_and_what_is_a_hub_is_shared_by_nobody(look):
    crowd = hub_caps()["device"] + 1
    some = [{"account_id": a, "device_id": "kiosk", "ip": "10.0.0.1"} for a in "ab"]
    some += [{"account_id": f"n{n}", "device_id": "till"} for n in range(crowd)]
    some += [{"account_id": a, "email": f"{a}@example.org", "phone": "+4930123456"} for a in "cd"]
    some += [{"account_id": a, "device_id": "expired", "occurred_at": 5} for a in "ef"]
    some += [{"account_id": a, "device_id": "table"} for a in ("g", "h", "till")]
    found = look(some, DenyList(frozenset({"device:kiosk"}), frozenset({"till"})))
    assert found["e"]["widest_sharing"] == 0
    assert found["g"]["widest_sharing"] == 2
    assert found["a"]["widest_sharing"] == 0
    assert found["a"]["widest_address"] == 2
    assert found["n0"]["widest_sharing"] == 0
    assert found["c"]["widest_sharing"] == 2


def test_who_only_received_has_nothing_to_show(look):
    found = look([{"account_id": "a", "counterparty_account_id": "b", "amount": 5}])
    assert found["b"] == NOTHING
    assert found["a"]["spent"] == 1


def test_an_archive_of_nothing_has_no_accounts(tmp_path):
    found = read_features(Archive(str(tmp_path)), NOW)
    assert found.account_ids == []
    assert found.values.shape == (0, len(FEATURES))


def test_neighbours_are_those_who_share_what_is_no_hub(tmp_path: Path) -> None:
    cap = hub_caps()["device"]
    deeds: list[Event] = [{"account_id": f"crowd{n}", "device_id": "kiosk"} for n in range(cap + 1)]
    deeds += [{"account_id": name, "device_id": "home"} for name in ("ann", "bob", "cy")]
    deeds += [{"account_id": "ann", "device_id": "old", "occurred_at": 1_000}]
    deeds += [{"account_id": "eve", "device_id": "old", "occurred_at": 1_000}]
    deeds += [{"account_id": "cy", "device_id": "second"}]
    archive = archived(tmp_path, told(deeds), NOW)
    features = read_features(archive, NOW)
    found = with_neighbours(archive, features, NOW, DenyList(account_ids=frozenset({"bob"})))
    assert found.account_ids == features.account_ids
    assert own(found).values.tolist() == features.values.tolist()
    degree = dict(zip(found.account_ids, np.expm1(found.values[:, -1]).round(6), strict=True))
    assert {name: n for name, n in degree.items() if n} == {"ann": 1, "cy": 1}
    # the mean of Ann's neighbours is what Cy has, to the digits that are kept
    place = found.account_ids.index
    about = found.values[place("ann"), len(FEATURES) : 2 * len(FEATURES)]
    assert about.tolist() == features.values[place("cy")].round(6).tolist()
    archive.close()
