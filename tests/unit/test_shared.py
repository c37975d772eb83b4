import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.shared import Shared, TieKind, share
from graph.deny_list import DenyList
from tests.sharing import (
    HOUR,
    shuffled_ties,
    shuffled_uses,
    tie,
    tie_rows,
    ties_of,
    use,
    use_rows,
    uses_of,
    without,
)


def is_same(one: Shared, other: Shared) -> bool:
    arrays = ("starts", "account", "first_seen", "last_seen")
    ties = ("source", "target", "kind", "last_seen")
    return (
        (one.account_ids, one.keys, one.kinds) == (other.account_ids, other.keys, other.kinds)
        and all(np.array_equal(getattr(one, a), getattr(other, a)) for a in arrays)
        and all(np.array_equal(getattr(one.ties, a), getattr(other.ties, a)) for a in ties)
    )


@settings(deadline=None)
@given(use_rows(), tie_rows())
def test_the_arrays_hold_what_the_rows_say(uses, ties):
    shared = share(uses, ties)
    names = {a for row in uses for a in row[2]} | {row[1] for row in ties}
    assert shared.account_ids == sorted(names | {row[2][0] for row in ties})
    assert shared.keys == sorted(row[0] for row in uses)
    assert shared.kinds == [key.partition(":")[0] for key in shared.keys]
    assert uses_of(shared) == {
        row[0]: {a: (f, at) for a, f, at in zip(*row[2:], strict=True)} for row in uses
    }
    latest: dict[tuple[str, str, TieKind], int] = {}
    for kind, source, (target,), (at,) in ties:
        if source != target:
            tied = source, target, TieKind[kind]
            latest[tied] = max(latest.get(tied, at), at)
    assert ties_of(shared) == [(*tied, at) for tied, at in sorted(latest.items())]


@settings(deadline=None)
@given(use_rows(), tie_rows())
def test_uses_are_sorted_by_identifier_and_account(uses, ties):
    shared = share(uses, ties)
    rows = list(zip(shared.identifier.tolist(), shared.account.tolist(), strict=True))
    assert rows == sorted(set(rows))
    assert (
        shared.starts.tolist()
        == np.searchsorted(shared.identifier, np.arange(len(shared.keys) + 1)).tolist()
    )


@settings(deadline=None)
@given(use_rows(), tie_rows(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_accounts_makes_no_difference(uses, ties, chance):
    other = share(shuffled_uses(uses, chance), shuffled_ties(ties, chance))
    assert is_same(share(uses, ties), other)


@settings(deadline=None)
@given(
    use_rows(),
    tie_rows(),
    st.frozensets(st.sampled_from("abcdefghx")),
    st.frozensets(st.integers(0, 9)),
)
def test_what_is_denied_was_never_used(uses, ties, account_ids, numbers):
    denied = DenyList(frozenset(row[0] for n, row in enumerate(uses) if n in numbers), account_ids)
    shared = share(uses, ties, denied)
    expected = share(*without(uses, ties, denied))
    assert uses_of(shared) == uses_of(expected)
    assert ties_of(shared) == ties_of(expected)
    assert denied.keys.isdisjoint(shared.keys)


def test_of_several_currencies_the_latest_transfer_counts():
    row = ["TRANSFERRED", "b", ["a", "c", "a", "a"], [3, 1, 5, 4]]
    assert ties_of(share([], [row])) == [
        ("b", "a", TieKind.TRANSFERRED, 5),
        ("b", "c", TieKind.TRANSFERRED, 1),
    ]


def test_other_kinds_and_the_way_back_are_ties_of_their_own():
    rows = [tie("TRANSFERRED", "a", "b", 1), tie("TRANSFERRED", "b", "a", 2)]
    rows += [tie("COACTED", "a", "b", 3), tie("REFERRED", "a", "b", 4)]
    assert ties_of(share([], rows)) == [
        ("a", "b", TieKind.TRANSFERRED, 1),
        ("a", "b", TieKind.REFERRED, 4),
        ("a", "b", TieKind.COACTED, 3),
        ("b", "a", TieKind.TRANSFERRED, 2),
    ]


def test_an_identifier_that_only_denied_accounts_used_has_no_uses():
    rows = [use("device:1", "ab"), use("device:2", "xy"), use("device:3", "bc")]
    shared = share(rows, denied=DenyList(account_ids=frozenset("xy")))
    assert shared.keys == ["device:1", "device:2", "device:3"]
    assert shared.starts.tolist() == [0, 2, 2, 4]


def test_an_id_is_denied_as_it_is_spelt():
    # numpy's own strings end before a null
    shared = share([use("device:1", ["b", "b\0"])], denied=DenyList(account_ids=frozenset(["b\0"])))
    assert uses_of(shared) == {"device:1": {"b": (HOUR, HOUR)}}


def test_many_uses_and_ties_of_any_spelling_are_found_again():
    chance = random.Random(2)
    names = [f"{chance.choice('aÄzß😀�')}-{n}" for n in range(2_000)]
    uses = [use(f"ip:{n:05}", chance.sample(names, chance.randint(1, 9))) for n in range(3_000)]
    shared = share(shuffled_uses(uses, chance))
    assert shared.account_ids == sorted(shared.account_ids)
    assert {key: set(found) for key, found in uses_of(shared).items()} == {
        row[0]: set(row[2]) for row in uses
    }


def test_nothing_gives_empty_arrays():
    shared = share([])
    assert (shared.account_ids, shared.keys, shared.starts.tolist()) == ([], [], [0])
    assert shared.account.size == shared.identifier.size == shared.ties.source.size == 0
