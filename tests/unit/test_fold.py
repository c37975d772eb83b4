import dataclasses
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.batches import Fold, GraphRows, fold
from ingest.events import Event, parse_event

NOW = 1_700_000_000_000


def event(**fields: object) -> Event:
    value = {"event_id": "e", "type": "login", "occurred_at": 5, "account_id": "a"} | fields
    return parse_event(json.dumps(value).encode(), NOW)


_accounts = st.sampled_from("abc")
_events = st.lists(
    st.builds(
        event,
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


def summed(one: Fold, other: Fold) -> Fold:
    firsts = [f.first_seen for f in (one, other) if f.first_seen is not None]
    lasts = [f.last_seen for f in (one, other) if f.last_seen is not None]
    return Fold(
        one.event_count + other.event_count,
        one.amount_micros + other.amount_micros,
        min(firsts, default=None),
        max(lasts, default=None),
    )


def together(one: GraphRows, other: GraphRows) -> GraphRows:
    def merge(a: dict, b: dict) -> dict:
        return {key: summed(a.get(key, Fold()), b.get(key, Fold())) for key in a.keys() | b.keys()}

    return GraphRows(
        merge(one.accounts, other.accounts),
        one.identifiers | other.identifiers,
        merge(one.uses, other.uses),
        merge(one.transfers, other.transfers),
        merge(one.referrals, other.referrals),
    )


@settings(deadline=None)
@given(_events, st.randoms(use_true_random=False))
def test_the_order_of_events_makes_no_difference(events, chance):
    shuffled = list(events)
    chance.shuffle(shuffled)
    assert dataclasses.asdict(fold(shuffled)) == dataclasses.asdict(fold(events))


@settings(deadline=None)
@given(_events, st.integers(0, 8))
def test_a_split_batch_adds_up_to_the_whole(events, at):
    assert together(fold(events[:at]), fold(events[at:])) == fold(events)


@settings(deadline=None)
@given(_events)
def test_nothing_is_lost_or_counted_twice(events):
    rows = fold(events)
    assert sum(each.event_count for each in rows.accounts.values()) == len(events)
    pairs = [e for e in events if e.counterparty_account_id not in (None, e.account_id)]
    sent = [e for e in pairs if e.type != "referral"]
    assert sum(each.event_count for each in rows.transfers.values()) == len(sent)
    assert sum(each.event_count for each in rows.referrals.values()) == len(pairs) - len(sent)
    total = sum(each.amount_micros for each in rows.transfers.values())
    assert total == sum(e.amount_micros for e in sent)
    for (account_id, key), use in rows.uses.items():
        assert account_id in rows.accounts
        assert key in rows.identifiers
        assert 1 <= use.event_count <= rows.accounts[account_id].event_count


def test_an_identifier_named_twice_in_one_event_counts_once():
    rows = fold([event(identifiers={"tax_id": ["de1", "DE1", " de1 "]})])
    assert rows.uses == {("a", "tax_id:de1"): Fold(1, 0, 5, 5)}
    assert rows.identifiers == {"tax_id:de1": ("tax_id", "TaxId", "de1")}


def test_first_and_last_time_are_those_of_the_events():
    rows = fold([event(device_id="d", occurred_at=at) for at in (7, 3, 9, 0)])
    assert rows.uses["a", "device:d"] == Fold(4, 0, 0, 9)
    assert rows.accounts["a"] == Fold(4, 0, 0, 9)


def test_a_counterparty_is_known_but_did_nothing():
    rows = fold([event(type="transfer", counterparty_account_id="b", amount="2.5", currency="EUR")])
    assert rows.accounts["b"] == Fold()
    assert rows.transfers == {("a", "b", "EUR"): Fold(1, 2_500_000, 5, 5)}


def test_currencies_are_not_added_together():
    transfer = {"type": "transfer", "counterparty_account_id": "b", "amount": "1"}
    rows = fold([event(**transfer, currency=c) for c in ("EUR", "USD", "EUR", None)])
    counts = {pair[2]: each.event_count for pair, each in rows.transfers.items()}
    assert counts == {"EUR": 2, "USD": 1, "XXX": 1}


def test_a_referral_is_never_a_transfer():
    rows = fold([event(type="referral", counterparty_account_id="b", amount="5")])
    assert rows.transfers == {}
    assert rows.referrals == {("a", "b"): Fold(1, 0, 5, 5)}


def test_an_account_is_not_its_own_counterparty():
    rows = fold([event(type="transfer", counterparty_account_id="a", amount="5")])
    assert rows.transfers == {}
    assert rows.accounts == {"a": Fold(1, 0, 5, 5)}


def test_no_events_are_no_rows():
    assert fold([]) == GraphRows()
