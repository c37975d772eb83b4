import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.coordination import PAIRS
from detection.smurfing import smurf_pairs
from tests.unit.coordinated import DAY, HOUR, START, linked
from tests.unit.test_round_trips import Random, Transfer, friends, table


def sitting(random: Random, names: list[str], begin: int) -> list[tuple[str, int]]:
    """When each is dealt with: a quarter of an hour apart or less."""
    gaps = np.cumsum(random.integers(1, HOUR // 4, len(names)))
    return [(name, begin + int(gap)) for name, gap in zip(names, gaps, strict=True)]


def smurfs(random: Random, names: list[str], source: str, sink: str) -> list[Transfer]:
    """Filled in one sitting, and emptied in another three weeks later."""
    made = [(source, a, at, 50_000_000) for a, at in sitting(random, names, START + DAY)]
    order = [names[n] for n in random.permutation(len(names))]
    for account, at in sitting(random, order, START + 22 * DAY):
        made.append((account, sink, at, int(1e6 * random.uniform(30, 48))))
    return made


def wages(random: Random, people: int) -> list[Transfer]:
    """All are paid in one sitting each month, and spend at times of their own."""
    names = [f"w{n:02}" for n in range(people)]
    made = []
    for month in range(3):
        run = sitting(random, names, START + (30 * month + 2) * DAY)
        made += [("employer", a, at, 2_000_000_000) for a, at in run]
        # the canteen, at noon
        for day in range(5):
            noon = START + (30 * month + 3 + day) * DAY + 12 * HOUR
            made += [(a, "canteen", at, 6_000_000) for a, at in sitting(random, names, noon)]
        for a in names:
            at = START + 30 * month * DAY + int(random.integers(3 * DAY, 30 * DAY))
            made.append((a, f"landlord {a[-1]}", at, 700_000_000))
    return made


def members(transfers: list[Transfer]) -> set[str]:
    return {name for pair in linked(smurf_pairs(table(transfers))) for name in pair}


@pytest.mark.parametrize("sink", ["source", "sink"])
@pytest.mark.parametrize("size", [5, 12, 60])
def test_accounts_filled_and_emptied_once_are_found_with_both_ends(size: int, sink: str) -> None:
    random = np.random.default_rng(size)
    names = [f"m{n:02}" for n in range(size)]
    transfers = friends(random, 3000, 9000) + smurfs(random, names, "source", sink)
    # they also live ordinary lives
    transfers += [(a, f"f{n}", START + 9 * DAY + n * HOUR, 5_000_000) for n, a in enumerate(names)]
    assert members(transfers) == {*names, "source", sink}
    rows = smurf_pairs(table(transfers)).to_pylist()
    assert len(rows) == len({*names, "source", sink}) * (len({*names, "source", sink}) - 1) // 2
    assert {(row["objects"], row["coincidences"], row["trials"]) for row in rows} == {
        (1, size, size)
    }
    assert all(row["p_value"] <= 1e-5 for row in rows)


def test_four_are_too_few() -> None:
    assert members(smurfs(np.random.default_rng(1), [*"abcd"], "source", "sink")) == set()


def test_wages_and_a_canteen_are_no_smurfing() -> None:
    assert members(wages(np.random.default_rng(2), 30)) == set()


def test_of_a_sitting_at_least_half_are_of_the_group() -> None:
    """Six of thirty who buy a ticket in one evening were paid by one account."""
    random = np.random.default_rng(3)
    names = [f"m{n:02}" for n in range(6)]
    filled = smurfs(random, names, "source", "box office")
    others = [f"o{n:02}" for n in range(24)]
    begin = max(at for *_, at, _ in filled)
    filled += [(a, "box office", at, 40_000_000) for a, at in sitting(random, others, begin)]
    assert members(filled) == set()


def test_a_hub_fills_nobody() -> None:
    random = np.random.default_rng(4)
    customers = [("source", f"c{n}", START + n * 5 * HOUR, 9_000_000) for n in range(101)]
    assert members(smurfs(random, [*"abcdefgh"], "source", "sink") + customers) == set()


def test_a_hub_is_filled_by_nobody() -> None:
    """Shops that one account pays and that bank their takings together have many customers."""
    random = np.random.default_rng(6)
    shops = [*"abcdefgh"]
    customers = [(f"c{n}", shop, START + n * HOUR, 9_000_000) for n in range(101) for shop in shops]
    filled = friends(random, 900, 2000) + smurfs(random, shops, "source", "sink")
    assert members(filled) == {*shops, "source", "sink"}
    assert members(filled + customers) == set()


def test_each_currency_is_emptied_by_itself() -> None:
    random = np.random.default_rng(7)
    transfers = table(smurfs(random, [*"abcdef"], "source", "sink") + friends(random, 900, 2000))
    is_out = np.array(transfers["payee"].to_pylist()) == "sink"
    place = transfers.schema.names.index("currency")
    other = transfers.set_column(place, "currency", [np.where(is_out, "JPY", "EUR").tolist()])
    assert smurf_pairs(transfers).num_rows == 28
    assert smurf_pairs(other).num_rows == 0


def test_those_with_the_same_ends_belong_together() -> None:
    """Every day others of forty are filled and emptied: one group, however often."""
    random = np.random.default_rng(8)
    transfers = friends(random, 900, 2000)
    for day in range(60):
        names = [f"m{n:02}" for n in random.choice(40, 20, replace=False).tolist()]
        at = START + day * DAY
        transfers += [("source", a, t, 50_000_000) for a, t in sitting(random, names, at)]
        back = sitting(random, names, at + 9 * HOUR)
        transfers += [(a, "sink", t, 45_000_000) for a, t in back]
    rows = smurf_pairs(table(transfers))
    assert rows.num_rows == 42 * 41 // 2
    assert set(rows["objects"].to_pylist()) == {rows["objects"][0].as_py()}
    assert rows["objects"][0].as_py() >= 60


def test_friends_are_no_smurfs() -> None:
    assert members(friends(np.random.default_rng(3), 300, 9000)) == set()
    assert smurf_pairs(table([])).equals(PAIRS.empty_table())


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_order_and_repeats_change_nothing_and_strangers_no_group(seed: int) -> None:
    random = np.random.default_rng(seed)
    transfers = friends(random, 400, 2000) + smurfs(random, [*"abcdef"], "source", "sink")
    found = smurf_pairs(table(transfers))
    shuffled = [transfers[n] for n in random.permutation(len(transfers))] + transfers[:9]
    assert smurf_pairs(table(shuffled)).equals(found)
    strangers = [(f"x{a}", f"x{b}", at, amount) for a, b, at, amount in transfers]
    both = linked(smurf_pairs(table(transfers + strangers)))
    assert both == linked(found) | {(f"x{a}", f"x{b}") for a, b in linked(found)}
