"""Where the samples of a batch are in the tensors of a network: which views keep them apart, and which mix them.

In a tensor laid out in the order of its axes the sample of an element is ``(place // block) % batch``, where ``block``
is the product of the sizes after the batch axis. A view leaves places and blocks as they are, and changes the axes: it
keeps the samples apart if their digit still lies within one axis (merged with others, maybe: ``(N, T, C)`` to
``(N * T, C)``). ``(N, T, C)`` viewed as ``(T, N, C)`` gives every row parts of several samples.

One shape leaves open which axis is the batch: 16 steps look like 8 batches of 2. Two batch sizes settle it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

from nnlint.graph import Graph, Op, Shape
from nnlint.kinds import Kind, recurrent, reshaping

#: the same elements in the same order under another shape
_views = reshaping - Kind.of("permute", "transpose", "movedim")


@dataclass(frozen=True, slots=True)
class Rows:
    """The axis that holds the samples, of the size ``outer * batch * inner``; a sample takes up ``block`` places."""

    axis: int
    outer: int
    inner: int
    block: int


def mixing_views(graph: Graph, batch: int, others: Sequence[Shape], other: int) -> Iterator[Op]:
    """The views that give a row parts of several samples, told by two runs with different batch sizes.

    Args:
        batch: the batch size of the graph's run.
        others: what `Op.shape` is for every op in a run with the batch size ``other``.
    """
    first = _layouts(graph, [op.shape for op in graph.ops], batch)
    second = _layouts(graph, others, other)
    for op in graph.ops:
        if _regroups_final_states(op, op.shape, batch) and _regroups_final_states(op, others[op.index], other):
            yield op
            continue
        source = op.inputs[0] if op.inputs and op.values and op in _views else None
        one, two = (first[source.index], second[source.index]) if source is not None else (None, None)
        if source is None or one is None or two is None or one != two or set(op.slots) != {0}:
            continue
        made = _viewed(one, op.shape, batch), _viewed(two, others[op.index], other)
        if "split" not in made and ("mixed" in made or made[0] != made[1]):
            yield op


def may_mix(graph: Graph, batch: int) -> bool:
    """Whether a second run could show a view that mixes samples: cheap, and true for few networks."""
    layouts = _layouts(graph, [op.shape for op in graph.ops], batch)
    for op in graph.ops:
        if _regroups_final_states(op, op.shape, batch):
            return True
        rows = layouts[op.inputs[0].index] if op.inputs and op.values and op in _views else None
        made = _viewed(rows, op.shape, batch) if rows is not None else None
        if made == "mixed":
            return True
        if isinstance(made, Rows) and op.shape[made.axis] != batch and batch in op.shape:
            return True
    return False


def _regroups_final_states(op: Op, made: Shape, batch: int) -> bool:
    """Whether a view makes one row a sample of a recurrent layer's final states, (layers and directions, batch, width).

    They lie state by state: a row then holds one state of several samples, and not all states of one.
    """
    source = op.inputs[0] if op.inputs and op.values and op in _views else None
    if source is None or source not in recurrent or len(op.slots) != 1 or not 0 < op.slots[0] < len(source.values):
        return False
    states = source.values[op.slots[0]].shape
    return len(states) == 3 and states[0] > 1 and made == (batch, states[0] * states[2])


def _layouts(graph: Graph, shapes: Sequence[Shape], batch: int) -> list[Rows | None]:
    found: list[Rows | None] = []
    for op in graph.ops:
        shape = shapes[op.index]
        if op.name == "input":
            found.append(Rows(0, 1, 1, prod(shape[1:])) if shape[:1] == (batch,) else None)
            continue
        source = next((source for source in op.inputs if found[source.index] is not None), None)
        rows = found[source.index] if source is not None else None
        found.append(_after(op, rows, shapes[source.index], shape) if source is not None and rows is not None else None)
    return found


def _after(op: Op, rows: Rows, read: Shape, made: Shape) -> Rows | None:
    if op in _views:
        batch = read[rows.axis] // (rows.outer * rows.inner) if len(read) > rows.axis else 0
        viewed = _viewed(rows, made, batch) if batch and prod(read) == prod(made) else None
        return viewed if isinstance(viewed, Rows) else None
    if len(op.values) != 1 or len(read) <= rows.axis:
        return None
    axis: int | None = rows.axis
    if op.name in ("permute", "transpose", "movedim"):
        axis = _moved(op, rows.axis, len(read))
    elif len(made) != len(read):
        places = [place for place, size in enumerate(made) if size == read[rows.axis]]
        axis = places[0] if len(places) == 1 else None
    if axis is None or len(made) <= axis or made[axis] != read[rows.axis]:
        return None
    return Rows(axis, rows.outer, rows.inner, rows.inner * prod(made[axis + 1 :]))


def _moved(op: Op, axis: int, rank: int) -> int | None:
    extra = op.hyper.extra
    if op.name == "permute" and isinstance(dims := extra.get("dims"), tuple) and len(dims) == rank:
        order = [dim % rank for dim in dims if isinstance(dim, int)]
        return order.index(axis) if axis in order else None
    one, two = extra.get("dim0"), extra.get("dim1")
    if op.name == "transpose" and isinstance(one, int) and isinstance(two, int):
        one, two = one % rank, two % rank
        return two if axis == one else one if axis == two else axis
    return None


def _viewed(rows: Rows, shape: Shape, batch: int) -> Rows | Literal["split", "mixed"]:
    """Where the samples are after a view: in one axis, in several (each whole), or in parts."""
    low, high = rows.block, rows.block * batch
    stride = prod(shape)
    for axis, size in enumerate(shape):
        top, stride = stride, stride // size if size else 0
        if size == 1 or not stride:
            continue
        if stride <= low and high <= top and low % stride == 0 and top % high == 0:
            return Rows(axis, top // high, low // stride, low)
        if low < stride < high and stride % low == 0 and high % stride == 0:
            return "split"
    return "mixed" if stride else "split"
