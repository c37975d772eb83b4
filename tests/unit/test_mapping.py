import csv
import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from graph.errors import InputError
from ingest.events import parse_event
from ingest.files import read_events, read_rows
from ingest.mapping import MAPPINGS, Mapping, Table, load_mapping, select

P2P = Path(__file__).resolve().parents[1] / "data" / "p2p"
NOW = 1_700_000_000_000
ROWS = [{"name": f"a{n}", "device": f"d{n % 7}", "day": "2023-01-02"} for n in range(2_000)]
MAPPING = """
[[tables]]
file = "rows*"
event_id = "device:{device}"
columns = { account_id = "name", device_id = "device", occurred_at = "day" }
constants = { type = "device" }
time_format = "date"
"""


def pack(data: bytes, ending: str) -> bytes:
    if ending.endswith(".gz"):
        return gzip.compress(data)
    return zstandard.ZstdCompressor().compress(data) if ending.endswith(".zst") else data


def write_rows(folder: Path, ending: str, rows: list[dict]) -> Path:
    """A file of rows in the format that its ending names."""
    plain = folder / "plain"
    if ".jsonl" in ending:
        plain.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif ".csv" in ending:
        with plain.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        pq.write_table(pa.Table.from_pylist(rows), plain)
    path = folder / f"rows{ending}"
    path.write_bytes(pack(plain.read_bytes(), ending))
    return path


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


@pytest.fixture(scope="module")
def p2p() -> list[dict]:
    values, count = read_events([P2P], "p2p")
    events = [json.loads(value) for value in values]
    assert count == len(events)
    return events


def test_the_p2p_data_is_one_event_a_row(p2p):
    assert Counter(event["type"] for event in p2p) == {
        "signup": 33_732,
        "device": 55_026,
        "instrument": 128_066,
        "transfer": 102_832,
        "referral": 1_870,
    }


def test_p2p_event_ids_are_unique_within_their_account(p2p):
    assert len({(event["account_id"], event["event_id"]) for event in p2p}) == 321_526


def test_p2p_events_are_events_of_the_contract_in_order_of_time(p2p):
    times = [event["occurred_at"] for event in p2p]
    assert times == sorted(times)
    for event in p2p[::97]:
        parsed = parse_event(json.dumps(event).encode(), NOW)
        assert parsed.account_id == event["account_id"]


def test_untimed_p2p_rows_take_the_first_time_of_their_account(p2p):
    first: dict[str, int] = {}
    for event in p2p:
        if event["type"] in ("signup", "referral"):
            continue
        for account_id in (event["account_id"], event.get("counterparty_account_id")):
            if account_id is not None:
                first.setdefault(account_id, event["occurred_at"])
    otherwise = int(datetime(2017, 1, 1, tzinfo=UTC).timestamp()) * 1000
    for event in p2p:
        if event["type"] == "signup":
            assert event["occurred_at"] == first.get(event["account_id"], otherwise)
        elif event["type"] == "referral":
            referred = event["counterparty_account_id"]
            assert event["occurred_at"] == first.get(referred, otherwise)


def test_p2p_sharing_is_what_the_data_says(p2p):
    users: dict[tuple[str, str], set[str]] = {}
    for event in p2p:
        if event["type"] == "instrument":
            assert event["payment_instrument"]["kind"] == "card"
            key = ("card", event["payment_instrument"]["id"])
        elif event["type"] == "device":
            key = ("device", event["device_id"])
        else:
            continue
        users.setdefault(key, set()).add(event["account_id"])
    shared = Counter(kind for (kind, _), accounts in users.items() if len(accounts) > 1)
    assert shared == {"card": 8_490, "device": 2_745}


@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet"])
def test_every_format_gives_the_same_rows(tmp_path, ending, packing):
    path = write_rows(tmp_path, ending + packing, ROWS)
    assert list(read_rows(path)) == ROWS
    mapping = tmp_path / "mine.toml"
    mapping.write_text(MAPPING)
    events, count = read_events([path], str(mapping))
    first = json.loads(next(events))
    assert count == len(ROWS)
    assert first == {
        "event_id": "device:d0",
        "type": "device",
        "account_id": "a0",
        "device_id": "d0",
        "occurred_at": 1_672_617_600_000,
    }


@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet"])
def test_files_of_events_need_no_mapping(tmp_path, ending, packing):
    rows = [
        {"event_id": f"e{n}", "type": "login", "account_id": "a", "occurred_at": f"{day}Z"}
        for n, day in enumerate(["2023-01-01T00:00:00", "2023-01-02T00:00:00"])
    ]
    values, count = read_events([write_rows(tmp_path, ending + packing, rows)], None)
    assert [parse_event(value, NOW).event_id for value in values] == ["e0", "e1"]
    assert count is None


