"""The JSON schema of ``[tool.nnlint]``: for editors, and for validate-pyproject (entry point of the same name)."""

from __future__ import annotations

import json
from typing import Any

from nnlint.config.model import ConfigTable

_ID = "https://json.schemastore.org/partial-nnlint.json"


def schema() -> dict[str, Any]:
    """The schema as plain data. The options of rules are open: a pack brings its own."""
    made = ConfigTable.model_json_schema(by_alias=True)
    return {"$schema": "http://json-schema.org/draft-07/schema#", "$id": _ID, **_as_draft_7(made), "title": "nnlint"}


def tool_schema(tool_name: str) -> dict[str, Any]:
    """What validate-pyproject asks for.

    Raises:
        ValueError: for another tool's table.
    """
    if tool_name != "nnlint":
        raise ValueError(f"there is no schema of [tool.{tool_name}] here")
    return schema()


def text() -> str:
    """The schema as the file that is published."""
    return json.dumps(schema(), indent=2) + "\n"


def _as_draft_7(value: Any) -> Any:
    """``$defs`` were ``definitions`` in draft 7, which is what validate-pyproject reads."""
    if isinstance(value, dict):
        return {key.replace("$defs", "definitions"): _as_draft_7(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_draft_7(inner) for inner in value]
    return value.replace("#/$defs/", "#/definitions/") if isinstance(value, str) else value
