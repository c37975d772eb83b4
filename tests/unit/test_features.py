from typing import Any, cast

import numpy as np
from hypothesis import given, settings

from detection.features import FEATURES, read_features
from detection.shared import Shared, share
from graph.deny_list import DenyList
from graph.kinds import Role, identifier_kinds
from graph.store import GraphStore
from tests.sharing import shared_by, use, use_rows


class Answers:
    """A store that knows what some accounts did."""

    def __init__(self, rows: list[list[Any]]) -> None:
        self._rows = {row[0]: row for row in rows}

    def read_about(self, query: str, account_ids: list[str]) -> list[list[Any]]:
        assert query == "detection/account_features"
        return [self._rows[a] for a in reversed(account_ids) if a in self._rows]


def did(account_id: str, *done: float | None) -> list[Any]:
    """A row of the statement; what is left out is 0."""
    count = len(FEATURES) - 2
    return [account_id, None, None, None, None, *done, *[0] * (count - len(done))]


def features_of(shared: Shared, rows: list[list[Any]]) -> dict[str, dict[str, float]]:
    store = cast(GraphStore, Answers(rows))
    features = read_features(store, [row[0] for row in rows], shared)
    assert features.account_ids == sorted(row[0] for row in rows)
    return {
        account_id: dict(zip(FEATURES, np.expm1(values).round(6).tolist(), strict=True))
        for account_id, values in zip(features.account_ids, features.values, strict=True)
    }


@settings(deadline=None)
@given(use_rows())
def test_what_is_shared_is_counted_by_account(uses):
    found = features_of(share(uses), [did(account_id) for account_id in "hgfedcbax"])
    for account_id in "abcdefghx":
        widths = [
            len(row[2])
            for row in uses
            if account_id in row[2]
            and len(row[2]) >= 2
            and identifier_kinds()[row[1]].role is Role.CONNECTS
        ]
        assert found[account_id]["shared_identifiers"] == len(widths)
        assert found[account_id]["widest_sharing"] == max(widths, default=0)


def test_what_is_denied_is_not_shared():
    rows = [use("device:1", "abx"), use("email:2", "ax"), use("phone:3", "ab")]
    denied = DenyList(frozenset({"phone:3"}), frozenset("x"))
    found = features_of(share(rows, denied=denied), [did(account_id) for account_id in "abx"])
    assert [found[a]["shared_identifiers"] for a in "abx"] == [1, 1, 0]
    assert [found[a]["widest_sharing"] for a in "abx"] == [2, 2, 0]


def test_each_number_is_in_the_column_of_its_name():
    done = list(range(10, 10 + len(FEATURES) - 2))
    found = features_of(shared_by("ab", "abc"), [did("a", *done)])
    assert list(found["a"].values()) == [*done, 2, 3]


def test_a_number_that_is_missing_is_nothing():
    assert features_of(shared_by("ab"), [did("a", None)])["a"]["event_count"] == 0


def test_what_the_graph_has_comes_with_its_account():
    rows = [did("b"), did("a")]
    rows[0][1:5] = [7, ["many payees"], 1234, "a"]
    store = cast(GraphStore, Answers(rows))
    features = read_features(store, ["a", "b", "gone"], shared_by("ab"))
    assert features.account_ids == ["a", "b"]
    assert features.stored == [(None, None), (7, ["many payees"])]
    assert features.due == [(None, None), (1234, "a")]


def test_without_accounts_there_are_no_rows():
    features = read_features(cast(GraphStore, Answers([])), [], share([]))
    assert features.values.shape == (0, len(FEATURES))
    assert (features.account_ids, features.stored, features.due) == ([], [], [])
