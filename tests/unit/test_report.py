"""Reports: what is shown is what is there, whatever it says."""

import re
import xml.etree.ElementTree as ET
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console
from sklearn.metrics import auc, average_precision_score, roc_auc_score

from api.report import Table, as_markdown, curve_picture, plain, print_parts, write_report
from detection.evaluation import curves_of
from graph.errors import InputError

HOSTILE = "<script>alert(1)</script> [x](javascript:a) ![y](http://z) *b* `c` | d & e_f_g"


@given(st.lists(st.tuples(st.booleans(), st.integers(-1, 6)), min_size=2, max_size=60))
def test_the_curves_are_those_of_scikit_learn(accounts: list[tuple[bool, int]]) -> None:
    is_member, score = (np.array(column) for column in zip(*accounts, strict=True))
    if is_member.all() or not is_member.any():
        return
    found = curves_of(is_member, score)
    assert auc(found.false_positives, found.recall) == pytest.approx(
        roc_auc_score(is_member, score)
    )
    steps = np.diff(found.recall) @ np.array(found.precision[1:])
    assert steps == pytest.approx(average_precision_score(is_member, score))
    assert found.recall == sorted(found.recall)
    assert (found.recall[-1], found.false_positives[-1]) == (1.0, 1.0)


@given(st.text(max_size=80))
def test_text_stays_text_in_markdown(text: str) -> None:
    page = MarkdownIt("commonmark", {"html": False}).enable("table").render(f"x {plain(text)} y")
    assert re.findall(r"<(?!/?p>)", page) == []


def test_a_page_shows_hostile_names_as_they_are(tmp_path: Path) -> None:
    picture = curve_picture(HOSTILE, "x", "y", {HOSTILE: [(0.0, 0.0), (0.5, 0.75), (1.0, 1.0)]})
    table = Table(HOSTILE, ("", "rings"), [(HOSTILE, "3")])
    write_report(tmp_path / "new", HOSTILE, [table, "![roc](roc.svg)"], {"roc.svg": picture})
    page = (tmp_path / "new" / "report.html").read_text()
    assert "<script" not in page
    assert "href" not in page
    assert page.count("<td") == 2
    assert page.count("<img") == 1
    assert 'src="data:image/svg+xml;base64,' in page
    assert HOSTILE.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in page
    root = ET.fromstring((tmp_path / "new" / "roc.svg").read_text())
    assert [each.text for each in root if each.tag.endswith("}title")] == [HOSTILE]
    (line,) = [each for each in root if each.tag.endswith("}polyline")]
    assert line.get("points") == "60.0,394.0 240.0,124.0 420.0,34.0"
    with pytest.raises(InputError, match="cannot be written"):
        write_report(tmp_path / "new" / "report.md", "x", [], {})


def test_terminal_and_page_show_the_same() -> None:
    out = StringIO()
    parts = [Table("Rings", ("kind", "found"), [("[fan_in]", "3.5")]), "noise: 0.0 %"]
    print_parts(parts, Console(file=out, width=80))
    for text in ("Rings", "kind", "[fan_in]", "3.5", "noise: 0.0 %"):
        assert text in out.getvalue()
    assert as_markdown(parts) == (
        "**Rings**\n\n| kind | found |\n| --- | ---: |\n| \\[fan\\_in\\] | 3.5 |\n\nnoise: 0.0 %\n"
    )
