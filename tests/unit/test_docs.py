"""The README says what the code does."""

import re

import pytest
from typer.main import get_command

from api.cli import app
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


def test_settings_table_is_current() -> None:
    text = README.read_text("utf-8")
    pattern = re.compile(r"(<!-- settings[^\n]*-->\n)(.*?)(<!-- end of settings -->)", re.S)
    found = pattern.search(text)
    assert found is not None
    if found[2] != settings_table():
        README.write_text(pattern.sub(lambda m: m[1] + settings_table() + m[3], text), "utf-8")
        pytest.fail(
            "the settings table in README.md was out of date; it is written anew, commit it"
        )


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
