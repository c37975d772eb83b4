"""Rows of foreign tables into events."""

from datetime import date, datetime
from pathlib import Path

import pytest

from graph.errors import InputError
from ingest.mapping import Mapping, Table
from ingest.rows import map_rows


def read_all(function, *arguments) -> None:
    """Call and read what it gives to the end."""
    result = function(*arguments)
    list(result[0] if isinstance(result, tuple) else result)


def one_line(function, *arguments) -> str:
    """The message of the InputError that a call raises."""
    with pytest.raises(InputError) as caught:
        read_all(function, *arguments)
    message = str(caught.value)
    assert message
    assert "\n" not in message
    return message


def table(**fields) -> Mapping:
    columns = fields.pop("columns", {"account_id": "a", "occurred_at": "t"})
    untimed_at = fields.pop("untimed_at", None)
    named = {"file": "rows*", "event_id": "{a}", "columns": columns} | fields
    return Mapping(tables=[Table(**named)], untimed_at=untimed_at)


def mapped(mapping: Mapping, *rows: dict) -> list[dict]:
    return [one.event for one in map_rows(mapping, [(Path("rows.csv"), iter(rows))])]


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("ms", "1672531200001", 1_672_531_200_001),
        ("s", "1672531200", 1_672_531_200_000),
        ("s", 1672531200.001, 1_672_531_200_001),
        ("rfc3339", "2023-01-01T00:00:00.001Z", 1_672_531_200_001),
        ("rfc3339", "2023-01-01T01:00:00+01:00", 1_672_531_200_000),
        ("rfc3339", "2023-01-01 00:00:00", 1_672_531_200_000),
        ("rfc3339", datetime(2023, 1, 1), 1_672_531_200_000),  # noqa: DTZ001
        ("date", date(2023, 1, 1), 1_672_531_200_000),
        ("%d.%m.%Y", "01.01.2023", 1_672_531_200_000),
    ],
)
def test_times_are_read_as_the_mapping_says(pattern, value, expected):
    (event,) = mapped(table(time_format=pattern), {"a": "x", "t": value})
    assert event["occurred_at"] == expected


def test_every_millisecond_of_a_second_is_exact():
    rows = [{"a": str(n), "t": f"2023-06-01T12:00:00.{n:03}Z"} for n in range(1000)]
    start = 1_685_620_800_000
    times = [event["occurred_at"] for event in mapped(table(), *rows)]
    assert times == list(range(start, start + 1000))


@pytest.mark.parametrize(
    ("fields", "row"),
    [
        ({}, {"a": "x"}),
        ({}, {"a": "x", "t": "yesterday"}),
        ({}, {"a": "", "t": "2023-01-01"}),
        ({}, {"a": None, "t": "2023-01-01"}),
        ({"columns": {"device_id": "a", "occurred_at": "t"}}, {"a": "x", "t": "2023-01-01"}),
        ({"time_format": "s"}, {"a": "x", "t": "1e400"}),
        ({"time_format": "s"}, {"a": "x", "t": "nan"}),
        ({"time_format": "ms"}, {"a": "x", "t": "1.5"}),
        ({"time_format": "%d.%m.%Y"}, {"a": "x", "t": "2023-01-01"}),
        ({"event_id": "{b}"}, {"a": "x", "t": "2023-01-01"}),
        ({"event_id": "{a.b}"}, {"a": "x", "t": "2023-01-01"}),
        ({"event_id": "{a[0][0].b}"}, {"a": "x", "t": "2023-01-01"}),
        ({"event_id": "{"}, {"a": "x", "t": "2023-01-01"}),
        ({"event_id": "{}"}, {"a": "x", "t": "2023-01-01"}),
        ({"constants": {"account_id": "x", "account_id.b": 1}}, {"a": "x", "t": "2023-01-01"}),
        ({"time_of_account": "who"}, {"a": "x", "t": ""}),
    ],
)
def test_a_row_that_does_not_fit_is_named(fields, row):
    message = one_line(mapped, table(**fields), row)
    assert "rows.csv: row 1" in message


def test_an_untimed_row_without_any_time_is_an_error():
    assert "untimed_at" in one_line(mapped, table(), {"a": "x", "t": ""})
    (event,) = mapped(table(untimed_at="2023-01-01T00:00:00Z"), {"a": "x", "t": None})
    assert event["occurred_at"] == 1_672_531_200_000


def test_the_order_of_rows_and_files_makes_no_difference():
    rows = [{"a": f"x{n}", "t": f"2023-01-0{1 + n % 3}"} for n in range(9)]
    assert mapped(table(), *rows) == mapped(table(), *reversed(rows))


def test_a_table_may_count_time_from_a_start():
    counted = table(time_format="hours", time_start="2017-01-01T00:00:00Z")
    assert (
        mapped(counted, {"a": "x", "t": "743"})[0]["occurred_at"]
        == 1_483_228_800_000 + 2_674_800_000
    )
    (event,) = mapped(table(time_format="days"), {"a": "x", "t": 1.5})
    assert event["occurred_at"] == 129_600_000


def test_only_rows_that_fit_where_become_events():
    rows = [{"a": "Anna", "t": "2023-01-01", "b": b} for b in ("M1", "C1", "", None, 7.0)]

    def kept(**where: str | list[str]) -> list:
        chosen = table(where=where, columns={"account_id": "a", "occurred_at": "t", "b": "b"})
        return [event.get("b") for event in mapped(chosen, *rows)]

    assert kept(b="M*") == ["M1"]
    assert kept(b="[!M]*") == ["C1", "7"]
    assert kept(b=["C?", ""]) == ["C1", None, None]
    assert kept(b="*", a="B*") == []
    assert kept() == ["M1", "C1", None, None, "7"]
    assert "there is no column 'c'" in one_line(mapped, table(where={"c": "*"}), rows[0])


