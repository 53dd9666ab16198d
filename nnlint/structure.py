"""What several rules ask of a graph: what a loss judges, where a classifier gives up its map, and the like."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from nnlint.graph import Graph, Op, Shape
from nnlint.kinds import (
    Kind,
    activation,
    adaptive_pooling,
    arithmetic,
    attention,
    average_pooling,
    batch_norm,
    classification_loss,
    concatenation,
    convolution,
    dropout,
    identity,
    linear,
    log_probability,
    loss,
    matrix_product,
    normalisation,
    pooling,
    regression_loss,
    resampling,
    reshaping,
    softmax,
    transposed_convolution,
    unpooling,
    value_preserving,
)

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


# -- convolutions and their maps ---------------------------------------------------------------------------------------

#: stands between the map that is given up and a classifier's scores
_head = linear | activation | dropout | normalisation | softmax | log_probability | value_preserving
_averages = Kind.of("mean", "max", "amax", "sum")
_keeps_features = activation | dropout | identity
_keeps_map = activation | dropout | identity | normalisation | arithmetic | concatenation


def map_size(shape: Shape) -> Shape:
    """The axes of a map, without batch and channels: ``(28, 28)`` for ``(2, 64, 28, 28)``."""
    return shape[2:]


def covers_map(op: Op) -> bool:
    """Whether a kernel is as large as the map it reads, so that one position (with padding, a few) sees it all."""
    kernel, size = op.hyper.kernel, map_size(op.in_shape)
    return kernel is not None and len(kernel) == len(size) and all(k >= s for k, s in zip(kernel, size, strict=True))


def cuts_patches(op: Op) -> bool:
    """Whether a kernel with its stride cuts the map into patches that do not overlap."""
    return op.hyper.kernel is not None and max(op.hyper.kernel) > 1 and op.hyper.kernel == op.hyper.stride


def along_one_axis(op: Op) -> bool:
    """Whether a kernel extends along one axis of a map only: 1xN, Nx1, or any kernel over a sequence."""
    kernel = op.hyper.kernel
    return kernel is not None and sum(size > 1 for size in kernel) == 1


def has_own_weight(op: Op) -> bool:
    """Whether a layer's weight is a parameter it reads directly: neither fixed (a filter) nor computed (from data)."""
    return any(param.role == "weight" for param in op.params)


def shrinks_map(op: Op) -> bool:
    """Whether a convolution or pooling makes a map smaller by more than its border: by stride, or to a stated size."""
    read, made = map_size(op.in_shape), map_size(op.shape)
    if op not in convolution | pooling or not made or len(read) != len(made):
        return False
    return any(b and 3 * b < 2 * a for a, b in zip(read, made, strict=True))


def enlarges_map(op: Op) -> bool:
    """Whether a map becomes larger: a decoder's step."""
    read, made = map_size(op.in_shape), map_size(op.shape)
    if op not in transposed_convolution | resampling | unpooling or len(read) != len(made):
        return False
    return any(b > a for a, b in zip(read, made, strict=True))


def has_attention(graph: Graph) -> bool:
    """Whether some positions look at others by weights computed from both."""
    for op in graph.ops:
        if op in attention:
            return True
        if op in softmax and any(reader in matrix_product for reader in op.ahead(past=value_preserving | dropout)):
            return True
    return False


def is_decoder(graph: Graph) -> bool:
    """Whether a network makes maps larger somewhere: segmentation, generation, super-resolution, detection."""
    return any(enlarges_map(op) for op in graph.ops)


def last_map(graph: Graph) -> Op | None:
    """The op at which an image classifier gives up its map: it reads the last one, and makes one vector a sample.

    It is the global pooling, the flattening, or a convolution that covers the map. None if the network hands out
    several results, or no vector, or if anything but a head of layers in a single line stands after it.
    """
    results = tuple(dict.fromkeys(graph.output.inputs))
    op = results[0] if len(results) == 1 and len(results[0].shape) == 2 else None
    while op is not None and op.inputs:
        size = map_size(op.in_shape)
        if len(size) >= 2 and max(size) > 1:
            whole = len(op.shape) == 2 or (len(op.shape) == len(op.in_shape) and max(map_size(op.shape)) == 1)
            return op if whole else None
        in_head = op in _head or op in convolution | pooling or op in _averages
        op = op.inputs[0] if in_head and len(set(op.inputs)) == 1 else None
    return None


def resized(op: Op, size: Shape, *, padding: Shape | None = None) -> Shape | None:
    """The map that a convolution or pooling would make of one of another size, or with another padding.

    None if that is not known.
    """
    hyper = op.hyper
    pads = padding or hyper.padding
    if hyper.kernel is None or hyper.stride is None or pads is None or op in transposed_convolution:
        return None
    if isinstance(pads, str):
        return size if pads == "same" else None
    dilation = hyper.dilation or (1,) * len(hyper.kernel)
    made = []
    for axis, kernel, stride, pad, step in zip(size, hyper.kernel, hyper.stride, pads, dilation, strict=True):
        room = axis + 2 * pad - step * (kernel - 1) - 1
        made.append(-(-room // stride) + 1 if hyper.ceil_mode else room // stride + 1)
    return tuple(made) if min(made) > 0 else None


def features_after(start: Op, size: Shape) -> dict[Op, int] | None:
    """What would follow if an op made maps of another size: each flattening and linear layer with its new features.

    Ends where a map is pooled to a fixed size. None where that cannot be followed.
    """
    maps: dict[Op, Shape] = {start: size}
    found: dict[Op, int] = {}
    waiting = sorted({*start.users}, key=lambda op: op.index)
    while waiting:
        op = waiting.pop(0)
        if op in maps or op in found or op in loss or op.name == "output" or op in adaptive_pooling or op in _averages:
            continue
        outcome = _followed(op, maps, found)
        if outcome is None:
            return None
        if isinstance(outcome, int):
            found[op] = outcome
        else:
            maps[op] = outcome
        if op not in linear:
            waiting = sorted({*waiting, *op.users}, key=lambda op: op.index)
    return found


def _followed(op: Op, maps: dict[Op, Shape], found: dict[Op, int]) -> Shape | int | None:
    source = op.inputs[0] if op.inputs else None
    if source is None or any(other not in maps and other not in found for other in op.inputs):
        return None
    if source in found:
        return found[source] if op in linear or op in _keeps_features else None
    size = maps[source]
    if any(maps.get(other) != size for other in op.inputs):
        return None
    if op in convolution | pooling:
        return resized(op, size)
    if op in reshaping and len(op.shape) == 2 and len(op.in_shape) > 2:
        return op.in_shape[1] * math.prod(size)
    return size if op in _keeps_map and len(op.shape) == len(op.in_shape) else None


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
