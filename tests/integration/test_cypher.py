"""Every statement in cypher/ against the real server: it is what its header says."""

import re
from pathlib import Path

import pytest

from graph.queries import CYPHER, Access, Query, queries, query, statements
from graph.schema import apply_schema, check_schema
from graph.store import GraphStore
from tests.conftest import ROOT

ALL = list(queries())
#: those of a plugin are explained where it is: in test_gds.py
PLAIN = [q for q in ALL if not q.name.startswith("gds/")]


@pytest.mark.parametrize("statement", PLAIN, ids=lambda q: q.name)
def test_server_understands_it_and_columns_are_the_header(
    store: GraphStore, statement: Query
) -> None:
    assert store.explain(statement.name) == list(statement.columns)


@pytest.mark.parametrize("statement", ALL, ids=lambda q: q.name)
def test_read_statements_do_not_write(statement: Query) -> None:
    writes = re.search(r"\b(CREATE|MERGE|SET|DELETE|REMOVE|DROP)\b", statement.text)
    assert bool(writes) == (statement.access is Access.WRITE)


@pytest.mark.parametrize("statement", ALL, ids=lambda q: q.name)
def test_every_parameter_has_a_value_to_try_in_browser(statement: Query) -> None:
    if statement.parameters:
        assert statement.facts["Browser"].startswith(":params {")
        for name in statement.parameters:
            assert f"{name}:" in statement.facts["Browser"]


def test_schema_is_complete_and_can_be_applied_again(store: GraphStore) -> None:
    first = apply_schema(store)
    assert apply_schema(store) == first
    assert check_schema(store) == []


def test_every_statement_is_called() -> None:
    code = "".join(
        path.read_text("utf-8")
        for folder in ("api", "detection", "graph", "ingest")
        for path in (ROOT / folder).rglob("*.py")
    )
    # those are named by their folder, and by the rules
    named = [q.name for q in ALL if not q.name.startswith(("rules/", "pictures/"))]
    unused = [name for name in named if f'"{name}"' not in code]
    assert unused == []


def test_labels_and_types_are_those_of_the_design() -> None:
    known = {
        "Account", "Identifier", "Device", "PaymentInstrument", "Ring", "RingChange", "Reason",
        "Finding", "Alert", "Delivery", "Position", "Touched", "DetectionRun", "World", "Quality",
        "USED", "TRANSFERRED", "REFERRED", "COACTED", "BEGAN_WITH", "MEMBER_OF",
        "HELD_BY", "HAS_REASON", "CHANGED", "SPLIT_FROM", "MERGED_INTO", "FLAGGED_BY", "RAISED_FOR",
        "Disposition", "Case", "ABOUT", "MUST_LINK", "CANNOT_LINK", "Learner", "Calibration",
        "Job",
    }  # fmt: skip
    for statement in ALL:
        names = re.findall(r"[(\[]\w*:([A-Za-z_|]+)", statement.text)
        used = {name for group in names for name in group.split("|")}
        assert used <= known, statement.name


def test_index_is_current() -> None:
    lines = [
        "# The statements",
        "",
        "Every statement the service runs, one a file; the leading comment says what it takes",
        "and gives. Each can be pasted into Neo4j Browser: its `Browser` line sets the parameters.",
        "A file in `rules/` is a rule: add one and it runs. It takes `$account_ids`, or",
        "`$identifier_keys`: the shared devices, cards and whatever else links two by itself.",
        "Rules about events one after the other are SQL, in `detection/sequences`. Each rule names",
        "its picture, a statement in `pictures/` that shows a hit.",
        "",
        "| file | access | what it does |",
        "|---|---|---|",
    ]
    lines += [f"| {q.name} | {q.access} | {q.summary} |" for q in ALL]
    lines += [
        f"| schema/{path.stem} | schema | {path.read_text('utf-8').splitlines()[0][3:]} |"
        for path in sorted((CYPHER / "schema").glob("*.cypher"))
    ]
    text = "\n".join(lines) + "\n"
    path = CYPHER / "README.md"
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")
        pytest.fail("cypher/README.md was out of date; it is written anew, commit it")


def test_names_are_found_by_path() -> None:
    for statement in ALL:
        assert (CYPHER / f"{statement.name}.cypher").is_file()
        assert query(statement.name) is query(statement.name)
    assert statements("schema/001_constraints")
    assert Path(CYPHER).name == "cypher"
