"""Graph algorithms over a `Graph`: dominators, longest paths, layers for drawings, ancestors, receptive fields.

All of them look along the data flow (`Op.inputs`) and cost time about linear in the number of ops.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nnlint.graph import Graph, Op
from nnlint.kinds import (
    Kind,
    activation,
    adaptive_pooling,
    concatenation,
    convolution,
    dropout,
    elementwise,
    identity,
    normalisation,
    padding,
    pooling,
    reshaping,
    softmax,
    transposed_convolution,
)

_ROOT = -1


def immediate_dominators(graph: Graph) -> Mapping[Op, Op | None]:
    """For each op that the network's inputs reach: the last op that every path from the inputs to it passes.

    None where there is none: for the inputs themselves, and where paths from several inputs meet. Following the mapping
    upwards gives all dominators of an op.
    """
    import networkx

    flow = _data_flow(graph)
    flow.add_edges_from((_ROOT, op.index) for op in graph.inputs)
    found = networkx.immediate_dominators(flow, _ROOT) if graph.inputs else {}
    return {
        graph.ops[index]: None if above in (_ROOT, None) else graph.ops[above]
        for index, above in sorted(found.items())
        if index != _ROOT
    }


def bottlenecks(graph: Graph) -> tuple[Op, ...]:
    """The ops that every path from the inputs to the output passes, in order: no branch goes around them.

    They are the dominators of the output. The ops stand in an order in which data flows forwards, so a path avoids an
    op exactly if one of its steps jumps over it: one sweep finds them, without networkx.
    """
    on_a_path = _between(graph)
    furthest = max((op.index for op in graph.inputs if op.index in on_a_path), default=0)
    found = []
    for op in graph.ops:
        if op.index not in on_a_path or op is graph.output:
            continue
        if furthest <= op.index:
            found.append(op)
        readers = (user.index for user in op.users if user.index in on_a_path and op in user.inputs)
        furthest = max((furthest, *readers))
    return tuple(found)


def _between(graph: Graph) -> set[int]:
    """The indices of the ops on the paths from the inputs to the output."""
    end = graph.output
    reached: set[int] = set()
    for op in graph.ops[: end.index + 1]:
        if op.name == "input" or any(source.index in reached for source in op.inputs):
            reached.add(op.index)
    leading = {end.index} & reached
    for op in reversed(graph.ops[: end.index + 1]):
        if op.index in leading:
            leading.update(source.index for source in op.inputs if source.index in reached)
    return leading


def longest_path(graph: Graph, kind: Kind) -> tuple[Op, ...]:
    """The path along the data flow with the most ops of a kind (how deep the network is in weighted layers, say)."""
    depth = [0] * len(graph.ops)
    before: list[Op | None] = [None] * len(graph.ops)
    for op in graph.ops:
        before[op.index] = max(op.inputs, key=lambda source: depth[source.index], default=None)
        previous = before[op.index]
        depth[op.index] = (depth[previous.index] if previous else 0) + (op in kind)
    last = max(graph.ops, key=lambda op: depth[op.index], default=None)
    path = []
    while last is not None:
        path.append(last)
        last = before[last.index]
    return tuple(reversed(path))


def layers(graph: Graph) -> tuple[tuple[Op, ...], ...]:
    """The ops in layers: each stands one layer after the last of the ops it reads (weights included)."""
    import networkx

    generations = networkx.topological_generations(graph.to_networkx())
    return tuple(tuple(graph.ops[index] for index in sorted(generation)) for generation in generations)


def ancestors(graph: Graph, op: Op) -> tuple[Op, ...]:
    """Every op that takes part in computing this one (weights included), in order of execution."""
    found: set[int] = set()
    waiting = [op]
    while waiting:
        current = waiting.pop()
        new = {source.index: source for source in current.inputs + current.weights if source.index not in found}
        found.update(new)
        waiting.extend(new.values())
    return tuple(graph.ops[index] for index in sorted(found))


def _data_flow(graph: Graph) -> Any:
    import networkx

    flow = networkx.DiGraph()
    flow.add_nodes_from(range(len(graph.ops)))
    flow.add_edges_from((source.index, op.index) for op in graph.ops for source in op.inputs)
    return flow


# -- receptive fields --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field:
    """How much of the network's input one element of a map sees, for each spatial axis.

    Attributes:
        smallest, largest: sizes in elements of the input, along the path that sees least and the one that sees most.
        jump: the distance in the input between what two neighbouring elements see the middle of.
    """

    smallest: tuple[float, ...]
    largest: tuple[float, ...]
    jump: tuple[float, ...]

    @property
    def size(self) -> tuple[float, ...]:
        """The receptive field as it is commonly given: that of the path that sees most."""
        return self.largest


def receptive_field(graph: Graph) -> Mapping[Op, Field]:
    """The receptive fields of the maps of a network (Araujo, Norris and Sim, Computing Receptive Fields of
    Convolutional Neural Networks, Distill 2019).

    Maps are what the network's inputs of shape ``(batch, channels, *axes)`` become by convolution, pooling,
    resampling, elementwise functions and the like. Where the axes are given up (flattened, averaged away, turned into
    tokens) the fields end, and no later op has one. Normalisation counts as elementwise, as is usual.
    """
    fields: dict[Op, Field] = {}
    for op in graph.ops:
        if op.name == "input":
            axes = len(op.shape) - 2
            field = Field((1,) * axes, (1,) * axes, (1,) * axes) if axes > 0 else None
        else:
            rule = _RULES.get(op.name)
            field = rule(op, fields) if rule is not None else None
        if field is not None:
            fields[op] = field
    return fields


def _joined(op: Op, fields: Mapping[Op, Field]) -> Field | None:
    """The field of what is put together from several maps; one of another size (a gate, say) is broadcast."""
    read = [(source, fields[source]) for source in op.inputs if source in fields]
    if not read:
        return None
    axes = len(read[0][1].jump)
    if any(len(field.jump) != axes for _, field in read) or len(op.shape) < axes:
        return None
    same = [field for source, field in read if source.shape[-axes:] == op.shape[-axes:]]
    if not same:
        return None
    return Field(
        tuple(min(field.smallest[axis] for _, field in read) for axis in range(axes)),
        tuple(max(field.largest[axis] for _, field in read) for axis in range(axes)),
        same[0].jump,
    )


def _over_channels(op: Op, fields: Mapping[Op, Field]) -> Field | None:
    return _joined(op, fields) if op.hyper.dim in (1, 1 - len(op.in_shape)) else None


def _windowed(op: Op, fields: Mapping[Op, Field]) -> Field | None:
    hyper = op.hyper
    if hyper.kernel is None or hyper.stride is None:
        return None
    dilation = hyper.dilation or (1,) * len(hyper.kernel)
    extents = [(size - 1) * step for size, step in zip(hyper.kernel, dilation, strict=True)]
    if op in transposed_convolution:  # an output element meets every stride-th weight
        extents = [extent // stride for extent, stride in zip(extents, hyper.stride, strict=True)]
        return _grown(op, fields, extents, [1 / stride for stride in hyper.stride])
    return _grown(op, fields, extents, hyper.stride)


def _adaptive(op: Op, fields: Mapping[Op, Field]) -> Field | None:
    read, made = op.in_shape[2:], op.shape[2:]
    if not made or 0 in made:
        return None
    windows = [math.ceil(size / count) - 1 for size, count in zip(read, made, strict=True)]
    return _grown(op, fields, windows, [size / count for size, count in zip(read, made, strict=True)])


def _interpolated(op: Op, fields: Mapping[Op, Field]) -> Field | None:
    read, made = op.in_shape[2:], op.shape[2:]
    if not made or 0 in made:
        return None
    reach = {"nearest": 0, "nearest-exact": 0, "bicubic": 3}.get(op.hyper.mode or "nearest", 1)
    return _grown(op, fields, [reach] * len(made), [size / count for size, count in zip(read, made, strict=True)])


def _shuffled(op: Op, fields: Mapping[Op, Field]) -> Field | None:
    if op.name == "pixel_shuffle":
        factor = op.hyper.extra.get("upscale_factor")
        return _grown(op, fields, (0, 0), (1 / factor,) * 2) if isinstance(factor, int) and factor > 0 else None
    factor = op.hyper.extra.get("downscale_factor")
    return _grown(op, fields, (factor - 1,) * 2, (factor,) * 2) if isinstance(factor, int) else None


def _grown(op: Op, fields: Mapping[Op, Field], extents: Any, strides: Any) -> Field | None:
    before = fields.get(op.inputs[0]) if op.inputs else None
    if before is None or len(before.jump) != len(extents):
        return None
    steps = [extent * jump for extent, jump in zip(extents, before.jump, strict=True)]
    return Field(
        tuple(size + step for size, step in zip(before.smallest, steps, strict=True)),
        tuple(size + step for size, step in zip(before.largest, steps, strict=True)),
        tuple(jump * stride for jump, stride in zip(before.jump, strides, strict=True)),
    )


def _arranged(op: Op, fields: Mapping[Op, Field]) -> Field | None:
    """Channels rearranged or picked: the field stays if the map's axes are still the last ones and as long."""
    before = fields.get(op.inputs[0]) if op.inputs else None
    if before is None:
        return None
    axes = len(before.jump)
    read, made = op.in_shape, op.shape
    if len(made) < axes or made[-axes:] != read[-axes:] or not _keeps_last(op, axes):
        return None
    return before


