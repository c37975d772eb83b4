"""Groups that fund and empty one another in bursts: found whatever their shape, and nobody else."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.closed_groups import CLOSED, closed_group_pairs
from detection.coordination import PAIRS
from tests.unit.coordinated import DAY, HOUR, MINUTE, START

Transfer = tuple[str, str, int]
MEMBERS = [f"m{n}" for n in range(8)]
#: two strangers make the time that all transfers take
STRANGERS: list[Transfer] = [("s1", "s2", START), ("s2", "s3", START + 60 * DAY)]


def table(transfers: list[Transfer]) -> pa.Table:
    payer, payee, at = zip(*transfers, strict=True) if transfers else ((), (), ())
    return pa.table(
        {
            "payer": pa.array(payer, pa.string()),
            "payee": pa.array(payee, pa.string()),
            "at": pa.array(at, pa.int64()),
            "amount_micros": pa.nulls(len(at), pa.int64()),
            "currency": pa.nulls(len(at), pa.string()),
        }
    )


def groups(transfers: list[Transfer]) -> list[set[str]]:
    found = closed_group_pairs(table(transfers))
    assert found.schema == PAIRS
    made: list[set[str]] = []
    for row in found.to_pylist():
        assert row["source"] < row["target"]
        assert row["p_value"] <= CLOSED.alpha
        home = next((g for g in made if row["source"] in g), None)
        if home is None:
            made.append({row["source"], row["target"]})
        else:
            home.add(row["target"])
    assert found.num_rows == sum(len(g) * (len(g) - 1) // 2 for g in made)
    return made


def star(members: list[str], at: int, step: int = 10 * MINUTE) -> list[Transfer]:
    """The first funds the others."""
    return [(members[0], m, at + n * step) for n, m in enumerate(members[1:])]


def chain(members: list[str], at: int, step: int = 10 * MINUTE) -> list[Transfer]:
    """Each funds the next."""
    return [(a, b, at + n * step) for n, (a, b) in enumerate(pairwise(members))]


def emptied(members: list[str], to: str, at: int, step: int = 10 * MINUTE) -> list[Transfer]:
    return [(m, to, at + n * step) for n, m in enumerate(members) if m != to]


FARM = star(MEMBERS, START + DAY) + emptied(MEMBERS[1:], "collector", START + 9 * DAY)


def test_a_farm_is_found_however_it_is_funded():
    everybody = {*MEMBERS, "collector"}
    assert groups(STRANGERS + FARM) == [everybody]
    one_by_the_other = chain(MEMBERS, START + DAY)
    assert groups(STRANGERS + one_by_the_other) == [set(MEMBERS)]
    assert groups(STRANGERS + FARM + one_by_the_other) == [everybody]


def test_what_the_pairs_of_a_farm_say():
    row = closed_group_pairs(table(STRANGERS + FARM)).to_pylist()[0]
    assert (row["objects"], row["coincidences"], row["trials"]) == (2, 14, 14)
    assert row["first_at"] == START + DAY
    assert row["last_at"] == START + 9 * DAY + 60 * MINUTE


def test_one_who_is_paid_once_and_has_others_to_pay_is_no_member():
    visited = ("m3", "shop", START + DAY + 45 * MINUTE)
    others = [(f"guest{n}", "shop", START + n * DAY) for n in range(6)]
    assert groups(STRANGERS + FARM + [visited] + others) == [{*MEMBERS, "collector"}]


@pytest.mark.parametrize(
    ("what", "transfers"),
    [
        ("a stall's customers only pay", emptied(MEMBERS, "stall", START + DAY)),
        ("a firm's staff is only paid", star(MEMBERS, START + DAY)),
        ("four settle a dinner", chain(MEMBERS[:4], START + DAY)),
        ("days between", chain(MEMBERS, START, 2 * DAY)),
        (
            "people with a life of their own",
            FARM + [(m, f"{m}-{n}", START + n * DAY) for m in MEMBERS for n in range(5)],
        ),
        (
            "a hub's customers",
            star(["hub", *(f"c{n}" for n in range(CLOSED.most + 1))], START + DAY, MINUTE),
        ),
        ("one who pays itself", [("a", "a", START + n * MINUTE) for n in range(9)]),
        ("nothing", []),
    ],
)
def test_others_are_no_group(what: str, transfers: list[Transfer]) -> None:
    assert groups(STRANGERS + transfers) == [], what


def test_where_everybody_pays_all_the_time_bursts_say_nothing():
    close = [(a, b, at // 100) for a, b, at in FARM]
    assert groups(close) == []


def test_ordinary_payments_make_no_group():
    chance = np.random.default_rng(7)
    people = chance.integers(0, 2_000, (20_000, 2))
    at = START + chance.integers(0, 60 * 24, 20_000) * HOUR
    made = [(f"p{a}", f"p{b}", int(t)) for (a, b), t in zip(people.tolist(), at, strict=True)]
    assert groups(made) == []
    assert {*MEMBERS, "collector"} in groups(made + FARM)


@settings(deadline=None, max_examples=30)
@given(st.permutations(STRANGERS + FARM))
def test_neither_the_order_nor_a_row_with_a_null_matters(transfers: list[Transfer]) -> None:
    expected = closed_group_pairs(table(STRANGERS + FARM))
    to_nobody = pa.Table.from_pylist([{"payer": "m1", "at": START}], schema=table([]).schema)
    found = closed_group_pairs(pa.concat_tables([to_nobody, table(transfers)]))
    assert found.equals(expected)
