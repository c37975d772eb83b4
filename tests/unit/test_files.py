"""Files of events, line by line, and what a dry run says of them."""

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graph.errors import InputError
from ingest.batches import Partition
from ingest.dry_run import MOST_CHECKED, dry_run
from ingest.events import parse_event
from ingest.files import FileSource, Line, read_events, read_lines
from ingest.mapping import MAPPINGS
from ingest.positions import Place

NOW = 1_800_000_000_000
ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "tests" / "data" / "sources"


def event(number: int, **fields: object) -> dict[str, object]:
    return {
        "event_id": f"e{number}",
        "type": "login",
        "occurred_at": 1_700_000_000_000 + number,
        "account_id": "a",
    } | fields


def lines(*values: dict[str, object] | bytes) -> list[Line]:
    raw = [v if isinstance(v, bytes) else json.dumps(v).encode() for v in values]
    return [Line(value, Path("x.jsonl"), n) for n, value in enumerate(raw, 1)]


def from_source(path: Path, mapping: str) -> list[dict]:
    return [json.loads(line.value) for line in read_lines([path], mapping)]


def as_parquet(path: Path, folder: Path) -> Path:
    """The same table with typed columns."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    typed = [
        {k: float(v) if re.fullmatch(r"[0-9.]+", v) else v for k, v in row.items()} for row in rows
    ]
    target = folder / f"{path.stem}.parquet"
    pq.write_table(pa.Table.from_pylist(typed), target)
    return target


def test_paysim_is_one_event_a_row_in_the_order_of_the_file():
    events = from_source(SOURCES / "paysim.csv", "paysim")
    assert len(events) == 10
    assert events[0] == {
        "event_id": "1:PAYMENT:M1700000001:4512.77",
        "type": "payment",
        "account_id": "C1900000001",
        "occurred_at": 1_483_232_400_000,
        "amount": "4512.77",
        "target_id": "M1700000001",
    }
    assert events[2]["counterparty_account_id"] == "C1600000001"
    assert "target_id" not in events[2]
    assert {event["type"] for event in events} == {
        "payment",
        "transfer",
        "cash_out",
        "debit",
        "cash_in",
    }
    assert events[-1]["occurred_at"] == 1_483_228_800_000 + 743 * 3_600_000


def test_ecommerce_is_a_signup_and_a_purchase_a_row_in_order_of_time():
    events = from_source(SOURCES / "ecommerce.csv", "ecommerce")
    assert [event["type"] for event in events].count("signup") == 6
    assert [event["type"] for event in events].count("payment") == 6
    times = [event["occurred_at"] for event in events]
    assert times == sorted(times)
    assert events[0] == {
        "event_id": "signup",
        "type": "signup",
        "account_id": "90012",
        "occurred_at": 1_420_138_364_000,
        "device_id": "YSSKYOSJHPPAA",
        "ip": "156.64.132.28",
        "attributes": {"source": "SEO", "browser": "Opera", "sex": "M", "age": "53"},
    }
    assert events[1]["event_id"] == "purchase:2015-01-01 18:52:45"
    assert events[1]["amount"] == "15"
    assert {event["ip"] for event in events} >= {"0.0.0.0", "255.255.255.255", "43.173.1.96"}


@pytest.mark.parametrize("name", ["paysim", "ecommerce"])
def test_shipped_mappings_make_events_that_can_be_used(name):
    found = dry_run(read_lines([SOURCES / f"{name}.csv"], name), NOW)
    assert found.checked >= 10
    assert not found.unusable
    assert found.repeated == 0


@pytest.mark.parametrize("name", ["paysim", "ecommerce"])
def test_no_label_reaches_an_event(name, tmp_path):
    path = SOURCES / f"{name}.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    labels = {"isFraud", "isFlaggedFraud", "class"} & set(rows[0])
    balances = {column for column in rows[0] if "balance" in column}
    assert labels
    other = tmp_path / path.name
    with other.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for row in rows:
            flipped = {label: "0" if row[label] == "1" else "1" for label in labels}
            writer.writerow(row | flipped | dict.fromkeys(balances, "12345.67"))
    assert from_source(other, name) == from_source(path, name)


@pytest.mark.parametrize("name", ["paysim", "ecommerce"])
def test_a_table_with_typed_columns_gives_the_same_events(name, tmp_path):
    path = SOURCES / f"{name}.csv"

    def bodies(file: Path) -> list[tuple[str, str, object, object]]:
        parsed = [parse_event(line.value, NOW) for line in read_lines([file], name)]
        return [(e.account_id, e.type, e.at, e.amount_micros) for e in parsed]

    assert bodies(as_parquet(path, tmp_path)) == bodies(path)


def test_rows_of_a_sorted_source_are_not_counted_beforehand():
    assert read_events([SOURCES / "paysim.csv"], "paysim")[1] is None
    assert read_events([SOURCES / "ecommerce.csv"], "ecommerce")[1] == 12


def test_the_example_of_the_documentation_works(tmp_path):
    text = (MAPPINGS / "README.md").read_text("utf-8")
    blocks = re.findall(r"```(\w*)\n(.*?)```", text, re.DOTALL)
    table = next(body for kind, body in blocks if body.startswith("order,"))
    mapping = next(body for kind, body in blocks if kind == "toml")
    expected = next(json.loads(body) for kind, body in blocks if kind == "json")
    (tmp_path / "orders.csv").write_text(table)
    (tmp_path / "orders.toml").write_text(mapping)
    assert from_source(tmp_path / "orders.csv", str(tmp_path / "orders.toml")) == [expected]
    parse_event(json.dumps(expected).encode(), NOW)


def test_the_documentation_names_every_key_of_a_mapping_and_every_shipped_one():
    from ingest.cells import FORMATS
    from ingest.mapping import Mapping, Table

    text = (MAPPINGS / "README.md").read_text("utf-8")
    names = {*Table.__struct_fields__, *Mapping.__struct_fields__, *FORMATS}
    names |= {path.stem for path in MAPPINGS.glob("*.toml")}
    assert not [name for name in names - {"tables"} if f"`{name}`" not in text]


def test_columns_of_a_table_of_events_are_their_fields(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text(
        "event_id,type,occurred_at,account_id,latitude,attributes.a,payment_instrument.id,amount\n"
        "e1,login,1700000000000,7,52.5,x,4f1c,1.5\n"
        "e2,login,2023-01-01T00:00:00Z,7,north,,,\n"
    )
    first, second = (json.loads(line.value) for line in read_lines([path], None))
    assert first == {
        "event_id": "e1",
        "type": "login",
        "occurred_at": 1_700_000_000_000,
        "account_id": "7",
        "latitude": 52.5,
        "attributes": {"a": "x"},
        "payment_instrument": {"id": "4f1c"},
        "amount": "1.5",
    }
    assert parse_event(json.dumps(first).encode(), NOW).latitude == 52.5
    assert second["latitude"] == "north"
    assert second["occurred_at"] == "2023-01-01T00:00:00Z"


@pytest.mark.parametrize("header", ["a,a.b", "a.b,a"])
def test_a_column_beside_its_own_fields_is_one_clear_line(tmp_path, header):
    path = tmp_path / "events.csv"
    path.write_text(f"{header}\n1,2\n")
    with pytest.raises(
        InputError, match=r"events\.csv: row 1: a cannot be a value and have fields"
    ):
        list(read_lines([path], None))


def test_lines_know_their_places(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"a": 1}\n\nnonsense\r\n{"a": 2}')
    assert [(line.row, line.value) for line in read_lines([path], None)] == [
        (1, b'{"a": 1}'),
        (3, b"nonsense"),
        (4, b'{"a": 2}'),
    ]


def test_a_dry_run_counts_by_reason_and_names_the_first_place():
    found = dry_run(
        lines(
            event(1),
            b"nonsense",
            event(2, occurred_at=NOW * 2),
            event(1),
            event(1, device_id="d"),
            event(3, account_id=""),
            b"more nonsense",
            event(1, account_id="b"),
        ),
        NOW,
    )
    assert (found.checked, found.repeated, found.dead_letters, found.is_cut) == (8, 1, 5, False)
    assert {reason: (u.count, u.example.row) for reason, u in found.unusable.items()} == {
        "invalid_json": (2, 2),
        "time_out_of_range": (1, 3),
        "conflicting_body": (1, 5),
        "invalid_field": (1, 6),
    }
    assert all(unusable.detail for unusable in found.unusable.values())


def test_a_dry_run_shows_ten_and_says_when_it_stops():
    read = []

    def many():
        for line in lines(*(event(n) for n in range(12))) * (MOST_CHECKED // 12 + 2):
            read.append(line)
            yield line

    found = dry_run(many(), NOW)
    assert (found.checked, found.is_cut) == (MOST_CHECKED, True)
    assert [json.loads(value)["event_id"] for value in found.first] == [f"e{n}" for n in range(10)]
    assert len(read) == MOST_CHECKED + 1


def run_dry(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The real command; it needs neither server nor data folder."""
    command = [sys.executable, "-m", "api", "replay", *arguments, "--dry-run"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert "Traceback" not in done.stderr + done.stdout
    return done


def test_the_dry_run_of_the_command_line(tmp_path):
    path = tmp_path / "events.jsonl"
    exact = '{"event_id": "e0", "amount": 1.50, "note": "\x9b31m", "type": "login"}'
    texts = [exact, "\x1b[2J nonsense", *(json.dumps(event(n)) for n in range(1, 12))]
    path.write_text("\n".join(texts), "utf-8")
    done = run_dry(str(path))
    assert done.returncode == 0
    assert '"amount": 1.50,' in done.stdout
    assert "\x9b" not in done.stdout
    assert "\x1b" not in done.stdout
    assert '"note": "\\u009b31m"' in done.stdout
    assert done.stdout.count('"event_id"') == 9
    assert f"invalid_json: 1, for example {path}: row 2: " in done.stdout
    assert f"invalid_field: 1, for example {path}: row 1: " in done.stdout
    assert "nothing was sent" in done.stdout
    assert not done.stderr


def test_a_dry_run_of_nothing_usable_fails(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text('{"a": 1}\n')
    done = run_dry(str(path))
    assert done.returncode == 1
    assert "invalid_field: 1" in done.stdout
    assert done.stderr == "ringtrace: every event would be a dead letter\n"
    path.write_text("\n")
    assert run_dry(str(path)).stderr == "ringtrace: there is no event in these files\n"
    done = run_dry(str(SOURCES / "ecommerce.csv"), "--mapping", "paysim")
    assert done.returncode == 1
    assert "row 1: there is no column 'nameDest'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_file_source_goes_on_where_the_stores_stand():
    stands = {"at": 1}

    def hold(places: list[Place], _: int) -> dict[Partition, int]:
        return {place.partition: stands["at"] for place in places}

    source = FileSource([b"a", b"b", b"c", b"d", b"e"], 2, hold, io.BytesIO())
    seen = []
    for batch in source.batches():
        seen.append([m.offset for m in batch.messages])
        source.done(batch)
    assert seen == [[1, 2], [3, 4]]
    assert list(source.batches()) == []
    stands["at"] = 4
    source.go_back()
    source.shrink()
    assert [m.value for m in next(source.batches()).messages] == [b"e"]


def test_a_file_source_is_named_by_its_content():
    def name(*values: bytes) -> str:
        source = FileSource(
            values, 10, lambda places, _: {p.partition: 0 for p in places}, io.BytesIO()
        )
        return next(source.batches()).messages[0].partition.topic_id

    names = [name(b"a", b"b"), name(b"ab"), name(b"b", b"a"), name(b"ab", b""), name(b"")]
    assert name(b"a", b"b") == names[0]
    assert len(set(names)) == 5
