from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.co_action_scales import Scale
from detection.coordination import PAIRS, affected, binomial_tail, pairs, shared_objects
from graph.errors import InputError
from tests.unit.coordinated import (
    DAY,
    HOUR,
    MINUTE,
    START,
    Action,
    colluders,
    fans,
    linked,
    reviewers,
    shoppers,
    table,
)

SHARES = Path(__file__).parents[1] / "data/coortweet/shares.parquet"
#: lets a handful of actions link, so that everything about a pair is in play
EASY = (
    Scale(10, 100, 20, factor=2, crowd=3, around=3),
    Scale(30, 300, 30, factor=1, crowd=4, around=2, lasting=0.25, supporters=1),
)


def together(accounts: list[str], objects: int, gap: int = 5000, step: int = DAY) -> list[Action]:
    """All act on each object, one after the other."""
    return [
        (
            account,
            f"{accounts[0]}'s object {number}",
            START + number * step + 7 * HOUR + n * gap + 1,
        )
        for number in range(objects)
        for n, account in enumerate(accounts)
    ]


def test_what_coortweet_finds_in_tweets() -> None:
    shares = pq.read_table(SHARES)
    at = pc.multiply(shares["timestamp"], 1000)
    actions = pa.table(
        [shares["account_id"], shares["object_id"], at], ["account_id", "object", "at"]
    )
    found = shared_objects(actions, 60_000)
    assert found.num_rows == 6206
    assert pc.sum(pc.greater_equal(found["coincidences"], 2)).as_py() == 63
    assert pc.sum(pc.greater_equal(found["coincidences"], 3)).as_py() == 11
    assert pc.sum(pc.greater_equal(found["objects"], 2)).as_py() == 32
    often = found.filter(pc.greater_equal(found["coincidences"], 2))
    assert len({*often["source"].to_pylist(), *often["target"].to_pylist()}) == 97
    # viral tweets: nothing of it is more than chance
    assert pairs(actions).num_rows == 0


def test_a_pair_says_how_it_was_found() -> None:
    found = pairs(table(together(["b", "a"], 5)))
    assert found.schema == PAIRS
    (row,) = found.to_pylist()
    assert row["p_value"] == pytest.approx(3 * (6 / 720) ** 5)
    assert {k: v for k, v in row.items() if k != "p_value"} == {
        "source": "a",
        "target": "b",
        "window_ms": MINUTE,
        "objects": 5,
        "coincidences": 5,
        "trials": 5,
        "first_at": START + 7 * HOUR + 1,
        "last_at": START + 4 * DAY + 7 * HOUR + 5001,
    }


@pytest.mark.parametrize(
    ("actions", "reason"),
    [
        (together(["a", "b"], 3), "three objects are few"),
        (together(["a", "b"], 20, step=10_000), "all on one occasion"),
        (together(["a", "b"], 9, gap=HOUR * 2), "hours apart"),
        (together([f"{n:03}" for n in range(80)], 9, gap=100), "a crowd"),
        ([(a, "o", at) for _, _, at in together(["a"], 30) for a in "ab"], "one object"),
        ([(a, o, START + n * DAY) for n, o in enumerate("pqrstu") for a in "ab"], "dates only"),
        ([(a, o, at + k * HOUR) for k in range(9) for a, o, at in together(["a", "b"], 4, 0)], ""),
    ],
)
def test_what_is_not_enough(actions: list[Action], reason: str) -> None:
    assert pairs(table(actions)).num_rows == 0, reason


def test_nothing_comes_of_nothing() -> None:
    assert pairs(table([])).equals(PAIRS.empty_table())
    assert pairs(table([]), ["a"]).num_rows == 0
    assert shared_objects(table([]), 60_000).num_rows == 0
    assert affected(table([]), ["a"]) == ["a"]


def test_nulls_and_repeats_change_nothing() -> None:
    actions = table(together(["a", "b"], 6))
    nothing = pa.table({"account_id": [None, "a"], "object": ["o", None], "at": [1, 2]})
    more = pa.concat_tables([actions, actions, nothing.cast(actions.schema)])
    assert pairs(more).equals(pairs(actions))


def test_a_crowd_hides_nobody_who_is_elsewhere() -> None:
    crowd = [(f"c{n}", "a's object 0", START + 7 * HOUR + n) for n in range(80)]
    alone = pairs(table(together(["a", "b"], 8)))
    found = pairs(table(together(["a", "b"], 8) + crowd))
    assert (alone["objects"].to_pylist(), found["objects"].to_pylist()) == ([8], [7])


def test_times_beyond_reason_are_refused() -> None:
    far = [("a", f"o{n}", at) for n in range(3) for at in (0, 1 << 62)]
    with pytest.raises(InputError, match="shorter stretch"):
        pairs(table(far))


