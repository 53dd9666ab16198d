"""From a failed try to better ones: what the failure's numbers say about the input's sizes and form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from nnlint.inputs.clashes import Clash, numbers_in
from nnlint.inputs.forms import named_spare, other_dtype, other_forms, other_rank, with_spare, wrapped
from nnlint.inputs.sizes import LENGTHS, SPACE, VOLUME
from nnlint.inputs.slots import Slot, of_layer
from nnlint.inputs.state import State
from nnlint.inputs.template import Template
from nnlint.inputs.watch import Fault


@dataclass
class Memory:
    """What earlier tries showed: for each place that failed, the size tried and the number it came to."""

    seen: dict[tuple[str, str, str, int], list[tuple[int, int]]] = field(default_factory=dict)

    def note(self, state: State, fault: Fault, axis: str) -> list[tuple[int, int]]:
        """Add a failure; returns all that are known of this place, for sizes of ``axis``."""
        clash = fault.clash
        assert clash is not None
        known = self.seen.setdefault((fault.path, fault.function, axis, clash.want), [])
        point = (state.sizes[axis], clash.got)
        if point not in known:
            known.append(point)
        return known


def mend(state: State, fault: Fault, memory: Memory, spare: tuple[Slot, ...]) -> Iterator[State]:
    """Better tries after a failed one, with their costs; the caller takes the cheapest first."""
    clash, text = fault.clash, fault.text
    if "NoneType" in text or "None" in text:
        yield from with_spare(state, spare)
    yield from named_spare(state, text, spare)
    if re.search(r"\b(list|tuple|sequence)\b", text):
        yield from wrapped(state)
    if clash is None:
        yield from _by_numbers(state, text)
        yield from other_forms(state)
    elif clash.kind == "axes":
        yield from other_rank(state, fault, clash)
    elif clash.kind == "dtype":
        yield from other_dtype(state, fault, clash)
    elif clash.kind == "small":
        yield from _larger(state, clash)
    elif clash.kind == "divisor":
        yield from _multiples(state, clash.want)
    else:
        yield from _other_sizes(state, fault, clash, memory)
    yield from _usual(state)


#: no larger sizes are tried, by the number of axes that grow together
_MOST = {1: 100_000, 2: 2048, 3: 192}


# Sizes


def _other_sizes(state: State, fault: Fault, clash: Clash, memory: Memory) -> Iterator[State]:
    got, want = clash.got, clash.want
    if got <= 0 or want <= 0 or got == want:
        return
    if fault.reads is not None and clash.axis is not None and clash.kind in ("features", "channels"):
        yield from _direct(state, fault, clash)
    elif fault.reads is not None and clash.axis is not None:
        yield from _matched(state, fault, clash)
    batch = state.sizes["N"]
    if got == want * batch and batch > 1:
        yield state.with_sizes(0.1, {"N": 1})
    if clash.kind == "elements":
        got //= batch
    yield from _transposed(state, {got, want})
    pairs = [(got, want)] if clash.kind in ("features", "channels", "elements") else [(got, want), (want, got)]
    # sizes in space change the features of a flattened map, and never its channels
    scaled, shifted = (0.9, 0.1) if clash.kind == "channels" else (0.15, 0.45)
    for rank, (came, aim) in enumerate(pairs):
        yield from _scaled(state, fault, came, aim, memory, scaled + 0.1 * rank)
        yield from _shifted(state, came, aim, shifted + 0.1 * rank)
    if fault.map is not None and len(fault.map) == 4:
        channels, area = fault.map[1], fault.map[2] * fault.map[3]
        if clash.kind in ("features", "elements") and want % channels == 0:
            yield from _oblong(state, fault.map, want // channels)
        elif clash.kind == "size" and 0 <= clash.got - area <= 2:  # tokens, perhaps with one for the class
            yield from _oblong(state, fault.map, want - (clash.got - area))
    if clash.kind == "elements" or (clash.kind == "size" and abs(got - want) <= max(2, 0.25 * want)):
        yield from _multiples(state, 0)


def _transposed(state: State, numbers: set[int]) -> Iterator[State]:
    """The batch and the sequence length met: another argument, or all, may have the sequence in front."""
    for other in ("T", "U"):
        if numbers != {state.sizes["N"], state.sizes[other]}:
            continue
        for index, leaf in enumerate(state.templates()):
            if isinstance(leaf, Template) and {"N", other} <= set(leaf.axes):
                swap = {"N": other, other: "N"}
                axes = tuple(swap.get(axis, axis) if isinstance(axis, str) else axis for axis in leaf.axes)
                yield state.with_leaf(index, replace(leaf, axes=axes), 0.15)


def _direct(state: State, fault: Fault, clash: Clash) -> Iterator[State]:
    """The layer reads the input itself: give it the number, and failing that the form it wants."""
    index = fault.reads
    assert index is not None and clash.axis is not None
    leaf = state.templates()[index]
    if not isinstance(leaf, Template) or len(leaf.axes) < -clash.axis:
        return
    yield state.with_leaf(index, leaf.with_axis(clash.axis, clash.want), 0.05)
    if fault.module is not None:
        for template in of_layer(fault.module, 0):
            yield state.with_leaf(index, template, 0.1)


def _matched(state: State, fault: Fault, clash: Clash) -> Iterator[State]:
    """A function joins the input with a tensor of the network's own: take over its size."""
    index = fault.reads
    assert index is not None and clash.axis is not None
    leaf = state.templates()[index]
    if not isinstance(leaf, Template) or len(leaf.axes) < -clash.axis:
        return
    axis = leaf.axes[clash.axis]
    now = state.sizes[axis] if isinstance(axis, str) else axis
    other = clash.want if clash.got == now else clash.got
    if axis == "N":
        return
    if isinstance(axis, str):
        yield state.with_sizes(0.1, {axis: other})
    else:
        yield state.with_leaf(index, leaf.with_axis(clash.axis, other), 0.1)


