import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.coordination import PAIRS
from detection.funnels import funnel_pairs
from tests.unit.coordinated import DAY, HOUR, START, linked
from tests.unit.test_round_trips import Random, Transfer, friends, table


def collected(random: Random, names: list[str], days: int = 20) -> list[Transfer]:
    """Each pays the collector every third day or so, at a time of its own."""
    made = []
    for name in names:
        for day in np.flatnonzero(random.random(days) < 0.35).tolist():
            at = START + day * DAY + int(random.integers(DAY))
            made.append((name, "collector", at, int(1e6 * random.lognormal(4, 0.6))))
    return sorted(made, key=lambda transfer: transfer[2])


def swept(random: Random, payments: list[Transfer], days: int = 20) -> list[Transfer]:
    """Every evening four fifths or more of what came since the last time go to an exchange."""
    made, pot, left = [], 0, [*payments]
    for day in range(days):
        evening = START + day * DAY + 20 * HOUR
        while left and left[0][2] < evening:
            pot += left.pop(0)[3]
        if pot:
            amount = int(pot * random.uniform(0.8, 0.95))
            made.append(("collector", "exchange", evening, amount))
        pot = 0
    return made


def members(transfers: list[Transfer]) -> set[str]:
    return {name for pair in linked(funnel_pairs(table(transfers))) for name in pair}


@pytest.mark.parametrize("size", [3, 6, 30])
def test_a_funnel_is_found_whole_though_nobody_pays_with_another(size: int) -> None:
    random = np.random.default_rng(size)
    names = [f"m{n:02}" for n in range(size)]
    payments = collected(random, names)
    transfers = friends(random, 2000, 6000) + payments + swept(random, payments)
    # somebody who paid once is no member
    transfers.append(("guest", "collector", START + 3 * DAY, 40_000_000))
    found = linked(funnel_pairs(table(transfers)))
    assert {name for pair in found for name in pair} == {"collector", *names}
    # every two, once
    assert len(found) == (size + 1) * size // 2


def test_of_a_funnel_it_is_said_how_often_it_swept() -> None:
    random = np.random.default_rng(5)
    payments = collected(random, [*"abcd"])
    rows = funnel_pairs(table(payments + swept(random, payments))).to_pylist()
    assert {(row["objects"], row["trials"]) for row in rows} == {
        (row["objects"],) * 2 for row in rows
    }
    assert all(row["p_value"] <= 0.01 for row in rows)
    assert {row["coincidences"] for row in rows} <= {len(payments) - n for n in range(8)}
    assert {row["first_at"] for row in rows} == {payments[0][2]}


def test_who_spends_what_it_needs_is_no_collector() -> None:
    random = np.random.default_rng(6)
    payments = collected(random, [*"abcdef"])
    spent = [
        (a, b, at, int(1e6 * random.lognormal(4, 0.6))) for a, b, at, _ in swept(random, payments)
    ]
    assert members(payments + spent) == set()


def test_what_is_always_the_same_says_nothing() -> None:
    """Three pay ten each day, and thirty go to the bank each evening."""
    payments = [
        (name, "collector", START + day * DAY + n * HOUR, 10_000_000)
        for day in range(20)
        for n, name in enumerate("abc")
    ]
    banked = [("collector", "bank", START + day * DAY + 20 * HOUR, 30_000_000) for day in range(20)]
    assert members(payments + banked) == set()


def test_a_shop_is_no_funnel() -> None:
    random = np.random.default_rng(7)
    payments = collected(random, [f"c{n}" for n in range(60)])
    assert members(payments + swept(random, payments)) == set()


def test_a_stall_with_regulars_among_many_is_no_funnel() -> None:
    """Four come often, and three times as many payments are of people who come once."""
    random = np.random.default_rng(8)
    regulars = collected(random, [*"abcd"])
    others = [
        (f"o{n % 45}", "collector", START + (n % 20) * DAY + int(random.integers(DAY)), 30_000_000)
        for n in range(45)
    ]
    payments = sorted(regulars + others, key=lambda transfer: transfer[2])
    assert members(payments + swept(random, payments)) == set()


def test_each_currency_is_swept_by_itself() -> None:
    random = np.random.default_rng(9)
    payments = collected(random, [*"abcde"])
    transfers = table(payments + swept(random, payments))
    assert funnel_pairs(transfers).num_rows == 15
    is_out = np.array(transfers["payee"].to_pylist()) == "exchange"
    place = transfers.schema.names.index("currency")
    other = transfers.set_column(place, "currency", [np.where(is_out, "USD", "EUR").tolist()])
    assert funnel_pairs(other).num_rows == 0


def test_a_cent_that_comes_back_hides_no_funnel() -> None:
    random = np.random.default_rng(10)
    payments = collected(random, [*"abcde"])
    transfers = payments + swept(random, payments)
    back = [("exchange", "collector", START + 5 * DAY, 10_000)]
    assert members(transfers + back) == {"collector", *"abcde"}
    mutual = [("exchange", "collector", START + n * DAY, 900_000_000) for n in range(20)]
    assert members(transfers + mutual) == set()


@pytest.mark.parametrize("seed", range(4))
def test_friends_are_no_funnel(seed: int) -> None:
    """Everybody has six, gets something every few days and spends about as much."""
    assert members(friends(np.random.default_rng(seed), 300, 9000)) == set()
    assert funnel_pairs(table([])).equals(PAIRS.empty_table())


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_order_repeats_and_strangers_change_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    payments = collected(random, [*"abcdef"])
    transfers = friends(random, 400, 2000) + payments + swept(random, payments)
    shuffled = [transfers[n] for n in random.permutation(len(transfers))] + transfers[:9]
    strangers = [(f"x{a}", f"x{b}", at, amount) for a, b, at, amount in transfers]
    found = funnel_pairs(table(transfers))
    again = funnel_pairs(table(shuffled + strangers))
    assert again.slice(0, found.num_rows).equals(found)
    assert again.num_rows == 2 * found.num_rows