def test_empty_cells_are_left_out(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("\ufeffevent_id,account_id,email\ne1,a,\n", "utf-8")
    values, _ = read_events([path], None)
    assert [json.loads(value) for value in values] == [{"event_id": "e1", "account_id": "a"}]


def test_a_line_that_is_no_json_passes_so_that_it_becomes_a_dead_letter(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a": 1}\r\n\nnonsense\n\xff\n')
    assert list(read_events([path], None)[0]) == [b'{"a": 1}', b"nonsense", b"\xff"]


def test_frames_of_zstd_follow_one_another(tmp_path):
    path = tmp_path / "rows.jsonl.zst"
    path.write_bytes(pack(b'{"a": 1}\n', ".zst") + pack(b"", ".zst") + pack(b'{"a": 2}\n', ".zst"))
    assert [row["a"] for row in read_rows(path)] == [1, 2]


@pytest.mark.parametrize("packing", [".gz", ".zst"])
@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet"])
@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_file_that_was_cut_is_an_error(tmp_path, ending, packing, kept):
    path = write_rows(tmp_path, ending + packing, ROWS)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    assert path.name in one_line(read_rows, path)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("rows.parquet", b"nonsense"),
        ("rows.parquet", b""),
        ("rows.csv", b"a,b\n1,2\n\xff,3\n"),
        ("rows.csv", b"a,b\n1,2,3\n"),
        ("rows.csv", b"a,b\n" + b"x" * 200_000 + b",1\n"),
        ("rows.jsonl", b"nonsense\n"),
        ("rows.jsonl", b"[1]\n"),
        ("rows.jsonl", b'{"a": "\xff"}\n'),
        ("rows.jsonl", b'{"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}\n"),
        ("rows.jsonl.gz", b"nonsense"),
        ("rows.jsonl.zst", b"nonsense"),
        ("rows.jsonl.zst", pack(b"{}\n", ".zst") + b"nonsense"),
        ("rows.txt", b"{}\n"),
        ("rows", b"{}\n"),
    ],
)
def test_a_bad_file_is_one_clear_line(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    assert name in one_line(read_rows, path)


def test_a_missing_file_is_one_clear_line(tmp_path):
    assert "none.jsonl" in one_line(read_events, [tmp_path / "none.jsonl"], None)
    assert "none.csv" in one_line(read_events, [tmp_path / "none.csv"], "p2p")


def test_a_folder_of_events_is_one_clear_line(tmp_path):
    folder = tmp_path / "rows.jsonl"
    folder.mkdir()
    one_line(read_events, [folder], None)
    one_line(read_events, [tmp_path], None)
    one_line(read_events, [tmp_path], "p2p")


def test_shipped_mappings_load():
    names = [path.stem for path in MAPPINGS.glob("*.toml")]
    assert "p2p" in names
    assert all(load_mapping(name).tables for name in names)


@pytest.mark.parametrize(
    "text",
    [
        b"tables = 5",
        b"nonsense",
        b"\xff",
        b"",
        b'[[tables]]\nfile = "x"\n',
        MAPPING.encode() + b'colour = "red"\n',
        b'untimed_at = "yesterday"\n' + MAPPING.encode(),
        MAPPING.encode() + b'time_start = "yesterday"\n',
        MAPPING.encode() + b'formats = { device_id = "upper" }\n',
        MAPPING.encode() + b'formats = { ip = "ipv4" }\n',
        MAPPING.encode() + b"where = { day = 5 }\n",
        b'[[tables]]\nfile = "x"\nevent_id = "1"\ncolumns = {}\nsorted = true\n',
    ],
)
def test_a_bad_mapping_is_one_clear_line(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_bytes(text)
    assert "mine.toml" in one_line(lambda: load_mapping(str(path)).tables)


def test_an_unknown_mapping_names_those_there_are():
    assert "p2p" in one_line(lambda: load_mapping("paypal").tables)


def test_a_folder_gives_the_files_that_fit(tmp_path):
    for name in ("rows-2.csv", "rows-1.csv", "other.csv"):
        (tmp_path / name).write_text("")
    known = Mapping(tables=[Table(file="rows*", event_id="", columns={})])
    found = [path.name for path in select(known, [tmp_path])]
    assert found == ["rows-1.csv", "rows-2.csv"]
    assert "other.csv" in one_line(select, known, [tmp_path / "other.csv"])
