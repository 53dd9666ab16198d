"""A comparison as the command line prints it, and as a JSON document."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from nnlint.compare.model import Comparison, Effect, Variant
from nnlint.compare.verdict import (
    SAME_DATA,
    change,
    in_their_losses,
    largest_difference,
    loss_differences,
    lost,
    of_many_tests,
    sentence,
    shown_p,
    tested_by,
)
from nnlint.train.config import TrainConfig
from nnlint.train.objective import STATED
from nnlint.train.results import Trained
from nnlint.train.wording import NONE, SPACE, count, duration, named, number, score, size

SCHEMA_VERSION = 1
Rows = list[tuple[str, ...]]
#: `nnlint check --fix` applies the safe ones alone
FIXES = "fixes in B, unsafe ones included, the file left as it is"
_RULE = "─" * 78


def render(comparisons: Sequence[Comparison], notes: Sequence[str] = ()) -> str:
    """The report on all comparisons of a run: what they have in common first, the verdicts of several last."""
    first = comparisons[0]
    lines = [*_setting(first), *(f"note: {note}" for note in notes), ""]
    for one in comparisons:
        lines += [*_one(one), ""]
    if len(comparisons) > 1:
        lines += [*_overview(comparisons), ""]
    lines.append(f"{duration(first.seconds)} in all; {_facts(first.facts)}")
    return "\n".join(lines).replace(SPACE, " ") + "\n"


def _setting(comparison: Comparison) -> Iterator[str]:
    yield f"data: {comparison.data}"
    yield f"recipe: {recipe(comparison.a.config)}"
    yield "        The recipe decides how big a difference looks: another one may give another verdict."
    yield f"seeds:  {SAME_DATA}"


def recipe(config: TrainConfig) -> str:
    """A recipe in one line, without the rate, which may be each network's own."""
    parts = [
        "1 epoch" if config.epochs == 1 else f"{config.epochs} epochs",
        f"batches of {config.batch_size}",
        {"adamw": "AdamW", "sgd": "SGD with momentum", "adadelta": "Adadelta"}[config.optimizer],
        {"one-cycle": "one-cycle", "constant": "constant rate"}[config.course],
        f"weight decay {number(config.decay)}",
    ]
    if config.label_smoothing:
        parts.append(f"label smoothing {config.label_smoothing:g}")
    if config.augment:
        parts.append(f"augmentation: {', '.join(config.augment)}")
    if config.clip is not None:
        parts.append(f"gradients clipped to {config.clip:g}")
    if config.threads not in (None, 1):
        parts.append(f"{config.threads} threads")
    if config.mode != "default":
        parts.append(f"--{config.mode}")
    return ", ".join(parts)


def _one(comparison: Comparison) -> Iterator[str]:
    a, b, effect = comparison.a, comparison.b, comparison.effect
    yield _RULE
    yield f"A  {_network(a)}"
    yield f"B  {_network(b)}"
    if a.loss != b.loss and effect.verdict != "bit-identical":  # losses of two names may be one
        yield f"note: the two are trained with different losses, {a.loss} and {b.loss}: their losses are no comparison"
    yield ""
    yield from _seeds(comparison)
    yield ""
    if effect.deltas and effect.verdict != "bit-identical":  # what is proved needs no test
        yield _measured(effect)
    yield sentence(comparison)
    if effect.verdict == "failed":
        yield from _advice(comparison)
    if effect.verdict not in ("bit-identical", "failed") and (said := in_their_losses(comparison.pairs)):
        yield said
    yield ""
    yield from _costs(a, b)
    if a.rates or b.rates:
        yield ""
        yield from _rates(comparison)
    if comparison.unfinished:
        yield ""
        yield "not finished:"
        yield from (f"  {one}" for one in comparison.unfinished)
    if comparison.fixes or comparison.unfixed:
        yield ""
    if comparison.fixes:
        yield f"{FIXES}: {', '.join(comparison.fixes)}"
    if comparison.unfixed:
        yield f"not fixed: {', '.join(comparison.unfixed)}"
    yield from comparison.diff.splitlines()


def _advice(comparison: Comparison) -> Iterator[str]:
    """What may help where a network never finished."""
    a, b, gone = comparison.a, comparison.b, lost(comparison.pairs)
    stated = STATED in {getattr(comparison, side).why for side in gone}
    failed = any(run.ending == "failed" and run.steps == 0 for run in gone.values())
    if stated and a.loss != b.loss and (failed or len(gone) == 1):
        name = "" if "a" in gone else f" {a.loss.replace('_', '-')}"
        yield f"help: --loss{name} gives both the same loss instead of the one that each file states"
    elif stated and failed:
        yield "help: --loss gives both another loss than the one that is stated"
    # a first loss that is a number tells that it was training that made it none
    diverged = [side for side, run in gone.items() if run.ending == "diverged" and math.isfinite(run.first_loss)]
    if diverged:
        config: TrainConfig = getattr(comparison, diverged[0]).config
        sweep = ", or let --lr-sweep 3 find each network's own" if config.lr is None else ""
        yield f"help: the learning rate was {number(config.rate)}: give a lower --lr{sweep}"


