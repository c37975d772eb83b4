import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.coordination import PAIRS
from detection.fan_in import SCALE, fan_in_pairs
from detection.regulars import Members, Visits, member_pairs
from tests.unit.coordinated import DAY, HOUR, MINUTE, START, linked

Payment = tuple[str, str, int]
Random = np.random.Generator


def table(payments: list[Payment]) -> pa.Table:
    payer, payee, at = zip(*payments, strict=True) if payments else ((), (), ())
    return pa.table(
        {
            "payer": pa.array(payer, pa.string()),
            "payee": pa.array(payee, pa.string()),
            "at": pa.array(at, pa.int64()),
        }
    )


def at_an_hour(random: Random, day: int, since: float = 7, until: float = 23) -> int:
    """A time of a day, in milliseconds."""
    return START + day * DAY + int(random.uniform(since, until) * HOUR) + 1


def within_the_hour(random: Random, at: int) -> int:
    return at + int(random.integers(HOUR))


def ring(random: Random, members: str, rounds: int, days: int = 30) -> list[Payment]:
    """The first collects from seven in ten of the others, within an hour."""
    made = []
    for _ in range(rounds):
        at = at_an_hour(random, int(random.integers(days)))
        made += [
            (member, members[0], within_the_hour(random, at))
            for member in members[1:]
            if random.random() < 0.7
        ]
        made.append((members[0], "outside", at + 2 * HOUR))
    return made


def friends(random: Random, accounts: int, payments: int, days: int = 90) -> list[Payment]:
    """Everybody pays the same few, in the evening rather than in the morning."""
    made = []
    for _ in range(payments):
        payer = int(random.integers(accounts))
        payee = (payer + int(random.integers(1, 4))) % accounts
        at = at_an_hour(random, int(random.integers(days)), until=14 + random.uniform(0, 9))
        made.append((f"f{payer}", f"f{payee}", at))
    return made


def landlord(random: Random) -> list[Payment]:
    """Twenty tenants pay in the evening of the first of a month, and the heating a day later."""
    days = (0, 31, 59)
    return [
        (f"tenant {n}", "landlord", at_an_hour(random, day + extra, 18, 20))
        for day in days
        for extra in (0, 1)
        for n in range(20)
    ]


def employer(random: Random) -> list[Payment]:
    """Paid within minutes, monthly."""
    return [
        ("employer", f"employee {n}", at_an_hour(random, day, 9, 9.2))
        for day in (24, 55, 85)
        for n in range(20)
    ]


def merchant(random: Random) -> list[Payment]:
    """A bakery: a hundred regulars on workdays in the morning, many others at any time."""
    made = []
    for day in range(90):
        for n in np.flatnonzero(random.random(100) < 0.5 * (day % 7 < 5)).tolist():
            made.append((f"regular {n}", "bakery", at_an_hour(random, day, 7, 9)))
        made += [(f"once {day} {n}", "bakery", at_an_hour(random, day)) for n in range(20)]
    return made


def streamer(random: Random) -> list[Payment]:
    """Fans that tip while somebody is live, for three hours of irregular evenings."""
    made = []
    for day in np.flatnonzero(random.random(90) < 0.4).tolist():
        begin = random.uniform(14, 20)
        for n in np.flatnonzero(random.random(40) < 0.4).tolist():
            made.append((f"fan {n}", "streamer", at_an_hour(random, day, begin, begin + 3)))
    return made


def after_dinner(random: Random) -> list[Payment]:
    """Two pay a third back twice a month."""
    made = []
    for dinner in range(6):
        at = at_an_hour(random, 15 * dinner + int(random.integers(4)), 20, 23)
        made += [(who, "cook", at + int(random.integers(10 * MINUTE))) for who in ("guest", "wife")]
    return made


def lessons(random: Random) -> list[Payment]:
    """Pupils who pay after each of two lessons a week, most of the time."""
    return [
        (f"pupil {n}", "teacher", at_an_hour(random, day, 19, 19.8))
        for day in range(90)
        if day % 7 in (1, 3)
        for n in range(8)
        if random.random() < 0.9
    ]


