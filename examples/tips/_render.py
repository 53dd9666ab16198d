"""The results in words: ``examples/TIPS.md``, and ``rules/_measured.py``, which `nnlint rule` reads."""

from __future__ import annotations

import ast
import math
import statistics
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import _results
from _data import BATCH
from _experiments import EPOCHS, EXPERIMENTS, OWN, SAMPLES, UNMEASURED, Experiment
from _results import Results, Row
from _words import capital, effect_of, ratio, reading, recipe_name, score, span

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
    "computation",
    "memory: training",
    "forward",
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

Tip → what the measurements say of it; the smallest and the largest effect where it promises one; the comparisons: what
was compared, data, metric, and for each recipe the mean effect of following over the seeds and the ends of its interval
of 95 % (percentage points of accuracy, hundredths of R²), p, and the verdict on following with all comparisons
considered. Read by `ast`, so the value is a literal.
"""

'''
#: sentences stay in one piece, and minus signs are true ones
LONG = "# ruff: noqa: E501, RUF001\n\n"


def measured(results: Results) -> str:
    """The literal that `nnlint rule` reads, as the formatter writes it."""
    lines = []
    for tip, rows in _results.by_tip(_results.rows(results)):
        head = (reading(rows), span(rows))
        lines += [f"    {_quoted(tip)}: (", *(f"        {_quoted(one)}," for one in head), "        ["]
        for experiment in dict.fromkeys(row.experiment for row in rows):
            mine = [row for row in rows if row.experiment is experiment]
            about = (mine[0].compared, experiment.on, mine[0].cell["effect"]["metric"])
            lines += ["            (", *(f"                {_quoted(one)}," for one in about), "                ["]
            lines += [f"                    {_literal(row)}," for row in mine]
            lines += ["                ],", "            ),"]
        lines += ["        ],", "    ),"]
    if not lines:
        return f"{HEAD}MEASURED: dict[str, object] = {{}}\n"
    return "\n".join([f"{HEAD}{LONG}MEASURED: dict[str, object] = {{", *lines, "}", ""])


def _literal(row: Row) -> str:
    effect = row.cell["effect"]
    numbers = [_points(effect[key]) for key in ("mean", "low", "high")] + [_rounded(effect["p"], 4)]
    return f"({', '.join([_quoted(recipe_name(row)), *map(repr, numbers), _quoted(row.verdict)])})"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _points(value: float | None) -> float | None:
    return _rounded(None if value is None else 100 * value, 3)


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


INTRODUCTION = """
For every tip that `nnlint` checks, a network (or a recipe) that follows it is trained against one that departs from it.
This page is written by `python examples/tips/run.py`; the networks are in [`tips/`](tips), one file a tip, and say what
is held equal and what differs.

**How.** {state}, each of {seeds} pairs of trainings{machine}. The two of a pair share the seed, the samples and their
order (where that is not what differs), and the first weights where they can. An effect is the mean of the differences,
following minus departing, in percentage points of accuracy on test data that nothing was chosen by (hundredths of R²
for numbers); with its interval of 95 % and p by the exact sign-flip test. Above zero, following is better. Costs are
those of following as a multiple of departing's: the seconds of a whole training ({jobs}), the parameters, the
multiply-adds of a sample, the most memory of a training step, and of a forward pass without gradients.

**What a verdict means.** Of {tests} tests at 5 %, about {alarms} would be false alarms if no tip made a difference. So
the p values are adjusted (Benjamini and Hochberg 1995): of all verdicts "better" and "worse" together, at most 5 % are
expected to be false, which is proved for tests that do not depend on each other; some of these share a network. "No
evidence" is no evidence of a difference, and not evidence that there is none: the interval, which is not adjusted, says
how large one could still be. Two that should score alike are said to only where the whole interval lies within
{alike:g} points of zero. With 8 pairs p cannot be below 0.0078.