def test_colluding_reviewers_are_found_among_ordinary_ones() -> None:
    random = np.random.default_rng(1)
    sizes = random.integers(5, 16, 15).tolist()
    actions = reviewers(random)
    for group, size in enumerate(sizes):
        actions += colluders(random, group, size, items=4 + group % 5)
    found = linked(pairs(table(actions)))
    inside = {pair for pair in found if pair[0].rsplit("-", 1)[0] == pair[1].rsplit("-", 1)[0]}
    inside = {pair for pair in inside if pair[0].startswith("colluder")}
    assert found == inside
    possible = sum(size * (size - 1) // 2 for size in sizes)
    assert len(inside) > 0.75 * possible


@pytest.mark.parametrize(
    ("count", "minutes", "share"),
    [(20, 20, 0.4), (100, 5, 0.3), (300, 20, 0.3), (300, 3, 0.3), (50, 1440, 0.5)],
)
def test_fans_of_one_account_are_no_ring(count: int, minutes: float, share: float) -> None:
    random = np.random.default_rng(2)
    assert pairs(table(fans(random, count, 60, minutes, share))).num_rows == 0


def test_fans_who_answer_everything_at_once_look_like_a_ring() -> None:
    found = pairs(table(fans(np.random.default_rng(2), 20, 60, 0.3, 0.8)))
    assert found.num_rows > 0


@pytest.mark.parametrize(("count", "merchants"), [(300, 10), (1000, 200), (300, 300)])
def test_a_town_at_its_merchants_is_no_ring(count: int, merchants: int) -> None:
    assert pairs(table(shoppers(np.random.default_rng(3), count, merchants))).num_rows == 0


def test_counting_first_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(4)
    actions = table(shoppers(random, 500, 60) + together(["a", "b"], 8))
    whole = pairs(actions, alpha=1e-3)
    monkeypatch.setattr("detection.co_actions._IN_MEMORY", 10)
    monkeypatch.setattr("detection.co_actions._AT_ONCE", 1000)
    assert pairs(actions, alpha=1e-3).equals(whole)
    assert ("a", "b") in linked(whole)


def test_the_tail_of_a_binomial() -> None:
    found = binomial_tail(np.array([2, 1, 3]), np.array([3, 1, 3]), np.array([1.0, 0.5, 3.0]))
    # 7 / 27, and nothing where less than one more than expected is seen
    assert found.tolist() == pytest.approx([7 / 27, 1.0, 1.0])


_ACTIONS = st.lists(
    st.tuples(st.sampled_from("abcdefg"), st.sampled_from("opqrstu"), st.integers(1, 900)),
    max_size=60,
)
#: the same accounts at the same time again and again, or nothing would ever be linked
_JOINT = st.lists(
    st.tuples(
        st.sets(st.sampled_from("abcdefg"), min_size=2),
        st.sampled_from("opqrstu"),
        st.integers(1, 900),
    ),
    max_size=25,
)


def _all(single: list[Action], joint: list[tuple[set[str], str, int]]) -> list[Action]:
    return single + [(a, o, at) for accounts, o, at in joint for a in sorted(accounts)]


def _easy(actions: list[Action], accounts: list[str] | None = None) -> list[dict[str, object]]:
    found = pairs(table(actions), accounts, scales=EASY, alpha=0.05, weak=0.3)
    rows: list[dict[str, object]] = found.to_pylist()
    return rows


def _crews(random: np.random.Generator) -> list[Action]:
    """Three crews of three that act on seven objects, and whatever else they do."""
    until = int(random.choice([900, 3000]))
    made = [_anything(random, "abcdefghij", until) for _ in range(20)]
    for _ in range(int(random.integers(4, 14))):
        crew, (_, item, at) = int(random.integers(3)), _anything(random, "a", until)
        made += [(a, item, at + int(random.integers(8))) for a in "abcdefghi"[3 * crew :][:3]]
    return made


def _anything(random: np.random.Generator, accounts: str, until: int) -> Action:
    account, item = random.choice(list(accounts)), random.choice(list("opqrstu"))
    return str(account), str(item), int(random.integers(1, until))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_only_affected_pairs_change(seed: int) -> None:
    random = np.random.default_rng(seed)
    old = _crews(random)
    new = [_anything(random, "ijz", 3000) for _ in range(int(random.integers(1, 4)))]
    accounts = sorted({account for account, _, _ in new})
    touched = set(affected(table(old + new), accounts, scales=EASY))
    kept = [row for row in _easy(old) if not {row["source"], row["target"]} & touched]
    again = _easy(old + new, accounts)
    assert all({row["source"], row["target"]} & touched for row in again)
    merged = sorted(kept + again, key=lambda row: (str(row["source"]), str(row["target"])))
    assert merged == _easy(old + new)


@settings(max_examples=100, deadline=None)
@given(_ACTIONS, _JOINT, st.randoms(use_true_random=False))
def test_order_and_strangers_change_nothing(
    single: list[Action], joint: list[tuple[set[str], str, int]], random: object
) -> None:
    actions = _all(single, joint)
    shuffled = list(actions)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    strangers = [(f"stranger {a}", f"other {o}", at) for a, o, at in actions]
    names = set("abcdefg")
    found = [row for row in _easy(shuffled + strangers) if row["source"] in names]
    assert found == _easy(actions)


@settings(max_examples=100, deadline=None)
@given(_ACTIONS, _JOINT)
def test_shared_objects_are_those_of_a_double_loop(
    single: list[Action], joint: list[tuple[set[str], str, int]]
) -> None:
    actions = set(_all(single, joint))
    expected: dict[tuple[str, str], list[str]] = {}
    for a, o, at in sorted(actions):
        for b, p, then in sorted(actions):
            if a < b and o == p and abs(at - then) <= 10:
                expected.setdefault((a, b), []).append(o)
    found = shared_objects(table(sorted(actions)), 10).to_pylist()
    assert found == [
        {"source": a, "target": b, "objects": len(set(objects)), "coincidences": len(objects)}
        for (a, b), objects in sorted(expected.items())
    ]
