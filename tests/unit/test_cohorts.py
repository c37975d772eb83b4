from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.cohorts import COHORT, cohort_pairs
from detection.coordination import PAIRS
from tests.unit.coordinated import DAY, HOUR, START, linked
from tests.unit.test_round_trips import Random, Transfer, friends, table

SPAN = 90 * DAY


def newcomers(random: Random, accounts: int = 600) -> list[Transfer]:
    """Each begins some day, at one of three exchanges, and later pays a neighbour in the list."""
    born = START + random.integers(0, SPAN - 10 * DAY, accounts)
    made = []
    for number, at in enumerate(born.tolist()):
        made.append((f"exchange-{number % 3}", f"n{number}", at, 80_000_000))
        later = at + int(random.integers(DAY, 9 * DAY))
        made.append((f"n{number}", f"n{number // 5 * 5}", later, 10_000_000))
    return [transfer for transfer in made if transfer[0] != transfer[1]]


def star(names: list[str], begin: int, gap: int) -> list[Transfer]:
    """The first fills the others, one after the other."""
    first, *rest = names
    return [(first, name, begin + n * gap, 5_000_000) for n, name in enumerate(rest)]


def chain(names: list[str], begin: int, gap: int) -> list[Transfer]:
    """Each pays the next."""
    ends = enumerate(pairwise(names))
    return [(one, other, begin + n * gap, 90_000_000 - n * 10**6) for n, (one, other) in ends]


