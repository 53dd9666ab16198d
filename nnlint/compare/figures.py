"""The drawings of a comparison: the difference of each seed, the curves of both, the effects of several."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple
from xml.etree.ElementTree import Element

from nnlint.compare.model import Effect, Pair
from nnlint.compare.verdict import shown_p
from nnlint.train import wording
from nnlint.train.chart import Band, Curve, Frame, chart
from nnlint.train.markup import node
from nnlint.train.results import Trained
from nnlint.train.svg import Point, Scale, cross, domain, finite, tick_labels, ticks
from nnlint.train.wording import difference, is_share, named

#: up to so many seeds each has a row with its name
MOST_NAMED = 24
#: so many letters of a name go beside the end of a curve; a longer one is A or B there
LONGEST_END = 11
#: an effect so many times as large as the middle one leaves the axis, so that the others can be seen
OUTLYING = 8.0


class Row(NamedTuple):
    """A line of `forest`: what was tried, and what came of it (None: it could not be measured)."""

    label: str
    effect: Effect | None


def deltas(pairs: Sequence[Pair], effect: Effect, a: str, b: str) -> Element:
    """The difference of each seed as a dot, their mean and its interval of 95 % below, and a line at zero.

    Args:
        pairs: the runs; a pair that has an unfinished one has a cross in place of the dot.
        effect: mean and interval.
        a, b: what the two are called.
    """
    width, left, right, top = 360, 58, 62, 30
    row = 17.0 if len(pairs) <= MOST_NAMED else 6.0
    bottom = top + row * len(pairs) + 8
    height = bottom + 24 + 30
    ends = [*(pair.delta for pair in pairs if pair.delta is not None), *_extent(effect)]
    scale = Scale(*_around_zero(ends), left, width - right)
    count = len(effect.deltas)
    said = f"Mean {_mean(effect)} over {count} {'seed' if count == 1 else 'seeds'}."
    svg = node("svg", node("title", f"Difference by seed, {b} minus {a}"), node("desc", said), role="img")
    svg.set("viewBox", f"0 0 {width} {height:.0f}")
    unit = ", points" if is_share(effect.metric) else ""
    svg.append(node("text", f"{named(effect.metric)}, B minus A{unit}", x=0, y=11, class_="quiet"))
    svg.extend(_ground(scale, effect.metric, top, bottom + 24, height - 12))
    for at, pair in enumerate(pairs):
        svg.extend(_seed(pair, effect.metric, scale, top + row * (at + 0.5), row, width))
    svg.append(node("path", d=f"M0 {bottom - 4:.1f}H{width}", class_="grid"))
    svg.extend(_estimate(effect, scale, bottom + 9))
    svg.append(node("text", "mean", x=0, y=bottom + 13, class_="strong"))
    mean = difference(effect.metric, effect.mean, unit=False) if effect.deltas else ""
    svg.append(node("text", mean, x=width, y=bottom + 13, text_anchor="end", class_="b strong"))
    return svg


def _seed(pair: Pair, metric: str, scale: Scale, y: float, row: float, width: float) -> Iterable[Element]:
    if row > 10:
        yield node("text", f"seed {pair.seed}", x=0, y=y + 4, class_="quiet")
    if pair.delta is None or not math.isfinite(pair.delta):
        who = " and ".join(name for name, run in (("A", pair.a), ("B", pair.b)) if run.score is None)
        said = node("title", f"seed {pair.seeds}: {who or 'one'} did not finish")
        yield node("path", said, d=cross(scale(0), y), class_="cross")
        if row > 10:
            yield node("text", "unfinished", x=width, y=y + 4, text_anchor="end", class_="wrong")
        return
    x = scale(pair.delta)
    yield node("path", d=f"M{scale(0):.1f} {y:.1f}H{x:.1f}", class_="stem")
    text = difference(metric, pair.delta)
    yield node("circle", node("title", f"seed {pair.seeds}: {text}"), cx=x, cy=y, r=min(3.6, row / 2), class_="b")
    if row > 10:
        text = difference(metric, pair.delta, unit=False)
        yield node("text", text, x=width, y=y + 4, text_anchor="end", class_="quiet")


def _extent(effect: Effect) -> list[float]:
    """The ends of what is drawn of an effect."""
    return finite(value for value in (effect.mean, effect.low, effect.high) if value is not None)


def _mean(effect: Effect) -> str:
    text = difference(effect.metric, effect.mean) if effect.deltas else "of nothing"
    return text + (f", 95 % interval {interval(effect)}" if interval(effect) else "")


def interval(effect: Effect) -> str:
    """``+0.40 to +2.10 points``; empty where there is none."""
    if effect.low is None or effect.high is None:
        return ""
    return f"{difference(effect.metric, effect.low, unit=False)} to {difference(effect.metric, effect.high)}"


def _ground(scale: Scale, metric: str, top: float, bottom: float, base: float) -> Iterable[Element]:
    """Ticks below and a line at zero, which is what the dots are read against."""
    marks = ticks(scale.low, scale.high, 5)
    for mark, label in zip(marks, tick_labels(marks, percent=is_share(metric), signed=True), strict=True):
        x = scale(mark)
        yield node("path", d=f"M{x:.1f} {top:.1f}V{bottom:.1f}", class_="axis" if mark == 0 else "grid")
        yield node("text", label, x=x, y=base, text_anchor="middle", class_="quiet")


def _estimate(effect: Effect, scale: Scale, y: float) -> Iterable[Element]:
    """The mean as a diamond and its interval as a line; what leaves the axis ends in an arrow."""
    look = "" if effect.verdict in ("better", "worse") else " open"
    if effect.low is not None and effect.high is not None:
        low, high = (min(max(end, scale.low), scale.high) for end in (effect.low, effect.high))
        yield node("path", d=f"M{scale(low):.1f} {y:.1f}H{scale(high):.1f}", class_=f"interval{look}")
        if effect.low < scale.low:
            yield node("path", d=f"M{scale.start + 4:.1f} {y - 4:.1f}l-4 4l4 4", class_=f"interval{look}")
        if effect.high > scale.high:
            yield node("path", d=f"M{scale.end - 4:.1f} {y - 4:.1f}l4 4l-4 4", class_=f"interval{look}")
    if effect.deltas and math.isfinite(effect.mean) and scale.low <= effect.mean <= scale.high:
        x = scale(effect.mean)
        yield node("path", node("title", _mean(effect)), d=f"M{x - 5:.1f} {y:.1f}l5 -5l5 5l-5 5z", class_=f"mean{look}")


def forest(effects: Sequence[Row | tuple[str, Effect | None]], *, title: str = "Effects") -> Element:
    """Effects one under the other, each with its interval of 95 %, those of a metric on an axis of their own.

    An effect with a verdict is drawn full, one without pale.

    Args:
        effects: (label, effect) in the order they are to stand in within their metric.
        title: what they are effects of.
    """
    rows = sorted((Row(*row) for row in effects), key=lambda row: row.effect.metric if row.effect else "~")
    said = "; ".join(f"{row.label}: {_mean(row.effect) if row.effect else 'not measured'}" for row in rows)
    svg = node("svg", node("title", title), node("desc", said), role="img")
    y = 0.0
    for metric, group in groupby(rows, key=lambda row: row.effect.metric if row.effect else ""):
        members = list(group)
        svg.extend(_panel(metric, members, y) if metric else _unmeasured(members, y))
        y += 22.0 * len(members) + (58.0 if metric else 8.0)
    svg.set("viewBox", f"0 0 720 {max(y, 20.0):.0f}")
    return svg


def _panel(metric: str, rows: Sequence[Row], y: float) -> Iterable[Element]:
    effects = [row.effect for row in rows if row.effect]
    scale = Scale(*_range(effects), 225, 465)
    unit = ", points" if is_share(metric) else ""
    yield node("text", f"{named(metric)}{unit}: mean difference and 95 % interval", x=0, y=y + 11, class_="quiet")
    top, bottom = y + 22, y + 24 + 22 * len(rows)
    yield from _ground(scale, metric, top, bottom, bottom + 14)
    for at, row in enumerate(rows):
        middle = top + 22 * at + 12
        yield node("text", _cut(row.label), node("title", row.label), x=0, y=middle + 4)
        if row.effect:
            yield from _estimate(row.effect, scale, middle)
            mean = difference(metric, row.effect.mean, unit=False) if row.effect.deltas else wording.NONE
            look = "b strong" if row.effect.verdict in ("better", "worse") else "quiet"
            yield node("text", mean, x=530, y=middle + 4, text_anchor="end", class_=look)
            p = (
                f", p = {shown_p(row.effect.p)}"
                if row.effect.p is not None and row.effect.verdict != "bit-identical"
                else ""
            )
            yield node("text", f"{row.effect.verdict}{p}", x=545, y=middle + 4, class_="quiet")


def _unmeasured(rows: Sequence[Row], y: float) -> Iterable[Element]:
    for at, row in enumerate(rows):
        yield node("text", _cut(row.label), node("title", row.label), x=0, y=y + 22 * at + 16)
        yield node("text", "not measured", x=545, y=y + 22 * at + 16, class_="wrong")


def _cut(label: str, most: int = 36) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}…"


def _around_zero(ends: Iterable[float]) -> tuple[float, float]:
    """A range with zero in it; where all are zero, of one point or a hundredth to each side."""
    values = finite(ends)
    return (domain([*values, 0.0], margin=0.08) if any(values) else None) or (-0.01, 0.01)


def _range(effects: Sequence[Effect]) -> tuple[float, float]:
    """Of an axis that shows all effects, but for what is many times as large as most: one leaves room for no other."""
    reach = [max(map(abs, ends)) for effect in effects if (ends := _extent(effect))]
    usual = OUTLYING * statistics.median([amount for amount in reach if amount] or [1.0])
    kept = [min(max(end, -usual), usual) for effect in effects for end in _extent(effect)]
    return _around_zero(kept)


def curves(pairs: Sequence[Pair], what: str, a: str, b: str) -> Element:
    """Both networks' curves: a thin line a seed, their mean, and a band of one standard deviation to each side.

    Means are those of the runs that finished; the others end in a cross.

    Args:
        pairs: the runs.
        what: ``train_loss``, ``val_loss`` or a metric.
        a, b: what the two are called.
    """
    sides = {look: [getattr(pair, look) for pair in pairs] for look in ("a", "b")}
    lines, bands, means = [], [], []
    # names that do not fit are A and B
    ends = (a, b) if max(len(a), len(b)) <= LONGEST_END and a != b else ("A", "B")
    for look, label in zip("ab", ends, strict=True):
        every = [_series(run, what) for run in sides[look]]
        lines += [Curve(points, f"{look} thin") for points in every]
        done = [points for run, points in zip(sides[look], every, strict=True) if run.ending == "finished"]
        middle, spreads = _mean_curve(done)
        means.append(Curve(middle, look, label))
        if len(done) > 1:
            lower = tuple((x, y - sd) for (x, y), sd in zip(middle, spreads, strict=True))
            bands.append(Band(lower, tuple((x, y + sd) for (x, y), sd in zip(middle, spreads, strict=True)), look))
    loss = what.endswith("loss")
    # a band may reach below zero, which no logarithm has and no loss either
    if loss:
        least = min(finite(y for line in lines for _, y in line.points), default=0.0)
        bands = [Band(tuple((x, max(y, least)) for x, y in band.lower), band.upper, band.look) for band in bands]
    names = {"train_loss": "training loss", "val_loss": "validation loss"}
    axis = names.get(what, f"{named(what)} on validation data" + (", %" if is_share(what) else ""))
    last = [f"{mean.label} {wording.number(mean.points[-1][1])}" for mean in means if mean.points]
    about = "Means after the last epoch: " + ", ".join(last) if last else "No run finished."
    low = None if loss else least_shown([line.points for line in lines])
    return chart(Frame(axis, about, axis, is_share(what), loss, low), [*lines, *means], bands=bands)


def _series(run: Trained, what: str) -> tuple[Point, ...]:
    if what in ("train_loss", "val_loss"):
        return tuple((epoch.number, getattr(epoch, what)) for epoch in run.epochs)
    return tuple((epoch.number, epoch.metrics.get(what, math.nan)) for epoch in run.epochs)


def _mean_curve(every: Sequence[Sequence[Point]]) -> tuple[tuple[Point, ...], tuple[float, ...]]:
    """The mean at each epoch and the standard deviation (of a sample); no number where one of them is none."""
    if not every:
        return (), ()
    columns = list(zip(*every, strict=False))
    values = [[y for _, y in column] for column in columns]
    known = [len(finite(column)) == len(column) for column in values]
    means = [statistics.fmean(column) if ok else math.nan for column, ok in zip(values, known, strict=True)]
    spreads = [
        statistics.stdev(column) if ok and len(column) > 1 else 0.0 for column, ok in zip(values, known, strict=True)
    ]
    return tuple((column[0][0], mean) for column, mean in zip(columns, means, strict=True)), tuple(spreads)


def least_shown(lines: Sequence[Sequence[Point]]) -> float | None:
    """Where a metric is cut off so that its second half, which decides, takes 40 % of the height; None: nowhere."""
    values = finite(y for line in lines for _, y in line)
    late = finite(y for line in lines for _, y in line[len(line) // 2 :])
    if not late or min(values) >= min(late):
        return None
    room = max(max(late) - min(late), 0.05 * (max(values) - min(values)))
    least = max(late) - 2.5 * room
    return least if least > min(values) else None
