import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.cascades import cascade_actions, cascade_pairs
from detection.coordination import PAIRS
from detection.relays import Relaying
from graph.archived_actions import TRANSFERS
from tests.unit.coordinated import DAY, HOUR, MINUTE, START, linked

EUROS = 1_000_000
Transfer = tuple[str, str, int, int | None, str | None]


def table(transfers: list[Transfer]) -> pa.Table:
    columns = list(zip(*transfers, strict=True)) or [()] * 5
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, TRANSFERS, strict=True)],
        schema=TRANSFERS,
    )


def chain(
    accounts: str, at: int = START, amount: float = 500.0, gap: int = 20 * MINUTE
) -> list[Transfer]:
    """Each passes on 98 % of what came in."""
    return [
        (payer, payee, at + n * gap, int(amount * 0.98**n * EUROS), "EUR")
        for n, (payer, payee) in enumerate(itertools.pairwise(accounts))
    ]


def circles(random: np.random.Generator, members: str, rounds: int) -> list[Transfer]:
    """Money goes round among changing members, in changing order."""
    made = []
    for _ in range(rounds):
        some = random.permutation([m for m in members if random.random() < 0.7]).tolist()
        at = START + int(random.integers(30 * DAY))
        made += chain("".join([*some, *some[:1]]), at, random.uniform(200, 2000))
    return made


def friends(random: np.random.Generator, accounts: int, transfers: int) -> list[Transfer]:
    """Everybody pays the same few."""
    made: list[Transfer] = []
    for _ in range(transfers):
        payer = int(random.integers(accounts))
        payee = (payer + int(random.integers(1, 4))) % accounts
        amount = int(60 * EUROS * np.exp(random.normal(0, 1.2)))
        made.append(
            (f"f{payer}", f"f{payee}", START + int(random.integers(30 * DAY)), amount, "EUR")
        )
    return made


def test_a_cascade_is_an_action_of_each_account_in_it() -> None:
    found = cascade_actions(table(chain("abcd"))).to_pylist()
    (name,) = {row["object"] for row in found}
    assert name.startswith("cascade:")
    assert [(row["account_id"], row["at"] - START) for row in found] == [
        ("a", 0),
        ("b", 0),
        ("c", 20 * MINUTE),
        ("d", 40 * MINUTE),
    ]
    # its name stays when it goes on
    assert {row["object"] for row in cascade_actions(table(chain("abcdef"))).to_pylist()} == {name}


@pytest.mark.parametrize(
    ("transfers", "reason"),
    [
        (chain("abc"), "two transfers"),
        (chain("abab"), "refunds"),
        (chain("abcd", gap=7 * HOUR), "held for too long"),
        (chain("ab") + chain("bc", START + 1, 900) + chain("cd", START + 2, 900), "other amounts"),
        (chain("bc") + chain("ab", START + 1) + chain("cd", START + 1), "paid before it came in"),
        ([(a, b, at, None, c) for a, b, at, _, c in chain("abcd")], "no amounts"),
        ([("a", "b", START, 5, "EUR"), ("b", "b", START + 1, 5, "EUR")], "to oneself"),
        ([], "nothing"),
    ],
)
def test_what_is_no_cascade(transfers: list[Transfer], reason: str) -> None:
    assert cascade_actions(table(transfers)).num_rows == 0, reason
    assert cascade_pairs(table(transfers)).equals(PAIRS.empty_table())


def test_amounts_of_two_currencies_are_not_compared() -> None:
    transfers = chain("abcd")
    transfers[1] = ("b", "c", transfers[1][2], 7 * EUROS, "USD")
    assert cascade_actions(table(transfers)).num_rows == 4


def test_a_business_passes_nothing_on() -> None:
    paid = [("b", f"customer {n}", START + n * HOUR, 490 * EUROS, "EUR") for n in range(300)]
    assert cascade_actions(table(chain("abcd") + paid)).num_rows == 0
    assert cascade_actions(table(chain("abcde")), Relaying(largest=3)).num_rows == 0


def test_a_circle_is_linked_and_its_friends_are_not() -> None:
    random = np.random.default_rng(1)
    transfers = friends(random, 3000, 9000) + circles(random, "ABCDEFGH", 15)
    # members are friends of somebody too
    transfers += [("A", "f1", START + 5 * DAY, 10 * EUROS, "EUR"), ("f2", "B", START, 5, "EUR")]
    found = linked(cascade_pairs(table(transfers)))
    assert all(one in "ABCDEFGH" and other in "ABCDEFGH" for one, other in found)
    assert len(found) > 20


def test_busy_friends_are_not_linked() -> None:
    random = np.random.default_rng(2)
    assert cascade_pairs(table(friends(random, 50, 3000))).num_rows == 0


def test_two_cascades_are_too_few() -> None:
    twice = chain("abcdefgh") + chain("abcdefgh", START + 9 * DAY)
    assert cascade_pairs(table(twice)).num_rows == 0
    found = cascade_pairs(table(twice + chain("hgfedcba", START + 20 * DAY)))
    # who only pays or only gets may be anybody
    assert linked(found) == set(itertools.combinations("bcdefg", 2))
    assert found.slice(0, 1).to_pylist()[0] | {"p_value": 0.0} == {
        "source": "b",
        "target": "c",
        "window_ms": HOUR,
        "objects": 3,
        "coincidences": 3,
        "trials": 6,
        "p_value": 0.0,
        "first_at": START,
        "last_at": START + 20 * DAY,
    }


def test_whom_a_ring_pays_at_the_end_is_not_in_it() -> None:
    transfers = []
    for day in (0, 5, 9, 14, 20):
        transfers += [
            *chain("abcdefa", START + day * DAY),
            *chain("cx", START + day * DAY + HOUR, 450),
        ]
    assert linked(cascade_pairs(table(transfers))) == set(itertools.combinations("abcdef", 2))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_order_and_strangers_change_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    transfers = friends(random, 60, 200) + circles(random, "ABCDE", 10)
    strangers = [(f"x{a}", f"x{b}", at, m, c) for a, b, at, m, c in transfers]
    shuffled = [transfers[n] for n in random.permutation(len(transfers))] + transfers[:9]
    found = cascade_pairs(table(transfers), alpha=1.0)
    again = cascade_pairs(table(shuffled + strangers), alpha=1.0)
    assert again.slice(0, found.num_rows).equals(found)
    assert again.num_rows == 2 * found.num_rows
