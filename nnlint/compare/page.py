"""The page of a comparison, or of several: the verdict with its uncertainty first, then what it rests on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import fields
from xml.etree.ElementTree import Element

from nnlint.compare.figures import curves, deltas, forest, interval, least_shown
from nnlint.compare.model import Comparison, Cost, Effect, Variant
from nnlint.compare.statistics import ALPHA
from nnlint.compare.text import FIXES
from nnlint.compare.verdict import SAME_DATA, identical, in_their_losses, of_many_tests, sentence, shown_p, tested_by
from nnlint.train import wording
from nnlint.train.markup import Child, document, node, table
from nnlint.train.page import facts
from nnlint.train.results import Trained
from nnlint.train.wording import MINUS, NONE, SPACE, difference, named, number, score

Cells = list[tuple[Child, ...]]


def render(comparisons: Sequence[Comparison], *, title: str = "nnlint compare", notes: Sequence[str] = ()) -> str:
    """The page, as HTML that needs nothing but itself: no script, nothing from elsewhere, drawings as inline SVG.

    Args:
        comparisons: one, or several (each fix alone, then all), which get a table and a drawing of all effects on top.
        title: of the page.
        notes: sentences on all of it: what was left out, that it was stopped.

    Raises:
        ValueError: there is no comparison.
    """
    if not comparisons:
        raise ValueError("a page needs a comparison")
    if len(comparisons) == 1:
        first = comparisons[0]
        return document(title, node("h1", _versus(first)), *_notes(notes), *_body(first))
    sections = (
        node("section", node("h2", f"{at}. ", _versus(one)), *_body(one), id=f"comparison-{at}")
        for at, one in enumerate(comparisons, 1)
    )
    return document(title, node("h1", title), *_notes(notes), *_summary(comparisons), *sections)


def _notes(notes: Sequence[str]) -> Iterable[Element]:
    if notes:
        yield node("ul", *(node("li", note) for note in notes))


def _measured(comparison: Comparison) -> Iterable[Element]:
    """The effect in numbers, and what no verdict must not be taken for."""
    effect = comparison.effect
    if not effect.deltas or effect.verdict == "bit-identical":
        return
    extent = f"; 95 % interval {interval(effect)}" if interval(effect) else ""
    tested = f"; {tested_by(effect)}, p{SPACE}={SPACE}{shown_p(effect.p)}" if effect.p is not None else ""
    said = f"{difference(effect.metric, effect.mean)} of {named(effect.metric)} on average over {_seeds(effect)}"
    yield node("p", f"{said}{extent}{tested}.")
    if effect.verdict == "no evidence" and effect.p is not None and effect.p >= ALPHA:
        yield node(
            "p",
            "That is no evidence that the two are equally good either: these runs fit any difference in the interval.",
        )


def _seeds(effect: Effect) -> str:
    pairs = len(effect.deltas)
    return f"{pairs}{SPACE}seed" + ("" if pairs == 1 else "s")


def _versus(comparison: Comparison) -> Element:
    a, b = (node("span", side.label, class_=f"key-{key}") for key, side in _sides(comparison))
    return node("span", a, " against ", b)


def _sides(comparison: Comparison) -> tuple[tuple[str, Variant], tuple[str, Variant]]:
    return ("a", comparison.a), ("b", comparison.b)


def _summary(comparisons: Sequence[Comparison]) -> Iterable[Element]:
    """All effects at a glance."""
    verdicts = [one.effect.verdict for one in comparisons]
    counts = [f"{verdicts.count(kind)} {kind}" for kind in dict.fromkeys(verdicts)]
    yield node("p", f"{len(comparisons)} comparisons: {', '.join(counts)}.", class_="lead")
    if any(one.effect.deltas for one in comparisons):
        effects = [(one.b.label, one.effect if one.effect.deltas else None) for one in comparisons]
        said = (
            f"Mean difference against A and its 95 % interval; pale: no verdict. {of_many_tests(comparisons)}".strip()
        )
        drawing = forest(effects, title="Effects of all variants")
        yield node("figure", drawing, node("figcaption", said), class_="wide")
    rows: Cells = []
    for at, one in enumerate(comparisons, 1):
        effect = one.effect
        link = node("a", one.b.label, href=f"#comparison-{at}")
        # what is the same to the bit is proved, and no matter of chance
        tested = effect.p is not None and effect.verdict != "bit-identical"
        ends, p = (interval(effect), shown_p(effect.p or 0.0)) if tested else (NONE, NONE)
        mean = difference(effect.metric, effect.mean) if effect.deltas else NONE
        costs = _ratio(one, "seconds"), _ratio(one, "peak_bytes")
        rows.append((link, named(effect.metric), mean, ends, p, effect.verdict, *costs, str(len(one.unfinished))))
    head = ("variant", "metric", "difference", "95 % interval", "p", "verdict", "time ×", "memory ×", "unfinished")
    yield table(head, rows)


def _ratio(comparison: Comparison, of: str) -> str:
    a, b = comparison.a.cost, comparison.b.cost
    if a is None or b is None or not getattr(a, of):
        return NONE
    return number(getattr(b, of) / getattr(a, of), 3, fixed=True)


def _body(comparison: Comparison) -> Iterable[Child]:
    yield node("p", sentence(comparison), class_="lead")
    yield from _measured(comparison)
    yield node("p", comparison.data, class_="quiet")
    for key, side in _sides(comparison):
        about = (
            node("span", key.upper(), class_=f"key-{key}"),
            f" {side.label}: {side.target}. Loss: {side.loss}, {side.why}",
        )
        yield node("p", *about, *(f"; {note}" for note in side.notes), class_="quiet")
    if comparison.fixes:
        yield node("p", f"{FIXES[:1].upper()}{FIXES[1:]}: ", ", ".join(comparison.fixes), class_="quiet")
    if comparison.unfixed:
        yield node("p", "Not fixed: ", ", ".join(comparison.unfixed), class_="quiet")
    yield from _unfinished(comparison)
    yield from _difference(comparison)
    yield from _curves(comparison)
    yield node("h3", "What they cost")
    yield _costs(comparison)
    yield from _diff(comparison)
    yield node("div", _recipe(comparison), facts(_facts(comparison)), class_="columns")


def _facts(comparison: Comparison) -> Iterable[tuple[str, str]]:
    yield from comparison.facts.items()
    yield "whole comparison", wording.duration(comparison.seconds)


def _unfinished(comparison: Comparison) -> Iterable[Element]:
    """What did not finish: it stands before any figure, because it is part of the result."""
    if comparison.unfinished:
        head = node("p", node("strong", f"Unfinished runs: {len(comparison.unfinished)}"))
        runs = (node("li", said) for said in comparison.unfinished)
        yield node("div", head, node("ul", *runs), class_="alarm", role="note")


def _difference(comparison: Comparison) -> Iterable[Element]:
    measured = bool(comparison.effect.deltas)
    yield node("h3", "The difference, seed by seed" if measured else "Seed by seed")
    if not comparison.pairs:
        yield node("p", "No pair was run.", class_="quiet")
        return
    if not measured:  # a drawing of nothing
        yield _seed_table(comparison)
        return
    drawing = deltas(comparison.pairs, comparison.effect, comparison.a.label, comparison.b.label)
    said = "A dot a seed: what B scores less what A scores."
    said += " Diamond and line: mean and 95 % interval." if comparison.effect.low is not None else " Diamond: mean."
    said += f" {in_their_losses(comparison.pairs)}"
    figure = node("figure", drawing, node("figcaption", said), class_="small")
    yield node("div", figure, _seed_table(comparison), class_="columns")


def _seed_table(comparison: Comparison) -> Element:
    metric, rows = comparison.effect.metric, Cells()
    for pair in comparison.pairs:
        seed = pair.seeds, _scored(pair.a), _scored(pair.b), difference(metric, pair.delta, unit=False)
        rows.append((*seed, "identical" if identical(pair) else "", pair.order[0]))
    effect = comparison.effect
    if effect.deltas:
        done = [pair for pair in comparison.pairs if pair.delta is not None]
        means = (_mean(metric, [run.score for run in side]) for side in ([p.a for p in done], [p.b for p in done]))
        mean = node("strong", difference(metric, effect.mean, unit=False))
        rows.append((node("strong", "mean"), *means, mean, "", ""))
        if len(effect.deltas) > 1:  # one number has no spread
            spread = difference(metric, effect.sd, unit=False).lstrip("+")
            rows.append(("sd", "", "", spread, "", ""))
    judged = {pair.a.judged_on for pair in comparison.pairs}
    on = {"test": "test data", "val": "validation data"}
    caption = f"{named(metric)} on {', '.join(on.get(name, name) for name in sorted(judged))}"
    both = any(pair.seed_b is not None for pair in comparison.pairs)
    return table(
        ("seeds A / B" if both else "seed", "A", "B", f"B{SPACE}{MINUS}{SPACE}A", "", "trained first"),
        rows,
        caption=caption,
    )


def _scored(run: Trained) -> Child:
    return score(run.metric, run.score) if run.score is not None else node("span", run.ending, class_="wrong")


def _mean(metric: str, scores: Sequence[float | None]) -> str:
    known = [value for value in scores if value is not None]
    return score(metric, math.fsum(known) / len(known) if known else None)


def _curves(comparison: Comparison) -> Iterable[Element]:
    if not any(run.epochs for pair in comparison.pairs for run in (pair.a, pair.b)):
        return
    a, b, metric = comparison.a.label, comparison.b.label, comparison.effect.metric
    yield node("h3", "Curves")
    drawn = (curves(comparison.pairs, what, a, b) for what in (metric, "val_loss", "train_loss"))
    yield node("div", *(node("figure", drawing) for drawing in drawn), class_="figures")
    runs = [run for pair in comparison.pairs for run in (pair.a, pair.b)]
    lines = [[(epoch.number, epoch.metrics.get(metric, math.nan)) for epoch in run.epochs] for run in runs]
    said = (
        "Grey: A, blue: B. Thin: a run; thick: the mean of those that finished, with one standard deviation around it."
    )
    if least_shown(lines) is not None:
        said += f" Early epochs lie below the figure of {named(metric)}, so that the later ones can be told apart."
    yield node("p", said, class_="quiet")


def _costs(comparison: Comparison) -> Element:
    a, b = comparison.a.cost, comparison.b.cost
    if a is None and b is None:
        return node("p", "Neither finished a run, so nothing was measured.", class_="quiet")
    shown = {
        "params": ("parameters", wording.count),
        "macs": ("multiply-adds a sample", wording.count),
        "seconds": ("time an epoch, training", wording.duration),
        "samples_per_second": ("samples a second, training", wording.count),
        "peak_bytes": ("most memory in a step", wording.size),
    }
    rows: Cells = [
        (shown[name][0], *(NONE if side is None else shown[name][1](getattr(side, name)) for side in (a, b)), times)
        for name in (field.name for field in fields(Cost))
        for times in (_ratio(comparison, name),)
    ]
    return table(("", "A", "B", "B / A"), rows)


def _diff(comparison: Comparison) -> Iterable[Element]:
    if not comparison.diff:
        return
    looks = {"+": "added", "-": "gone", "@": "place"}
    lines: list[Child] = []
    for line in comparison.diff.splitlines():
        look = "place" if line.startswith(("+++", "---")) else looks.get(line[:1])
        lines += [node("span", line, class_=look) if look else line, "\n"]
    yield node("h3", "What B has different")
    yield node("pre", *lines, tabindex="0")


def _recipe(comparison: Comparison) -> Element:
    """Every knob of both, and the rates that were tried."""
    # the seed of the recipe is the first of several
    a, b = ([row for row in wording.recipe(side.config) if row[0] != "seed"] for side in (comparison.a, comparison.b))
    rows: Cells = [
        (name, value, node("strong", other) if value != other else other)
        for (name, value), (_, other) in zip(a, b, strict=True)
    ]
    recipe = table(("", "A and B"), [*a], class_="words") if a == b else table(("", "A", "B"), rows, class_="words")
    seeds = ", ".join(pair.seeds for pair in comparison.pairs)
    said = "The recipe decides how big a difference looks: with another optimiser, schedule or number of epochs it may "
    said += f"be larger, smaller or none. Seeds: {seeds or 'none'}. {SAME_DATA}"
    parts = [node("h2", "Recipe"), node("p", said, class_="quiet"), recipe]
    if comparison.a.rates or comparison.b.rates:
        parts.append(_rates(comparison))
    return node("section", *parts)


def _rates(comparison: Comparison) -> Element:
    a, b, metric = comparison.a, comparison.b, comparison.effect.metric
    rows: Cells = []
    for rate in sorted({*a.rates, *b.rates}):
        scores = (
            node("strong" if rate == side.config.rate else "span", score(metric, side.rates.get(rate)))
            for side in (a, b)
        )
        rows.append((number(rate), *scores))
    return table(
        ("learning rate", "A", "B"), rows, caption=f"Mean {named(metric)} by learning rate; bold: the one used"
    )
