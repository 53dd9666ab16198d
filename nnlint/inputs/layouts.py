"""Layout changes undone: what an argument was before it was permuted, viewed or flattened into what a layer reads."""

from __future__ import annotations

from dataclasses import replace
from math import isqrt
from typing import Any

from nnlint.inputs.template import Template
from nnlint.inputs.use import LayoutStep

_IMAGE_SIZES = (28, 32, 64, 128, 224, 256, 96, 48, 16, 8, 14)


def before(template: Template, steps: tuple[LayoutStep, ...]) -> list[Template]:
    """What was there before the layout steps that led to ``template``; empty if it cannot be told."""
    found = [template]
    for step in reversed(steps):
        found = [before for after in found for before in _undo(after, step)]
    return found


def _undo(after: Template, step: LayoutStep) -> list[Template]:  # noqa: PLR0911 - a table of layout changes
    axes, args = list(after.axes), step.args
    rank = len(axes)
    if step.name == "permute":
        if len(args) != rank or any(not isinstance(arg, int) for arg in args):
            return [after]
        before: list[int | str] = list(axes)
        for index, source in enumerate(args):
            before[source] = axes[index]
        return [replace(after, axes=tuple(before))]
    if step.name in ("transpose", "swapaxes", "t"):
        first, second = (*args, 0, 1)[:2] if args else (0, 1)
        if not isinstance(first, int) or not isinstance(second, int) or max(first, second) >= rank:
            return [after]
        axes[first], axes[second] = axes[second], axes[first]
        return [replace(after, axes=tuple(axes))]
    if step.name == "unsqueeze":
        if not args or not isinstance(args[0], int) or not -rank <= args[0] < rank:
            return [after]
        del axes[args[0]]
        return [replace(after, axes=tuple(axes))]
    if step.name == "squeeze":
        if args and isinstance(args[0], int):
            axes.insert(args[0] if args[0] >= 0 else rank + 1 + args[0], 1)
        return [replace(after, axes=tuple(axes))]
    if step.name in ("view", "reshape"):
        return _unviewed(after, args)
    return flattened(after) if step.name == "flatten" else [after]


def _unviewed(after: Template, args: tuple[Any, ...]) -> list[Template]:
    if len(args) == 2:
        return flattened(after)
    sizes = args[1:]
    if len(sizes) > 1 and all(isinstance(size, int) and size > 0 for size in sizes):
        total = 1
        for size in sizes:
            total *= size
        return [
            *_images(after, total),
            Template(("N", *sizes), after.dtype, why=after.why),
            replace(after, axes=("N", total)),
        ]
    return [after]


def flattened(after: Template) -> list[Template]:
    """What a flattened row of features was: an image of one or three channels where the number allows, or a row."""
    width = after.axes[-1]
    return [*_images(after, width), after] if isinstance(width, int) else [after]


def _images(after: Template, width: int) -> list[Template]:
    found = []
    for channels in (1, 3):
        side = isqrt(width // channels)
        if channels * side * side == width and side in _IMAGE_SIZES:
            found.append(replace(after, axes=("N", channels, side, side)))
    return found
