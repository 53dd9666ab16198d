"""Family by family: from what a layer or a call states to the terms of `nnlint.graph.Hyper`.

A reader changes the dictionary of what is stated in place: it adds the fields of `Hyper` under their names. What it
leaves under other names is dropped or kept as extra by `nnlint.trace.hyper`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import fx, nn
from torch.nn import functional as F  # noqa: N812

from nnlint.graph import Shape
from nnlint.kinds import adaptive_pooling, convolution, embedding, pooling, recurrent, transposed_convolution, unpooling
from nnlint.trace.run import META, Run

Stated = dict[str, Any]


class Call(NamedTuple):
    """What a reader is given: the op's name, what the recorder noted, and what the layer or the call states."""

    name: str
    run: Run
    stated: Stated


Reader = Callable[[Call], None]


def _convolution(call: Call) -> None:
    stated = call.stated
    axes = _axes(call.name)
    transposed = call.name in transposed_convolution
    groups = stated.get("groups", 1)
    weight = shape_of(stated.get("weight"))
    if "kernel_size" in stated:
        stated["kernel"] = _each(stated["kernel_size"], axes)
    elif call.name == "conv_tbc" and weight:
        stated |= {"kernel": weight[:1], "in_channels": weight[1], "out_channels": weight[2], "padding": stated["pad"]}
    elif weight:
        narrow, wide = weight[0], weight[1] * groups
        stated["in_channels"], stated["out_channels"] = (narrow, wide) if transposed else (wide, narrow)
        stated["kernel"] = weight[2:]
    for field, default in (("stride", 1), ("dilation", 1), ("padding", 0), ("output_padding", 0)):
        stated[field] = _each(stated.get(field, default), axes)
    if not transposed:
        stated["output_padding"] = None
    stated["padding"] = _padding(stated["padding"], stated.get("kernel"), stated["dilation"])
    stated.setdefault("padding_mode", "zeros")
    _whether(stated, "bias")


