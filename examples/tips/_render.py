"""The results in words: ``examples/TIPS.md``, and ``rules/_measured.py``, which `nnlint rule` reads."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import _results
from _experiments import EXPERIMENTS, RECIPES, UNMEASURED, Experiment
from _results import Results, Row

from nnlint.registry import Tip, list_tips

HERE = Path(__file__).parent
PAGE = HERE.parent / "TIPS.md"
MEASURED = HERE.parent.parent / "rules" / "_measured.py"

SECTIONS = {"cuda": "CUDA"}
TITLES = (
    "following against departing",
    "data",
    "recipe",
    "departing",
    "following",
    "effect",
    "p (adjusted)",
    "verdict",
    "time",
    "parameters",
    "memory",
)
VERDICTS = {
    "better": "**better**",
    "worse": "**worse**",
    "departing cannot be trained": "**departing cannot be trained**",
}


def write(results: Results) -> list[Path]:
    """Write what has become different; returns those files."""
    changed = []
    for path, text in generated(results).items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def generated(results: Results) -> dict[Path, str]:
    """The files that are made of the results, as they should be."""
    return {PAGE: page(results), MEASURED: measured(results)}


# ------------------------------------------------------------------------------------------------- rules/_measured.py

HEAD = '''"""What following each tip was worth where it was put to the test; written by ``examples/tips/run.py``.

Tip → what the measurements say of it, and the comparisons, each as: what was compared, data, recipe, metric, the mean
effect of following over the seeds and the ends of its interval of 95 % (percentage points of accuracy, hundredths of
R²), p, and the verdict on following with all comparisons considered. Read by `ast`, so the value is a literal.
"""

'''


def measured(results: Results) -> str:
    """The literal that `nnlint rule` reads."""
    lines = ["MEASURED = {"]
    for tip, rows in _results.by_tip(_results.rows(results)):
        lines += [f"    {_quoted(tip)}: (", f"        {_quoted(reading(rows))},", "        ["]
        lines += [f"            {_literal(row)}," for row in rows]
        lines += ["        ],", "    ),"]
    return HEAD + ("\n".join([*lines, "}"]) if len(lines) > 1 else "MEASURED = {}") + "\n"


def _literal(row: Row) -> str:
    effect = row.cell["effect"]
    numbers = [_points(effect[key]) for key in ("mean", "low", "high")] + [_rounded(effect["p"], 4)]
    words = [row.compared, row.experiment.on, recipe_name(row), effect["metric"]]
    return f"({', '.join([*map(_quoted, words), *map(repr, numbers), _quoted(row.verdict)])})"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _points(value: float | None) -> float | None:
    return _rounded(None if value is None else 100 * value, 2)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits) + 0.0  # no minus zero


# --------------------------------------------------------------------------------------------------------- TIPS.md


def page(results: Results) -> str:
    """``examples/TIPS.md``."""
    made = _results.rows(results)
    parts = [_introduction(results, made), _glance(made)]
    section = ""
    for tip in list_tips():
        if tip.section != section:
            section = tip.section
            parts.append(f"## {SECTIONS.get(section, section.capitalize())}")
        parts.append(_tip(tip, [row for row in made if row.experiment.tip == tip.key]))
    return "\n\n".join(parts) + "\n"


def _introduction(results: Results, made: Sequence[Row]) -> str:
    seeds = sorted({len(row.cell["following"]["scores"]) for row in made}) or [8]
    counted = " to ".join(map(str, dict.fromkeys((seeds[0], seeds[-1]))))
    tests = sum(row.q is not None for row in made)
    planned = sum(len(experiment.recipes) for experiment in EXPERIMENTS)
    state = f"{len(made)} comparisons" if len(made) == planned else f"{len(made)} of {planned} comparisons so far"
    facts = results.facts
    machine = f" on {facts['machine']}; torch {facts['torch']}, Python {facts['python']}" if facts else ""
    return f"""# The tips put to the test

For every tip that `nnlint` checks, a network (or a recipe) that follows it is trained against one that departs from it.
This page is written by `python examples/tips/run.py`; the networks are in [`tips/`](tips), one file a tip, and say what
is held equal and what differs.

