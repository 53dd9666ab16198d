"""What lives in the same memory, and what backward still needs of it: the facts about operations in place.

A tensor that is overwritten is another one for everybody who holds it. Two things can go wrong: backward needs the old
values (torch notices, and raises), or a later operation reads what it takes for the old values (nobody notices).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from nnlint.graph import Graph, Op
from nnlint.kinds import (
    ALL,
    Kind,
    arithmetic,
    dropout,
    elementwise,
    expanding,
    factors_kept,
    gradient_stop,
    identity,
    input_kept,
    input_kept_for_weight,
    reshaping,
    result_free,
    result_kept,
    result_kept_in_place,
)
from nnlint.stale import names_read_later
from nnlint.structure import is_after_output, is_modal

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


def in_backward(graph: Graph, needing: frozenset[int]) -> frozenset[int]:
    """The indices of those of these ops that a backward pass from the network's results goes through."""
    found: set[int] = set()
    for op in reversed(graph.ops):
        ends = not op.users and op.index > graph.output.index
        if op.name == "output" or ends or op.index in found:
            found.update(source.index for source in op.inputs + op.weights if source.index in needing)
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


# -- faults ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lost:
    """An op in place after which backward raises.

    Attributes:
        writer: the op in place.
        keeper: whose backward needs the old values; None if it is the overwritten tensor itself that must not be.
        reason: ``"result"`` or ``"input"``: what ``keeper`` keeps; ``"piece"``, ``"spread"`` or ``"parameter"``: what
            the overwritten tensor is.
    """

    writer: Op
    keeper: Op | None
    reason: str


def lost(graph: Graph) -> Iterator[Lost]:
    """The ops in place that overwrite what backward needs, or what must not be overwritten.

    Nothing is said of modules that take another way in training, of buffers, nor of memory shared behind the back of
    autograd.
    """
    if not any(op.inplace or op.hyper.inplace for op in graph.ops):
        return
    where = places(graph, training=True)
    needing = with_gradient(graph)
    reached = in_backward(graph, needing)
    keepers: dict[tuple[int, int], Lost] = {}
    for op in graph.ops:
        target = overwritten(op, training=True)
        if overwrites_parameter(op):
            yield Lost(op, None, "parameter")
        elif target is not None and not is_modal(graph, op):
            found = _fault(op, target, where, needing, keepers)
            if found is not None:
                keepers.pop(where[target[0].index, target[1]].origin, None)  # what follows is lost with it
                yield found
        if op.index in reached:
            for source, slot in kept(op, needing):
                place = where[source.index, slot]
                if not place.apart and graph.ops[place.origin[0]].name not in ("constant", "parameter"):
                    keepers.setdefault(place.origin, Lost(op, op, "result" if source is op else "input"))


def _fault(
    op: Op,
    target: Tensor,
    where: Mapping[tuple[int, int], Place],
    needing: frozenset[int],
    keepers: Mapping[tuple[int, int], Lost],
) -> Lost | None:
    place = where[target[0].index, target[1]]
    if place.apart:
        return None
    if place.spread:
        return Lost(op, None, "spread")
    if place.piece and op.grad and target[0].index in needing:
        return Lost(op, target[0], "piece")
    keeper = keepers.get(place.origin)
    return None if keeper is None else replace(keeper, writer=op)


@dataclass(frozen=True, slots=True)
class Changed:
    """A value that is read after it was overwritten, by a name it had before.

    Attributes:
        writer: the op in place.
        reader: the op that sees the new values.
        name: the variable that ``reader`` reads; "" where it holds another tensor on the same memory.
    """

    writer: Op
    reader: Op
    name: str


def changed(graph: Graph) -> Iterator[Changed]:
    """The ops that read what they take for old values, one for each op in place."""
    if not any(op.inplace or op.hyper.inplace for op in graph.ops):
        return
    where = places(graph, training=False)
    writers: dict[tuple[int, int], Op] = {}
    for op in graph.ops:
        for source, slot in zip(op.inputs, op.slots, strict=True):
            place = where.get((source.index, slot))
            writer = writers.get(place.origin) if place is not None and place.whole else None
            if writer is not None and source.index < writer.index and not _sees_no_change(op, writer):
                del writers[place.origin]  # type: ignore[union-attr]
                yield Changed(writer, op, "")
        if (target := _replaced(op, where)) is not None and not is_modal(graph, op):
            if (found := _read_by_name(op, target)) is not None:
                yield found
            else:
                writers[where[target[0].index, target[1]].origin] = op


def _replaced(op: Op, where: Mapping[tuple[int, int], Place]) -> Tensor | None:
    """What an op overwrites as a whole, element by element, and hands on as its result."""
    target = overwritten(op, training=True)
    if target is None or op not in elementwise or not op.users:
        return None
    place = where[target[0].index, target[1]]
    return target if place.whole and not place.apart else None


def _read_by_name(writer: Op, target: Tensor) -> Changed | None:
    if len(writer.users) < 2 or _ran_in_one_call(writer, target[0]):
        return None
    for name, site in names_read_later(writer):
        for reader in writer.users:
            if site in (reader.call_site, reader.site) and not _sees_no_change(reader, writer):
                return Changed(writer, reader, name)
    return None


def _ran_in_one_call(writer: Op, source: Op) -> bool:
    """Whether the source is made in the same call of a container: then no variable holds it."""
    return (writer.call_site or writer.site) in (source.call_site, source.site)


def _sees_no_change(reader: Op, writer: Op) -> bool:
    """Whether it makes no difference to a reader: it does first what was done, or looks at nothing."""
    return reader.name in ("output", writer.name) and (reader.name == "output" or reader in _idempotent)


#: applied twice it gives what it gives applied once
_idempotent = Kind.of("relu", "relu6", "hardtanh", "clamp")


def may_be_overwritten(graph: Graph, op: Op) -> Op | None:
    """The op that makes what this one reads, if nobody would ever notice that this one overwrites it; else None.

    What is read has no other reader, not as another view of it either; backward does not need it; no hook and no Python
    code has looked at it; it is made where it is read, in the same module or below, so that no caller holds it.
    """
    if len(op.inputs) != 1 or is_modal(graph, op) or is_after_output(graph, op) or _has_hooks(op):
        return None
    maker = op.inputs[0]
    while len(maker.users) == 1 == len(maker.values) and not maker.observed and not _has_hooks(maker):
        source = shared(maker)
        if source is None:
            return maker if maker in result_free and _is_within(maker, op) else None
        if maker not in (arithmetic if maker.inplace else _same_memory):
            return None
        maker = source[0]
    return None


_same_memory = (identity | reshaping | dropout) - Kind.of("detach")


def _is_within(maker: Op, op: Op) -> bool:
    """Whether the module that runs ``op`` runs ``maker`` too, itself or in one of its own modules."""
    owner = op.path.rpartition(".")[0] if op.module is not None else op.path
    return not owner or maker.path == owner or maker.path.startswith(owner + ".")


def _has_hooks(op: Op) -> bool:
    module = op.module
    if module is None:
        return False
    hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks)
    return any(hooks)
