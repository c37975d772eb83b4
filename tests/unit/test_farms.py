import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.coordination import PAIRS
from detection.farms import farm_pairs
from tests.unit.coordinated import DAY, HOUR, START, linked
from tests.unit.test_round_trips import Random, Transfer, friends, table


def farm(random: Random, name: str, size: int, days: int = 14) -> list[Transfer]:
    """Seven in ten are funded within an hour each day, and emptied within the day."""
    made = []
    for day in range(days):
        begin = START + day * DAY + int(random.integers(7 * HOUR, 17 * HOUR))
        for number in np.flatnonzero(random.random(size) < 0.7).tolist():
            amount = int(1e6 * random.lognormal(5, 0.4))
            account = f"{name}{number}"
            made.append((f"{name} source", account, begin + int(random.integers(HOUR)), amount))
            back = begin + int(random.integers(3 * HOUR, 6 * HOUR))
            kept = int(amount * random.uniform(0.6, 1.2))
            made.append((account, f"{name} sink", back, kept))
    return made


def weekly_wages(random: Random) -> list[Transfer]:
    """Thirty are paid each Friday in one run, and buy their groceries in one of two shops."""
    made = []
    for week in range(12):
        run = START + (7 * week + 4) * DAY + 9 * HOUR
        for number in range(30):
            wage = int(1e6 * random.lognormal(6, 0.2))
            made.append(("employer", f"w{number}", run + int(random.integers(HOUR)), wage))
            at = run + int(random.integers(5 * HOUR, 14 * HOUR))
            spent = int(wage * random.uniform(0.2, 0.4))
            made.append((f"w{number}", f"shop {random.integers(2)}", at, spent))
    return made


def test_farms_are_found_whose_accounts_also_live_ordinary_lives() -> None:
    random = np.random.default_rng(1)
    transfers = friends(random, 3000, 9000)
    for number, size in enumerate((4, 6, 12)):
        transfers += farm(random, f"farm {number} ", size)
    for number in range(6):
        transfers += [(f"farm 1 {number}", f"f{number}", START + number * DAY, 10_000_000)]
    found = linked(farm_pairs(table(transfers)))
    assert all(one.split()[:2] == other.split()[:2] for one, other in found)
    assert len({name for pair in found for name in pair}) == 4 + 6 + 12 + 2 * 3


def test_a_source_that_mostly_deals_with_others_is_not_of_the_farm() -> None:
    random = np.random.default_rng(2)
    transfers = farm(random, "", 6)
    customers = [
        (" source", f"c{n}", START + int(random.integers(14 * DAY)), 5_000_000) for n in range(90)
    ]
    names = {name for pair in linked(farm_pairs(table(transfers + customers))) for name in pair}
    assert " sink" in names
    assert " source" not in names


@pytest.mark.parametrize("seed", range(3))
def test_wages_that_are_spent_in_the_same_shops_are_no_farm(seed: int) -> None:
    transfers = weekly_wages(np.random.default_rng(seed))
    assert farm_pairs(table(transfers)).equals(PAIRS.empty_table())


@pytest.mark.parametrize("accounts", [30, 300, 3000])
def test_friends_are_no_farm(accounts: int) -> None:
    assert farm_pairs(table(friends(np.random.default_rng(3), accounts, 9000))).num_rows == 0
    assert farm_pairs(table([])).equals(PAIRS.empty_table())


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_order_repeats_and_strangers_change_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    transfers = friends(random, 400, 2000) + farm(random, "a", 5)
    shuffled = [transfers[n] for n in random.permutation(len(transfers))] + transfers[:9]
    strangers = [(f"x{a}", f"x{b}", at, amount) for a, b, at, amount in transfers]
    found = farm_pairs(table(transfers))
    again = farm_pairs(table(shuffled + strangers))
    assert again.slice(0, found.num_rows).equals(found)
    assert again.num_rows == 2 * found.num_rows