def canteen(random: Random) -> list[Payment]:
    return [
        (f"colleague {n}", "canteen", at_an_hour(random, day, 12, 12.7))
        for day in range(90)
        if day % 7 < 5
        for n in range(8)
        if random.random() < 0.8
    ]


def weekly(random: Random) -> list[Payment]:
    """Two who pay their cleaner when she leaves on Friday."""
    return [
        (who, "cleaner", at_an_hour(random, 4 + 7 * week, 16, 16.5))
        for week in range(12)
        for who in ("office", "surgery")
    ]


def scheduler(random: Random) -> list[Payment]:
    """Orders that are carried out on the hour, on changing days."""
    days = random.choice(30, 15, replace=False).tolist()
    return [(who, "savings", START + day * DAY + 6 * HOUR) for day in days for who in "ab"]


def rush(random: Random) -> list[Payment]:
    """A crowd of sixty that pays an exchange whenever the price falls."""
    made = []
    for day in random.choice(60, 20, replace=False).tolist():
        at = at_an_hour(random, day)
        made += [(f"trader {n}", "exchange", within_the_hour(random, at)) for n in range(60)]
    return made


INNOCENT = (
    *(landlord, employer, merchant, streamer, after_dinner),
    *(lessons, canteen, weekly, scheduler, rush),
)


@pytest.mark.parametrize("innocent", INNOCENT)
@pytest.mark.parametrize("seed", range(3))
def test_the_innocent_are_not_linked(innocent, seed) -> None:
    found = fan_in_pairs(table(innocent(np.random.default_rng(seed))))
    assert found.equals(PAIRS.empty_table())


@pytest.mark.parametrize("accounts", [20, 50, 3000])
def test_busy_friends_are_not_linked(accounts) -> None:
    payments = friends(np.random.default_rng(accounts), accounts, 9000)
    assert fan_in_pairs(table(payments)).num_rows == 0


def test_a_ring_is_linked_and_its_friends_are_not() -> None:
    random = np.random.default_rng(1)
    payments = friends(random, 3000, 9000, 30) + ring(random, "ABCDEFGH", 16)
    # members have friends too
    payments += [("A", "f1", START + 5 * DAY), ("f2", "A", START + 7 * DAY), ("f2", "B", START)]
    found = linked(fan_in_pairs(table(payments)))
    assert all(one in "ABCDEFGH" and other in "ABCDEFGH" for one, other in found)
    assert {one for pair in found for one in pair} == set("ABCDEFGH")


@pytest.mark.parametrize("seed", range(5))
def test_a_ring_is_found_within_a_week_in_which_it_collects_twice_a_day(seed) -> None:
    payments = ring(np.random.default_rng(seed), "ABCDEFGHIJ", 13, 6)
    found = linked(fan_in_pairs(table(payments)))
    assert len({one for pair in found for one in pair}) >= 9


@pytest.mark.parametrize("hours", [3.5, 5.0])
@pytest.mark.parametrize("seed", range(5))
def test_what_goes_on_for_hours_brings_people_together(hours, seed) -> None:
    random = np.random.default_rng(seed)
    made = []
    for day in np.flatnonzero(random.random(90) < 0.4).tolist():
        begin = random.uniform(14, 18)
        made += [
            (f"guest {n}", "club", at_an_hour(random, day, begin, begin + hours))
            for n in np.flatnonzero(random.random(20) < 0.5).tolist()
        ]
    assert fan_in_pairs(table(made)).num_rows == 0


def test_what_is_said_of_a_pair() -> None:
    random = np.random.default_rng(3)
    times = [at_an_hour(random, day) for day in (0, 2, 3, 5, 8, 9, 11, 14, 16, 18, 20, 21, 25, 28)]
    payments = [(who, "m", at + n * 30 * MINUTE) for at in times for n, who in enumerate("za")]
    rows = fan_in_pairs(table(payments)).to_pylist()
    assert [(row["source"], row["target"]) for row in rows] == [("a", "m"), ("a", "z"), ("m", "z")]
    for row in rows:
        assert row.pop("p_value") < 1e-7
        assert {name: row[name] for name in PAIRS.names[2:] if name in row} == {
            "window_ms": HOUR,
            "objects": 14,
            "coincidences": 14,
            "trials": 14,
            "first_at": times[0],
            "last_at": times[-1] + 30 * MINUTE,
        }


