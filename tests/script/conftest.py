"""Reading a piece of source, and the text that stands under a site."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from nnlint.recipe import Recipe
from nnlint.script.model import Script
from nnlint.script.read import read
from nnlint.site import Fact, Site


@dataclass(frozen=True)
class Source:
    """A script that was read, and its text by site."""

    script: Script

    @property
    def recipe(self) -> Recipe:
        return self.script.recipe

    def text(self, where: Site | Fact) -> str:
        """The text under a site; lines of a longer one are joined by single spaces."""
        site = where.site if isinstance(where, Fact) else where
        lines = self.script.lines[site.line - 1 : site.end_line]
        lines[-1] = lines[-1][: site.end_column - 1]
        lines[0] = lines[0][site.column - 1 :]
        return " ".join(line.strip() for line in lines)

    def stated(self, fact: Fact | None) -> tuple[object, str] | None:
        """A fact's value and the text that states it."""
        return None if fact is None else (fact.value, self.text(fact))


@pytest.fixture
def source() -> Callable[[str], Source]:
    """Reads a source given as an indented text."""
    return lambda text: Source(read("train.py", textwrap.dedent(text)))
