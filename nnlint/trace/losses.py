"""The losses as ops after the output: what judges the network, and what is done to its output before."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from nnlint import kinds
from nnlint.graph import Hyper, Op, Shape, Value
from nnlint.names import loss_named
from nnlint.recipe import Loss, Step
from nnlint.site import Fact, Site
from nnlint.trace.arguments import bind
from nnlint.trace.hyper import hyper
from nnlint.trace.names import op_name, spelling
from nnlint.trace.outputs import OutputPath
from nnlint.trace.run import Run

#: a loss of a recipe, the op name of one, or a live one
GivenLoss = Loss | str | nn.Module | Callable[..., Any]
Producer = tuple[Op, int]

_FIELDS = frozenset(field.name for field in fields(Hyper)) - {"extra"}
#: steps that keep the shape, however they are called
_SHAPE_KEEPING = kinds.elementwise | kinds.softmax | kinds.log_probability


def append_losses(ops: list[Op], losses: Iterable[GivenLoss], part: Callable[[OutputPath], Producer | None]) -> None:
    """Append the ops of each loss: its steps, then itself.

    They read what *makes* the output, not the ``output`` op. A loss on a part of the output that cannot be told gets
    its ops too, and they read nothing.

    Args:
        part: finds the op that makes a part of the output.

    Raises:
        UsageError: for a loss whose name is not known.
    """
    for given in losses:
        if isinstance(given, Loss):
            source = part(given.output)
            for step in given.steps:
                source = _append(ops, step.name, source, _step_hyper(step), step.site, step), 0
            settings = {name: _value(fact) for name, fact in given.arguments.items()}
            _append(ops, given.name, source, _settings(settings), given.site, call_site=given.call_site)
        else:
            name, settings_of, written = _live(given)
            _append(ops, name, part(()), settings_of, None, written=written)


def _live(given: str | nn.Module | Callable[..., Any]) -> tuple[str, Hyper, str]:
    if isinstance(given, str):
        return loss_named(given), Hyper(), given
    run = Run("op", module=given) if isinstance(given, nn.Module) else Run("op", function=given)
    name = op_name(run)
    return name, hyper(name, run, {}), spelling(run)


def _append(
    ops: list[Op],
    name: str,
    source: Producer | None,
    settings: Hyper,
    site: Site | None,
    step: Step | None = None,
    *,
    call_site: Site | None = None,
    written: str | None = None,
) -> Op:
    value = source[0].values[source[1]] if source and len(source[0].values) > source[1] else None
    op = Op(
        index=len(ops),
        name=name,
        path="",
        module=None,
        spelling=written or name,
        inputs=(source[0],) if source else (),
        slots=(source[1],) if source else (),
        weights=(),
        reads=(value,) if value else (),
        values=_made(name, value, settings, step),
        hyper=settings,
        params=(),
        macs=0 if name in kinds.ALL else None,
        site=site,
        call_site=call_site,
        training=True,
        grad=True,
        inplace=False,
    )
    ops.append(op)
    return op


def _made(name: str, read: Value | None, settings: Hyper, step: Step | None) -> tuple[Value, ...]:
    """What a step or a loss makes, where that can be told without running it."""
    if read is None:
        return ()
    if step is None:
        shape: Shape | None = () if settings.reduction in ("mean", "sum") else None
    elif name in _SHAPE_KEEPING:
        shape = read.shape
    else:
        shape = _squeezed(name, read.shape, settings.dim)
    if shape is None:
        return ()
    width = read.nbytes // max(1, math.prod(read.shape))
    return (Value(shape, read.dtype, width * math.prod(shape)),)


def _squeezed(name: str, shape: Shape, dim: int | tuple[int, ...] | None) -> Shape | None:
    if not isinstance(dim, int) or name not in ("squeeze", "unsqueeze"):
        return None
    axes = len(shape) + (name == "unsqueeze")
    if not -axes <= dim < axes:
        return None
    dim %= axes
    if name == "unsqueeze":
        return (*shape[:dim], 1, *shape[dim:])
    return shape[:dim] + shape[dim + (shape[dim] == 1) :]


def _step_hyper(step: Step) -> Hyper:
    """What a step states; ``"0"`` is its first argument after the tensor, whether it is a function or a method."""
    function = next((found for home in (F, torch, torch.Tensor) if (found := getattr(home, step.name, None))), None)
    words = {word: value for word, value in step.arguments.items() if not word.isdigit()}
    positions: list[Any] = []
    while str(len(positions)) in step.arguments:
        positions.append(step.arguments[str(len(positions))])
    bound = bind(function, (torch.empty(0), *positions), words, defaults=False) if function is not None else {}
    if not bound:
        return _settings(step.arguments)
    return hyper(step.name, Run("op", function=function), bound)


def _value(fact: Any) -> Any:
    return fact.value if isinstance(fact, Fact) else fact


def _settings(arguments: Mapping[str, Any]) -> Hyper:
    known = {name: value for name, value in arguments.items() if name in _FIELDS}
    return Hyper(**known, extra={name: value for name, value in arguments.items() if name not in _FIELDS})
