"""The explorer's page: one picture, why it is risky, and the queue beside it.

The only module that knows pyvis. pyvis carries the graph and vis-network's own files; the page is
our template, which holds no inline code, so it runs under a strict content security policy.
"""

import json
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from pyvis.network import Network

from graph.model import GraphLink, GraphNode, Neighbourhood
from graph.times import rfc3339
from ui.layout import Point, place
from ui.palette import palette_json

_HERE = Path(__file__).parent

#: vis-network as measured: straight links, fixed positions, nothing computed in the browser
_OPTIONS: dict[str, Any] = {
    "physics": {"enabled": False},
    "layout": {"improvedLayout": False},
    "nodes": {"chosen": False, "labelHighlightBold": False},
    "edges": {"smooth": False, "selectionWidth": 0.5, "hoverWidth": 0.5},
    "interaction": {"hover": True, "multiselect": True, "tooltipDelay": 250, "zoomSpeed": 0.6},
}


@dataclass(frozen=True, slots=True)
class ExplorerPage:
    """What one explorer page shows."""

    title: str
    graph: Neighbourhood
    #: the ring as REST gives it, when the page is about a ring
    why: dict[str, Any] | None = None
    #: the account as REST gives it, when the page is about an account
    account: dict[str, Any] | None = None


def render_explorer(page: ExplorerPage) -> str:
    """Return the HTML of a page about a ring, an account or an identifier."""
    wire = graph_json(page.graph, place(page.graph))
    return _render(page.title, wire, {"why": page.why, "account": page.account})


def render_queue() -> str:
    """Return the HTML of the start page: the queue of rings and an empty canvas."""
    empty = Neighbourhood(about="", nodes=(), links=(), total_nodes=0)
    return _render("Ring queue", graph_json(empty, {}), {"why": None, "account": None})


def graph_json(graph: Neighbourhood, positions: dict[str, Point]) -> dict[str, Any]:
    """Return the wire form of a picture, as the page and REST carry it."""
    return {
        "about": graph.about,
        "total_nodes": graph.total_nodes,
        "is_cut": graph.is_cut,
        "nodes": [_node_json(node, positions[node.id]) for node in graph.nodes],
        "links": [_link_json(link) for link in graph.links],
    }


def vis_directory() -> Path:
    """Return where pyvis keeps vis-network, to be served at `/static/vis`."""
    return Path(str(files("pyvis"))) / "templates" / "lib" / "vis-9.1.2"


def static_directory() -> Path:
    """Return where the page's own scripts and styles are, to be served at `/static/app`."""
    return _HERE / "static"


def _render(title: str, wire: dict[str, Any], about: dict[str, Any]) -> str:
    net = Network(directed=True, cdn_resources="remote")
    net.set_template_dir(str(_HERE / "templates"), "explorer.html")
    net.templateEnv.autoescape = True
    net.templateEnv.policies["json.dumps_kwargs"] = {"sort_keys": False}
    net.templateEnv.globals["title"] = title
    net.templateEnv.globals["about"] = about | {
        "palette": palette_json(),
        "graph": {key: wire[key] for key in ("about", "total_nodes", "is_cut")},
    }
    net.set_options(json.dumps(_OPTIONS))
    # add_node and add_edge scan their lists for every call
    net.nodes = wire["nodes"]
    net.edges = wire["links"]
    html: str = net.generate_html()
    return html


def _node_json(node: GraphNode, at: Point) -> dict[str, Any]:
    return asdict(node) | {
        "ring_ids": list(node.ring_ids),
        "first_seen": rfc3339(node.first_seen),
        "last_seen": rfc3339(node.last_seen),
        "x": at[0],
        "y": at[1],
    }


def _link_json(link: GraphLink) -> dict[str, Any]:
    return asdict(link) | {
        "first_seen": rfc3339(link.first_seen),
        "last_seen": rfc3339(link.last_seen),
    }
