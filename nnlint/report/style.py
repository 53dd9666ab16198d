"""Colour, where the output can show it: a style is a function from text to text."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from nnlint.finding import Level

_LEVEL_CODES: dict[Level, str] = {"error": "1;31", "warning": "1;33", "info": "1;34"}


@dataclass(frozen=True, slots=True)
class Style:
    """How parts of a report are coloured; without ``color`` every text stays as it is."""

    color: bool = False

    def level(self, level: Level | None, text: str) -> str:
        """A rule's name, in the colour of its level."""
        return self._paint(_LEVEL_CODES[level or "warning"], text)

    def bold(self, text: str) -> str:
        """What matters most."""
        return self._paint("1", text)

    def dim(self, text: str) -> str:
        """What matters least: margins and places."""
        return self._paint("2", text)

    def good(self, text: str) -> str:
        """Good news, and fixes."""
        return self._paint("32", text)

    def accent(self, text: str) -> str:
        """Labels and arrows."""
        return self._paint("36", text)

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and text else text


def wants_color(stream: TextIO, choice: str = "auto", environ: Mapping[str, str] = os.environ) -> bool:
    """Whether to colour what goes to ``stream``: by ``--color``, NO_COLOR, FORCE_COLOR, else on a terminal.

    Args:
        choice: ``always``, ``never`` or ``auto``.
    """
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return environ["FORCE_COLOR"] != "0"
    return stream.isatty() and environ.get("TERM") != "dumb"
