"""The README says what the code does."""

import re
from collections.abc import Callable

import pytest
from typer.main import get_command

from api.cli import app
from detection.rules import rules
from graph.settings import DataSettings
from tests.conftest import ROOT
from tests.settings import SETTINGS

README = ROOT / "README.md"


def settings_table() -> str:
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for settings in SETTINGS:
        for name, field in settings.model_fields.items():
            default = "" if field.default is None else field.default
            if settings is DataSettings:
                default = "~/.local/share/ringtrace"
            if isinstance(default, tuple):
                default = ", ".join(default)
            prefix = settings.model_config["env_prefix"]
            lines.append(f"| `{prefix}{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


def rules_table() -> str:
    lines = ["| rule | flags | severity | points |", "|---|---|---|---|"]
    for rule in sorted(rules().values(), key=lambda rule: (bool(rule.sql), rule.name)):
        file = (
            f"detection/sequences/{rule.name}.sql"
            if rule.sql
            else f"cypher/rules/{rule.name}.cypher"
        )
        points = str(rule.points) if rule.points else ""
        lines.append(f"| [`{rule.name}`]({file}) | {rule.summary} | {rule.severity} | {points} |")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("name", "table"), [("settings", settings_table), ("rules", rules_table)])
def test_a_table_is_current(name: str, table: Callable[[], str]) -> None:
    text = README.read_text("utf-8")
    pattern = re.compile(rf"(<!-- {name}[^\n]*-->\n)(.*?)(<!-- end of {name} -->)", re.S)
    found = pattern.search(text)
    assert found is not None
    if found[2] != table():
        README.write_text(pattern.sub(lambda m: m[1] + table() + m[3], text), "utf-8")
        pytest.fail(f"the {name} table in README.md was out of date; it is written anew, commit it")


def test_every_command_has_an_example_and_stands_in_the_readme() -> None:
    text = README.read_text("utf-8")
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        assert f"ringtrace {name}" in text or f"make {name}" in text, name
        parts = getattr(command, "commands", {name: command})
        for part in parts.values():
            assert "Example:" in (part.help or ""), part.name


def test_files_the_readme_names_exist() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README.read_text("utf-8")):
        assert (ROOT / target).exists(), target


def test_top_level_is_the_agreed_one() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages == {"ingest", "graph", "detection", "api", "ui", "tests"}