def _keeps_last(op: Op, axes: int) -> bool:
    rank, extra = len(op.in_shape), op.hyper.extra
    if op.name == "transpose":
        moved = [extra.get("dim0"), extra.get("dim1")]
        return all(isinstance(dim, int) and dim % rank < rank - axes for dim in moved)
    if op.name == "permute":
        order = extra.get("dims")
        return isinstance(order, tuple) and [dim % rank for dim in order[-axes:]] == list(range(rank - axes, rank))
    return op.name != "movedim"


def _cropped(op: Op, fields: Mapping[Op, Field]) -> Field | None:
    """A map with something around it, or without its rim; a slice with a stride would be at most half as long."""
    before = fields.get(op.inputs[0]) if op.inputs else None
    if before is None or len(op.shape) != len(op.in_shape):
        return None
    axes = len(before.jump)
    longer = all(made > read // 2 + 1 for made, read in zip(op.shape[-axes:], op.in_shape[-axes:], strict=True))
    return before if longer or op.shape[-axes:] == op.in_shape[-axes:] else None


_RULES: Mapping[str, Callable[[Op, Mapping[Op, Field]], Field | None]] = (
    dict.fromkeys(elementwise | activation | normalisation | dropout | identity | concatenation, _joined)
    | dict.fromkeys(softmax | Kind.of("log_softmax"), _over_channels)
    | dict.fromkeys(reshaping | Kind.of("channel_shuffle", "chunk", "split", "unbind", "index_select"), _arranged)
    | dict.fromkeys(padding | Kind.of("getitem", "narrow"), _cropped)
    | dict.fromkeys(convolution | pooling, _windowed)
    | dict.fromkeys(adaptive_pooling, _adaptive)
    | {"interpolate": _interpolated, "pixel_shuffle": _shuffled, "pixel_unshuffle": _shuffled}
)