def _padding(padding: Any, kernel: Shape | None, dilation: Shape | None) -> Any:
    if kernel is None or dilation is None:
        return padding
    if padding == "valid":
        return (0,) * len(kernel)
    if padding == "same":
        both = [step * (size - 1) for size, step in zip(kernel, dilation, strict=True)]
        return "same" if any(zeros % 2 for zeros in both) else tuple(zeros // 2 for zeros in both)
    return padding


def _linear(call: Call) -> None:
    stated = call.stated
    weight = shape_of(stated.get("weight"))
    if len(weight) > 1:
        stated["in_channels"], stated["out_channels"] = weight[-1], weight[0]
    else:
        stated["in_channels"] = stated.get("in_features", stated.get("in1_features"))
        stated["out_channels"] = stated.get("out_features")
    if call.name == "bilinear" and len(weight) == 3:
        stated["in_channels"] = weight[1]
    _whether(stated, "bias")


def _batch_norm(call: Call) -> None:
    stated = call.stated
    _channels(stated, stated.get("num_features") or _size(call.run, 1))
    if call.run.module is None:
        stated["affine"] = stated.get("weight") is not None
        stated["track_running_stats"] = stated.get("running_mean") is not None
    else:
        stated["training"] = call.run.training or not stated.get("track_running_stats")
    stated["bias"] = None  # `affine` says it


def _layer_norm(call: Call) -> None:
    stated = call.stated
    shape = stated.get("normalized_shape")
    _channels(stated, shape[0] if isinstance(shape, (tuple, list)) and len(shape) == 1 else None)
    stated["affine"] = stated.get("elementwise_affine", stated.get("weight") is not None)
    if call.name == "layer_norm":
        _whether(stated, "bias")


def _group_norm(call: Call) -> None:
    stated = call.stated
    _channels(stated, stated.get("num_channels") or _size(call.run, 1))
    stated["groups"] = stated.get("num_groups")
    stated.setdefault("affine", stated.get("weight") is not None)
    stated["bias"] = None


def _embedding(call: Call) -> None:
    stated = call.stated
    weight = shape_of(stated.get("weight"))
    rows, width = weight if len(weight) == 2 else (stated.get("num_embeddings"), stated.get("embedding_dim"))
    stated["in_channels"], stated["out_channels"] = rows, width
    padding = stated.get("padding_idx")
    if (
        isinstance(padding, int) and padding < 0
    ):  # from the end; to torch.embedding, which F.embedding calls, it is none
        stated["padding_idx"] = padding + rows if call.run.function is F.embedding and rows is not None else None
    stated["bias"] = None


def _recurrent(call: Call) -> None:
    stated = call.stated
    module = call.run.module
    if module is not None:
        stated["in_channels"], stated["out_channels"] = module.input_size, module.hidden_size
        if not call.name.endswith("cell"):
            stated["p"] = float(module.dropout)  # type: ignore[arg-type]
            stated["layers"] = module.num_layers
    else:
        _functional_recurrent(stated)
    if call.name.startswith("rnn"):
        written = str(getattr(module, "nonlinearity", None) or getattr(call.run.function, "__name__", ""))
        stated["mode"] = "relu" if "relu" in written else "tanh"
    else:
        stated["mode"] = None


def _functional_recurrent(stated: Stated) -> None:
    weights = stated.get("params") or [stated.get("w_ih"), stated.get("w_hh")]
    shapes = [shape_of(weight) for weight in weights[:2]]
    if len(shapes) == 2 and all(len(shape) == 2 for shape in shapes):
        stated["in_channels"] = shapes[0][1]
        gates = shapes[0][0] // shapes[1][1] if shapes[1][1] else 0
        stated["out_channels"] = shapes[0][0] // gates if gates else None
    if "has_biases" in stated:
        stated["bias"] = stated["has_biases"]
        stated["p"] = stated.get("dropout")
    else:
        stated["bias"] = stated.get("b_ih") is not None


def _multi_head_attention(call: Call) -> None:
    stated = call.stated
    module = call.run.module
    if module is not None:
        stated |= {"heads": module.num_heads, "p": module.dropout, "in_channels": module.embed_dim}
        stated["bias"] = module.in_proj_bias is not None
    else:
        stated["in_channels"] = stated.get("embed_dim_to_check")
        stated["bias"] = stated.get("in_proj_bias") is not None
        stated["batch_first"] = False
    stated["out_channels"] = stated["in_channels"]


def _attention(call: Call) -> None:
    query = call.run.reads[0].shape if call.run.reads else ()
    call.stated["heads"] = query[-3] if len(query) > 3 else None


def _prelu(call: Call) -> None:
    stated = call.stated
    weight = shape_of(stated.get("weight"))
    _channels(stated, stated.get("num_parameters") or (math.prod(weight) if weight else None))


def _pooling(call: Call) -> None:
    stated = call.stated
    axes = _axes(call.name)
    stated["kernel"] = _each(stated.get("kernel_size"), axes)
    if "output_size" in stated or "output_ratio" in stated:  # fractional pooling, and max pooling undone
        stated["output_size"] = _each(stated.get("output_size"), axes)
    if call.name.startswith("fractional"):
        return
    stated["stride"] = _each(stated.get("stride") or stated.get("kernel_size"), axes)
    for field in ("padding", "dilation"):
        stated[field] = _each(stated[field], axes) if field in stated else None


def _adaptive_pooling(call: Call) -> None:
    stated = call.stated
    stated["output_size"] = _each(stated.get("output_size"), _axes(call.name))


def _interpolate(call: Call) -> None:
    stated = call.stated
    axes = len(call.run.reads[0].shape) - 2 if call.run.reads else 0
    stated["output_size"] = _each(stated.get("size"), axes)
    factor = _each(stated.get("scale_factor"), axes)
    stated["scale_factor"] = tuple(float(number) for number in factor) if factor else None
    written = getattr(call.run.function, "__name__", "")
    if written in ("upsample_bilinear", "upsample_nearest"):
        stated["mode"] = written.removeprefix("upsample_")
        stated["align_corners"] = True if stated["mode"] == "bilinear" else None


_PADDING_LAYERS = {"Reflection": "reflect", "Replication": "replicate", "Circular": "circular"}


def _pad(call: Call) -> None:
    stated = call.stated
    if call.run.module is not None:
        classes = " ".join(cls.__name__ for cls in type(call.run.module).__mro__)
        stated["mode"] = next(
            (mode for word, mode in _PADDING_LAYERS.items() if f" {word}" in f" {classes}"), "constant"
        )
        stated["pad"] = stated.pop("padding", None)
    pad = stated["pad"] = _numbers(stated.get("pad"))
    if stated.get("mode", "constant") == "constant":
        stated["mode"] = "constant"
        stated["value"] = float(stated.get("value") or 0)
    else:
        stated["value"] = None
    if pad and len(pad) % 2 == 0 and pad[::2] == pad[1::2]:
        stated["padding"] = pad[::2][::-1]  # torch writes the last axis first


def _windows(call: Call) -> None:
    stated = call.stated
    stated["kernel"] = _each(stated.get("kernel_size"), 2)
    for field in ("stride", "padding", "dilation", "output_size"):
        stated[field] = _each(stated.get(field), 2)


def _softmax(call: Call) -> None:
    if isinstance(call.run.module, nn.Softmax2d):
        call.stated["dim"] = -3


def _pairwise_distance(call: Call) -> None:
    call.stated.setdefault("p", call.stated.get("norm"))


def _einsum(call: Call) -> None:
    written = call.stated.get("args") or ()
    call.stated["equation"] = written[0] if written and isinstance(written[0], str) else None


def _channels(stated: Stated, channels: int | None) -> None:
    stated["in_channels"] = stated["out_channels"] = channels


def _whether(stated: Stated, name: str) -> None:
    """A tensor that may be there becomes whether it is."""
    stated[name] = stated.get(name) is not None and stated[name] is not False


def _axes(name: str) -> int:
    return next((int(letter) for letter in name if letter.isdigit()), 1)


def _each(value: Any, axes: int) -> tuple[Any, ...] | str | None:
    """One number for every axis; None where it is not known (a number that was computed)."""
    if isinstance(value, str):
        return value
    numbers = _numbers(value)
    if not numbers:
        return None
    return numbers * axes if len(numbers) == 1 else numbers


def _numbers(value: Any) -> tuple[Any, ...] | None:
    if isinstance(value, (int, float)):
        return (value,)
    if isinstance(value, (list, tuple)) and all(item is None or isinstance(item, (int, float)) for item in value):
        return tuple(value)
    return None


def shape_of(value: Any) -> Shape:
    """The shape of a tensor, or of the one a node made; ``()`` for anything else."""
    if isinstance(value, fx.Node):
        run = value.meta.get(META)
        return run.values[0].shape if run is not None and run.values else ()
    return tuple(value.shape) if isinstance(value, torch.Tensor) else ()


def _size(run: Run, axis: int) -> int | None:
    return run.reads[0].shape[axis] if run.reads and len(run.reads[0].shape) > axis else None


READERS: dict[str, Reader] = (
    dict.fromkeys(convolution, _convolution)
    | dict.fromkeys((pooling - adaptive_pooling) | unpooling, _pooling)
    | dict.fromkeys(adaptive_pooling, _adaptive_pooling)
    | dict.fromkeys(embedding, _embedding)
    | dict.fromkeys(recurrent, _recurrent)
    | {
        "linear": _linear,
        "bilinear": _linear,
        "batch_norm": _batch_norm,
        "instance_norm": _batch_norm,
        "layer_norm": _layer_norm,
        "rms_norm": _layer_norm,
        "group_norm": _group_norm,
        "multi_head_attention": _multi_head_attention,
        "scaled_dot_product_attention": _attention,
        "softmax": _softmax,
        "prelu": _prelu,
        "interpolate": _interpolate,
        "pad": _pad,
        "einsum": _einsum,
        "fold": _windows,
        "unfold": _windows,
        "pairwise_distance": _pairwise_distance,
    }
)
