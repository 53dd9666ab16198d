"""The JSON schema of the JSON report, generated from its types: ``python -m nnlint.report.schema`` prints it.

The file ``report.schema.json`` beside this module is its output; a test and CI compare the two.
"""

from __future__ import annotations

import inspect
import json
import types
import typing
from typing import Any, Literal, get_args, get_origin, get_type_hints, is_typeddict

from nnlint.report.document import SCHEMA_VERSION, ReportDocument

_PLAIN: dict[object, str] = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def schema() -> dict[str, Any]:
    """The schema of `ReportDocument`, as a JSON Schema (draft 2020-12) in plain data."""
    definitions: dict[str, Any] = {}
    root = _of(ReportDocument, definitions)
    report = definitions.pop(root["$ref"].rpartition("/")[2])
    report["properties"]["schema_version"] = {"const": SCHEMA_VERSION}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "nnlint report",
        **report,
        "$defs": dict(sorted(definitions.items())),
    }


def text() -> str:
    """The schema as the file holds it."""
    return json.dumps(schema(), indent=2) + "\n"


def _of(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in _PLAIN:
        return {"type": _PLAIN[kind]}
    if is_typeddict(kind):
        return _object(kind, definitions)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [_of(argument, definitions) for argument in arguments]}
    if origin is list:
        return {"type": "array", "items": _of(arguments[0], definitions)}
    if origin is dict:
        values = {} if arguments[1] is Any else _of(arguments[1], definitions)
        return {"type": "object", "additionalProperties": values or True}
    raise TypeError(f"no JSON schema for {kind}")


def _object(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    name = kind.__name__.removesuffix("Document")
    if name not in definitions:
        hints = get_type_hints(kind)
        definitions[name] = {}  # in place before its fields are read: a type may hold itself
        definitions[name] = {
            "description": inspect.cleandoc(kind.__doc__ or "").replace("``", "`"),
            "type": "object",
            "properties": {field.rstrip("_"): _of(hint, definitions) for field, hint in hints.items()},
            "required": sorted(field.rstrip("_") for field in hints),
        }
    return {"$ref": f"#/$defs/{name}"}


if __name__ == "__main__":
    print(text(), end="")
