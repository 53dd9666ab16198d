"""From a failed try to tries of another form: other axes, integers for floats, lists, optional arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from nnlint.inputs.clashes import Clash
from nnlint.inputs.slots import Slot, of_layer
from nnlint.inputs.state import State
from nnlint.inputs.template import Template
from nnlint.inputs.watch import Fault


def with_spare(state: State, spare: tuple[Slot, ...]) -> Iterator[State]:
    """One optional argument more: something was None."""
    given = {slot.name for slot, _ in state.given}
    for rank, slot in enumerate(spare):
        if slot.name not in given and slot.options:
            yield replace(state, given=(*state.given, (slot, slot.options[0])), cost=state.cost + 0.3 + 0.1 * rank)


def named_spare(state: State, text: str, spare: tuple[Slot, ...]) -> Iterator[State]:
    """An optional argument that the error names, or that plays the part of a given one for another half of the network
    (``decoder_input_ids``)."""
    given = {slot.name for slot, _ in state.given}
    for slot in spare:
        if slot.name in given or not slot.options:
            continue
        twin = any(slot.name.endswith(f"_{name}") and name in text for name in given)
        if twin or re.search(rf"\b{re.escape(slot.name)}\b", text):
            yield replace(state, given=(*state.given, (slot, slot.options[0])), cost=state.cost + 0.25)


def wrapped(state: State) -> Iterator[State]:
    """The first argument in a list: of one, and of two."""
    slot, value = state.given[0]
    if isinstance(value, Template):
        for count in (1, 2):
            given = ((slot, [value] * count), *state.given[1:])
            yield replace(state, given=given, cost=state.cost + 0.2 + 0.1 * count)


def other_rank(state: State, fault: Fault, clash: Clash) -> Iterator[State]:
    """More axes, or fewer: those the layer reads, if it is known, else one axis added or taken away."""
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


def other_forms(state: State) -> Iterator[State]:
    """Other usual forms of the first argument, where a message has no numbers."""
    forms: tuple[tuple[int | str, ...], ...] = (
        ("N", 3, "H", "W"),
        ("N", "T", 64),
        ("N", "H", "W", 3),
        ("N", 3, "D", "H", "W"),
        ("N", 4, 3, "H", "W"),
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


def other_dtype(state: State, fault: Fault, clash: Clash) -> Iterator[State]:
    """Integers for floats, or the reverse."""
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
