"""Curves over epochs as SVG: round ticks, labels at the ends of the lines, gaps where a value is no number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from nnlint.train.markup import node
from nnlint.train.svg import Point, Scale, area, cross, domain, log_ticks, path, spread, tick_labels, ticks, wants_log

#: of a drawing, in units that are about a pixel where three stand side by side, and on a phone
WIDTH, HEIGHT = 360, 210
LEFT, RIGHT, TOP, BOTTOM = 46, 72, 24, 26
#: up to so many epochs each has a dot, which says its number when pointed at
MOST_DOTS = 40
#: between two labels
LINE = 13.0


@dataclass(frozen=True, slots=True)
class Curve:
    """A line.

    Attributes:
        points: (epoch, value); what is no number leaves a gap and a cross.
        look: classes of the style sheet: ``a`` or ``b``, and ``thin``.
        label: beside its end; empty: none.
    """

    points: tuple[Point, ...]
    look: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Band:
    """The area between two lines."""

    lower: tuple[Point, ...]
    upper: tuple[Point, ...]
    look: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What a drawing says about itself.

    Attributes:
        title: what it shows; ``about``: the same for who cannot see it, with the numbers that matter.
        axis: what the values are, and their unit.
        percent: the values are shares, shown in percent, and none lies above 1.
        log: logarithmic where the values span more than two powers of ten.
        least: what lies below is cut off, as the curves that come from there; None: nothing is.
    """

    title: str
    about: str
    axis: str
    percent: bool = False
    log: bool = False
    least: float | None = None


def chart(
    frame: Frame,
    curves: Sequence[Curve],
    *,
    bands: Sequence[Band] = (),
    level: tuple[str, float] | None = None,
    rings: Sequence[tuple[float, float, str]] = (),
) -> Element:
    """Curves over epochs.

    Args:
        frame: names and axes.
        curves: lines; those that come later lie above.
        bands: areas under them.
        level: a horizontal line with its label.
        rings: (epoch, value, what it is): points that matter.
    """
    values = [y for curve in curves for _, y in curve.points]
    values += [y for band in bands for _, y in (*band.lower, *band.upper)]
    values += [level[1]] if level else []
    epochs = [x for curve in curves for x, _ in curve.points]
    log = frame.log and wants_log(values)
    vertical = _vertical(frame, values, log)
    svg = node(
        "svg", node("title", frame.title), node("desc", frame.about), viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img"
    )
    svg.append(node("text", frame.axis + (", log scale" if log else ""), x=0, y=11, class_="quiet"))
    if vertical is None or not epochs:
        svg.append(node("text", "no value is a number", x=LEFT, y=HEIGHT / 2, class_="wrong"))
        return svg
    horizontal = _horizontal(epochs)
    svg.extend(_axes(frame, horizontal, vertical))
    if level and vertical.low <= level[1] <= vertical.high:
        svg.append(node("path", d=f"M{LEFT} {vertical(level[1]):.1f}H{WIDTH - RIGHT}", class_="level"))
    svg.append(_plot(horizontal, vertical, curves, bands))
    svg.extend(_crosses(horizontal, curves))
    if len(set(epochs)) <= MOST_DOTS:
        svg.extend(_dots(frame, horizontal, vertical, curves))
    for epoch, value, said in rings:
        place = {"cx": horizontal(epoch), "cy": vertical(value)}
        svg.append(node("circle", node("title", said), r=3.5, class_="ring", **place))
    svg.extend(_labels(vertical, curves, level))
    return svg


def _vertical(frame: Frame, values: Iterable[float], log: bool) -> Scale | None:
    found = domain((max(value, frame.least) if frame.least is not None else value for value in values), log=log)
    if found is None:
        return None
    low, high = found
    if frame.percent:
        low, high = max(low, -0.02), min(high, 1.02)
    return Scale(low, high, HEIGHT - BOTTOM, TOP, log)


def _horizontal(epochs: Iterable[float]) -> Scale:
    """From the first to the last; one epoch alone stands in the middle."""
    found = set(epochs)
    room = 0.5 if len(found) == 1 else 0.0
    return Scale(min(found) - room, max(found) + room, LEFT + 6, WIDTH - RIGHT - 6)