def tree(names: list[str], begin: int, gap: int) -> list[Transfer]:
    """Each fills two."""
    every = enumerate(names[1:], 1)
    return [(names[(n - 1) // 2], name, begin + n * gap, 5_000_000) for n, name in every]


def gather(names: list[str], begin: int, gap: int) -> list[Transfer]:
    """All pay the first: what they were filled from is on no record."""
    return [(other, one, at, amount) for one, other, at, amount in star(names, begin, gap)]


def cohorts(transfers: list[Transfer], known: dict[str, int] | None = None) -> pa.Table:
    """Pairs found; accounts began with their first transfer, but for those `known` better."""
    made = table(transfers)
    return cohort_pairs(made, beginnings(made, known or {}))


def beginnings(transfers: pa.Table, known: dict[str, int]) -> pa.Table:
    rows = zip(*(transfers[end].to_pylist() for end in ("payer", "payee", "at")), strict=True)
    first: dict[str, int] = {}
    for payer, payee, at in sorted(rows, key=lambda row: row[2] or 0, reverse=True):
        first |= {payer: at, payee: at}
    first |= known
    return pa.table(
        {
            "account_id": pa.array(first.keys(), pa.string()),
            "at": pa.array(first.values(), pa.int64()),
        }
    )


def members(transfers: list[Transfer], known: dict[str, int] | None = None) -> set[str]:
    return {name for pair in linked(cohorts(transfers, known)) for name in pair}


def named(count: int) -> list[str]:
    return [f"m{n:02}" for n in range(count)]


@pytest.mark.parametrize("shape", [star, chain, tree, gather])
@pytest.mark.parametrize(("size", "gap"), [(6, HOUR), (12, 2 * HOUR), (40, HOUR)])
def test_accounts_that_begin_with_one_another_are_found_whole(shape, size, gap) -> None:
    random = np.random.default_rng(size)
    ring = shape(named(size), START + 40 * DAY, gap)
    # one of them pays somebody outside later
    ring.append(("m03", "n7", START + 70 * DAY, 1_000_000))
    found = cohorts(newcomers(random) + ring)
    assert {name for pair in linked(found) for name in pair} == {*named(size)}
    assert found.num_rows == size * (size - 1) // 2
    row = found.to_pylist()[0]
    assert row["objects"] == 1
    # of the pairs of first transfers one may lead out, and not all begin within the best window
    assert 4 <= row["coincidences"] <= row["trials"] <= size
    assert row["p_value"] <= COHORT.alpha
    assert (row["first_at"], row["last_at"]) == (ring[0][2], ring[-2][2])


@pytest.mark.parametrize("shape", [star, chain, tree, gather])
def test_who_begins_at_times_of_their_own_is_no_cohort(shape) -> None:
    random = np.random.default_rng(3)
    group = shape(named(12), START + DAY, 7 * DAY)
    assert members(newcomers(random) + group) == set()


def test_a_cohort_that_deals_with_others_is_none() -> None:
    random = np.random.default_rng(4)
    group = star(named(12), START + 40 * DAY, HOUR)
    assert members(newcomers(random) + group) == {*named(12)}
    group += [(m, f"n{n}", START + 50 * DAY, 10**6) for n, m in enumerate(named(12))]
    assert members(newcomers(random) + group) == set()


def test_a_family_is_too_small() -> None:
    random = np.random.default_rng(5)
    assert members(newcomers(random) + star(named(5), START + 40 * DAY, HOUR)) == set()


def test_a_hub_brings_in_nobody() -> None:
    random = np.random.default_rng(6)
    group = star(["hub", *(f"h{n:03}" for n in range(150))], START + 40 * DAY, HOUR // 10)
    assert members(newcomers(random) + group) == set()


def test_neighbours_who_began_before_the_data_does_are_no_cohort() -> None:
    assert members(friends(np.random.default_rng(7), 3000, 9000)) == set()


def wages(random: Random, firms: int) -> list[Transfer]:
    """Each month a firm pays its staff, who spend it in large shops."""
    made = []
    for firm in range(firms):
        payday = int(random.integers(28))
        for month in range(6):
            at = START + (30 * month + payday) * DAY
            for n in range(int(random.integers(8, 30))):
                name = f"firm{firm}-{n}"
                made.append((f"firm{firm}", name, at + n, 2_000_000_000))
                made.append((name, f"exchange-{n % 3}", at + n * DAY // 4, 90_000_000))
    return made


def test_staff_that_is_paid_since_before_the_data_begins_is_no_cohort() -> None:
    assert (
        members(newcomers(np.random.default_rng(10)) + wages(np.random.default_rng(11), 60))
        == set()
    )


def test_accounts_that_are_older_than_their_transfers_to_one_another_are_no_cohort() -> None:
    random = np.random.default_rng(12)
    names = named(12)
    group = star(names, START + 40 * DAY, HOUR)
    assert members(newcomers(random) + group) == {*names}
    born = random.integers(START, START + 40 * DAY, 12).tolist()
    assert members(newcomers(random) + group, dict(zip(names, born, strict=True))) == set()
    # they were opened together, though they pay one another later only
    opened = {name: START + 35 * DAY + n * HOUR for n, name in enumerate(names)}
    assert members(newcomers(random) + group, opened) == {*names}


def test_where_friends_bring_in_friends_nobody_stands_out() -> None:
    """Circles of ten, of whom each brings in the next within two days."""
    random = np.random.default_rng(13)
    made = newcomers(random)
    for circle in range(60):
        at = START + int(random.integers(SPAN - 40 * DAY))
        for n in range(9):
            at += int(random.integers(2 * DAY))
            made.append((f"c{circle}-{n}", f"c{circle}-{n + 1}", at, 10_000_000))
    assert members(made) == set()


def test_a_rush_of_newcomers_is_no_cohort() -> None:
    """Half of all begin on one day: that a dozen friends do too says nothing."""
    random = np.random.default_rng(8)
    rush = []
    for number in range(0, 600, 2):
        at = START + 40 * DAY + int(random.integers(DAY))
        rush.append((f"r{number}", f"r{number + 1}", at, 10**7))
    group = star(named(12), START + 40 * DAY, 2 * HOUR)
    assert members(newcomers(random, 300) + rush + group) == set()


def test_no_transfers_and_broken_ones() -> None:
    assert cohorts([]).schema == PAIRS
    nothing = pa.table({name: pa.nulls(3, column.type) for name, column in _columns().items()})
    assert cohort_pairs(nothing, beginnings(table([]), {})).num_rows == 0
    assert members([("a", "a", START, 1)] * 9) == set()


def _columns() -> dict[str, pa.ChunkedArray]:
    made = table([("a", "b", START, 1)])
    return {name: made[name] for name in made.schema.names}


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_rows_and_repeats_change_nothing(random) -> None:
    transfers = newcomers(np.random.default_rng(9), 400)
    transfers += tree(named(9), START + 40 * DAY, HOUR) + chain(named(20)[9:], START + 9 * DAY, 1)
    found = cohorts(transfers)
    shuffled = transfers + random.sample(transfers, 20)
    random.shuffle(shuffled)
    assert cohorts(shuffled).equals(found)
    assert found.num_rows == 36 + 55
