"""What comparisons come to, in words and figures, as ``examples/TIPS.md`` and the rules' pages say it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import _results
from _experiments import RECIPES
from _results import Row


def span(rows: Sequence[Row]) -> str:
    """The smallest and the largest effect of the comparisons that the tip claims something of."""
    claimed = [row for row in rows if row.experiment.claim in ("better", "cheaper")]
    means = [row.cell["effect"]["mean"] for row in claimed if row.cell["effect"]["mean"] is not None]
    if not means:
        return ""
    low, high = signed(min(means)), signed(max(means))
    return low if low == high else f"{low} to {high}"


def reading(rows: Sequence[Row]) -> str:
    """What the comparisons of a tip come to, in one sentence without its full stop."""
    claimed = [row for row in rows if row.experiment.claim != "equal"]
    alike = [row for row in rows if row.experiment.claim == "equal"]
    parts = [_claimed(claimed)] if claimed else []
    if alike:
        parts.append(_scored_alike(alike))
    return "; ".join(parts)


def _scored_alike(rows: Sequence[Row]) -> str:
    same, different = (sum(row.status == status for row in rows) for status in ("holds", "contrary"))
    parts = [f"alike to within {100 * _results.ALIKE:g} points in {same} of {len(rows)} that should be"]
    parts += [f"different in {different}"] if different else []
    parts += [f"undecided in {rest}"] if (rest := len(rows) - same - different) else []
    return ", ".join(parts)


def _claimed(rows: Sequence[Row]) -> str:
    total = len(rows)
    count = {status: sum(row.status == status for row in rows) for status in ("holds", "contrary", "no evidence")}
    holds, contrary, none = count["holds"], count["contrary"], count["no evidence"]
    of = f"of {total} comparisons" if total > 1 else "of 1 comparison"
    rest = [f"no evidence in {none}"] if none else []
    rest += [f"undecided in {undecided}"] if (undecided := total - holds - contrary - none) else []
    if holds == total:
        return f"holds in all {total} comparisons" if total > 1 else "holds in the one comparison"
    if holds:
        parts = [f"holds in {holds} {of}", *([f"not in {contrary}"] if contrary else []), *rest]
    elif contrary:
        parts = [f"does not hold in {contrary} {of}", *rest]
    elif none:
        parts = [f"no evidence in {none} {of}", *rest[1:]]
    else:
        parts = [f"undecided in {undecided} {of}"]
    return ", ".join(parts)


def recipe_name(row: Row) -> str:
    """The recipe as a reader knows it."""
    return RECIPES.get(row.recipe, row.recipe)


def effect_of(cell: Mapping[str, Any]) -> str:
    """An effect with its interval, in points."""
    effect = cell["effect"]
    if effect["verdict"] == "bit-identical":
        return "0, to the bit"
    if effect["mean"] is None or not effect["deltas"]:
        return "–"
    mean = signed(effect["mean"])
    return mean if effect["low"] is None else f"{mean} [{signed(effect['low'])}, {signed(effect['high'])}]"


def signed(value: float) -> str:
    """A difference with one digit and its sign, in points."""
    text = f"{round(100 * value, 3):+.1f}"  # as `rules/_measured.py` keeps it: halves are rounded alike in both
    return "0.0" if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")


def score(side: Mapping[str, Any]) -> str:
    """The mean score of a side, in points."""
    scores = [score for score in side["scores"] if score is not None]
    return f"{100 * statistics.fmean(scores):.1f}" if scores else "–"


def ratio(cell: Mapping[str, Any], key: str) -> str:
    """What following costs as a multiple of what departing does."""
    before, after = cell["departing"][key], cell["following"][key]
    return f"× {after / before:.2f}" if before and after else "–"


def capital(text: str) -> str:
    """With its first letter large."""
    return text[:1].upper() + text[1:]
