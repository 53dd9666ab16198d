"""Operations in place: those that overwrite what is needed again, and those that nobody would notice.

A tensor that is overwritten is another one for everybody who holds it. Two things can go wrong: backward needs the old
values (torch notices, and raises), or a later operation reads what it takes for the old values (nobody notices).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from nnlint.graph import Graph, Op
from nnlint.kinds import Kind, arithmetic, dropout, elementwise, identity, reshaping, result_free
from nnlint.memory import (
    Place,
    Tensor,
    in_backward,
    kept,
    overwrites_parameter,
    overwritten,
    places,
    shared,
    with_gradient,
)
from nnlint.stale import names_read_later
from nnlint.structure import is_after_output, is_modal

#: applied twice it gives what it gives applied once
_idempotent = Kind.of("relu", "relu6", "hardtanh", "clamp")
#: hands on its very input, or another view of it, for gradients too
_same_memory = (identity | reshaping | dropout) - Kind.of("detach")
#: puts values into a tensor: that is how Python carries out ``x[i] += y``, and no reading of ``x``
_puts = Kind.of("setitem")


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
    reached = in_backward(graph, needing, where)
    keepers: dict[tuple[int, int], Lost] = {}
    for op in graph.ops:
        target = overwritten(op, training=True)
        if overwrites_parameter(op):
            yield Lost(op, None, "parameter")
        elif target is not None and not is_modal(graph, op):
            found = _fault(op, target, where, needing, keepers)
            if found is None and op.index in reached and _reads_twice(op, target, where, needing):
                found = Lost(op, op, "input")
            if found is not None:
                keepers.pop(where[target[0].index, target[1]].origin, None)  # what follows is lost with it
                yield found
        if op.index in reached:
            for source, slot in kept(op, needing):
                place = where.get((source.index, slot))
                if (
                    place is not None
                    and not place.apart
                    and graph.ops[place.origin[0]].name not in ("constant", "parameter")
                ):
                    keepers.setdefault(place.origin, Lost(op, op, "result" if source is op else "input"))


def _reads_twice(op: Op, target: Tensor, where: Mapping[tuple[int, int], Place], needing: frozenset[int]) -> bool:
    """Whether it overwrites one factor and its backward reads the other, which is the same tensor (``x *= x``)."""
    origin = where[target[0].index, target[1]].origin
    factors = (where.get((source.index, slot)) for source, slot in kept(op, needing) if source is not op)
    return any(place is not None and place.origin == origin for place in factors)


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
            if place is None or not place.whole:
                continue
            writer = writers.get(place.origin)
            if writer is not None and source.index < writer.index and not _sees_no_change(op, writer):
                del writers[place.origin]
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
    if _ran_in_one_call(writer, target[0]):
        return None
    readers = list(writer.users)
    for reader in readers:  # grows: the tensor is known as what overwrote it last
        readers += reader.users if reader.inplace and shared(reader) == (writer, 0) else ()
    for name, site in names_read_later(writer):
        for reader in readers:
            if site in (reader.call_site, reader.site) and not _sees_no_change(reader, writer):
                return Changed(writer, reader, name)
    return None


def _ran_in_one_call(writer: Op, source: Op) -> bool:
    """Whether the source is made in the same call of a container: then no variable holds it."""
    return (writer.call_site or writer.site) in (source.call_site, source.site)


def _sees_no_change(reader: Op, writer: Op) -> bool:
    """Whether it makes no difference to a reader: it does first what was done, or looks at nothing."""
    return reader.name == "output" or reader in _puts or (reader.name == writer.name and reader in _idempotent)


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
