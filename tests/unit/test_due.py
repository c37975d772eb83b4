import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.due import changed_due, due_times
from detection.projection import HORIZON_MS, Projection, project
from detection.shared import Shared, TieRow, UseRow, share
from graph.times import DAY_MS, HOUR_MS, age_class
from tests.sharing import HOUR, NOW, edges, tie, tie_rows, use, use_rows


def parts(projection: Projection) -> list[set[str]]:
    return list(nx.connected_components(nx.Graph(list(edges(projection)))))


def links_of(shared: Shared, now: int, accounts: set[str]) -> dict[tuple[str, str], int]:
    """All links that reach one of the accounts."""
    return {pair: w for pair, w in edges(project(shared, now)).items() if accounts & {*pair}}


def times_of(accounts: set[str], uses: list[UseRow], ties: list[TieRow]) -> list[int]:
    """When the accounts last used what two of them use, or had last to do with somebody."""
    common = [row for row in uses if len(accounts & {*row[2]}) >= 2]
    rows = [(a, at) for row in common for a, at in zip(row[2], row[4], strict=True)]
    latest: dict[tuple[str, str, str], int] = {}
    for kind, one, (other,), (at,) in ties:
        if one != other:
            latest[kind, one, other] = max(at, latest.get((kind, one, other), at))
    tied = [(a, at) for (_, *both), at in latest.items() for a in both]
    return [at for account_id, at in rows + tied if account_id in accounts]


@settings(deadline=None)
@given(use_rows(), tie_rows(), st.integers(0, 500), st.floats(0, 1))
def test_until_accounts_are_due_their_links_stay_as_they_are(uses, ties, day, part):
    now, shared = NOW + day * DAY_MS, share(uses, ties)
    projection = project(shared, now)
    due = due_times(projection, now)
    for accounts in parts(projection):
        ((at, first),) = {due[account_id] for account_id in accounts}
        assert first == min(accounts)
        present = links_of(shared, now, accounts)
        for moment in (at - 1, now + int((at - 1 - now) * part)):
            assert links_of(shared, moment, accounts) == present


@settings(deadline=None)
@given(use_rows(), tie_rows(), st.integers(0, 500))
def test_they_are_due_when_the_first_comes_into_its_next_age_class(uses, ties, day):
    now = NOW + day * DAY_MS
    projection = project(share(uses, ties), now)
    due = due_times(projection, now)
    assert due.keys() == {account_id for pair in edges(projection) for account_id in pair}
    for accounts in parts(projection):
        times = times_of(accounts, uses, ties)
        ((at, first),) = {due[account_id] for account_id in accounts}
        assert first == min(accounts)
        assert at > now
        assert at % HOUR_MS == 0
        present = [age_class(now // HOUR_MS * HOUR_MS - time) for time in times]
        assert [age_class(at - HOUR_MS - time) for time in times] == present
        assert [age_class(at - time) for time in times] != present


def test_who_is_linked_to_nobody_is_never_due():
    apart = [use("device:2", "cd"), use("email:3", "e")]
    shared = share(apart, [tie("TRANSFERRED", "a", "b"), tie("TRANSFERRED", "b", "c")])
    assert due_times(project(shared, NOW), NOW).keys() == {"c", "d"}
    later = HOUR + HORIZON_MS + HOUR_MS
    assert due_times(project(shared, later), later) == {}
    assert due_times(project(share([]), NOW), NOW) == {}


def test_all_of_a_component_are_due_with_its_oldest_use():
    uses = [use("device:1", "ab"), use("email:2", "bc", HOUR - 6 * DAY_MS, HOUR - 6 * DAY_MS)]
    others = use("phone:3", "xy")
    due = due_times(project(share([*uses, others]), NOW), NOW)
    assert [(due[a][0] - HOUR) // HOUR_MS for a in "abcxy"] == [25, 25, 25, 169, 169]
    assert [due[a][1] for a in "abcxy"] == [*"aaaxx"]


def test_what_others_use_elsewhere_makes_nobody_due():
    times = [HOUR - 6 * DAY_MS, HOUR - 5 * DAY_MS]
    uses = [use("device:1", "ab"), ["ip:2", "ip", ["a", "x"], times, times]]
    due = due_times(project(share(uses), NOW), NOW)
    assert due == due_times(project(share(uses[:1]), NOW), NOW)
    assert due.keys() == {"a", "b"}


def test_ties_to_others_make_an_account_due_too():
    ties = [tie("TRANSFERRED", "a", "elsewhere", HOUR - 6 * DAY_MS)]
    due = due_times(project(share([use("device:1", "ab")], ties), NOW), NOW)
    assert due == dict.fromkeys("ab", (HOUR + DAY_MS + HOUR_MS, "a"))


def test_walking_from_due_time_to_due_time_sees_every_change():
    ages = (0, 5, 20, 60, 200)
    uses = [use(f"device:{n}", "ab", HOUR, HOUR - age * DAY_MS) for n, age in enumerate(ages)]
    shared = share(uses)
    now, seen = HOUR, []
    while due := due_times(project(shared, now), now):
        seen.append(edges(project(shared, now)))
        assert set(due) == {"a", "b"}
        now = due["a"][0]
    hours = range(HOUR, HOUR + HORIZON_MS + 2 * HOUR_MS, HOUR_MS)
    states = [edges(project(shared, hour)) for hour in hours]
    changes = [state for n, state in enumerate(states) if not n or state != states[n - 1]]
    assert [*seen, {}] == changes
    assert now == HOUR + HORIZON_MS + HOUR_MS


def test_only_what_the_graph_has_otherwise_is_written():
    ties = [tie("TRANSFERRED", "x", "y"), tie("TRANSFERRED", "y", "z")]
    shared = share([use("device:1", "abcd")], ties)
    projection = project(shared, NOW)
    at, _ = due_times(projection, NOW)["a"]
    never = (None, None)
    stored = {"a": (at, "a"), "b": never, "c": (at - 1, "a"), "d": (at, "c")}
    stored |= {"x": (at, "x"), "y": never, "unknown": (5, "unknown")}
    rows = [[account_id, *known] for account_id, known in stored.items()]
    assert changed_due(projection, rows, NOW) == [
        ["b", at, "a"],
        ["c", at, "a"],
        ["d", at, "a"],
        ["x", None, None],
        ["unknown", None, None],
    ]
