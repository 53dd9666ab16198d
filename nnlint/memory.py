"""What lives in the same memory, and what backward needs of it: the facts that operations in place depend on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from nnlint.graph import Graph, Op
from nnlint.kinds import (
    ALL,
    Kind,
    dropout,
    expanding,
    factors_kept,
    gradient_stop,
    input_kept,
    input_kept_for_weight,
    result_kept,
    result_kept_in_place,
)

#: an op, and which of its outputs
Tensor = tuple[Op, int]

#: gives several views of one tensor, none of which may be overwritten
_several_views = Kind.of("chunk", "split", "tensor_split", "unbind")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value lives.

    Attributes:
        origin: index of the op, and the output, that was the first in this memory.
        whole: whether the value is all of it, in whatever shape.
        piece: whether it is one of several views that one call has given.
        spread: whether several of its elements lie in one place.
        apart: whether autograd does not know that the memory is shared (``x.data``).
    """

    origin: tuple[int, int]
    whole: bool = True
    piece: bool = False
    spread: bool = False
    apart: bool = False


def places(graph: Graph, *, training: bool) -> Mapping[tuple[int, int], Place]:
    """The place of every value, by the index of its op and its number among the outputs.

    Args:
        training: whether dropout is at work, so that it gives a new tensor; in evaluation it hands on its very input.
    """
    found: dict[tuple[int, int], Place] = {}
    for op in graph.ops:
        for slot in range(len(op.values)):
            source = None if training and is_dropping(op) and not op.hyper.inplace else shared(op, slot)
            found[op.index, slot] = Place((op.index, slot)) if source is None else _seen(op, slot, source, found)
    return found


def _seen(op: Op, slot: int, source: Tensor, found: Mapping[tuple[int, int], Place]) -> Place:
    before, at = source
    place = found[before.index, at]
    same = op.values[slot].nbytes == before.values[at].nbytes
    return replace(
        place,
        whole=place.whole and same,
        piece=place.piece or (op in _several_views and "unsafe" not in op.spelling),
        spread=place.spread or (op in expanding and not same),
        apart=place.apart or op.spelling == "Tensor.data",
    )


def shared(op: Op, slot: int = 0) -> Tensor | None:
    """The input whose memory an output lives in, if there is one."""
    storage = op.values[slot].storage if len(op.values) > slot else None
    for source, at in zip(op.inputs, op.slots, strict=True):
        if storage is not None and len(source.values) > at and source.values[at].storage == storage:
            return source, at
    return None


def is_dropping(op: Op) -> bool:
    """Whether it is a dropout that drops something in training."""
    return op in dropout and op.hyper.p != 0


def overwritten(op: Op, *, training: bool) -> Tensor | None:
    """What an op overwrites; None if it is not in place."""
    writes = op.inplace or (training and is_dropping(op) and op.hyper.inplace is True)
    return shared(op) if writes else None


def overwrites_parameter(op: Op) -> bool:
    """Whether an op overwrites a trainable parameter (or a view of one) while gradients are recorded."""
    if not (op.inplace and op.grad and op.reads and op.values) or shared(op) is not None:
        return False
    own = [param for param in op.params if param.trainable and param.shape == op.reads[0].shape]
    return bool(own) and op.reads[0].storage == op.values[0].storage


# -- gradients ---------------------------------------------------------------------------------------------------------


def with_gradient(graph: Graph) -> frozenset[int]:
    """The indices of the ops whose results depend, differentiably, on a trainable parameter."""
    found: set[int] = set()
    for op in graph.ops:
        stops = op.name not in ALL or op in gradient_stop or not op.grad or not op.values
        if stops or not ("float" in op.values[0].dtype or "complex" in op.values[0].dtype):
            continue
        if any(param.trainable for param in op.params) or any(s.index in found for s in op.inputs + op.weights):
            found.add(op.index)
    return frozenset(found)


def in_backward(graph: Graph, needing: frozenset[int], where: Mapping[tuple[int, int], Place]) -> frozenset[int]:
    """The indices of those of these ops that a backward pass from the network's results goes through.

    One in place is gone through if anything reads the memory later, by whatever name.
    """
    found: set[int] = set()
    read: set[tuple[int, int]] = set()
    for op in reversed(graph.ops):
        target = shared(op) if op.inplace and op.index in needing else None
        if target is not None and where[target[0].index, target[1]].origin in read:
            found.add(op.index)
        ends = not op.users and op.index > graph.output.index
        if op.name == "output" or ends or op.index in found:
            found.update(source.index for source in op.inputs + op.weights if source.index in needing)
            places_read = (where.get((s.index, at)) for s, at in zip(op.inputs, op.slots, strict=True))
            read.update(place.origin for place in places_read if place is not None)
    return frozenset(found)


def kept(op: Op, needing: frozenset[int]) -> Iterator[Tensor]:
    """The tensors that the backward of an op (which needs a gradient) reads, as far as it is known."""
    if op in (result_kept_in_place if op.inplace else result_kept):
        yield op, 0
    if not op.inputs:
        return
    first = op.inputs[0], op.slots[0]
    weight = any(p.trainable and p.role == "weight" for p in op.params) or any(w.index in needing for w in op.weights)
    if not op.inplace and (op in input_kept or (op in input_kept_for_weight and weight)):
        yield first
    by_parameter = len(op.inputs) == 1 < len(op.reads) and any(param.trainable for param in op.params)
    if op in factors_kept and by_parameter and not op.inplace:
        yield first
    if op in factors_kept and len(op.inputs) == len(op.reads) == 2:
        second = op.inputs[1], op.slots[1]
        if op.inputs[1].index in needing and not op.inplace:  # in place, a copy is kept
            yield first
        if op.inputs[0].index in needing:
            yield second