def _axes(frame: Frame, horizontal: Scale, vertical: Scale) -> Iterable[Element]:
    low, high = vertical.low, min(vertical.high, 1.0) if frame.percent else vertical.high
    marks = log_ticks(low, high) if vertical.log else ticks(low, high)
    labels = [f"{mark:g}" for mark in marks] if vertical.log else tick_labels(marks, percent=frame.percent)
    for mark, label in zip(marks, labels, strict=True):
        y = vertical(mark)
        yield node("path", d=f"M{LEFT} {y:.1f}H{WIDTH - RIGHT}", class_="grid")
        yield node("text", label, x=LEFT - 5, y=y + 4, text_anchor="end", class_="quiet")
    bottom = HEIGHT - BOTTOM
    yield node("path", d=f"M{LEFT} {bottom}H{WIDTH - RIGHT}", class_="axis")
    marks = ticks(horizontal.low, horizontal.high, 6, whole=True)
    for mark, label in zip(marks, tick_labels(marks), strict=True):
        x = horizontal(mark)
        yield node("path", d=f"M{x:.1f} {bottom}v4", class_="axis")
        yield node("text", label, x=x, y=bottom + 16, text_anchor="middle", class_="quiet")
    yield node("text", "epoch", x=WIDTH - RIGHT + 14, y=bottom + 16, class_="quiet")


def _plot(horizontal: Scale, vertical: Scale, curves: Sequence[Curve], bands: Sequence[Band]) -> Element:
    """The lines, in a drawing of their own that cuts off what leaves it (an inner ``svg`` does, without any id)."""
    box = {"x": LEFT, "y": TOP - 2, "width": WIDTH - LEFT - RIGHT, "height": HEIGHT - TOP - BOTTOM + 2}
    view = f"{LEFT} {TOP - 2} {box['width']} {box['height']}"
    plot = node("svg", viewBox=view, preserveAspectRatio="none", **box)
    for band in bands:
        upper, lower = (_placed(horizontal, vertical, points) for points in (band.upper, band.lower))
        plot.append(node("path", d=area(upper, lower), class_=f"band {band.look}"))
    for curve in curves:
        line = path(_placed(horizontal, vertical, curve.points))
        plot.append(node("path", d=line, class_=f"curve {curve.look}"))
    return plot


def _placed(horizontal: Scale, vertical: Scale, points: Iterable[Point]) -> list[Point]:
    return [(horizontal(x), vertical(y) if _drawable(vertical, y) else math.nan) for x, y in points]


def _drawable(vertical: Scale, value: float) -> bool:
    return math.isfinite(value) and (value > 0 or not vertical.log)


def _crosses(horizontal: Scale, curves: Sequence[Curve]) -> Iterable[Element]:
    """Marks at the upper edge where a value is no number."""
    for epoch in sorted({x for curve in curves for x, y in curve.points if not math.isfinite(y)}):
        said = node("title", f"epoch {epoch:.0f}: not a number")
        yield node("path", said, d=cross(horizontal(epoch), TOP + 3), class_="cross")


def _dots(frame: Frame, horizontal: Scale, vertical: Scale, curves: Sequence[Curve]) -> Iterable[Element]:
    for curve in (curve for curve in curves if "thin" not in curve.look):
        for x, y in curve.points:
            if _drawable(vertical, y) and vertical.low <= y <= vertical.high:
                value = f"{y:.2%}".replace("%", " %") if frame.percent else f"{y:.4g}"
                said = node("title", f"epoch {x:.0f}: {value} {curve.label}".rstrip())
                yield node("circle", said, cx=horizontal(x), cy=vertical(y), r=2.2, class_=curve.look)


def _labels(vertical: Scale, curves: Sequence[Curve], level: tuple[str, float] | None) -> Iterable[Element]:
    """Names at the ends of the lines, pushed apart where they would lie on each other."""
    wanted: list[tuple[float, str, str]] = []
    for curve in (curve for curve in curves if curve.label):
        ends = [y for _, y in curve.points if _drawable(vertical, y)]
        if ends:
            wanted.append((vertical(min(max(ends[-1], vertical.low), vertical.high)), curve.label, curve.look))
    if level and vertical.low <= level[1] <= vertical.high:
        wanted.append((vertical(level[1]), level[0], "quiet"))
    places = spread([place for place, _, _ in wanted], LINE, TOP, HEIGHT - BOTTOM - 4)
    for place, (_, label, look) in zip(places, wanted, strict=True):
        yield node("text", label, x=WIDTH - RIGHT + 6, y=place + 4, class_=look)
