"""Convolutions and the maps they work on: what several rules ask, and what follows if a map gets another size."""

from __future__ import annotations

from collections.abc import Iterator

from nnlint.graph import Graph, Op, Shape
from nnlint.kinds import (
    Kind,
    activation,
    adaptive_pooling,
    arithmetic,
    attention,
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
    resampling,
    reshaping,
    softmax,
    transposed_convolution,
    unpooling,
    value_preserving,
)

#: stands between the map that is given up and a classifier's scores
_head = linear | activation | dropout | normalisation | softmax | log_probability | value_preserving
#: the axes of a batch of vectors
_VECTOR = 2
_averages = Kind.of("mean", "max", "amax", "sum")
_keeps_features = activation | dropout | identity
_keeps_map = activation | dropout | identity | normalisation | arithmetic | concatenation


def map_size(shape: Shape) -> Shape:
    """The axes of a map, without batch and channels: ``(28, 28)`` for ``(2, 64, 28, 28)``."""
    return shape[2:]


def on_maps(graph: Graph, kind: Kind) -> Iterator[Op]:
    """The convolutions or poolings of a kind that work on a batch of maps, with the kernel and stride they have there.

    One that works on a single sample (its axes cannot be told by position), or whose kernel is not known, is left out.
    """
    for op in graph.find(kind):
        kernel, stride = op.hyper.kernel, op.hyper.stride
        if kernel is not None and stride is not None and len(kernel) == len(stride) == len(map_size(op.in_shape)):
            yield op


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
    if isinstance(pads, str) or len(size) != len(hyper.kernel):
        return size if pads == "same" else None
    dilation = hyper.dilation or (1,) * len(hyper.kernel)
    made = []
    for axis, kernel, stride, pad, step in zip(size, hyper.kernel, hyper.stride, pads, dilation, strict=True):
        room = axis + 2 * pad - step * (kernel - 1) - 1
        made.append(-(-room // stride) + 1 if hyper.ceil_mode else room // stride + 1)
    return tuple(made) if min(made) > 0 else None


def features_after(start: Op, size: Shape) -> dict[Op, Shape] | None:
    """What would follow if an op made maps of another size: each flattening and linear layer with its new features,
    as channels and axes of the map.

    Ends where a map is pooled to a fixed size. None where that cannot be followed.
    """
    maps: dict[Op, Shape] = {start: size}
    found: dict[Op, Shape] = {}
    waiting = sorted({*start.users}, key=lambda op: op.index)
    while waiting:
        op = waiting.pop(0)
        if op in maps or op in found or op in loss or op.name == "output" or op in adaptive_pooling or op in _averages:
            continue
        outcome = _followed(op, maps, found)
        if outcome is None:
            return None
        flat = len(op.shape) <= _VECTOR
        (found if flat else maps)[op] = outcome
        if op not in linear:
            waiting = sorted({*waiting, *op.users}, key=lambda op: op.index)
    return {op: features for op, features in found.items() if op in linear | reshaping}


def _followed(op: Op, maps: dict[Op, Shape], found: dict[Op, Shape]) -> Shape | None:
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
    if op in reshaping and len(op.shape) == _VECTOR and len(op.in_shape) > _VECTOR:
        return (op.in_shape[1], *size)
    return size if op in _keeps_map and len(op.shape) == len(op.in_shape) else None
