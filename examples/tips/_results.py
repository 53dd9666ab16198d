"""What has been measured, as it is kept in ``results.json``: finished comparisons are not made again."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from _experiments import EXPERIMENTS, Experiment

FILE = Path(__file__).with_name("results.json")
#: the share of false findings among all findings that is put up with
FALSE_FINDINGS = 0.05
#: two that should score alike are said to where the whole interval of 95 % lies so near to zero: two points
ALIKE = 0.02


@dataclass(slots=True)
class Results:
    """All that was measured: experiment → recipe → cell; ``facts``: on what machine, with what."""

    cells: dict[str, dict[str, Any]] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)

    def cell(self, experiment: Experiment, recipe: str) -> Any:
        """What was measured of an experiment with a recipe; None: nothing."""
        return self.cells.get(experiment.name, {}).get(recipe)


def load(file: Path = FILE) -> Results:
    """What is kept in a file; nothing, where there is none."""
    if not file.exists():
        return Results()
    kept = json.loads(file.read_text(encoding="utf-8"))
    return Results(kept["cells"], kept["facts"])


def save(results: Results, file: Path = FILE) -> None:
    """Keep them; a half-written file is never seen. What is no experiment any more is left out."""
    order = {e.name: list(e.recipes) for e in EXPERIMENTS}
    cells = {
        name: {recipe: results.cells[name][recipe] for recipe in recipes if recipe in results.cells[name]}
        for name, recipes in order.items()
        if name in results.cells
    }
    # a line for each recipe, so that a difference of two versions can be read
    experiments = [f"{_json(name)}: {_object(recipes, 2)}" for name, recipes in cells.items()]
    text = f'{{\n "facts": {_json(results.facts)},\n "cells": {{\n  ' + ",\n  ".join(experiments) + "\n }\n}\n"
    beside = file.with_suffix(".tmp")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)


def _object(values: Mapping[str, Any], depth: int) -> str:
    lines = [f"{' ' * (depth + 1)}{_json(key)}: {_json(value)}" for key, value in values.items()]
    return "{\n" + ",\n".join(lines) + f"\n{' ' * depth}}}"


def _json(value: Any) -> str:
    return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    """Numbers that JSON does not have are none."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass(frozen=True, slots=True)
class Row:
    """A comparison that was made: an experiment with a recipe, and what it says with all others considered.

    Attributes:
        q: p, adjusted for all comparisons; None where there is no p.
        verdict: of following against departing, after the adjustment.
        status: what it says of the tip: ``holds``, ``no evidence``, ``contrary``, ``undecided``.
    """

    experiment: Experiment
    recipe: str
    cell: Mapping[str, Any]
    q: float | None
    verdict: str
    status: str

    @property
    def compared(self) -> str:
        """The two sides."""
        return f"{self.experiment.following.label} against {self.experiment.departing.label}"


def rows(results: Results) -> list[Row]:
    """Every comparison that was made, in the order of the experiments."""
    made = [
        (experiment, recipe, cell)
        for experiment in EXPERIMENTS
        for recipe in experiment.recipes
        if (cell := results.cell(experiment, recipe)) is not None
    ]
    tested = [
        at for at, (_, _, cell) in enumerate(made) if cell["effect"]["verdict"] in ("better", "worse", "no evidence")
    ]
    adjusted = dict(zip(tested, benjamini_hochberg([made[at][2]["effect"]["p"] for at in tested]), strict=True))
    return [
        Row(
            experiment,
            recipe,
            cell,
            adjusted.get(at),
            verdict := _verdict(cell, adjusted.get(at)),
            _status(experiment, cell, verdict),
        )
        for at, (experiment, recipe, cell) in enumerate(made)
    ]


def benjamini_hochberg(ps: list[float]) -> list[float]:
    """Adjusted p values: those below a level have that share of false findings among them, on average.

    Y. Benjamini and Y. Hochberg, Controlling the false discovery rate, JRSS B 57, 1995: the i-th smallest of m times
    m / i, made monotone from the largest down.
    """
    order = sorted(range(len(ps)), key=lambda at: ps[at], reverse=True)
    adjusted, least = [0.0] * len(ps), 1.0
    for rank, at in zip(range(len(ps), 0, -1), order, strict=True):
        least = min(least, ps[at] * len(ps) / rank)
        adjusted[at] = least
    return adjusted


def _verdict(cell: Mapping[str, Any], q: float | None) -> str:
    verdict: str = cell["effect"]["verdict"]
    if verdict in ("better", "worse") and (q is None or q >= FALSE_FINDINGS):
        return "no evidence"
    if verdict == "failed" and not any(score is not None for score in cell["departing"]["scores"]):
        return "departing cannot be trained"
    return verdict


def _status(experiment: Experiment, cell: Mapping[str, Any], verdict: str) -> str:
    """What a verdict says of the tip, by what the tip claims."""
    follows = all(score is not None for score in cell["following"]["scores"])
    if verdict == "departing cannot be trained" and follows:
        return "holds" if experiment.claim in ("better", "cannot") else "contrary"
    if verdict in ("failed", "too few seeds", "departing cannot be trained"):
        return "undecided"
    if experiment.claim == "cheaper":
        return (
            "holds"
            if verdict == "bit-identical" and any(_less(cell, cost) for cost in experiment.saves)
            else "contrary"
        )
    if experiment.claim == "equal" and _alike(cell):
        return "holds"
    table = {
        "better": {"better": "holds", "worse": "contrary"},
        "equal": {"bit-identical": "holds", "better": "contrary", "worse": "contrary"},
        "cannot": {"better": "contrary", "worse": "contrary", "no evidence": "contrary", "bit-identical": "contrary"},
    }
    return table[experiment.claim].get(verdict, "no evidence")


def _alike(cell: Mapping[str, Any]) -> bool:
    """Whether more than a small difference is ruled out: that none is found would hold of few and noisy runs too."""
    low, high = cell["effect"]["low"], cell["effect"]["high"]
    return low is not None and high is not None and bool(low >= -ALIKE and high <= ALIKE)


def _less(cell: Mapping[str, Any], cost: str) -> bool:
    """Whether following costs less, by more than seconds vary and bookkeeping takes."""
    return bool(cell["following"][cost] < 0.95 * cell["departing"][cost])


def by_tip(made: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    """The rows of each tip that has any."""
    for tip in dict.fromkeys(row.experiment.tip for row in made):
        yield tip, [row for row in made if row.experiment.tip == tip]