def test_a_payee_with_many_other_payers_does_not_collect() -> None:
    random = np.random.default_rng(4)
    payments = ring(random, "cabdefgh", 16)
    others = [(f"o{n}", "c", at_an_hour(random, int(random.integers(30)))) for n in range(200)]
    assert any("c" in pair for pair in linked(fan_in_pairs(table(payments))))
    found = linked(fan_in_pairs(table(payments + others)))
    assert found
    assert not any("c" in pair for pair in found)


def one_meets_another(random: Random) -> list[Payment]:
    """Six who never all meet: on each of ten days two others of them pay within the hour."""
    turns = [(0, 1), (2, 3), (4, 5), (0, 2), (1, 4), (3, 5), (0, 4), (1, 3), (2, 5), (0, 3)]
    turns += [(1, 2), (4, 3), (5, 0), (2, 4), (1, 5)]
    made = []
    for day, turn in enumerate(turns):
        at = at_an_hour(random, 2 * day)
        made += [("abcdef"[n], "m", within_the_hour(random, at)) for n in turn]
    return made


def test_a_group_is_linked_of_which_no_two_often_meet() -> None:
    random = np.random.default_rng(6)
    payments = one_meets_another(random)
    rows = fan_in_pairs(table(payments)).to_pylist()
    assert {row["source"] for row in rows} | {row["target"] for row in rows} == {*"abcdefm"}
    # each pair of payers met once, which is what is said of it, and the group is not by chance
    payers = [row for row in rows if row["target"] != "m"]
    assert {row["objects"] for row in payers} == {1}
    assert all(row["p_value"] <= 1e-5 for row in rows)
    # as many payments at times of their own
    alone = [(who, to, at_an_hour(random, n)) for n, (who, to, _) in enumerate(payments)]
    assert fan_in_pairs(table(alone)).num_rows == 0


def test_a_group_has_no_others_of_its_payee() -> None:
    random = np.random.default_rng(7)
    regulars = [(f"r{n % 3}", "m", at_an_hour(random, int(random.integers(30)))) for n in range(40)]
    found = linked(fan_in_pairs(table(one_meets_another(random) + regulars)))
    assert found
    assert {name for pair in found for name in pair} <= {*"abcdefm"}


def test_three_occasions_are_too_few() -> None:
    payments = [(who, "m", START + day * DAY + 1) for day in (0, 7, 22) for who in "abcdefghijkl"]
    assert fan_in_pairs(table(payments)).num_rows == 0
    assert fan_in_pairs(table([])).equals(PAIRS.empty_table())


def test_among_many_accounts_it_is_the_same() -> None:
    payments = ring(np.random.default_rng(5), "zyxwvu", 16)
    many = [(f"a{n}", f"b{n}", START) for n in range(60_000)]
    found = fan_in_pairs(table(payments))
    assert found.num_rows == 15
    assert fan_in_pairs(table(payments + many)).equals(found)


def test_among_millions_of_payees_nobody_else_is_linked() -> None:
    """Two payees so far apart that their places overlapped in 64 bits."""
    at = np.array([START, START + HOUR // 2] * 2)
    payee = np.array([0, 0, (1 << 20) + 5, (1 << 20) + 5])
    visits = Visits(at, np.arange(4), payee, np.arange(4))
    members = Members(visits, np.arange(4), [], np.zeros(4))
    assert member_pairs(members, SCALE, 4)["pair"].to_pylist() == [0 * 4 + 1, 2 * 4 + 3]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_order_and_strangers_change_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    payments = friends(random, 60, 600, 30) + ring(random, "ABCDEF", 14)
    strangers = [(f"x{a}", f"x{b}", at) for a, b, at in payments]
    shuffled = [payments[n] for n in random.permutation(len(payments))] + payments[:9]
    itself = [("A", "A", START), ("f1", "f1", START)]
    found = fan_in_pairs(table(payments))
    again = fan_in_pairs(table(shuffled + strangers + itself))
    assert again.slice(0, found.num_rows).equals(found)
    assert again.num_rows == 2 * found.num_rows
