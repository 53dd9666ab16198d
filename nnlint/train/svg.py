"""The arithmetic of drawing: scales, ticks and paths. Plain functions of numbers; `nnlint.train.chart` draws."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nnlint.train.markup import short

Point = tuple[float, float]

#: from so many powers of ten on, a logarithmic axis shows more than a linear one
DECADES = 2.0


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to places: ``low`` lies at ``start`` and ``high`` at ``end``, evenly or by their logarithms.

    Raises:
        ValueError: ``low`` is not below ``high``, or not above zero where logarithms are asked for.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(f"no scale from {self.low} to {self.high}")

    def __call__(self, value: float) -> float:
        """The place of a value; on a logarithmic scale it has to be above zero."""
        low, high, value = (math.log(x) if self.log else x for x in (self.low, self.high, value))
        return self.start + (value - low) / (high - low) * (self.end - self.start)


def finite(values: Iterable[float]) -> list[float]:
    """Those that are numbers."""
    return [value for value in values if math.isfinite(value)]


def wants_log(values: Iterable[float]) -> bool:
    """Whether they are above zero and span more than two powers of ten."""
    numbers = finite(values)
    return bool(numbers) and min(numbers) > 0 and math.log10(max(numbers) / min(numbers)) > DECADES


def domain(values: Iterable[float], *, log: bool = False, margin: float = 0.05) -> tuple[float, float] | None:
    """A range with room at both ends; None if there is no number.

    Args:
        values: what has to fit; what is no number is passed over, and zero and below where ``log``.
        log: the room is a share of the logarithms.
        margin: the room, as a share of what the values span.
    """
    numbers = [value for value in finite(values) if value > 0 or not log]
    if not numbers:
        return None
    if log:
        low, high = math.log(min(numbers)), math.log(max(numbers))
        room = (high - low) * margin or 0.1
        return math.exp(low - room), math.exp(high + room)
    low, high = min(numbers), max(numbers)
    # one value alone still needs an axis around it, in its own order of magnitude
    room = (high - low) * margin or abs(high) * 0.1 or 1.0
    return low - room, high + room


def ticks(low: float, high: float, most: int = 5, *, whole: bool = False) -> tuple[float, ...]:
    """Round numbers from ``low`` to ``high``, ``most`` of them at the most, in steps of 1, 2 or 5 times a power of ten.

    The steps are those of Heckbert, "Nice numbers for graph labels", Graphics Gems (1990). ``whole``: no fractions.
    """
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    for factor in (1, 2, 5, 10, 20):
        step = max(1.0, float(math.ceil(factor * power))) if whole else factor * power
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first + 1 <= most:
            break
    return tuple(float(f"{number * step:.12g}") for number in range(first, last + 1))


def log_ticks(low: float, high: float, most: int = 5) -> tuple[float, ...]:
    """Powers of ten from ``low`` to ``high``: every second or third where there are more than ``most``; where there are
    few, three times each of them as well."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    if last - first + 1 <= most // 2:
        both = (factor * 10.0**power for power in range(first - 1, last + 1) for factor in (1, 3))
        return tuple(mark for mark in both if low <= mark <= high)
    step = max(1, math.ceil((last - first + 1) / most))
    return tuple(10.0**power for power in range(first, last + 1, step))


def tick_labels(numbers: Sequence[float], *, percent: bool = False, signed: bool = False) -> tuple[str, ...]:
    """The numbers of an axis, all with as many decimals as the one that needs most of them."""
    shown = [number * 100 for number in numbers] if percent else list(numbers)
    texts = [f"{round(number, 10):.10f}".rstrip("0").split(".")[1] for number in shown]
    places = max((len(text) for text in texts), default=0)
    if any(number and abs(number) < 1e-3 for number in shown) or any(abs(number) >= 1e5 for number in shown):
        labels = [f"{number:.3g}" for number in shown]
    else:
        labels = [f"{number:+.{places}f}" if signed and number else f"{number:.{places}f}" for number in shown]
    return tuple(label.replace("-", "\u2212") for label in labels)


def runs(points: Iterable[Point]) -> list[list[Point]]:
    """The points in stretches between those that are no numbers: where a value is missing a line has a gap."""
    found: list[list[Point]] = [[]]
    for point in points:
        if all(math.isfinite(number) for number in point):
            found[-1].append(point)
        elif found[-1]:
            found.append([])
    return [run for run in found if run]


def path(points: Iterable[Point]) -> str:
    """The ``d`` of a line through the points. One alone makes a dot, which round line caps show."""
    pieces = []
    for run in runs(points):
        first, *rest = (f"{short(x)} {short(y)}" for x, y in run)
        pieces.append(f"M{first}" + ("L" + " ".join(rest) if rest else "h0"))
    return "".join(pieces)


def area(upper: Sequence[Point], lower: Sequence[Point]) -> str:
    """The ``d`` of the area between two lines over the same places, in as many pieces as there are gaps."""
    both = [(x, y if math.isfinite(other) else other) for (x, y), (_, other) in zip(upper, lower, strict=True)]
    under = dict(lower)
    pieces = []
    for run in runs(both):
        outline = [*run, *((x, under[x]) for x, _ in reversed(run))]
        pieces.append("M" + "L".join(f"{short(x)} {short(y)}" for x, y in outline) + "Z")
    return "".join(pieces)


def cross(x: float, y: float, arm: float = 3.0) -> str:
    """The ``d`` of a small cross."""
    near, far, above, below = (short(number) for number in (x - arm, x + arm, y - arm, y + arm))
    return f"M{near} {above}L{far} {below}M{near} {below}L{far} {above}"


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places for labels: as near to those wished for as can be with ``gap`` between them, in the same order.

    They stay between ``low`` and ``high`` where there is room for all.
    """
    order = sorted(range(len(places)), key=lambda at: places[at])
    moved: list[float] = []
    for at in order:
        wished = min(max(places[at], low), high)
        moved.append(max(wished, moved[-1] + gap) if moved else wished)
    # what was pushed over the end is pushed back from there
    limit = high
    for at in reversed(range(len(moved))):
        moved[at] = min(moved[at], limit)
        limit = moved[at] - gap
    result = [0.0] * len(places)
    for at, place in zip(order, moved, strict=True):
        result[at] = place
    return result
