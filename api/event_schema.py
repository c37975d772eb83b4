"""The event as OpenAPI describes it, made from the very type that checks it."""

from typing import Any

import msgspec

from ingest.events import Event


def event_schema() -> dict[str, Any]:
    """JSON Schema of an event; it may allow what the checks beyond types refuse."""
    parts = msgspec.json.schema(Event, schema_hook=lambda _: {"type": "number"})["$defs"]
    found: dict[str, Any] = _plain(parts["Event"], parts)
    # unknown fields are kept as attributes
    del found["additionalProperties"]
    found["properties"]["amount"] = {
        "description": "0 to 1,000,000,000 with at most 6 decimal places",
        "anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}, {"type": "null"}],
    }
    found["properties"]["occurred_at"] = {
        "description": "RFC 3339 with a zone, or milliseconds since 1970 UTC",
        "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "format": "date-time"}],
    }
    return found


def _plain(part: Any, parts: dict[str, Any]) -> Any:
    """The part without references, and with patterns as browsers know them."""
    if isinstance(part, list):
        return [_plain(one, parts) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _plain(parts[part["$ref"].rsplit("/")[-1]], parts)
    plain = {name: _plain(one, parts) for name, one in part.items() if name != "default"}
    if "pattern" in part:
        plain["pattern"] = part["pattern"].replace(r"\Z", "$")
    return plain