def _groups(state: State) -> list[tuple[str, ...]]:
    """The named axes that grow together."""
    used = state.axes()
    space = tuple(axis for axis in ("D", "H", "W") if axis in used)
    return [group for group in (space, *((axis,) for axis in ("T", "U", "M") if axis in used)) if group]


def _scaled(state: State, fault: Fault, got: int, want: int, memory: Memory, cost: float) -> Iterator[State]:
    """Sizes that would turn ``got`` into ``want`` if it grows with them."""
    for group in _groups(state):
        size = state.sizes[group[-1]]
        known = memory.note(state, fault, group[-1])
        if len({number for _, number in known}) == 1 < len(known):
            continue  # the number does not depend on this size
        for power in dict.fromkeys((len(group), 1)):
            aim = _secant(known, want, power) if len(known) > 1 else size * (want / got) ** (1 / power)
            if aim is None or not 1 <= aim <= _MOST[len(group)]:
                continue
            usual = LENGTHS if group[-1] in "TUM" else VOLUME if len(group) == 3 else SPACE
            for rank, near in enumerate(_near(aim, usual)):
                ratio = near / size
                sizes = {axis: max(1, round(state.sizes[axis] * ratio)) for axis in group}
                yield state.with_sizes(cost + 0.04 * rank + (0.1 if power != len(group) else 0), sizes, _reason(fault))


def _reason(fault: Fault) -> str:
    """The layer that a size is solved for: ``fc1 (in_features=400)``."""
    if fault.module is None or fault.clash is None or not fault.clash.argument:
        return ""
    return f"{fault.path} ({fault.clash.argument}={fault.clash.want})"


def _near(aim: float, usual: Iterable[int]) -> list[int]:
    """Sizes to try near an estimate: the usual ones and round ones, then the estimate itself."""
    close = sorted((n for n in usual if 0.85 * aim <= n <= 1.18 * aim), key=lambda n: abs(n - aim))
    rounded = [max(k, round(aim / k) * k) for k in (32, 16, 8, 4) if aim >= 2 * k]
    return list(dict.fromkeys([*close[:2], round(aim), *rounded, *close[2:], int(aim) + 1, max(1, int(aim) - 1)]))[:8]


def _secant(known: list[tuple[int, int]], want: int, power: int) -> float | None:
    """Where the line through the two points nearest to ``want`` meets it; numbers as lengths of one side."""
    points = sorted(known, key=lambda point: abs(point[1] - want))
    (x1, y1), second = points[0], next((point for point in points[1:] if point[1] != points[0][1]), None)
    if second is None:
        return None
    x2, y2 = second
    r1, r2, r = (float(number) ** (1 / power) for number in (y1, y2, want))
    return float(x1 + (r - r1) * (x2 - x1) / (r2 - r1))


