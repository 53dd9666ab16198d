"""The sizes a first try takes: what the network's attributes state, what its layers suggest, else what is usual."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isqrt, prod
from typing import Any

import torch
from torch import nn

SPACE = (
    32, 64, 128, 224, 256, 28, 96, 299, 48, 16, 384, 512, 160, 192, 320, 112, 40, 84, 227, 448, 1024, 150, 100, 180,
    200, 300,
)  # fmt: skip
LENGTHS = (16, 32, 64, 128, 256, 512, 1024, 50, 100, 784, 2048, 4096, 8000, 16000, 32000)
VOLUME = (32, 64, 96, 16, 128, 48)

_IMAGE = re.compile(
    r"^_?(image|img|input|in_img|crop|imgs)_?(size|resolution|shape|hw)$|^(image|img)_?(h|w|height|width)$|^(input_)?resolution$"
)
_LENGTH = re.compile(
    r"^_?(max_?)?(seq(uence)?_?(len|length|size)|context_?(len|length|size)|block_size|n_ctx|num_tokens_max)$"
    r"|^(max_len|max_length|max_position_embeddings|window_size|n_times|input_length|input_len|lookback|n_timesteps)$"
)


def first_sizes(module: nn.Module, batch: int = 2) -> dict[str, int]:
    """The first sizes to try: batch, sequences, space, graphs."""
    sizes = {"N": batch, "T": 16, "U": 12, "M": 10, "E": 24}
    sizes |= {axis: _space(module) for axis in "DHW"}
    if _is_video(module):
        sizes |= {"D": 16, "H": min(max(sizes["H"], 64), 224), "W": min(max(sizes["W"], 64), 224)}
    elif _volume(module):
        sizes |= {axis: 64 if sizes[axis] >= 64 else 32 for axis in "DHW"}
    image, lengths = stated(module)
    if image:
        sizes |= dict(zip("HW", image, strict=True)) | {"D": image[0]}
    if _is_waveform(module):
        sizes["T"] = 16000
    elif lengths:
        sizes["T"] = lengths[0] if lengths[0] <= 128 else 64
        sizes["U"] = min(sizes["U"], lengths[0])
    return sizes


def stated(module: nn.Module) -> tuple[tuple[int, int] | None, list[int]]:
    """Image size (height, width) and sequence lengths that attributes of the network or its parts state by name."""
    image: tuple[int, int] | None = None
    lengths: list[int] = []
    for name, value in _attributes(module):
        pair = _pair(value)
        if pair and image is None and _IMAGE.search(name):
            image = pair
        elif isinstance(value, int) and not isinstance(value, bool) and value > 1 and _LENGTH.search(name):
            lengths.append(value)
    for path, child in module.named_modules():
        if isinstance(child, nn.Embedding) and re.search(r"pos", path.rpartition(".")[2]):
            lengths.append(child.num_embeddings)
    return image or _of_positions(module), sorted(lengths)


def _attributes(module: nn.Module) -> Iterator[tuple[str, Any]]:
    for child in module.modules():
        for holder in (child, getattr(child, "config", None), getattr(child, "args", None)):
            values = vars(holder) if hasattr(holder, "__dict__") else holder if isinstance(holder, dict) else {}
            yield from ((name, value) for name, value in list(values.items()) if isinstance(name, str))


def _of_positions(module: nn.Module) -> tuple[int, int] | None:
    """The image size of a network with a table of positions: as many patches as it has rows, less those of no patch."""
    patch = _patch(module)
    if patch is None:
        return None
    for path, table in _tables(module):
        if "pos" in path.rpartition(".")[2].lower() and table.ndim in (2, 3):
            for extra in (1, 0, 2):
                side = isqrt(max(0, table.shape[-2] - extra))
                if side > 1 and side * side == table.shape[-2] - extra and side * patch <= 1024:
                    return side * patch, side * patch
    return None


def _tables(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    yield from module.named_parameters()
    yield from module.named_buffers()
    yield from ((name, value) for name, value in vars(module).items() if isinstance(value, torch.Tensor))


def _patch(module: nn.Module) -> int | None:
    """The side of the patches a network cuts images into: by its first convolution, or the width of its first layer."""
    for child in module.modules():
        if isinstance(child, nn.Conv2d):
            size = child.kernel_size[0]
            return size if size > 1 and child.kernel_size == child.stride else None
        if isinstance(child, nn.Linear):
            side = isqrt(child.in_features // 3)
            return side if side > 1 and 3 * side * side == child.in_features else None
    return None


def _pair(value: Any) -> tuple[int, int] | None:
    if isinstance(value, int) and not isinstance(value, bool) and 4 <= value <= 4096:
        return value, value
    if (
        isinstance(value, tuple | list)
        and len(value) in (2, 3)
        and all(isinstance(v, int) and v >= 4 for v in value[-2:])
    ):
        return int(value[-2]), int(value[-1])
    return None


def _space(module: nn.Module) -> int:
    """A usual image size: large for networks that divide it a lot or tell a thousand classes apart."""
    factor, channels, last = 1, 0, 0
    for child in module.modules():
        if isinstance(child, nn.modules.conv._ConvNd):
            channels = channels or child.in_channels
            factor *= max(child.stride) if not child.transposed and max(child.kernel_size) > 1 else 1
        elif isinstance(child, nn.MaxPool2d | nn.AvgPool2d):
            stride = child.stride if child.stride is not None else child.kernel_size
            factor *= max(stride) if isinstance(stride, tuple | list) else stride
        elif isinstance(child, nn.Linear):
            last = child.out_features
    if factor >= 32 and (last > 100 or factor < 10**6):
        return 224 if last != 10 or factor > 32 else 64
    if factor >= 16:
        return 128 if last > 100 else 64
    return 28 if channels == 1 and factor <= 8 else 32


def _volume(module: nn.Module) -> bool:
    return any(isinstance(child, nn.Conv3d | nn.MaxPool3d) for child in module.modules())


def _is_video(module: nn.Module) -> bool:
    """Whether the first axis of a volume is time: kernels or strides are smaller along it."""
    convs = [child for child in module.modules() if isinstance(child, nn.Conv3d)]
    return any(c.kernel_size[0] < c.kernel_size[1] or c.stride[0] < c.stride[1] for c in convs[:6])


def _is_waveform(module: nn.Module) -> bool:
    """Whether the first convolution reads one channel of samples: one dimension, a wide kernel or stride."""
    convs = (child for child in module.modules() if isinstance(child, nn.Conv1d))
    first = next(convs, None)
    if first is None or first.in_channels != 1:
        return False
    strides = prod(c.stride[0] for c in module.modules() if isinstance(c, nn.Conv1d))
    return first.kernel_size[0] >= 40 or first.stride[0] >= 5 or strides >= 160