def _measured(effect: Effect) -> str:
    text = f"B - A, {named(effect.metric)}: {change(effect, effect.mean)}"
    if len(effect.deltas) > 1:  # one number has no spread
        text += f" ± {_size(effect)} (sd)"
    if effect.p is None:
        return text
    interval = f"95 % interval {change(effect, effect.low)} to {change(effect, effect.high)}"
    return f"{text}; {interval}; p = {shown_p(effect.p)} ({tested_by(effect)})"


def _size(effect: Effect) -> str:
    return change(effect, effect.sd).lstrip("+")


def _network(variant: Variant) -> str:
    parts = [f"{variant.label}: {variant.target}" if variant.label != variant.target else variant.label]
    parts.append(f"   {variant.loss}, {variant.why}; learning rate {number(variant.config.rate)}")
    parts += [f"   {note}" for note in variant.notes]
    return "\n".join(parts)


def _seeds(comparison: Comparison) -> Iterator[str]:
    metric = comparison.effect.metric
    judged = {run.judged_on for pair in comparison.pairs for run in (pair.a, pair.b)}
    on = " and ".join(sorted(judged)) or "test"
    both = any(pair.seed_b is not None for pair in comparison.pairs)
    rows: Rows = [("seeds A / B" if both else "seed", f"A {metric}", f"B {metric}", "B - A", "trained first")]
    for pair in comparison.pairs:
        scores = (_score(metric, run) for run in (pair.a, pair.b))
        delta = NONE if pair.delta is None else change(comparison.effect, pair.delta)
        rows.append((pair.seeds, *scores, delta, pair.order[0]))
    yield f"{named(metric)} on the {on} data, by seed:"
    yield from table(rows)


def _score(metric: str, run: Trained) -> str:
    return score(metric, run.score) if run.score is not None else run.ending


def _costs(a: Variant, b: Variant) -> Iterator[str]:
    rows: Rows = [("cost", "A", "B", "B / A")]
    for name, shown in _COSTS.items():
        one, other = (None if variant.cost is None else getattr(variant.cost, name) for variant in (a, b))
        ratio = f"{other / one:.2f}" if one and other else NONE
        rows.append((shown[0], *(NONE if value is None else shown[1](value) for value in (one, other)), ratio))
    yield from table(rows)


_COSTS: Mapping[str, tuple[str, Any]] = {
    "params": ("parameters", count),
    "macs": ("MACs a sample", count),
    "seconds": ("an epoch", duration),
    "samples_per_second": ("samples a second", count),
    "peak_bytes": ("memory of a step", size),
}


def _rates(comparison: Comparison) -> Iterator[str]:
    metric = comparison.effect.metric
    a, b = comparison.a, comparison.b
    yield f"learning rates tried, mean {named(metric)} on the validation data of seeds of their own (* used):"
    rows: Rows = [("rate", "A", "B")]
    for rate in sorted({*a.rates, *b.rates}):
        cells = (score(metric, one.rates.get(rate)) + (" *" if rate == one.config.rate else "  ") for one in (a, b))
        rows.append((number(rate), *cells))
    yield from table(rows)
    for name, one in (("A", a), ("B", b)):
        if len(one.rates) > 1 and one.config.rate in (min(one.rates), max(one.rates)):
            yield f"{name} is best at an end of the rates that were tried: a rate beyond it may be better still"


def _overview(comparisons: Sequence[Comparison]) -> Iterator[str]:
    yield _RULE
    rows = [("against " + comparisons[0].a.label, "difference", "95 % interval", "p", "verdict")]
    for one in comparisons:
        effect = one.effect
        interval = f"{change(effect, effect.low)} to {change(effect, effect.high)}" if effect.p is not None else NONE
        mean = change(effect, effect.mean) if effect.deltas else NONE
        rows.append((one.b.label, mean, interval, NONE if effect.p is None else shown_p(effect.p), effect.verdict))
    yield from table(rows)
    if said := of_many_tests(comparisons):
        yield said


def _facts(facts: Mapping[str, str]) -> str:
    """Those that a reader needs first; the JSON document and the page have all."""
    told = [f"{name} {facts[name]}" for name in ("torch", "device", "threads", "processes", "cores") if name in facts]
    return ", ".join([*told, *([f"seeds: {facts['seeds']}"] if "seeds" in facts else [])])


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns side by side: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        yield ("  " + "  ".join(cells)).rstrip()


# --------------------------------------------------------------------------------------------------------- JSON


def document(comparisons: Iterable[Comparison], notes: Sequence[str] = ()) -> str:
    """Everything there is to know of a run, as JSON: what is no number in JSON (infinite, none) is null."""
    whole = {
        "schema_version": SCHEMA_VERSION,
        "notes": list(notes),
        "comparisons": [_as_plain(one) for one in comparisons],
    }
    return json.dumps(_finite(whole), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _as_plain(comparison: Comparison) -> dict[str, Any]:
    plain = asdict(comparison)
    plain["sentence"] = sentence(comparison)
    plain["largest_loss_difference"] = largest_difference(comparison.pairs)
    plain["loss_differences"] = loss_differences(comparison.pairs)
    for side in ("a", "b"):
        variant: Variant = getattr(comparison, side)
        plain[side]["rate"] = variant.config.rate
        plain[side]["rates"] = [{"lr": rate, "score": value} for rate, value in variant.rates.items()]
    for pair, written in zip(comparison.pairs, plain["pairs"], strict=True):
        written["delta"] = pair.delta
    return plain


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
