"""What a torch layer expects of its input: how many axes, which size on which of them, floats or integers.

On the meta device many of torch's own checks are missing (a transposed convolution takes any number of channels) or
name no numbers ("Invalid channel dimensions"). A contract says it once for guessing inputs and for explaining failures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from nnlint.inputs.clashes import Clash


@dataclass(frozen=True, slots=True)
class Contract:
    """What the first argument of a layer has to be.

    Attributes:
        ndims: the numbers of axes it accepts, the batched form first; empty for any.
        axis: the axis (counted from the end) whose size is given; None where no size is.
        size: that size.
        argument: the constructor's name for it (``in_features``).
        integer: it reads indices; ``high`` is then their exclusive upper bound.
        spatial: the number of spatial axes of a layer that works on maps.
    """

    ndims: tuple[int, ...] = ()
    axis: int | None = None
    size: int | None = None
    argument: str = ""
    integer: bool = False
    high: int | None = None
    spatial: int = 0


_CONV = {
    nn.Conv1d: 1,
    nn.Conv2d: 2,
    nn.Conv3d: 3,
    nn.ConvTranspose1d: 1,
    nn.ConvTranspose2d: 2,
    nn.ConvTranspose3d: 3,
}
_NORM: dict[type[nn.Module], tuple[int, ...]] = {
    nn.BatchNorm1d: (2, 3),
    nn.BatchNorm2d: (4,),
    nn.BatchNorm3d: (5,),
    nn.InstanceNorm1d: (3, 2),
    nn.InstanceNorm2d: (4, 3),
    nn.InstanceNorm3d: (5, 4),
}
_POOL = {
    nn.MaxPool1d: 1,
    nn.MaxPool2d: 2,
    nn.MaxPool3d: 3,
    nn.AvgPool1d: 1,
    nn.AvgPool2d: 2,
    nn.AvgPool3d: 3,
    nn.AdaptiveAvgPool1d: 1,
    nn.AdaptiveAvgPool2d: 2,
    nn.AdaptiveAvgPool3d: 3,
    nn.AdaptiveMaxPool1d: 1,
    nn.AdaptiveMaxPool2d: 2,
    nn.AdaptiveMaxPool3d: 3,
    nn.ReflectionPad1d: 1,
    nn.ReflectionPad2d: 2,
    nn.ReplicationPad2d: 2,
    nn.PixelShuffle: 2,
    nn.PixelUnshuffle: 2,
}


def contract(module: nn.Module) -> Contract | None:
    """What ``module`` expects of its first argument, or None for a module torch does not define (or not yet built).

    A subclass counts only while it keeps torch's ``forward``: one of its own may rearrange first.
    """
    found = _contract(module)
    if found is None:
        return None
    mro: Any = type(module).__mro__  # a parametrisation makes a class too, in torch's name, without a `forward`
    base = next((cls for cls in mro if cls.__module__.startswith("torch.nn") and "forward" in vars(cls)), None)
    return found if base is not None and type(module).forward is base.forward else None


def _contract(module: Any) -> Contract | None:
    if isinstance(module, torch.nn.modules.lazy.LazyModuleMixin) and module.has_uninitialized_params():  # type: ignore[misc]
        return None
    return next((make(module) for kind, make in _MAKERS.items() if isinstance(module, kind)), None)


def _of_conv(module: Any) -> Contract:
    axes = next(axes for kind, axes in _CONV.items() if isinstance(module, kind))
    return Contract((axes + 2, axes + 1), -axes - 1, module.in_channels, "in_channels", spatial=axes)


def _of_norm(module: Any) -> Contract:
    ndims = next(ndims for kind, ndims in _NORM.items() if isinstance(module, kind))
    checked = isinstance(module, nn.modules.batchnorm._BatchNorm) or module.affine
    return Contract(ndims, None, module.num_features if checked else None, "num_features", spatial=ndims[0] - 2)


def _of_pool(module: Any) -> Contract:
    axes = next(axes for kind, axes in _POOL.items() if isinstance(module, kind))
    return Contract((axes + 2, axes + 1), spatial=axes)


def _of_layer_norm(module: Any) -> Contract:
    if len(module.normalized_shape) > 1:
        return Contract()
    return Contract((), -1, module.normalized_shape[0], "normalized_shape")


_MAKERS: dict[Any, Callable[[Any], Contract]] = {
    nn.Linear: lambda m: Contract((), -1, m.in_features, "in_features"),
    tuple(_CONV): _of_conv,
    tuple(_NORM): _of_norm,
    tuple(_POOL): _of_pool,
    nn.GroupNorm: lambda m: Contract((), None, m.num_channels, "num_channels"),
    nn.LayerNorm: _of_layer_norm,
    nn.Embedding: lambda m: Contract(integer=True, high=m.num_embeddings),
    nn.EmbeddingBag: lambda m: Contract((2, 1), integer=True, high=m.num_embeddings),
    nn.RNNBase: lambda m: Contract((3, 2), -1, m.input_size, "input_size"),
    nn.RNNCellBase: lambda m: Contract((2, 1), -1, m.input_size, "input_size"),
    nn.MultiheadAttention: lambda m: Contract((3, 2), -1, m.embed_dim, "embed_dim"),
    (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer): (
        lambda m: Contract((3, 2), -1, m.self_attn.embed_dim, "d_model")
    ),
    nn.Transformer: lambda m: Contract((3, 2), -1, m.d_model, "d_model"),
    nn.Bilinear: lambda m: Contract((), -1, m.in1_features, "in1_features"),
}


def breach(module: nn.Module, shape: tuple[int, ...], dtype: torch.dtype | None = None) -> Clash | None:
    """How a tensor of this shape breaks the contract of ``module``, None if it does not (or there is none)."""
    needs = contract(module)
    if needs is None:
        return None
    clash = _dtype_clash(needs, dtype) if dtype is not None else None
    if clash is None and needs.ndims and len(shape) not in needs.ndims and not needs.integer:
        clash = Clash("axes", len(shape), needs.ndims[0])
    if clash is not None or needs.size is None or not shape:
        return clash
    # norms count channels from the front, where the number of axes behind them varies
    axis = needs.axis if needs.axis is not None else (1 - len(shape) if len(shape) > 1 else -1)
    if len(shape) < -axis or shape[axis] == needs.size:
        return _too_small(module, shape, needs)
    return Clash("channels" if axis < -1 else "features", shape[axis], needs.size, axis, needs.argument)


def _dtype_clash(needs: Contract, dtype: torch.dtype) -> Clash | None:
    if needs.integer:
        return Clash("dtype", 0, 1) if dtype.is_floating_point else None
    integers = not dtype.is_floating_point and not dtype.is_complex
    return Clash("dtype", 1, 0) if integers and needs.size is not None else None


def _too_small(module: nn.Module, shape: tuple[int, ...], needs: Contract) -> Clash | None:
    if not isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d) or isinstance(module.padding, str):
        return None
    for index in range(needs.spatial if len(shape) > needs.spatial else 0):
        reach = module.dilation[index] * (module.kernel_size[index] - 1) + 1
        size = shape[index - needs.spatial]
        if size + 2 * int(module.padding[index]) < reach:
            return Clash("small", size, reach - 2 * int(module.padding[index]), index - needs.spatial)
    return None
