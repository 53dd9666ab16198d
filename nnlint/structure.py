"""What several rules ask of a graph: what a loss judges, and the like."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from nnlint.graph import Graph, Op, Shape
from nnlint.kinds import (
    Kind,
    average_pooling,
    batch_norm,
    classification_loss,
    convolution,
    linear,
    log_probability,
    loss,
    regression_loss,
    softmax,
    value_preserving,
)
from nnlint.recipe import Loss, Recipe

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


def is_made_by_mode(graph: Graph, op: Op) -> bool:
    """Whether an op runs inside a module whose result may be another thing in training than the recorded one."""
    if not graph.modal_results or is_after_output(graph, op):
        return False
    return any(not path or op.path == path or op.path.startswith(path + ".") for path in graph.modal_results)


def is_as_large_as_input(graph: Graph, output: Op) -> bool:
    """Whether an output has as many numbers as an input: most likely it is the input, made anew (an autoencoder)."""
    return any(math.prod(op.shape) == math.prod(output.shape) for op in graph.inputs)


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


# -- normalisation and results -----------------------------------------------------------------------------------------

#: turns scores into probabilities
probability = softmax | log_probability | Kind.of("sigmoid")
#: between the last layer and the result nothing is computed but averages (and probabilities)
_read_out = value_preserving | average_pooling | Kind.of("mean")
#: as many scores as a network that is no encoder may have
_FEW = 10


def batch_norms_in_training(graph: Graph) -> tuple[Op, ...]:
    """The batch norms that normalise by the batch they are given while the network is trained.

    One is frozen if it is in evaluation mode while other modules of the network are in training mode. Of a functional
    one it is not known.
    """
    modes = {op.module.training for op in graph.ops if op.module is not None}
    return tuple(
        op for op in graph.find(batch_norm) if op.module is not None and (op.module.training or True not in modes)
    )


def scores(graph: Graph) -> tuple[Op, ...]:
    """The ops that make a network's final scores or probabilities, as far as it is known that they are such.

    They make what a loss judges, what a softmax or sigmoid turns into the result, or a result of at most ten numbers a
    sample. What an encoder hands out is not among them. Averages, and what only rearranges values, are passed.
    """
    found: dict[int, Op] = {}
    for judge in losses_of(graph, classification_loss | regression_loss):
        found |= {op.index: op for op in judged(judge, past=_read_out | probability)}
    for result in dict.fromkeys(graph.output.inputs):
        few = len(result.shape) == 2 and result.shape[1] <= _FEW
        for end in result.back(past=_read_out) if result in _read_out else (result,):
            if end in probability:
                found |= {op.index: op for op in end.back(past=_read_out | probability)}
            elif few:
                found[end.index] = end
    return tuple(found[index] for index in sorted(found))


def layer_before(op: Op, *, past: Kind) -> Op | None:
    """The convolution or linear layer that an op reads along a single line past ops of a kind.

    None if there is none, or if anything else reads what lies between.
    """
    source = op.inputs[0] if op.inputs else None
    while source is not None and len(source.users) == 1:
        if source in convolution | linear:
            return source
        source = source.inputs[0] if source in past and len(source.inputs) == 1 else None
    return None


def softmax_axis(op: Op) -> int | None:
    """The axis that a softmax (or log-softmax) runs over, from the front: the stated one, or the one torch picks."""
    rank = len(op.in_shape)
    if op.hyper.dim is None:
        return picked_axis(op)
    return normal_axis(op.hyper.dim, rank)


def picked_axis(op: Op) -> int | None:
    """The axis torch picks for a softmax in the network that states none; None where one is stated or may be."""
    if op.hyper.dim is not None or not op.in_shape or not op.spelling.startswith(("nn.", "F.")):
        return None
    return 0 if len(op.in_shape) in (1, 3) else 1


# -- activations -------------------------------------------------------------------------------------------------------


def layer_after(op: Op, *, past: Kind) -> Op | None:
    """The convolution or linear layer that reads an op along a single line past ops of a kind.

    None if there is none, or if anything else reads what lies between.
    """
    while len(op.users) == 1 and op.users[0].inputs == (op,):
        reader = op.users[0]
        if reader in convolution | linear:
            return reader
        if reader not in past:
            break
        op = reader
    return None


def by_expression(ops: Iterable[Op]) -> tuple[tuple[Op, ...], ...]:
    """Ops grouped by the expression that made them: what is done to one of a group is done to all."""
    groups: dict[object, list[Op]] = {}
    for op in ops:
        groups.setdefault(op.site or id(op.module or op), []).append(op)
    return tuple(tuple(group) for group in groups.values())


def applied_loss(recipe: Recipe, loss: Loss) -> Op | None:
    """The op of a loss of the recipe in the graph of the network it judges; None if it is not linked to an output."""
    graph = recipe.graphs.get(loss.network or "")
    if graph is None:
        return None
    written = (loss.name, loss.site, loss.call_site)
    return next((op for op in graph.ops if op.inputs and (op.name, op.site, op.call_site) == written), None)
