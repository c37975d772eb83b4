"""A dry run on the terminal: first events, and what would be dead letters."""

import re
import sys
from collections.abc import Iterator

import msgspec

from graph.errors import InputError
from ingest.dry_run import DryRun

#: longest message that is shown whole, characters
_LONGEST = 4096
#: what a terminal might obey instead of showing it; within JSON it can only be part of a text
_UNSHOWN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def print_dry_run(found: DryRun) -> None:
    """Print what was found; InputError when nothing of it could be used."""
    sys.stdout.writelines(f"{line}\n" for line in _report(found))
    if not found.checked:
        raise InputError("there is no event in these files")
    if found.dead_letters == found.checked:
        raise InputError("every event would be a dead letter")


def _report(found: DryRun) -> Iterator[str]:
    yield f"first {len(found.first)} events, as they would be sent:"
    yield from (_shown(value) for value in found.first)
    more = ", the first of more" if found.is_cut else ""
    yield f"checked          {found.checked}{more}"
    yield f"usable           {found.checked - found.dead_letters}"
    if found.repeated:
        yield f"of these again   {found.repeated} (the same event counts once)"
    yield f"dead letters     {found.dead_letters}"
    for reason, few in sorted(found.unusable.items()):
        place = f"{few.example.path}: row {few.example.row}"
        yield _escaped(f"  {reason}: {few.count}, for example {place}: {few.detail}")
    yield "nothing was sent"


def _shown(value: bytes) -> str:
    try:
        text = msgspec.json.format(value, indent=2).decode("utf-8", "backslashreplace")
    except (msgspec.DecodeError, RecursionError):
        text = f"no JSON: {value[:_LONGEST]!r}"
    cut = f"… ({len(value)} bytes)" if len(text) > _LONGEST else ""
    return _escaped(text[:_LONGEST]) + cut


def _escaped(text: str) -> str:
    return _UNSHOWN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
