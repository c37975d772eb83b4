"""The statements in cypher/, each with a header that says what it takes and gives.

Rules in SQL have the same header, behind `--` (detection.sequences).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from graph.errors import QueryError

CYPHER = Path(__file__).resolve().parents[1] / "cypher"

_PARAMETER = re.compile(r"\$([a-z_][a-z0-9_]*)")
# strings, quoted names and comments, in which a `$` is no parameter
_NOT_CODE = r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|`[^`]*`|/\*.*?\*/|"
#: which file a statement is in, by what begins a comment there
_FILES = {"//": "cypher/{}.cypher", "--": "detection/{}.sql"}


class Access(StrEnum):
    """What a statement may do, which decides how the driver routes it."""

    READ = "read"
    WRITE = "write"
    SCHEMA = "schema"


@dataclass(frozen=True, slots=True)
class Query:
    """One .cypher or .sql file."""

    #: path without the ending, below cypher/ or detection/: `rules/shared_device`
    name: str
    #: the statement, without header and final semicolon
    text: str
    #: first line of the header: what it finds or does
    summary: str
    access: Access
    #: declared parameter names
    parameters: tuple[str, ...]
    #: declared column names, in order
    columns: tuple[str, ...]
    #: further `Key: value` lines of the header, for example a rule's severity
    facts: dict[str, str]

    @property
    def packed(self) -> str:
        """The statement with all its rows in one, a list of lists."""
        return f"CALL () {{\n{self.text}\n}}\nRETURN collect([{', '.join(self.columns)}]) AS rows"


@cache
def query(name: str) -> Query:
    """The statement of one file, for example `query("ingest/merge_uses")`.

    Raises QueryError when there is no such file or its header does not fit its text.
    """
    path = CYPHER / f"{name}.cypher"
    if not path.is_file():
        raise QueryError(f"there is no statement {name!r}: {path.name} is missing in cypher/")
    return parse(name, path.read_text("utf-8"))


def queries(folder: str = "") -> Iterator[Query]:
    """Every statement below a folder of cypher/, sorted by name; `schema/` is not among them."""
    for path in sorted((CYPHER / folder).rglob("*.cypher")):
        name = path.relative_to(CYPHER).with_suffix("").as_posix()
        if not name.startswith("schema/"):
            yield query(name)


def statements(name: str) -> list[str]:
    """The statements of a schema file, which may hold several."""
    text = (CYPHER / f"{name}.cypher").read_text("utf-8")
    code = "\n".join(line for line in text.splitlines() if not line.startswith("//"))
    return [part.strip() for part in code.split(";") if part.strip()]


def parse(name: str, text: str, comment: str = "//") -> Query:
    """The statement of a file; `comment` is what begins a comment in its language.

    Raises QueryError when there is no header or it does not fit the text.
    """
    where = _FILES[comment].format(name)
    lines = text.splitlines()
    length = next((n for n, line in enumerate(lines) if not line.startswith(comment)), len(lines))
    header = [line[len(comment) :].removeprefix(" ").rstrip() for line in lines[:length]]
    code = "\n".join(lines[length:]).strip().removesuffix(";")
    if not header or not header[0] or not code:
        raise QueryError(f"{where} needs a header with a first line, and a statement")
    facts = dict(_facts(header))
    declared = tuple(sorted(re.findall(r"^ +\$([a-z_0-9]+)  ", "\n".join(header), re.M)))
    bare = re.sub(f"{_NOT_CODE}{comment}[^\\n]*", " ", code, flags=re.S)
    used = tuple(sorted(set(_PARAMETER.findall(bare))))
    if declared != used:
        raise QueryError(
            f"{where} declares {declared or 'no parameters'} but uses {used or 'none'}"
        )
    if facts.get("Access") not in tuple(Access):
        raise QueryError(f"{where} needs a line 'Access: read' or 'Access: write'")
    returns = facts.pop("Returns", "nothing")
    columns = () if returns == "nothing" else tuple(part.strip() for part in returns.split(","))
    return Query(name, code, header[0], Access(facts.pop("Access")), declared, columns, facts)


def _facts(header: list[str]) -> Iterator[tuple[str, str]]:
    for line in header[1:]:
        if match := re.match(r"([A-Z][a-z]+): +(.+)", line):
            yield match[1], match[2]
