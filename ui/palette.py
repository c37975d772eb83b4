"""Colours, shapes and sizes of a picture: one table, read by the page's script.

Fills come from the Okabe-Ito set, which stays distinct for colour-blind readers; no type is red,
because warm borders mean risk. Shape repeats what the fill says, and a badge what the border says.
"""

from typing import Any

from graph.model import CONCLUDED, RiskLevel

#: scores at which a ring becomes medium, high and critical
THRESHOLDS = (25, 50, 75)

#: kind -> (name of one, name of many, vis-network shape, fill)
KINDS = {
    "account": ("Account", "Accounts", "dot", "#2b7fc4"),
    "device": ("Device", "Devices", "square", "#e69f00"),
    "ip": ("IP address", "IP addresses", "hexagon", "#009e73"),
    "payment_instrument": ("Payment instrument", "Payment instruments", "diamond", "#b77ad0"),
    "email": ("E-mail", "E-mails", "triangle", "#56b4e9"),
    "phone": ("Phone", "Phones", "triangleDown", "#d9c41e"),
    "address": ("Address", "Addresses", "star", "#8a6d4b"),
}

#: what a kind nobody has drawn yet looks like
OTHER_KIND = ("", "", "hexagon", "#8b95a5")

#: level -> (border width, border colour, badge)
LEVELS = {
    RiskLevel.LOW: (1, "", ""),
    RiskLevel.MEDIUM: (2, "#b7791f", ""),
    RiskLevel.HIGH: (3, "#d9480f", "!"),
    RiskLevel.CRITICAL: (4, "#c01048", "!!"),
}

#: arrow heads by relationship: a use has no direction worth showing, being in step has none
ARROWS = {"USED": "", "TRANSFERRED": "to", "REFERRED": "to", "COACTED": "", "BEGAN_WITH": ""}

#: half the width of a node at score 0 and at score 100
SIZES = (13, 19)

#: half the width of an identifier
IDENTIFIER_SIZE = 12


def palette_json() -> dict[str, Any]:
    """Return the tables of this module as the page's script reads them."""
    return {
        "kinds": {kind: _kind_json(*row) for kind, row in KINDS.items()},
        "other": _kind_json(*OTHER_KIND),
        "levels": {
            level.value: {"border": border, "color": color, "badge": badge}
            for level, (border, color, badge) in LEVELS.items()
        },
        "arrows": ARROWS,
        "dashed": CONCLUDED,
        "sizes": SIZES,
        "identifier_size": IDENTIFIER_SIZE,
        "thresholds": THRESHOLDS,
    }


def _kind_json(one: str, many: str, shape: str, fill: str) -> dict[str, str]:
    return {"one": one, "many": many, "shape": shape, "fill": fill}
