"""The table of a run of the benchmarks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A number, the most it may be (None: no target), and what it is made of."""

    name: str
    value: float
    target: float | None
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the number is within its target."""
        return self.target is None or self.value <= self.target


def table(rows: Iterable[Row]) -> str:
    """The rows as Markdown."""
    lines = ["| what | measured | target | | |", "|---|---|---|---|---|"]
    for row in rows:
        target = "" if row.target is None else f"≤ {row.target:g}"
        lines.append(f"| {row.name} | {row.value:.2f} | {target} | {'' if row.met else 'missed'} | {row.note} |")
    return "\n".join(lines)