**What it cannot say.** These are grey images of 8 pixels a side, or of 16 that are those 8 enlarged, {samples} to learn
from ({samples} others for each seed: with all 1,257 nearly every network is right nearly always) and 360 to judge by,
the same for every seed, so that p does not speak of other images to judge by; and two small tables, of which every seed
sees all. Networks have {least:,} to {most:,} weights, most of them fewer than {half:,}; {epochs} epochs of the images
are {steps} steps; the recipes are those of `nnlint train` with their default learning rates and torch's first weights,
where a comparison does not say otherwise. Where an effect is large with one recipe and small with another, part of it
is how fast a network learns at that rate. Several tips were made for deep networks, long trainings and large images.
`nnlint compare` measures the same on your network and data.
"""


def _introduction(results: Results, made: Sequence[Row]) -> str:
    seeds = sorted({len(row.cell["following"]["scores"]) for row in made}) or [8]
    tests = sum(row.q is not None for row in made)
    planned = sum(len(experiment.recipes) for experiment in EXPERIMENTS)
    facts = results.facts
    weights = [row.cell[side]["params"] for row in made for side in ("departing", "following")] or [0]
    text = INTRODUCTION.format(
        state=f"{len(made)} comparisons" if len(made) == planned else f"{len(made)} of {planned} comparisons so far",
        seeds=" to ".join(map(str, dict.fromkeys((seeds[0], seeds[-1])))),
        machine=f" on {facts['machine']}; torch {facts['torch']}, Python {facts['python']}" if facts else "",
        jobs=facts.get("jobs", "2 at a time"),
        tests=tests,
        alarms=round(tests * _results.FALSE_FINDINGS),
        samples=SAMPLES,
        epochs=EPOCHS,
        steps=EPOCHS * math.ceil(SAMPLES / BATCH),
        least=min(weights),
        most=max(weights),
        half=math.ceil(statistics.median(weights) / 1000) * 1000,
        alike=100 * _results.ALIKE,
    )
    paragraphs = (
        textwrap.fill(one, 120, break_long_words=False, break_on_hyphens=False) for one in text.strip().split("\n\n")
    )
    return "\n\n".join(["# The tips put to the test", *paragraphs])


def _glance(made: Sequence[Row]) -> str:
    lines = ["## At a glance", "", "| tip | effect of following, in points | what it comes to |", "|---|---|---|"]
    by_tip = dict(_results.by_tip(list(made)))
    for tip in list_tips():
        rows = by_tip.get(tip.key, [])
        said = (
            capital(reading(rows)) if rows else "Not put to the test" if tip.key in UNMEASURED else "Not measured yet"
        )
        lines.append(f"| [{tip.text.removesuffix('.')}](#{tip.key}) | {span(rows)} | {said} |")
    return "\n".join(lines)


def _tip(tip: Tip, rows: Sequence[Row]) -> str:
    head = f'### <a id="{tip.key}"></a>{tip.text}'
    if tip.key in UNMEASURED:
        return f"{head}\n\nNot put to the test. {UNMEASURED[tip.key]}"
    experiments = [experiment for experiment in EXPERIMENTS if experiment.tip == tip.key]
    file = experiments[0].file
    doc = ast.get_docstring(ast.parse((HERE / file).read_text(encoding="utf-8"))) or ""
    title, _, held = doc.partition("\n\n")
    about = f"[{title.removesuffix('.')}](tips/{file}). {' '.join(held.split())}"
    if not rows:
        return f"{head}\n\n{about}\n\nNot measured yet."
    table = "\n".join(_table(rows))
    by_experiment = "\n".join(_by_experiment(experiments, rows))
    return f"{head}\n\n{about}\n\n{table}\n\n{capital(reading(rows))}.\n\n{by_experiment}"


def _table(rows: Sequence[Row]) -> Iterator[str]:
    yield f"| {' | '.join(TITLES)} |"
    yield "|---" * len(TITLES) + "|"
    for row in rows:
        cell = row.cell
        fields = [
            row.compared,
            row.experiment.on,
            recipe_name(row),
            score(cell["departing"]),
            score(cell["following"]),
            effect_of(cell),
            "" if cell["effect"]["p"] is None or row.q is None else f"{cell['effect']['p']:.3f} ({row.q:.3f})",
            VERDICTS.get(row.verdict, row.verdict),
            *(ratio(cell, key) for key in ("seconds", "params", "macs", "peak_bytes", "answer_bytes")),
        ]
        yield f"| {' | '.join(fields)} |"


def _by_experiment(experiments: Sequence[Experiment], rows: Sequence[Row]) -> Iterator[str]:
    """A line for each comparison: what was expected, with which recipes it came, and what else there is to say."""
    expected = {
        "better": "following should be better",
        "equal": "they should score alike",
        "cheaper": "every number should be the same, and following should cost less",
        "cannot": "departing should not be trainable",
    }
    for experiment in experiments:
        mine = [row for row in rows if row.experiment is experiment]
        if not mine:
            continue
        several = experiment.recipes is not OWN
        verdicts = _grouped((row, row.verdict) for row in mine)
        measured = "; ".join(f"{said} ({recipes})" if several else said for said, recipes in verdicts)
        remarks = _grouped((row, remark) for row in mine for remark in _remarks(row))
        more = "".join(f" {recipes}: {remark}." if several else f" {capital(remark)}." for remark, recipes in remarks)
        yield f"* {capital(mine[0].compared)}: {expected[experiment.claim]}. Measured: {measured}.{more}"


def _grouped(said: Iterable[tuple[Row, str]]) -> Iterator[tuple[str, str]]:
    """Each sentence once, with the recipes it is said of."""
    recipes: dict[str, list[str]] = {}
    for row, sentence in said:
        recipes.setdefault(sentence, []).append(recipe_name(row))
    return ((sentence, ", ".join(names)) for sentence, names in recipes.items())


def _remarks(row: Row) -> Iterator[str]:
    """What the numbers of the table leave out."""
    for side, label in (("departing", row.experiment.departing.label), ("following", row.experiment.following.label)):
        kept = row.cell[side]
        lost, every = sum(ending != "finished" for ending in kept["endings"]), len(kept["endings"])
        if lost:
            reason = kept["reason"].partition("\n")[0].removesuffix(".")
            yield f"{lost} of {every} trainings of “{label}” did not finish ({reason})"
        base, scores = kept["baseline"], [score for score in kept["scores"] if score is not None]
        if scores and base is not None and statistics.fmean(scores) < base + 0.02:
            yield f"“{label}” learns next to nothing (a constant answer scores {100 * base:.1f})"
