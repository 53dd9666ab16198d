"""Shapes of what resizes images on the meta device: pooling, interpolation, shuffling, windows, sampling."""

# The rules have the parameters of torch's functions, those included that no shape depends on.
# ruff: noqa: ARG001

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812

from nnlint.trace.meta_rule import RULES, check, empty, floating, functions, like, meta, rule, slid, spread


def _pooled(size: int, kernel: int, stride: int, pad: int, dilation: int, ceil_mode: bool) -> int:
    check(stride > 0 and 0 <= pad <= kernel // 2 and dilation > 0)
    reach = size + 2 * pad - dilation * (kernel - 1) - 1
    made = (reach + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (made - 1) * stride >= size + pad:  # the last window would start beyond the input
        made -= 1
    check(made > 0)
    return made


def _pool(input: Any, axes: int, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> list[int]:
    check(meta(input).dim() in (axes + 1, axes + 2) and input.numel() > 0 and input.is_floating_point())
    if stride is None or (isinstance(stride, tuple | list) and not stride):
        stride = kernel
    numbers = zip(*(spread(n, axes) for n in (kernel, stride, padding, dilation)), strict=True)
    sizes = [
        _pooled(size, k, step, pad, gap, ceil_mode)
        for size, (k, step, pad, gap) in zip(input.shape[-axes:], numbers, strict=True)
    ]
    return [*input.shape[:-axes], *sizes]


def _max_pool(axes: int, indices: bool) -> Callable[..., Any]:
    def run(
        input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
        ceil_mode: bool = False, return_indices: bool = indices,
    ) -> Any:  # fmt: skip
        shape = _pool(input, axes, kernel_size, stride, padding, dilation, ceil_mode)
        out = like(input, shape)
        return (out, like(input, shape, torch.int64)) if return_indices else out

    return run


def _avg_pool(axes: int) -> Callable[..., Any]:
    def run(
        input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: Any = None,
    ) -> torch.Tensor:  # fmt: skip
        return like(input, _pool(input, axes, kernel_size, stride, padding, 1, ceil_mode))

    return run


def _adaptive(axes: int, indices: bool | None = None) -> Callable[..., Any]:
    def run(input: Any, output_size: Any, return_indices: bool = bool(indices)) -> Any:
        check(meta(input).dim() in (axes + 1, axes + 2) and input.is_floating_point() and input.numel() > 0)
        wanted = (output_size,) * axes if isinstance(output_size, int) else tuple(output_size)
        check(len(wanted) == axes and all(size is None or (type(size) is int and size > 0) for size in wanted))
        sizes = [old if new is None else new for old, new in zip(input.shape[-axes:], wanted, strict=True)]
        check(indices is not None or max(sizes) > 1 or input.is_contiguous())
        out = like(input, [*input.shape[:-axes], *sizes])
        return (out, like(input, out.shape, torch.int64)) if return_indices else out

    return run


for _axes in (1, 2, 3):
    RULES.update(dict.fromkeys(functions(f"max_pool{_axes}d", F, torch), _max_pool(_axes, False)))
    RULES.update(dict.fromkeys(functions(f"max_pool{_axes}d_with_indices", F), _max_pool(_axes, True)))
    RULES.update(dict.fromkeys(functions(f"avg_pool{_axes}d", F, torch), _avg_pool(_axes)))
    RULES.update(dict.fromkeys(functions(f"adaptive_avg_pool{_axes}d", F, torch), _adaptive(_axes)))
    RULES.update(dict.fromkeys(functions(f"adaptive_max_pool{_axes}d", F, torch), _adaptive(_axes, False)))
    RULES.update(dict.fromkeys(functions(f"adaptive_max_pool{_axes}d_with_indices", F), _adaptive(_axes, True)))


@rule("interpolate", "upsample", homes=(F,))
def _interpolate(
    input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: Any = None,
    recompute_scale_factor: Any = None, antialias: bool = False,
) -> torch.Tensor:  # fmt: skip
    axes = meta(input).dim() - 2
    modes = {1: ("linear",), 2: ("bilinear", "bicubic"), 3: ("trilinear",)}[axes]
    smooth = mode in modes
    check(smooth or (mode in ("nearest", "nearest-exact", "area") and align_corners is None and not antialias))
    check((size is None) != (scale_factor is None) and input.is_floating_point())
    if size is not None:
        sizes = spread(size, axes)
    else:
        scales = (scale_factor,) * axes if isinstance(scale_factor, int | float) else tuple(scale_factor)
        check(len(scales) == axes)
        sizes = tuple(math.floor(old * float(scale)) for old, scale in zip(input.shape[2:], scales, strict=True))
    check(min(sizes) > 0 and input.numel() > 0)
    return like(input, (*input.shape[:2], *sizes))


@rule("pixel_shuffle", homes=(torch,))
def _pixel_shuffle(input: Any, upscale_factor: int) -> torch.Tensor:
    check(meta(input).dim() >= 3 and input.is_contiguous() and upscale_factor > 0)
    *batch, channels, height, width = input.shape
    check(channels % upscale_factor**2 == 0)
    sizes = (channels // upscale_factor**2, height * upscale_factor, width * upscale_factor)
    return empty((*batch, *sizes), input.dtype)


@rule("pixel_unshuffle", homes=(torch,))
def _pixel_unshuffle(input: Any, downscale_factor: int) -> torch.Tensor:
    check(meta(input).dim() >= 3 and input.is_contiguous() and downscale_factor > 0)
    *batch, channels, height, width = input.shape
    check(height % downscale_factor == 0 and width % downscale_factor == 0)
    sizes = (channels * downscale_factor**2, height // downscale_factor, width // downscale_factor)
    return empty((*batch, *sizes), input.dtype)


@rule("unfold", homes=(F,))
def _unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> torch.Tensor:
    check(meta(input).dim() == 4 and input.numel() > 0)
    kernel = spread(kernel_size, 2)
    numbers = zip(kernel, spread(stride, 2), spread(padding, 2), spread(dilation, 2), strict=True)
    blocks = [slid(size, k, s, 2 * p, d) for size, (k, s, p, d) in zip(input.shape[2:], numbers, strict=True)]
    return empty((input.shape[0], input.shape[1] * math.prod(kernel), math.prod(blocks)), input.dtype)


@rule("grid_sample", homes=(F,))
def _grid_sample(
    input: Any, grid: Any, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: Any = None
) -> torch.Tensor:
    floating(input, grid)
    axes = input.dim() - 2
    check(axes in (2, 3) and grid.dim() == input.dim() and grid.shape[0] == input.shape[0] and grid.shape[-1] == axes)
    check(mode in ("bilinear", "nearest") and padding_mode in ("zeros", "border", "reflection"))
    check(align_corners is not None and input.numel() > 0)
    return empty((*input.shape[:2], *grid.shape[1:-1]), input.dtype)
