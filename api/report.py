"""A report of figures: at a terminal, as Markdown, and as a page that needs nothing but itself."""

import base64
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from rich.console import Console
from rich.text import Text

from api.listing import figures_table
from graph.errors import InputError

#: what means something to Markdown inside a line or a cell
_MARKS = re.compile(r"([\\`*_\[\]<>#|~&])")
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .75rem; border-bottom: 1px solid #8886; text-align: right; }
th:first-child, td:first-child { text-align: left; }
img { width: 30rem; max-width: 100%; border-radius: .5rem; margin: .5rem .5rem 0 0; }
"""
#: Okabe and Ito: distinct for colour-blind readers
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9")
#: of a picture, and of the room around its square
_SIDE, _LEFT, _BOTTOM, _TOP = 360, 60, 48, 34
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Table:
    """Names in the first column, figures in the others."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


#: a heading (`# `, `## `), a picture (`![what](file)`), a sentence, or a table
Part = str | Table


def print_parts(parts: Sequence[Part], console: Console) -> None:
    """Show them at a terminal."""
    for part in parts:
        if isinstance(part, str):
            console.print(Text(part), soft_wrap=True)
            continue
        table = figures_table(f"\n{part.title}", *part.headings)
        for row in part.rows:
            # Text: square brackets in a name are no mark-up
            table.add_row(*map(Text, row))
        console.print(table)


def plain(text: str) -> str:
    """Text as Markdown that says just that, whatever is in it."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def as_markdown(parts: Sequence[Part]) -> str:
    """The parts as Markdown; text is taken as Markdown, cells and titles as plain text."""
    blocks = []
    for part in parts:
        if isinstance(part, str):
            blocks.append(part)
            continue
        lines = [part.headings, ["---", *["---:"] * (len(part.headings) - 1)], *part.rows]
        rows = [[cell if n == 1 else plain(cell) for cell in row] for n, row in enumerate(lines)]
        table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        blocks.append(f"**{plain(part.title)}**\n\n{table}")
    return "\n\n".join(blocks) + "\n"


def write_report(
    folder: Path, title: str, parts: Sequence[Part], pictures: Mapping[str, str]
) -> None:
    """Write report.md, report.html and the pictures; InputError where they cannot be written."""
    text = as_markdown([f"# {plain(title)}", *parts])
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    for name, picture in pictures.items():
        # inside the page: it can be sent as one file
        data = base64.b64encode(picture.encode()).decode()
        body = body.replace(f'src="{name}"', f'src="data:image/svg+xml;base64,{data}"')
    page = (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style></head>\n"
        f"<body>\n{body}</body>\n</html>\n"
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in {"report.md": text, "report.html": page, **pictures}.items():
            (folder / name).write_text(content, "utf-8")
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror or error}") from error


def curve_picture(
    title: str, across: str, up: str, curves: Mapping[str, Sequence[tuple[float, float]]]
) -> str:
    """Curves of shares over shares, as SVG; each is points (x, y) of 0 to 1 in order of x."""
    width, height = _LEFT + _SIDE + 20, _TOP + _SIDE + _BOTTOM + 18 * len(curves)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'width="{width}" font-family="system-ui, sans-serif" font-size="12">',
        f"<title>{html.escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="20" font-size="14">{html.escape(title)}</text>',
    ]
    for tick in _TICKS:
        x, y = _at(tick, tick)
        lines += [
            f'<path d="M{_LEFT} {y}h{_SIDE}M{x} {_TOP}v{_SIDE}" stroke="#ddd" fill="none"/>',
            f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{tick:.0%}</text>',
            f'<text x="{x}" y="{_TOP + _SIDE + 16}" text-anchor="middle">{tick:.0%}</text>',
        ]
    middle = _TOP + _SIDE / 2
    lines += [
        f'<text x="{_LEFT + _SIDE / 2}" y="{_TOP + _SIDE + 34}" text-anchor="middle">'
        f"{html.escape(across)}</text>",
        f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">'
        f"{html.escape(up)}</text>",
    ]
    for n, (name, points) in enumerate(curves.items()):
        colour, y = _COLOURS[n % len(_COLOURS)], _TOP + _SIDE + _BOTTOM + 18 * n
        path = " ".join("{},{}".format(*_at(*point)) for point in points)
        lines += [
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
            f'<path d="M{_LEFT} {y}h24" stroke="{colour}" stroke-width="2"/>',
            f'<text x="{_LEFT + 32}" y="{y + 4}">{html.escape(name)}</text>',
        ]
    return "\n".join([*lines, "</svg>\n"])


def _at(x: float, y: float) -> tuple[float, float]:
    return round(_LEFT + x * _SIDE, 1), round(_TOP + (1 - y) * _SIDE, 1)
