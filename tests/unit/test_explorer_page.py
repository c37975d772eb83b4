import json
import re
from html.parser import HTMLParser

import pytest

from graph.model import GraphLink, GraphNode, Neighbourhood, RiskLevel
from ui.explorer import (
    ExplorerPage,
    graph_json,
    render_explorer,
    render_queue,
    static_directory,
    vis_directory,
)
from ui.layout import place
from ui.palette import KINDS, THRESHOLDS, palette_json

HOSTILE = [
    '<img src=x onerror="window.__pwned=1">',
    "</script><script>window.__pwned=2</script>",
    "<!--<script>",
    '<a href="javascript:window.__pwned=3">href</a>',
    'quote\'s "double" `tick` {{ 7*7 }} ${7*7} {% raw %}',
    "nul\x00 and \u202eright to left مرحبا \u2028",
]


class Page(HTMLParser):
    """What a browser would find in a page: its elements, attributes and the graph data."""

    def __init__(self, html: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, _tag):
        self._inside = ""

    def handle_data(self, data):
        self.texts[self._inside] = self.texts.get(self._inside, "") + data

    @property
    def data(self):
        return json.loads(self.texts["script"])


def neighbourhood() -> Neighbourhood:
    accounts = [
        GraphNode(
            id=f"account:{text}",
            kind="account",
            label=text,
            degree=1,
            is_member=True,
            risk_score=80,
            risk_level=RiskLevel.CRITICAL,
            ring_ids=("01J00000000000000000000000",),
            first_seen=1_750_000_000_123,
            hidden={"device": 12},
        )
        for text in HOSTILE
    ]
    device = GraphNode(id="device:d", kind="device", label="d", degree=6)
    links = [
        GraphLink(f"USED|{a.id}|device:d", a.id, "device:d", "USED", 3, 0, 1_750_000_000_000)
        for a in accounts
    ]
    money = GraphLink(
        "TRANSFERRED|a|b|EUR",
        accounts[0].id,
        accounts[1].id,
        "TRANSFERRED",
        1,
        0,
        0,
        12_500_000,
        "EUR",
    )
    return Neighbourhood("ring", (*accounts, device), (*links, money), 3000)


def why() -> dict:
    reasons = [{"code": "x", "text": text, "points": 1, "evidence": [text]} for text in HOSTILE]
    return {"ring_id": HOSTILE[1], "risk_score": 6, "risk_level": "low", "reasons": reasons}


PAGES = {
    "ring": render_explorer(ExplorerPage(" ".join(HOSTILE), neighbourhood(), why=why())),
    "account": render_explorer(
        ExplorerPage("Account", neighbourhood(), account={"account_id": HOSTILE[1]})
    ),
    "queue": render_queue(),
}


@pytest.fixture(params=PAGES)
def html(request) -> str:
    return PAGES[request.param]


def test_page_holds_no_inline_code_or_style(html):
    for tag, attributes in Page(html).elements:
        assert tag != "style"
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        if tag == "script":
            assert attributes.get("src", "").startswith("/static/") or (
                attributes == {"type": "application/json", "id": "graph-data"}
            )


def test_hostile_text_makes_no_element():
    expected = [tag for tag, _ in Page(PAGES["queue"]).elements]
    assert [tag for tag, _ in Page(PAGES["ring"]).elements] == expected
    assert PAGES["ring"].count("<script") == PAGES["queue"].count("<script")
    assert "<img src=x" not in PAGES["ring"]


def test_hostile_text_arrives_unchanged():
    data = Page(PAGES["ring"]).data
    assert [node["label"] for node in data["nodes"]][: len(HOSTILE)] == HOSTILE
    assert data["page"]["why"] == why()


def test_page_and_its_files_name_no_other_host(html):
    texts = [html] + [file.read_text("utf-8") for file in static_directory().iterdir()]
    for text in texts:
        assert set(re.findall(r"https?://[^/\"'\s]+", text)) <= {"http://www.w3.org"}
        assert not re.search(r"[\"'(]//\w", text)


def test_scripts_never_turn_text_into_markup():
    for file in static_directory().glob("*.js"):
        text = file.read_text("utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)


def test_everything_the_page_asks_for_is_there(html):
    roots = {"/static/vis/": vis_directory(), "/static/app/": static_directory()}
    asked = [
        value for _, each in Page(html).elements for value in (each.get("src"), each.get("href"))
    ]
    asked = [address for address in asked if address and address.startswith("/static/")]
    assert len(asked) > 5
    for address in asked:
        root = next(root for root in roots if address.startswith(root))
        assert (roots[root] / address.removeprefix(root)).is_file()


def test_modules_import_only_what_is_there_and_is_preloaded(html):
    for file in static_directory().glob("*.js"):
        for name in re.findall(r'from "\./(\w+\.js)"', file.read_text("utf-8")):
            assert (static_directory() / name).is_file()
            assert f'href="/static/app/{name}"' in html


def test_drawing_is_settled_by_the_server():
    options = Page(PAGES["ring"]).data["options"]
    assert options["physics"] == {"enabled": False}
    assert options["edges"]["smooth"] is False
    assert options["layout"]["improvedLayout"] is False


def test_wire_form():
    graph = neighbourhood()
    wire = graph_json(graph, place(graph))
    assert json.loads(json.dumps(wire)) == wire | {"nodes": json.loads(json.dumps(wire["nodes"]))}
    assert (wire["about"], wire["total_nodes"], wire["is_cut"]) == ("ring", 3000, True)
    node = wire["nodes"][0]
    assert set(node) == {
        *("id", "kind", "label", "degree", "is_hub", "is_member", "risk_score", "risk_level"),
        *("anomaly_score", "ring_ids", "first_seen", "last_seen", "event_count", "hidden"),
        *("x", "y"),
    }
    assert node["first_seen"] == "2025-06-15T15:06:40.123Z"
    assert node["last_seen"] is None
    assert node["hidden"] == {"device": 12}
    assert wire["links"][0]["last_seen"] == "2025-06-15T15:06:40Z"
    assert wire["links"][-1]["amount_micros"] == 12_500_000
    data = Page(PAGES["ring"]).data
    assert data["nodes"] == json.loads(json.dumps(wire["nodes"]))
    assert data["links"] == wire["links"]


def test_same_page_twice_is_the_same_text():
    page = ExplorerPage("Ring", neighbourhood(), why=why())
    assert render_explorer(page) == render_explorer(page)


def test_palette_tells_kinds_apart_twice():
    assert len({shape for _, _, shape, _ in KINDS.values()}) == len(KINDS)
    assert len({fill for *_, fill in KINDS.values()}) == len(KINDS)
    palette = palette_json()
    widths = [palette["levels"][level.value]["border"] for level in RiskLevel]
    assert widths == sorted(set(widths))
    assert palette["thresholds"] == THRESHOLDS
    flows = {"USED": "", "TRANSFERRED": "to", "REFERRED": "to"}
    assert palette["arrows"] == flows | {"COACTED": "", "BEGAN_WITH": ""}
    assert {*palette["dashed"]} == {"COACTED", "BEGAN_WITH"}
