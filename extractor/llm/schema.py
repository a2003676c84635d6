"""JSON Schema as constrained decoding wants it."""

from collections.abc import Mapping
from typing import Any

_SUBSCHEMAS = ("items", "additionalItems", "contains", "not", "if", "then", "else", "propertyNames")
_SUBSCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SUBSCHEMA_MAPS = ("properties", "$defs", "definitions", "patternProperties")
# Notes for people: a hosted model is billed for each of them in every request. Descriptions stay, they steer the model.
_NOTES = frozenset({"title", "default", "examples", "$schema", "$comment"})


def strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A copy in which every object is closed and all its properties are required, as OpenAI's strict mode demands.

    `default`, `title` and other notes are dropped; a `$ref` keeps no siblings. The rules are those of
    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas.
    """
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    out: dict[str, Any] = {}
    for name, value in schema.items():
        if name in _SUBSCHEMA_MAPS:
            out[name] = {key: strict(each) for key, each in value.items()}
        elif name in _SUBSCHEMA_LISTS:
            # Strict mode knows no oneOf; a reply is validated against the reply model anyway.
            out["anyOf" if name == "oneOf" else name] = [strict(each) for each in value]
        elif name in _SUBSCHEMAS and isinstance(value, Mapping):
            out[name] = strict(value)
        elif name not in _NOTES:
            out[name] = value
    if out.get("type") == "object" and "properties" in out:
        out["additionalProperties"] = False
        out["required"] = list(out["properties"])
    return out
