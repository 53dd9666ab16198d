"""Finds the configuration that applies to a file: the closest one upwards. Nothing is merged."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from nnlint.errors import UsageError

#: in one folder the first of these that there is counts
NAMES = ("nnlint.toml", ".nnlint.toml", "pyproject.toml")


@cache
def closest(folder: Path) -> Path | None:
    """The configuration file for the files of a folder (an absolute path): there or in the next folder above.

    A pyproject.toml counts only if it has a table ``[tool.nnlint]``.

    Raises:
        UsageError: for a file that is no TOML.
    """
    for name in NAMES:
        file = folder / name
        if file.is_file() and (name != "pyproject.toml" or table(file) is not None):
            return file
    return closest(folder.parent) if folder != folder.parent else None


@cache
def table(file: Path) -> dict[str, Any] | None:
    """What a configuration file says of nnlint; None if it is a pyproject.toml that says nothing.

    Raises:
        UsageError: if it cannot be read, or is no TOML.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the configuration cannot be read: {error}", where=str(file)) from error
    whole = file.name != "pyproject.toml"
    if not whole and "nnlint" not in text:
        return None
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the configuration is no valid TOML: {error}", where=str(file)) from error
    if whole:
        return read
    tools = read.get("tool", {})
    found = tools.get("nnlint") if isinstance(tools, dict) else None
    if found is not None and not isinstance(found, dict):
        raise UsageError(f"expected a table [tool.nnlint], found {found!r}", where=str(file))
    return found