def test_tables_of_the_same_file_give_several_events_a_row():
    tables = [table(constants={"type": name}).tables[0] for name in ("signup", "login")]
    rows = [{"a": name, "t": "2023-01-01"} for name in ("y", "x")]
    events = mapped(Mapping(tables=tables), *rows)
    assert [(e["account_id"], e["type"]) for e in events] == [
        ("x", "signup"),
        ("x", "login"),
        ("y", "signup"),
        ("y", "login"),
    ]


def test_constants_and_columns_fill_the_same_object():
    chosen = table(
        columns={"account_id": "a", "occurred_at": "t", "payment_instrument.id": "card"},
        constants={"payment_instrument": {"kind": "card"}},
    )
    rows = [
        {"a": f"x{n}", "t": "2023-01-01", "card": card} for n, card in enumerate(["4", "", "5"])
    ]
    found = [event.get("payment_instrument") for event in mapped(chosen, *rows)]
    assert found == [{"kind": "card", "id": "4"}, None, {"kind": "card", "id": "5"}]


def test_numbers_of_one_format_are_the_texts_of_another():
    columns = {"account_id": "a", "occurred_at": "t", "amount": "b", "latitude": "c", "ip": "d"}
    chosen = table(columns=columns, formats={"ip": "ipv4"})
    texts = {"a": "22058", "t": "2023-01-01", "b": "0.1", "c": "52.5", "d": "3232235777.9"}
    numbers = {"a": 22058.0, "t": date(2023, 1, 1), "b": 0.1, "c": 52.5, "d": 3232235777}
    (event,) = mapped(chosen, texts)
    event["event_id"] = ""
    (same,) = mapped(chosen, numbers)
    same["event_id"] = ""
    assert event == same
    assert event == {
        "event_id": "",
        "account_id": "22058",
        "occurred_at": 1_672_531_200_000,
        "amount": "0.1",
        "latitude": 52.5,
        "ip": "192.168.1.1",
    }
    (rest,) = mapped(chosen, texts | {"b": float("nan"), "c": "", "d": None})
    assert sorted(rest) == ["account_id", "event_id", "occurred_at"]


@pytest.mark.parametrize(
    "cell", ["", "4294967296", "-1", "x", "1.2.3.256", "1e9999999", "inf", "nan"]
)
def test_a_cell_that_is_no_address_is_named(cell):
    chosen = table(
        columns={"account_id": "a", "occurred_at": "t", "ip": "b"}, formats={"ip": "ipv4"}
    )
    row = {"a": "x", "t": "2023-01-01", "b": cell}
    if cell:
        assert "rows.csv: row 1: column b: " in one_line(mapped, chosen, row)
    else:
        assert "ip" not in mapped(chosen, row)[0]


def in_order(*rows: dict, **fields: object):
    """Events of rows that are said to be in order, one by one."""
    return map_rows(table(sorted=True, **fields), [(Path("rows.csv"), iter(rows))])


def test_sorted_files_are_read_as_they_are_asked_for():
    read = []

    def rows():
        for day in range(1, 29):
            read.append(day)
            yield {"a": f"x{-day}", "t": f"2023-01-{day:02}"}

    events = map_rows(table(sorted=True), [(Path("rows.csv"), rows())])
    assert [one.row for one, _ in zip(events, range(3), strict=False)] == [1, 2, 3]
    assert len(read) <= 4


def test_sorted_and_other_files_come_in_order_of_time():
    day = "2023-01-0{}".format
    tables = [
        table(file="held*").tables[0],
        table(file="rows*", sorted=True).tables[0],
    ]
    files = [
        (Path("rows-1.csv"), iter([{"a": "x", "t": day(n)} for n in (1, 4, 4, 7)])),
        (Path("held.csv"), iter([{"a": "y", "t": day(n)} for n in (8, 2, 5)])),
        (Path("rows-2.csv"), iter([{"a": "z", "t": day(n)} for n in (3, 6)])),
    ]
    found = [(one.path.name, one.row) for one in map_rows(Mapping(tables=tables), files)]
    assert found == [
        ("rows-1.csv", 1),
        ("held.csv", 2),
        ("rows-2.csv", 1),
        ("rows-1.csv", 2),
        ("rows-1.csv", 3),
        ("held.csv", 3),
        ("rows-2.csv", 2),
        ("rows-1.csv", 4),
        ("held.csv", 1),
    ]


def test_a_row_that_breaks_the_order_is_named():
    rows = [{"a": "x", "t": f"2023-01-0{n}"} for n in (1, 3, 2)]
    assert "rows.csv: row 3: older" in one_line(lambda: (in_order(*rows),))
    assert "rows.csv: row 1: there is no time" in one_line(lambda: (in_order({"a": "x", "t": ""}),))


def test_untimed_rows_do_not_go_with_sorted_files():
    tables = [table(file="rows*").tables[0], table(file="x*", sorted=True).tables[0]]
    mixed = Mapping(tables=tables, untimed_at="2023-01-01T00:00:00Z")
    assert "rows.csv: row 1: there is no time" in one_line(mapped, mixed, {"a": "x", "t": ""})