def _shifted(state: State, got: int, want: int, cost: float) -> Iterator[State]:
    """A fixed axis that is too wide or too narrow by the difference (joined with something), or by the ratio."""
    for index, leaf in enumerate(state.templates()):
        if not isinstance(leaf, Template) or not leaf.dtype.startswith("float"):
            continue
        for axis, size in enumerate(leaf.axes):
            if not isinstance(size, int) or axis == 0:
                continue
            for rank, new in enumerate((size + want - got, size * want // got)):
                if 0 < new != size:
                    yield state.with_leaf(index, replace(leaf.with_axis(axis, new), why=""), cost + 0.05 * rank)


def _oblong(state: State, shape: tuple[int, ...], area: int) -> Iterator[State]:
    """Height and width that are not equal: from the last map and the number of places it should have."""
    if not {"H", "W"} <= state.axes():
        return
    pairs = [(a, area // a) for a in range(1, int(area**0.5) + 1) if area % a == 0 and a * a != area]
    for rank, (a, b) in enumerate(reversed(pairs)):
        if rank < 3:
            for h, w in ((a, b), (b, a)):
                height, width = round(state.sizes["H"] * h / shape[2]), round(state.sizes["W"] * w / shape[3])
                yield state.with_sizes(0.6 + 0.1 * rank, {"H": max(1, height), "W": max(1, width)})


def _larger(state: State, clash: Clash) -> Iterator[State]:
    factor = max(2, -(-clash.want // max(1, clash.got))) if clash.got > 0 else 2
    for group in _groups(state):
        for rank, scale in enumerate((factor, 2 * factor, 8 * factor)):
            sizes = {axis: min(state.sizes[axis] * scale, _MOST[len(group)]) for axis in group}
            yield state.with_sizes(0.2 + 0.1 * rank, sizes)
            if len(group) == 3:  # a video: the frames are enough, the picture is too small
                yield state.with_sizes(0.25 + 0.1 * rank, {axis: min(state.sizes[axis] * scale, 512) for axis in "HW"})


def _multiples(state: State, divisor: int) -> Iterator[State]:
    for group in _groups(state):
        size = state.sizes[group[-1]]
        usual = LENGTHS if group[-1] in "TUM" else SPACE
        for rank, step in enumerate([divisor] if divisor > 1 else [16, 32, 64, 14, 12, 7, 10]):
            if size % step == 0:
                continue
            fitting = [n for n in usual if n % step == 0 and n >= size][:1]
            for new in dict.fromkeys([*fitting, -(-size // step) * step, max(1, size // step) * step]):
                yield state.with_sizes(0.2 + 0.1 * rank, dict.fromkeys(group, new))


def _by_numbers(state: State, text: str) -> Iterator[State]:
    """A message in words: each of its numbers may be the size that is wanted."""
    if re.search(r"divisible|divide|multiple", text):
        yield from _multiples(state, 0)
    current = set(state.sizes.values())
    numbers = [n for n in dict.fromkeys(numbers_in(text)) if 1 < n <= 50_000 and n not in current]
    for rank, number in enumerate(numbers[:6]):
        for group in _groups(state):
            if number <= _MOST[len(group)]:
                yield state.with_sizes(0.5 + 0.1 * rank, dict.fromkeys(group, number))
        for index, leaf in enumerate(state.templates()):
            if isinstance(leaf, Template) and len(leaf.axes) > 1 and isinstance(leaf.axes[-1], int):
                yield state.with_leaf(index, leaf.with_axis(-1, number), 0.6 + 0.1 * rank)


def usual_size(state: State) -> State | None:
    """The same with the usual image size next to an odd one (225 → 224), where there is one: it may do as well."""
    size = state.sizes["H"]
    if not {"H", "W"} <= state.axes() or size in SPACE or size != state.sizes["W"]:
        return None
    nearest = min(SPACE, key=lambda usual: abs(usual - size))
    return state.with_sizes(0, {"H": nearest, "W": nearest}) if abs(nearest - size) <= 0.08 * size else None


def _usual(state: State) -> Iterator[State]:
    """Other usual sizes, a batch of one, other forms: when nothing better is left."""
    for group in _groups(state):
        usual = LENGTHS if group[-1] in "TUM" else VOLUME if len(group) == 3 else SPACE
        for rank, size in enumerate(usual[:10]):
            yield state.with_sizes(1.2 + 0.12 * rank, dict.fromkeys(group, size))
    if state.sizes["N"] != 1:
        yield state.with_sizes(1.6, {"N": 1})