**How.** {state}, each of {counted} pairs of trainings{machine}. The two of a pair share
the seed, the first weights where they can, and the order of the samples. An effect is the mean of the differences,
following minus departing, in percentage points of accuracy on test data that nothing was chosen by (hundredths of R²
for numbers); with its interval of 95 % and p by the exact sign-flip test. Above zero, following is better. Costs are
those of following as a multiple of departing's: seconds of the whole training, parameters, and the most memory of a
training step.

**What a verdict means.** With {tests} tests at 5 %, about {tests * 0.05:.0f} would be false alarms if no tip made a
difference. So the p values are adjusted (Benjamini and Hochberg 1995): of all verdicts "better" and "worse" together,
5 % are expected to be false. "No evidence" is no evidence of a difference; the interval says how large a difference
could still be. With 8 pairs p cannot be below 0.0078.

**What it cannot say.** These are grey images of 8 or 16 pixels a side (1,257 to learn from, 360 to judge by) and small
tables; networks of a few thousand weights; trainings of 8 epochs where nothing else is said; the recipes of `nnlint
train` with their default learning rates. Several tips were made for deep networks, long trainings and large images.
`nnlint compare` measures the same on your network and data."""


def _glance(made: Sequence[Row]) -> str:
    lines = ["## At a glance", "", "| tip | effect of following, in points | what it comes to |", "|---|---|---|"]
    by_tip = dict(_results.by_tip(list(made)))
    for tip in list_tips():
        rows = by_tip.get(tip.key, [])
        said = (
            _capital(reading(rows)) if rows else "Not put to the test" if tip.key in UNMEASURED else "Not measured yet"
        )
        lines.append(f"| [{tip.text.removesuffix('.')}](#{tip.key}) | {span(rows)} | {said} |")
    return "\n".join(lines)


def span(rows: Sequence[Row]) -> str:
    """The smallest and the largest effect of the comparisons that the tip claims something of."""
    claimed = [row for row in rows if row.experiment.claim in ("better", "identical")]
    means = [row.cell["effect"]["mean"] for row in claimed if row.cell["effect"]["mean"] is not None]
    if not means:
        return ""
    low, high = _signed(min(means)), _signed(max(means))
    return low if low == high else f"{low} to {high}"


def reading(rows: Sequence[Row]) -> str:
    """What the comparisons of a tip come to, in one sentence without its full stop."""
    claimed = [row for row in rows if row.experiment.claim != "equal"]
    alike = [row for row in rows if row.experiment.claim == "equal"]
    parts = [_claimed(claimed)] if claimed else []
    if alike:
        same = sum(row.status == "holds" for row in alike)
        parts.append(f"what should score alike shows no difference in {same} of {len(alike)}")
    return "; ".join(parts)


def _claimed(rows: Sequence[Row]) -> str:
    total = len(rows)
    count = {status: sum(row.status == status for row in rows) for status in ("holds", "contrary", "no evidence")}
    holds, contrary, none = count["holds"], count["contrary"], count["no evidence"]
    undecided = total - holds - contrary - none
    rest = f", {undecided} undecided" if undecided else ""
    if holds == total:
        return f"holds in all {total} comparisons" if total > 1 else "holds in the one comparison"
    if not holds and not contrary:
        return f"no evidence in {total} comparisons{rest}"
    if not contrary:
        return f"holds in {holds} of {total} comparisons, no evidence in {none}{rest}"
    if not holds:
        return f"does not hold here: the contrary in {contrary} of {total} comparisons, no evidence in {none}{rest}"
    return f"depends: holds in {holds} of {total} comparisons, the contrary in {contrary}, no evidence in {none}{rest}"


def _tip(tip: Tip, rows: Sequence[Row]) -> str:
    head = f'### <a id="{tip.key}"></a>{tip.text}'
    if tip.key in UNMEASURED:
        return f"{head}\n\nNot put to the test. {UNMEASURED[tip.key]}"
    experiments = [experiment for experiment in EXPERIMENTS if experiment.tip == tip.key]
    file = experiments[0].file
    doc = ast.get_docstring(ast.parse((HERE / file).read_text(encoding="utf-8"))) or ""
    title, _, held = doc.partition("\n\n")
    about = f"[{title.removesuffix('.')}](tips/{file}). {held}"
    if not rows:
        return f"{head}\n\n{about}\n\nNot measured yet."
    table = "\n".join(_table(rows))
    by_experiment = "\n".join(_by_experiment(experiments, rows))
    return f"{head}\n\n{about}\n\n{table}\n\n{_capital(reading(rows))}.\n\n{by_experiment}"


def _table(rows: Sequence[Row]) -> Iterator[str]:
    yield f"| {' | '.join(TITLES)} |"
    yield "|---" * len(TITLES) + "|"
    for row in rows:
        cell = row.cell
        fields = [
            row.compared,
            row.experiment.on,
            recipe_name(row),
            _score(cell["departing"]),
            _score(cell["following"]),
            effect_of(cell),
            "" if cell["effect"]["p"] is None or row.q is None else f"{cell['effect']['p']:.3f} ({row.q:.3f})",
            VERDICTS.get(row.verdict, row.verdict),
            *(_ratio(cell, key) for key in ("seconds", "params", "peak_bytes")),
        ]
        yield f"| {' | '.join(fields)} |"


def _by_experiment(experiments: Sequence[Experiment], rows: Sequence[Row]) -> Iterator[str]:
    """A line for each comparison: what was expected, with which recipes it came, and what else there is to say."""
    expected = {
        "better": "following should be better",
        "equal": "they should score alike",
        "identical": "every number should be the same",
        "cannot": "departing should not be trainable",
    }
    for experiment in experiments:
        mine = [row for row in rows if row.experiment is experiment]
        verdicts: dict[str, list[str]] = {}
        for row in mine:
            verdicts.setdefault(row.verdict, []).append(recipe_name(row))
        said = "; ".join(f"{verdict} ({', '.join(recipes)})" for verdict, recipes in verdicts.items())
        if mine:
            more = "".join(f" {sentence}" for sentence in dict.fromkeys(s for row in mine for s in _remarks(row)))
            yield f"* {_capital(mine[0].compared)}: {expected[experiment.claim]}. Measured: {said}.{more}"


def _remarks(row: Row) -> Iterator[str]:
    """What the numbers of the table leave out."""
    for side, label in (("departing", row.experiment.departing.label), ("following", row.experiment.following.label)):
        kept = row.cell[side]
        lost = sum(ending != "finished" for ending in kept["endings"])
        if lost:
            reason = kept["reason"].partition("\n")[0].removesuffix(".")
            all_of_them = len(kept["endings"])
            yield f"{recipe_name(row)}: {lost} of {all_of_them} trainings of {label} did not finish ({reason})."
        base, scores = kept["baseline"], [score for score in kept["scores"] if score is not None]
        if scores and base is not None and statistics.fmean(scores) < base + 0.02:
            yield f"{recipe_name(row)}: {label} learns next to nothing (a constant answer scores {100 * base:.1f} %)."
    before, after = row.cell["departing"]["answer_bytes"], row.cell["following"]["answer_bytes"]
    if row.experiment.claim == "identical" and before != after:
        yield f"A forward pass alone takes {after / before:.2f} times the memory."


def recipe_name(row: Row) -> str:
    """The recipe as a reader knows it."""
    return RECIPES.get(row.recipe, row.recipe)


def effect_of(cell: Mapping[str, Any]) -> str:
    """An effect with its interval, in points."""
    effect = cell["effect"]
    if effect["verdict"] == "bit-identical":
        return "0, to the bit"
    if not effect["deltas"]:
        return "–"
    mean = _signed(effect["mean"])
    return mean if effect["low"] is None else f"{mean} [{_signed(effect['low'])}, {_signed(effect['high'])}]"


def _signed(value: float) -> str:
    text = f"{100 * value:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")


def _score(side: Mapping[str, Any]) -> str:
    scores = [score for score in side["scores"] if score is not None]
    return f"{100 * statistics.fmean(scores):.1f}" if scores else "–"


def _ratio(cell: Mapping[str, Any], key: str) -> str:
    before, after = cell["departing"][key], cell["following"][key]
    return f"× {after / before:.2f}" if before and after else "–"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
