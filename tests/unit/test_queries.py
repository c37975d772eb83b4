import json
import re

import pytest

from detection.rules import COLUMNS, SEQUENCES, rules
from graph.errors import QueryError
from graph.kinds import identifier_kinds
from graph.queries import CYPHER, Access, parse, queries, query, statements

HEADER = (
    "// Finds it.\n//\n// Access: read\n// Parameters:\n//   $id  text  which\n// Returns: id, at\n"
)


def test_every_file_is_a_statement():
    files = {
        path.relative_to(CYPHER).with_suffix("").as_posix()
        for path in CYPHER.rglob("*.cypher")
        if path.parent.name != "schema"
    }
    found = {each.name: each for each in queries()}
    assert found.keys() == files
    assert len(found) > 30
    for each in found.values():
        assert each.summary.endswith("."), each.name
        assert each.access in Access
        assert each.text
        assert not each.text.endswith(";")


def test_statements_that_only_read_change_nothing():
    for each in queries():
        words = set(each.text.upper().split())
        writes = words & {"MERGE", "CREATE", "DELETE", "SET", "REMOVE"}
        assert bool(writes) == (each.access is not Access.READ), each.name


def test_schema_files_hold_statements():
    for path in sorted((CYPHER / "schema").glob("*.cypher")):
        found = statements(f"schema/{path.stem}")
        assert found
        assert not any("//" in each or ";" in each for each in found)


def test_a_folder_gives_its_own_statements():
    names = [each.name for each in queries("rules")]
    assert names == sorted(names)
    assert all(name.startswith("rules/") for name in names)


def test_a_header_says_what_it_takes_and_gives():
    found = parse("x/y", HEADER + "// Severity: low\nMATCH (n {id: $id}) RETURN n.id AS id;\n")
    assert found.name == "x/y"
    assert found.summary == "Finds it."
    assert found.access is Access.READ
    assert found.parameters == ("id",)
    assert found.columns == ("id", "at")
    assert found.facts == {"Severity": "low"}
    assert found.text == "MATCH (n {id: $id}) RETURN n.id AS id"


def test_a_dollar_in_text_and_comments_is_no_parameter():
    code = 'RETURN \'$a\' + "$b \\" $c" + $id AS `$d` // $e\n/* $f */;'
    assert parse("x/y", HEADER + code).parameters == ("id",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "RETURN 1;",
        "// Finds it.\n",
        "// Finds it.\n// Access: read\n",
        "//\n// Access: read\nRETURN 1;",
        "// Finds it.\nRETURN 1;",
        "// Finds it.\n// Access: delete\nRETURN 1;",
        "// Finds it.\n// Access: read\nRETURN $id;",
        HEADER + "RETURN 1;",
        HEADER + "RETURN $id, $other;",
        HEADER + "RETURN '$id';",
        HEADER + ";",
    ],
)
def test_a_bad_header_is_one_clear_line(text):
    with pytest.raises(QueryError, match=r"cypher/x/y\.cypher") as caught:
        parse("x/y", text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["rules/none", "", "README", "rules"])
def test_an_unknown_statement_is_an_error(name):
    with pytest.raises(QueryError):
        query(name)


def test_every_rule_loads():
    found = rules()
    in_graph = {path.stem for path in (CYPHER / "rules").glob("*.cypher")}
    assert found.keys() == in_graph | {path.stem for path in SEQUENCES.glob("*.sql")}
    for name, rule in found.items():
        assert rule.name == name
        assert rule.severity in ("low", "medium", "high")
        assert rule.subject in ("identifier", "accounts")
        assert 0 <= rule.points <= 100
        assert query(rule.picture).columns == ("picture",)
        assert bool(rule.sql) != (name in in_graph)
        if name in in_graph:
            statement = query(f"rules/{name}")
            assert statement.columns == COLUMNS
            assert {*rule.defaults, rule.asked_about} == set(statement.parameters)
            assert rule.defaults == json.loads(statement.facts["Defaults"])


def test_a_rule_names_a_hidden_value_as_a_change_of_keys_expects():
    # graph.pseudonyms.label: the kind, then the start of the token
    for each in queries("rules"):
        before = re.findall(r"'([^']*)' \+\s*coalesce\(identifier.value", each.text)
        for text in before:
            kind = text.strip().rpartition(", and both use ")[2].replace(" ", "_")
            assert text == " " or kind in identifier_kinds(), each.name
