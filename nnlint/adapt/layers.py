"""Layers that are fitted to the data where no argument of the network does it: the one that makes the scores, and the
one that reads the features."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from nnlint.graph import Graph, Op
from nnlint.kinds import (
    Kind,
    average_pooling,
    batch_norm,
    convolution,
    dropout,
    layer_norm,
    linear,
    log_probability,
    max_pooling,
    rectifier,
    saturating,
    softmax,
    value_preserving,
)

#: what may stand between the layer that makes the scores and the result: nothing that has weights
_READ_OUT = (
    value_preserving
    | average_pooling
    | max_pooling
    | softmax
    | log_probability
    | dropout
    | (rectifier - Kind.of("prelu"))
    | saturating
    | Kind.of("mean", "sum", "amax")
)
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


@dataclass(frozen=True, slots=True)
class Change:
    """A layer that is replaced by one of the same kind, with fresh weights.

    Attributes:
        path: where it is in the network.
        size: how many outputs (or features it reads) the new one has.
        end: whether it is the last layer (else it reads the data).
    """

    path: str
    size: int
    end: bool

    def apply(self, net: nn.Module) -> str:
        """Replace the layer in a network.

        Returns:
            what became of it, in words.
        """
        old = net.get_submodule(self.path)
        new = (_with_outputs if self.end else _with_inputs)(old, self.size)
        for name, module in list(net.named_modules(remove_duplicate=False)):
            if module is old:
                parent, _, own = name.rpartition(".")
                setattr(net.get_submodule(parent), own, new)
        return f"`{self.path}`: {_short(old)} became {_short(new)}"


def _with_outputs(old: nn.Module, size: int) -> nn.Module:
    if isinstance(old, nn.Linear):
        return nn.Linear(old.in_features, size, bias=old.bias is not None)
    assert isinstance(old, _CONVOLUTIONS)
    make: Callable[..., nn.Module] = type(old)
    return make(
        old.in_channels,
        size,
        old.kernel_size,
        stride=old.stride,
        padding=old.padding,
        dilation=old.dilation,
        bias=old.bias is not None,
        padding_mode=old.padding_mode,
    )


def _with_inputs(old: nn.Module, size: int) -> nn.Module:
    if isinstance(old, nn.Linear):
        return nn.Linear(size, old.out_features, bias=old.bias is not None)
    if isinstance(old, nn.BatchNorm1d):
        return nn.BatchNorm1d(
            size, eps=old.eps, momentum=old.momentum, affine=old.affine, track_running_stats=old.track_running_stats
        )
    assert isinstance(old, nn.LayerNorm)
    return nn.LayerNorm(size, eps=old.eps, elementwise_affine=old.elementwise_affine)


def _short(layer: nn.Module) -> str:
    if isinstance(layer, nn.Linear):
        return f"Linear({layer.in_features}, {layer.out_features})"
    if isinstance(layer, _CONVOLUTIONS):
        return f"{type(layer).__name__}({layer.in_channels}, {layer.out_channels})"
    if isinstance(layer, nn.BatchNorm1d):
        return f"BatchNorm1d({layer.num_features})"
    assert isinstance(layer, nn.LayerNorm)
    return f"LayerNorm({layer.normalized_shape[0]})"


def scoring(graph: Graph) -> Op | None:
    """The layer that makes a network's scores, if it is one whose number of outputs can be changed: nothing but it
    depends on it."""
    results = dict.fromkeys(graph.output.inputs)
    op = next(iter(results), None)
    if op is None or len(results) > 1:
        return None
    while op in _READ_OUT and len(op.inputs) == 1 and not op.weights:
        op = op.inputs[0]
    return op if _is_own(graph, op, (nn.Linear, *_CONVOLUTIONS)) and op in linear | convolution else None


def reading(graph: Graph) -> tuple[Op, ...]:
    """The layers that read vectors first and depend on how long they are: norms and a linear layer, in order.

    Images count as vectors where nothing is done to them but that they are flattened. None if something else reads
    them.
    """
    if len(graph.inputs) != 1 or len(graph.inputs[0].shape) < 2:
        return ()
    vector = (graph.inputs[0].shape[0], math.prod(graph.inputs[0].shape[1:]))
    found: list[Op] = []
    op = graph.inputs[0]
    while len(op.users) == 1:
        before, op = op, op.users[0]
        if before.shape != vector:
            if op not in value_preserving:
                return ()
        elif _is_own(graph, op, (nn.Linear,)) and op in linear:
            return (*found, op)
        if _is_own(graph, op, (nn.BatchNorm1d, nn.LayerNorm)) and op in batch_norm | layer_norm:
            found.append(op)
        elif op not in dropout | value_preserving or op.shape != vector:
            return ()
    return ()


def _is_own(graph: Graph, op: Op, types: tuple[type[nn.Module], ...]) -> bool:
    """Whether an op is a layer of one of torch's own classes that runs once and shares no weights."""
    if type(op.module) not in types or getattr(op.module, "groups", 1) != 1 or op.weights:
        return False
    keys = {param.key for param in op.params}
    return not any(keys & {param.key for param in other.params} for other in graph.ops if other is not op)
