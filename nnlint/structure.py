"""What several rules ask of a graph: what a loss judges, and the like."""

from __future__ import annotations

from collections.abc import Iterator

from nnlint.graph import Graph, Op, Shape
from nnlint.kinds import Kind, loss, value_preserving

# -- losses ------------------------------------------------------------------------------------------------------------


def judged(judge: Op, *, past: Kind = value_preserving) -> tuple[Op, ...]:
    """The ops that make what a loss judges, past those in ``past``; none if the loss is not linked to an output."""
    if not judge.inputs:
        return ()
    first = judge.inputs[0]
    return tuple(first.back(past=past)) if first in past else (first,)


def judges(op: Op, *, past: Kind = value_preserving) -> tuple[Op, ...]:
    """The losses that judge what an op makes, past the ops in ``past``."""
    return tuple(reader for reader in op.ahead(past=past) if reader in loss and op in judged(reader, past=past))


def is_read_only_by(op: Op, readers: tuple[Op, ...], *, past: Kind = value_preserving) -> bool:
    """Whether nothing but these ops (and the network's output) reads what an op makes, past the ops in ``past``."""
    return all(reader in readers or reader.name == "output" for reader in op.ahead(past=past))


def class_axis(shape: Shape) -> int:
    """The axis of the classes in the scores that cross-entropy and its kin are given."""
    return 1 if len(shape) > 1 else 0


def is_modal(graph: Graph, op: Op) -> bool:
    """Whether an op runs inside a module that takes another way in training than in the recorded evaluation.

    What is done to the output after the network (`is_after_output`) is not.
    """
    if not graph.modal or is_after_output(graph, op):
        return False
    return any(not path or op.path == path or op.path.startswith(path + ".") for path in graph.modal)


def is_after_output(graph: Graph, op: Op) -> bool:
    """Whether an op belongs to the training (a loss, or a step towards it) and not to the network."""
    return op.index > graph.output.index


def is_made_by_constructor(judge: Op) -> bool:
    """Whether a loss is an object (``nn.BCELoss()``) and not a function (``F.binary_cross_entropy(...)``)."""
    return judge.module is not None or (judge.call_site is not None and judge.call_site != judge.site)


def normal_axis(axis: int | tuple[int, ...] | None, rank: int) -> int | None:
    """An axis counted from the front; None where there is not exactly one, or where it is out of range."""
    return axis % rank if isinstance(axis, int) and -rank <= axis < rank else None


def losses_of(graph: Graph, kind: Kind) -> Iterator[Op]:
    """The losses of a kind that are linked to an output."""
    return (op for op in graph.find(kind) if op.inputs)
