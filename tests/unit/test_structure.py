from hypothesis import given, settings
from hypothesis import strategies as st

from graph.times import DAY_MS
from ingest.batches import Accepted
from ingest.counters import Counters
from ingest.structure import KnownPairs, Structure, fold
from tests.unit.accepted import NOW, accepted
from tests.unit.test_counters import EVENTS, count


def news(events: list[Accepted], known: KnownPairs | None = None, now: int = 20) -> Structure:
    found = Structure()
    fold(events, Counters(), KnownPairs() if known is None else known, now, found)
    return found


@settings(deadline=None)
@given(EVENTS)
def test_to_an_empty_memory_everything_is_new(events):
    found, counters = news(events), count(events)
    assert set(found.accounts) >= set(counters.accounts)
    assert set(found.uses) == {(row[0], row[1]) for row in counters.uses()}
    assert set(found.transfers) == set(counters.transfers)
    assert set(found.referrals) == set(counters.referrals)
    for row in counters.uses():
        _, _, events_to_add, first, last = found.uses[row[0], row[1]]
        # times may be narrower: the counters bring the rest
        assert events_to_add == 0
        assert row[3] <= first <= last <= row[4]
        assert row[1] in found.identifiers
    for account_id, row in counters.accounts.items():
        assert found.accounts[account_id][1] == 0
        assert row[2] <= found.accounts[account_id][2] <= found.accounts[account_id][3] <= row[3]
    for ends, row in counters.transfers.items():
        assert found.transfers[ends][:5] == [*ends, 0, 0]
        assert row[5] <= found.transfers[ends][5] <= found.transfers[ends][6] <= row[6]


@settings(deadline=None)
@given(EVENTS, st.integers(0, 8), st.integers(1, 4))
def test_a_memory_of_any_size_writes_every_pair_at_least_once(events, cut, generation):
    known = KnownPairs(generation)
    parts = [news(events[:cut], known), news(events[cut:], known)]
    whole = news(events)
    for name in ("accounts", "uses", "transfers", "referrals"):
        written = set().union(*(getattr(part, name) for part in parts))
        assert written == set(getattr(whole, name))
    assert len(known) <= 2 * generation


def test_what_is_known_is_not_written_again():
    known = KnownPairs()
    events = [accepted(device_id="d", type="transfer", counterparty_account_id="b")]
    assert not news(events, known).is_empty
    later = [accepted(device_id="d", type="transfer", counterparty_account_id="b", occurred_at=9)]
    assert news(later, known).is_empty


def test_a_forgetful_memory_knows_nothing():
    known = KnownPairs()
    news([accepted(device_id="d")], known)
    known.forget()
    assert set(news([accepted(device_id="d")], known).uses) == {("a", "device:d")}


def test_a_use_that_gets_younger_is_structure():
    known = KnownPairs()
    start, now = 1_000_000_000_000, 1_000_000_000_000 + 40 * DAY_MS
    news([accepted(device_id="d", occurred_at=start)], known, start)
    # within the class of 30 to 90 days nothing changes, at 8 days it does, and then today again
    for at, is_new in ((start + DAY_MS, False), (now - 8 * DAY_MS, True), (now, True)):
        found = news([accepted(device_id="d", occurred_at=at)], known, now)
        assert (("a", "device:d") in found.uses) == is_new
    assert news([accepted(device_id="d", occurred_at=now + DAY_MS)], known, now + DAY_MS).is_empty


def test_a_counterparty_is_known_but_did_nothing():
    known = KnownPairs()
    found = news([accepted(type="transfer", counterparty_account_id="b")], known)
    assert found.accounts["b"] == ["b", 0, None, None]
    found = news([accepted(account_id="b", occurred_at=NOW)], known, NOW)
    assert found.accounts["b"] == ["b", 0, NOW, NOW]


def test_everybody_to_whom_something_new_happened_is_named():
    found = news(
        [
            accepted(device_id="d"),
            accepted(account_id="x", type="referral", counterparty_account_id="y"),
        ]
    )
    assert found.account_ids() == {"a", "x", "y"}
