from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.batches import Accepted
from ingest.counters import MAX_MICROS, Counters, is_between_accounts
from tests.unit.accepted import accepted

_accounts = st.sampled_from("abc")
EVENTS = st.lists(
    st.builds(
        accepted,
        type=st.sampled_from(["login", "transfer", "referral"]),
        occurred_at=st.integers(0, 20),
        account_id=_accounts,
        device_id=st.sampled_from([None, "d1", " d1", "d2"]),
        email=st.sampled_from([None, "x@y.z", "X@Y.Z"]),
        identifiers=st.dictionaries(
            st.sampled_from(["tax_id", "advertising_id"]),
            st.lists(st.sampled_from(["1", "1 ", "t"]), max_size=3),
        ),
        counterparty_account_id=st.none() | _accounts,
        amount=st.sampled_from([None, "0.1", "0.2", "3", "0.000001"]),
        currency=st.sampled_from([None, "EUR", "USD"]),
    ),
    max_size=8,
)


def count(events: Iterable[Accepted]) -> Counters:
    counters = Counters()
    for event in events:
        counters.add(event)
        if is_between_accounts(event):
            counters.add_between(event)
    return counters


@settings(deadline=None)
@given(EVENTS, st.randoms(use_true_random=False))
def test_the_order_of_events_makes_no_difference(events, chance):
    shuffled = list(events)
    chance.shuffle(shuffled)
    assert count(shuffled) == count(events)


@settings(deadline=None)
@given(EVENTS)
def test_nothing_is_lost_or_counted_twice(events):
    counters = count(events)
    assert sum(row[1] for row in counters.accounts.values()) == len(events)
    bodies = [each.event for each in events]
    pairs = [e for e in bodies if e.counterparty_account_id not in (None, e.account_id)]
    sent = [e for e in pairs if e.type != "referral"]
    assert sum(row[3] for row in counters.transfers.values()) == len(sent)
    assert sum(row[2] for row in counters.referrals.values()) == len(pairs) - len(sent)
    total = sum(row[4] for row in counters.transfers.values())
    assert total == sum(e.amount_micros or 0 for e in sent)
    uses = {(row[0], row[1]): row for row in counters.uses()}
    expected = [(e.event.account_id, i.key, e.at) for e in events for i in e.identifiers]
    assert {(a, key) for a, key, _ in expected} == set(uses)
    for (account_id, key), row in uses.items():
        times = [at for a, k, at in expected if (a, k) == (account_id, key)]
        assert row[2:] == [len(times), min(times), max(times)]
    assert counters.size == len(counters.accounts) + len(uses)


def test_an_identifier_named_twice_in_one_event_counts_once():
    counters = count([accepted(identifiers={"tax_id": ["de1", "DE1", " de1 "]})])
    assert counters.accounts == {"a": ["a", 1, 5, 5, {"tax_id:de1": [1, 5, 5]}]}


def test_first_and_last_time_are_those_of_the_events():
    counters = count([accepted(device_id="d", occurred_at=at) for at in (7, 3, 9, 0)])
    assert counters.accounts == {"a": ["a", 4, 0, 9, {"device:d": [4, 0, 9]}]}


def test_a_counterparty_did_nothing():
    sent = {"type": "transfer", "counterparty_account_id": "b", "amount": "2.5", "currency": "EUR"}
    counters = count([accepted(**sent)])
    assert set(counters.accounts) == {"a"}
    assert list(counters.transfers.values()) == [["a", "b", "EUR", 1, 2_500_000, 5, 5]]


def test_currencies_are_not_added_together():
    transfer = {"type": "transfer", "counterparty_account_id": "b", "amount": "1"}
    counters = count([accepted(**transfer, currency=c) for c in ("EUR", "USD", "EUR", None)])
    counts = {ends[2]: row[3] for ends, row in counters.transfers.items()}
    assert counts == {"EUR": 2, "USD": 1, "XXX": 1}


def test_a_sum_of_money_stops_before_64_bits_are_full():
    sent = accepted(type="transfer", counterparty_account_id="b", amount="1000000000")
    counters = count([sent] * 5000)
    assert counters.transfers["a", "b", "XXX"][4] == MAX_MICROS


def test_a_referral_is_never_a_transfer():
    counters = count([accepted(type="referral", counterparty_account_id="b", amount="5")])
    assert counters.transfers == {}
    assert list(counters.referrals.values()) == [["a", "b", 1, 5]]


def test_an_account_is_not_its_own_counterparty():
    counters = count([accepted(type="transfer", counterparty_account_id="a", amount="5")])
    assert counters.transfers == {}
    assert counters.accounts == {"a": ["a", 1, 5, 5, {}]}
