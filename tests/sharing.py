"""What accounts share, as rows: for the tests of what links them."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from detection.projection import HANDOVER_MS, TOGETHER_MS, Projection
from detection.shared import Shared, TieKind, TieRow, UseRow, share
from graph.deny_list import DenyList
from graph.kinds import identifier_kinds
from graph.times import AGE_CLASS_DAYS, DAY_MS, HOUR_MS

KINDS = sorted(identifier_kinds())
#: a full hour; ages at NOW are measured from it
HOUR = 20_000 * DAY_MS
NOW = HOUR + 25 * 60_000

#: instants around which a use or a tie comes into another age class, or into another hour
_AGES = sorted(
    {
        days * DAY_MS + more
        for days in (0, *AGE_CLASS_DAYS)
        for more in (-HOUR_MS, -1, 0, 1, TOGETHER_MS, TOGETHER_MS + 1, HANDOVER_MS, HANDOVER_MS + 1)
    }
)
moments = st.sampled_from([HOUR - age for age in _AGES])


def use(key: str, accounts: Sequence[str], first: int = HOUR, last: int = HOUR) -> UseRow:
    """An identifier that some accounts used at the same time; the key names its kind."""
    kind, count = key.partition(":")[0], len(accounts)
    return [key, kind, list(accounts), [first] * count, [last] * count]


def tie(kind: str, source: str, target: str, last_seen: int = HOUR) -> TieRow:
    """What ties one account to another."""
    return [kind, source, [target], [last_seen]]


@st.composite
def use_rows(draw: st.DrawFn, accounts: str = "abcdefgh", max_size: int = 10) -> list[UseRow]:
    """Identifiers of all kinds, with uses of all ages and of all distances in time."""
    rows = []
    users = st.lists(st.sampled_from(accounts), min_size=1, max_size=6, unique=True)
    for number, kind in enumerate(draw(st.lists(st.sampled_from(KINDS), max_size=max_size))):
        names = draw(users)
        pairs = [sorted((draw(moments), draw(moments))) for _ in names]
        first, last = ([pair[n] for pair in pairs] for n in (0, 1))
        rows.append([f"{kind}:{number}", kind, names, first, last])
    return rows


def tie_rows(accounts: str = "abcdefgh", max_size: int = 14) -> st.SearchStrategy[list[TieRow]]:
    """Ties of all kinds and ages, several between the same two and to oneself too."""
    one = st.sampled_from(accounts)
    kinds = st.sampled_from(
        [TieKind.TRANSFERRED, TieKind.TRANSFERRED, TieKind.REFERRED, TieKind.COACTED]
    )
    return st.lists(
        st.builds(lambda k, s, t, at: tie(k.name, s, t, at), kinds, one, one, moments),
        max_size=max_size,
    )


def shuffled_uses(rows: list[UseRow], chance: Any) -> list[UseRow]:
    """The same uses, in another order of identifiers and of accounts."""
    shuffled = []
    for key, kind, *columns in rows:
        uses = list(zip(*columns, strict=True))
        chance.shuffle(uses)
        shuffled.append([key, kind, *(list(column) for column in zip(*uses, strict=True))])
    chance.shuffle(shuffled)
    return shuffled


def shuffled_ties(rows: list[TieRow], chance: Any) -> list[TieRow]:
    """The same ties in another order, some of an account in one row and some not."""
    shuffled: list[TieRow] = []
    for kind, source, others, last_seen in chance.sample(rows, len(rows)):
        before = shuffled[-1] if shuffled else None
        if before and before[:2] == [kind, source]:
            before[2].extend(others)
            before[3].extend(last_seen)
        else:
            shuffled.append([kind, source, list(others), list(last_seen)])
    return shuffled


def without(
    uses: list[UseRow], ties: list[TieRow], denied: DenyList
) -> tuple[list[UseRow], list[TieRow]]:
    """The rows that there would be if nobody had used what is denied."""
    left = []
    for key, kind, *columns in uses:
        rest = [row for row in zip(*columns, strict=True) if row[0] not in denied.account_ids]
        if key not in denied.keys and rest:
            left.append([key, kind, *(list(column) for column in zip(*rest, strict=True))])
    return left, [
        tie(kind, source, other, at)
        for kind, source, others, last_seen in ties
        for other, at in zip(others, last_seen, strict=True)
        if denied.account_ids.isdisjoint((source, other))
    ]


def uses_of(shared: Shared) -> dict[str, dict[str, tuple[int, int]]]:
    """Key to account to when it first and last used it, of what anybody used."""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    columns = (shared.identifier, shared.account, shared.first_seen, shared.last_seen)
    for number, account, first, last in zip(*(c.tolist() for c in columns), strict=True):
        found.setdefault(shared.keys[number], {})[shared.account_ids[account]] = first, last
    return found


def ties_of(shared: Shared) -> list[tuple[str, str, TieKind, int]]:
    """[source, target, kind, last seen] as they come."""
    ties, ids = shared.ties, shared.account_ids
    columns = (ties.source, ties.target, ties.kind, ties.last_seen)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [(ids[s], ids[t], TieKind(kind), at) for s, t, kind, at in rows]


def edges(projection: Projection) -> dict[tuple[str, str], int]:
    """Weight of each linked pair."""
    ids = projection.account_ids
    columns = (projection.source, projection.target, projection.weight)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return {(ids[s], ids[t]): weight for s, t, weight in rows}


def shared_by(*groups: Sequence[str], kind: str = "device") -> Shared:
    """One identifier for each group of accounts."""
    return share([use(f"{kind}:{n}", group) for n, group in enumerate(groups)])
