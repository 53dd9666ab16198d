"""From a failed try to better ones: what the failure's numbers say about the input's sizes and form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from nnlint.load.contracts import Clash
from nnlint.load.sizes import LENGTHS, SPACE, VOLUME
from nnlint.load.slots import Slot, of_layer
from nnlint.load.template import Template, leaves, tree_map
from nnlint.load.watch import Fault, numbers_in


@dataclass(frozen=True, slots=True)
class State:
    """One try: the arguments as templates, the sizes of their named axes, and how far-fetched it is (``cost``)."""

    given: tuple[tuple[Slot, Any], ...]
    sizes: Mapping[str, int]
    cost: float = 0.0
    why: str = ""

    @property
    def key(self) -> str:
        """Equal for equal tries."""
        used = {axis for leaf in self.templates() if isinstance(leaf, Template) for axis in leaf.axes}
        sizes = sorted((name, size) for name, size in self.sizes.items() if name in used)
        return repr(([(slot.name, value) for slot, value in self.given], sizes))

    def templates(self) -> list[Any]:
        """The leaves of all arguments, in order."""
        return [leaf for _, value in self.given for leaf in leaves(value)]

    @property
    def numel(self) -> int:
        """How many numbers all the tensors hold."""
        return sum(prod(leaf.shape(self.sizes)) for leaf in self.templates() if isinstance(leaf, Template))

    def axes(self) -> set[str]:
        """The named axes in use."""
        found = (axis for leaf in self.templates() if isinstance(leaf, Template) for axis in leaf.axes)
        return {axis for axis in found if isinstance(axis, str)}

    def with_leaf(self, index: int, template: Template, cost: float) -> State:
        """The same with another template for one leaf."""
        count = -1

        def change(leaf: Any) -> Any:
            nonlocal count
            count += 1
            return template if count == index else leaf

        given = tuple((slot, tree_map(change, value)) for slot, value in self.given)
        return replace(self, given=given, cost=self.cost + cost, why=template.why or self.why)

    def with_sizes(self, cost: float, sizes: Mapping[str, int], why: str = "") -> State:
        """The same with other sizes."""
        return replace(self, sizes={**self.sizes, **sizes}, cost=self.cost + cost, why=why or self.why)


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
        yield from _with_spare(state, spare)
    yield from _named_spare(state, text, spare)
    if re.search(r"\b(list|tuple|sequence)\b", text):
        yield from _wrapped(state)
    if clash is None:
        yield from _by_numbers(state, text)
        yield from _other_forms(state)
    elif clash.kind == "axes":
        yield from _other_rank(state, fault, clash)
    elif clash.kind == "dtype":
        yield from _other_dtype(state, fault, clash)
    elif clash.kind == "small":
        yield from _larger(state, clash)
    elif clash.kind == "divisor":
        yield from _multiples(state, clash.want)
    else:
        yield from _other_sizes(state, fault, clash, memory)
    yield from _usual(state)


#: no larger sizes are tried, by the number of axes that grow together
_MOST = {1: 100_000, 2: 2048, 3: 192}


def _with_spare(state: State, spare: tuple[Slot, ...]) -> Iterator[State]:
    given = {slot.name for slot, _ in state.given}
    for rank, slot in enumerate(spare):
        if slot.name not in given and slot.options:
            yield replace(state, given=(*state.given, (slot, slot.options[0])), cost=state.cost + 0.3 + 0.1 * rank)


def _named_spare(state: State, text: str, spare: tuple[Slot, ...]) -> Iterator[State]:
    """An optional argument that the error names, or that plays the part of a given one for another half of the network
    (``decoder_input_ids``)."""
    given = {slot.name for slot, _ in state.given}
    for slot in spare:
        if slot.name in given or not slot.options:
            continue
        twin = any(slot.name.endswith(f"_{name}") and name in text for name in given)
        if twin or re.search(rf"\b{re.escape(slot.name)}\b", text):
            yield replace(state, given=(*state.given, (slot, slot.options[0])), cost=state.cost + 0.25)


def _wrapped(state: State) -> Iterator[State]:
    """The first argument in a list: of one, and of two."""
    slot, value = state.given[0]
    if isinstance(value, Template):
        for count in (1, 2):
            given = ((slot, [value] * count), *state.given[1:])
            yield replace(state, given=given, cost=state.cost + 0.2 + 0.1 * count)


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
        yield state.with_sizes(0.1, {"N": 1}, "a batch of one")
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
                yield state.with_sizes(cost + 0.04 * rank + (0.1 if power != len(group) else 0), sizes)


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
        yield state.with_sizes(1.6, {"N": 1}, "a batch of one")


# Form


def _other_rank(state: State, fault: Fault, clash: Clash) -> Iterator[State]:
    templates = state.templates()
    indices = [fault.reads] if fault.reads is not None else range(len(templates))
    for index in indices:
        leaf = templates[index]
        if not isinstance(leaf, Template):
            continue
        if fault.reads is not None and fault.module is not None:
            for template in of_layer(fault.module, 0):
                yield state.with_leaf(index, template, 0.1)
        for rank, axes in enumerate(_reshaped(leaf.axes, clash)):
            yield state.with_leaf(index, replace(leaf, axes=axes, why=""), 0.3 + 0.1 * rank)


def _other_forms(state: State) -> Iterator[State]:
    """Other usual forms of the first argument, where a message has no numbers."""
    forms: tuple[tuple[int | str, ...], ...] = (
        ("N", 3, "H", "W"),
        ("N", "T", 64),
        ("N", "H", "W", 3),
        ("N", 3, "D", "H", "W"),
    )
    leaf = next((leaf for leaf in state.templates() if isinstance(leaf, Template)), None)
    if leaf is not None:
        for rank, axes in enumerate(forms):
            yield state.with_leaf(state.templates().index(leaf), Template(axes), 0.9 + 0.1 * rank)


def _reshaped(axes: tuple[int | str, ...], clash: Clash) -> Iterator[tuple[int | str, ...]]:
    """The axes with one more or one fewer, as the failure asks."""
    more = clash.want > clash.got if clash.got and clash.want else True
    if more and len(axes) < 5:
        if len(axes) == 2:
            yield ("N", "T", axes[1]) if axes[1] != "T" else ("N", "T", 64)
            yield ("N", 3, "H", "W")
            yield ("N", axes[1], "T") if axes[1] != "T" else ("N", 1, "T")
        elif len(axes) == 3:
            yield (axes[0], 1, *axes[1:])
            yield ("N", 3, "H", "W")
        elif len(axes) == 4:
            yield (axes[0], "T", *axes[1:])
            yield (axes[0], axes[1], "D", *axes[2:])
        else:
            yield (*axes, 1)
            yield ("N", "T")
    if (not more or not clash.got) and len(axes) > 1:
        yield axes[:1] + axes[2:]
        yield axes[1:]


def _other_dtype(state: State, fault: Fault, clash: Clash) -> Iterator[State]:
    templates = state.templates()
    indices = [fault.reads] if fault.reads is not None else range(len(templates))
    for rank, index in enumerate(indices):
        leaf = templates[index]
        if not isinstance(leaf, Template):
            continue
        if clash.want:
            options = of_layer(fault.module, 0) if fault.module is not None and fault.reads is not None else []
            for option in options:
                axes = leaf.axes if len(leaf.axes) <= 2 else option.axes
                yield state.with_leaf(index, replace(option, axes=axes), 0.1)
                yield state.with_leaf(index, option, 0.15)
            if not options and leaf.dtype != "int64":
                yield state.with_leaf(index, replace(leaf, dtype="int64", high=2), 0.3 + 0.1 * rank)
        elif leaf.dtype != "float32":
            yield state.with_leaf(index, replace(leaf, dtype="float32", high=None), 0.3 + 0.1 * rank)
