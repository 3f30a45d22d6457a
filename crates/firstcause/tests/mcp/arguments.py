"""Arguments for a tool, made from its schema and from what the test knows about its words."""

import json
import os

KNOWN = json.loads(os.environ.get("ARGUMENTS", "{}"))


def value(schema):
    """One value that a schema of one property accepts."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    return {"string": "x", "integer": 1, "number": 1, "boolean": False, "array": [], "object": {}}[kind]


def of(name, schema):
    """Arguments for the tool `name`: those known, and a value for whatever else it requires."""
    known = KNOWN.get(name, {})
    properties = schema.get("properties", {})
    return {key: value(properties.get(key, {})) for key in schema.get("required", [])} | known
