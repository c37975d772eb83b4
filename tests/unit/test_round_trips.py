import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.coordination import PAIRS
from detection.round_trips import TRIP, round_trip_pairs
from tests.unit.coordinated import DAY, HOUR, START, linked

Transfer = tuple[str, str, int, int]
Random = np.random.Generator


def table(transfers: list[Transfer]) -> pa.Table:
    payer, payee, at, amount = zip(*transfers, strict=True) if transfers else ((), (), (), ())
    return pa.table(
        {
            "payer": pa.array(payer, pa.string()),
            "payee": pa.array(payee, pa.string()),
            "at": pa.array(at, pa.int64()),
            "amount_micros": pa.array(amount, pa.int64()),
            "currency": pa.array(["EUR"] * len(transfers), pa.string()),
        }
    )


def lap(members: str, at: int, amount: float = 900.0, kept: float = 0.97) -> list[Transfer]:
    """Money that goes from each to the next and to the first again, a few hours between."""
    made = []
    for number, (one, other) in enumerate(zip(members, members[1:] + members[0], strict=True)):
        made.append((one, other, at + number * 5 * HOUR, int(1e6 * amount * kept**number)))
    return made


def friends(random: Random, accounts: int, transfers: int) -> list[Transfer]:
    """Transfers among neighbours, a third of them of 20."""
    made = []
    for _ in range(transfers):
        payer = int(random.integers(accounts))
        payee = (payer + int(random.choice([-3, -2, -1, 1, 2, 3]))) % accounts
        amount = 20.0 if random.random() < 0.3 else random.lognormal(3.5, 1)
        at = START + int(random.integers(90 * DAY))
        made.append((f"f{payer}", f"f{payee}", at, int(1e6 * amount)))
    return made


def test_a_trip_over_four_accounts_links_them_all() -> None:
    found = round_trip_pairs(table(lap("ABCD", START)))
    assert linked(found) == {(a, b) for a in "ABCD" for b in "ABCD" if a < b}
    row = found.to_pylist()[0]
    assert (row["objects"], row["trials"], row["first_at"]) == (1, 2, START)
    assert row["p_value"] < 1e-3


def test_the_p_value_counts_the_ways_that_money_could_have_gone() -> None:
    trip = lap("ABCD", START)
    [row, *_] = round_trip_pairs(table(trip)).to_pylist()
    assert row["p_value"] == pytest.approx(TRIP.chance**3)
    # B could have passed on what it got in two ways
    other = [("B", "X", START + 9 * DAY, trip[0][3])]
    [row, *_] = round_trip_pairs(table(trip + other)).to_pylist()
    assert row["p_value"] == pytest.approx(2 * TRIP.chance**3)
    # where A's money goes afterwards makes no difference
    later = [("A", f"Y{n}", START + (2 + n) * DAY, trip[3][3]) for n in range(9)]
    [row, *_] = round_trip_pairs(table(trip + later)).to_pylist()
    assert row["p_value"] == pytest.approx(TRIP.chance**3)


def test_relays_looked_for_in_parts_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    transfers = table(friends(np.random.default_rng(1), 40, 900) + lap("ABCDE", START))
    found = round_trip_pairs(transfers)
    assert found.num_rows == 10
    monkeypatch.setattr("detection.relays._AT_ONCE", 7)
    assert round_trip_pairs(transfers).equals(found)


def test_a_trip_over_three_counts_from_the_second_on() -> None:
    assert round_trip_pairs(table(lap("ABC", START))).num_rows == 0
    found = round_trip_pairs(table(lap("ABC", START) + lap("BCA", START + 9 * DAY)))
    assert [row["objects"] for row in found.to_pylist()] == [2, 2, 2]


@pytest.mark.parametrize(
    ("transfers", "why"),
    [
        (lap("ABCD", START)[:3], "it does not come back"),
        (lap("ABCD", START, kept=0.7), "each keeps a third"),
        ([(a, b, -at, n) for a, b, at, n in lap("ABCD", -START)], "it goes the other way in time"),
        ([(a, b, START + 6 * (at - START), n) for a, b, at, n in lap("ABCD", START)], "too slow"),
        (lap("AB", START) + lap("AB", START + 9 * DAY), "there and back"),
        ([], "nothing"),
    ],
)
def test_what_is_no_trip(transfers: list[Transfer], why: str) -> None:
    assert round_trip_pairs(table(transfers)).equals(PAIRS.empty_table()), why


@pytest.mark.parametrize("accounts", [30, 300, 3000])
def test_friends_who_pay_each_other_are_not_linked(accounts: int) -> None:
    found = round_trip_pairs(table(friends(np.random.default_rng(accounts), accounts, 6000)))
    assert found.num_rows == 0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_order_repeats_and_strangers_change_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    transfers = friends(random, 400, 2000)
    for day in range(0, 60, 15):
        members = "".join(random.permutation(list("ABCDEFG"))[: random.integers(3, 8)])
        transfers += lap(members, START + day * DAY)
    shuffled = [transfers[n] for n in random.permutation(len(transfers))] + transfers[:9]
    strangers = [(f"x{a}", f"x{b}", at, amount) for a, b, at, amount in transfers]
    found = round_trip_pairs(table(transfers))
    again = round_trip_pairs(table(shuffled + strangers))
    assert again.slice(0, found.num_rows).equals(found)
    assert again.num_rows == 2 * found.num_rows
