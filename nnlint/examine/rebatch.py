"""A second run of a network with another batch size, where the first gives reason to ask for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from nnlint.batches import may_mix, mixing_views
from nnlint.edits import text_of
from nnlint.edits.source import Source, source_of
from nnlint.examine.modes import evaluating
from nnlint.graph import Graph, Op, Rebatched, Shape
from nnlint.inputs.template import leaves, tree_map
from nnlint.kinds import Kind, creation
from nnlint.site import Site
from nnlint.trace.failure import ForwardError
from nnlint.trace.record import record
from nnlint.trace.run import META

#: a run with values is repeated only where it is small
MOST_REAL_NUMBERS = 5_000_000
_SIZED = creation | Kind.of("view", "reshape", "expand", "unflatten")


def rebatched(
    graph: Graph,
    module: nn.Module,
    inputs: tuple[tuple[Any, ...], dict[str, Any]],
    sites: Mapping[int, Site] | None = None,
    *,
    loader: bool = False,
) -> Graph:
    """The graph with what a second run showed (`Graph.rebatched`); as it is where none is called for.

    One is made where a view may have mixed samples, or where the source gives a tensor a batch size by a number or by a
    name that the forward pass does not take from its input. Which axis is the batch has to be plain: the first, of the
    same size (at least 2) in every input.

    Args:
        module: the network that was recorded; ``inputs``: its arguments then; ``sites``: see `record`.
        loader: see `Rebatched.loader`.
    """
    batch = _batch_of(inputs) if next(module.parameters(), None) is not None else None  # else a transform of samples
    if batch is None or batch < 2 or graph.output.training or not _is_cheap(module, inputs):
        return graph
    fixed = any(_is_fixed(op, batch) for op in graph.find(_SIZED))
    if not fixed and not may_mix(graph, batch):
        return graph
    other = 2 * batch
    args, kwargs = tree_map(_doubled, inputs)
    try:
        with evaluating(module):
            second = record(module, args, kwargs, sites=sites, compile=False)
    except ForwardError as error:
        if not fixed:  # it may well have to be a certain number
            return graph
        where = error.failure.call_site or error.failure.site
        text = " ".join(str(error.__cause__ or error).split())
        return replace(graph, rebatched=Rebatched(batch, other, failure=text, site=where, loader=loader))
    shapes = _shapes(graph, second)
    if shapes is None:
        return graph
    return replace(graph, rebatched=Rebatched(batch, other, tuple(mixing_views(graph, batch, shapes, other))))


def _batch_of(inputs: tuple[tuple[Any, ...], dict[str, Any]]) -> int | None:
    """The first size of all tensors among the arguments; None if they differ, or are held in lists and the like."""
    args, kwargs = inputs
    given = [value for value in (*args, *kwargs.values()) if isinstance(value, torch.Tensor)]
    held = [leaf for leaf in leaves(inputs) if isinstance(leaf, torch.Tensor)]
    sizes = {tensor.shape[0] if tensor.ndim > 1 else 0 for tensor in held}
    return sizes.pop() if len(sizes) == 1 and 0 not in sizes and len(given) == len(held) else None


def _is_cheap(module: nn.Module, inputs: Any) -> bool:
    tensors = [*module.parameters(), *(leaf for leaf in leaves(inputs) if isinstance(leaf, torch.Tensor))]
    return all(tensor.is_meta for tensor in tensors) or sum(tensor.numel() for tensor in tensors) < MOST_REAL_NUMBERS


def _doubled(value: Any) -> Any:
    return torch.cat([value, value]) if isinstance(value, torch.Tensor) else value


def _is_fixed(op: Op, batch: int) -> bool:
    """Whether the source of a call gives a size that looks like a batch size and is not taken from the input."""
    text = text_of(op.site) if op.site is not None and batch in op.shape else None
    if text is None or not (re.search(rf"(?<![\w.]){batch}(?![\w.])", text) or "batch" in text):
        return False
    source = source_of(op.site)
    node = source.node(op.site) if source is not None and op.site is not None else None
    if source is None or not isinstance(node, ast.Call):
        return False
    own = _names_in(source, node)
    return any(_is_size(part, batch, own) for arg in (*node.args, *node.keywords) for part in ast.walk(arg))


def _names_in(source: Source, node: ast.AST) -> set[str]:
    """The names that the function around a node takes as arguments or assigns itself."""
    function = source.function_of(node)
    parts = list(ast.walk(function)) if function is not None else []
    stored = {part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    return stored | {part.arg for part in parts if isinstance(part, ast.arg) and part.arg != "self"}


def _is_size(part: ast.AST, batch: int, own: set[str]) -> bool:
    if isinstance(part, ast.Constant):
        return type(part.value) is int and part.value == batch
    if isinstance(part, ast.Name):
        return "batch" in part.id.lower() and part.id not in own
    return isinstance(part, ast.Attribute) and "batch" in part.attr.lower() and ast.unparse(part.value) == "self"


def _shapes(graph: Graph, second: torch.fx.GraphModule) -> list[Shape] | None:
    """The shapes of the second run by the ops of the first; None if it did something else."""
    found: list[Shape] = []
    runs = iter([run for node in second.graph.nodes if (run := node.meta.get(META)) and run.role in ("op", "input")])
    for op in graph.ops:
        if op.name in ("constant", "parameter", "output") or op.index > graph.output.index:
            found.append(op.shape)
            continue
        run = next(runs, None)
        if run is None or run.path != op.path or len(run.values) != len(op.values):
            return None
        found.append(run.values[0].shape if run.values else ())
    return found if next(runs, None) is None else None
