import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.coordination import PAIRS, pairs
from detection.crews import crew_pairs
from tests.unit.coordinated import (
    DAY,
    HOUR,
    START,
    Action,
    fans,
    linked,
    reviewers,
    shoppers,
    table,
)


def seldom_reviewed(random: np.random.Generator, group: int, size: int, items: int) -> list[Action]:
    """Four in five of a group review each of some items that hardly anybody else reviews.

    Within a day and a half; each reviews a few other things too.
    """
    made = []
    for item in range(items):
        day = int(random.integers(150))
        for member in np.flatnonzero(random.random(size) < 0.8).tolist():
            at = START + day * DAY + int(random.integers(36 * HOUR))
            made.append((f"crew-{group}-{member}", f"rare-{group}-{item}", at))
        made.append((f"reviewer-{random.integers(5000)}", f"rare-{group}-{item}", START))
    for member in range(size):
        for item in random.integers(2000, size=3).tolist():
            at = START + int(random.integers(150 * DAY))
            made.append((f"crew-{group}-{member}", f"item-{item}", at))
    return made


def test_crews_are_found_at_items_that_nobody_else_reviews() -> None:
    random = np.random.default_rng(1)
    sizes = random.integers(6, 16, 12).tolist()
    actions = reviewers(random)
    for group, size in enumerate(sizes):
        actions += seldom_reviewed(random, group, size, 6 + group % 5)
    assert pairs(table(actions)).num_rows == 0
    found = linked(crew_pairs(table(actions)))
    groups = [(one.rsplit("-", 1)[0], other.rsplit("-", 1)[0]) for one, other in found]
    assert all(one == other and one.startswith("crew") for one, other in groups)
    assert len({name for pair in found for name in pair}) > 0.9 * sum(sizes)


@pytest.mark.parametrize(
    ("count", "minutes", "share"),
    [(20, 20, 0.4), (100, 5, 0.3), (300, 20, 0.3), (300, 3, 0.3), (50, 1440, 0.5), (30, 60, 0.5)],
)
def test_an_audience_is_no_crew(count: int, minutes: float, share: float) -> None:
    random = np.random.default_rng(2)
    actions = reviewers(random) + fans(random, count, 60, minutes, share)
    assert crew_pairs(table(actions)).num_rows == 0


def test_an_audience_of_which_most_come_each_time_looks_like_a_crew() -> None:
    random = np.random.default_rng(2)
    actions = reviewers(random) + fans(random, 20, 60, 1, 0.8)
    assert crew_pairs(table(actions)).num_rows > 0


@pytest.mark.parametrize(("count", "merchants"), [(300, 10), (1000, 200), (300, 300)])
def test_a_town_at_its_merchants_is_no_crew(count: int, merchants: int) -> None:
    assert crew_pairs(table(shoppers(np.random.default_rng(3), count, merchants))).num_rows == 0


def test_what_everybody_chooses_is_no_choice() -> None:
    """Nine who do nothing but the same six things, and nobody else."""
    made = [(f"a{n}", f"o{day}", START + day * DAY + n) for day in range(6) for n in range(9)]
    assert crew_pairs(table(made)).num_rows == 0
    assert crew_pairs(table([])).equals(PAIRS.empty_table())


def test_a_list_gone_through_in_one_sitting_is_one_occasion() -> None:
    random = np.random.default_rng(4)
    made = [(f"a{n}", f"rare-{item}", START + n + item) for item in range(9) for n in range(9)]
    assert crew_pairs(table(reviewers(random) + made)).num_rows == 0
    apart = [(who, item, at + int(item[5:]) * 5 * DAY) for who, item, at in made]
    assert crew_pairs(table(reviewers(random) + apart)).num_rows == 36


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_order_and_repeats_change_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    actions = reviewers(random, 500) + seldom_reviewed(random, 0, 8, 8)
    shuffled = [actions[n] for n in random.permutation(len(actions))]
    found = crew_pairs(table(actions))
    assert found.num_rows > 0
    assert crew_pairs(table(shuffled + actions[:50])).equals(found)
