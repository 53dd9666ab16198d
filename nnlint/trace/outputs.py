"""Which node yields a part of the network's output, followed through the structure it is returned in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import fx

from nnlint.trace import replay

OutputPath = tuple[int | str, ...]


def selected(gm: fx.GraphModule, output: Any, path: OutputPath) -> fx.Node | None:
    """The node of the tensor at ``path`` of the output; None if there is none, or several.

    Args:
        output: the argument of the output node: a node, or lists, tuples and dicts of them.
        path: the steps into the structure: an index, a key or an attribute each; ``()`` for the whole, which has to be
            one tensor.
    """
    nodes: list[fx.Node] = []
    structure = _standing_in(gm, output, nodes)
    for key in path:
        structure = _part(structure, key)
    tensors = replay.tensors_in(structure) if not isinstance(structure, torch.Tensor) else (structure,)
    if len(tensors) != 1:
        return None
    return nodes[int(tensors[0].shape[0])]


def _standing_in(gm: fx.GraphModule, value: Any, nodes: list[fx.Node]) -> Any:
    """The output's structure with a small tensor for each node: its size is the node's place in ``nodes``."""
    if isinstance(value, fx.Node):
        if value.target is replay.rebuild:
            template: Any = value.args[0]
            tensors = [_standing_in(gm, inner, nodes) for inner in value.args[1:]]
            return replay.rebuild(getattr(gm, template.target), *tensors)
        nodes.append(value)
        return torch.empty(len(nodes) - 1, device="meta")
    if isinstance(value, (tuple, list)):
        items = [_standing_in(gm, item, nodes) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    if isinstance(value, Mapping):
        return {key: _standing_in(gm, item, nodes) for key, item in value.items()}
    return value


def _part(structure: Any, key: int | str) -> Any:
    if isinstance(structure, torch.Tensor):
        return None
    try:
        return structure[key]
    except (KeyError, IndexError, TypeError):
        return getattr(structure, key, None) if isinstance(key, str) else None
