"""Random changes of training images: online, and a function of seed, epoch and sample alone.

So a sample is changed in the same way whichever batch, process or machine it comes in, and two networks that are
compared see the very same images.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nnlint.errors import UsageError

NAMES = ("shift", "flip")


def check(names: tuple[str, ...]) -> None:
    """See that these are augmentations.

    Raises:
        UsageError: if one is not.
    """
    for name in names:
        if name not in NAMES:
            raise UsageError(f"there is no {name!r}", where="--augment", help=f"there are {', '.join(NAMES)}")


def augmented(images: Tensor, samples: Tensor, names: tuple[str, ...], seed: int, epoch: int) -> Tensor:
    """The images changed at random.

    Args:
        images: (N, C, H, W).
        samples: (N,) int64, the number of each image in the data.
        names: which changes: ``shift`` by up to an eighth of the side, zeros come in; ``flip`` left and right.
    """
    if "shift" in names:
        images = _shifted(images, samples, seed, epoch)
    if "flip" in names:
        flipped = _draw(samples, seed, epoch, 2) % 2 == 0
        images = torch.where(flipped[:, None, None, None], images.flip(3), images)
    return images


def _shifted(images: Tensor, samples: Tensor, seed: int, epoch: int) -> Tensor:
    count, channels, height, width = images.shape
    down, right = max(height // 8, 1), max(width // 8, 1)
    dy = _draw(samples, seed, epoch, 0) % (2 * down + 1)
    dx = _draw(samples, seed, epoch, 1) % (2 * right + 1)
    padded = torch.nn.functional.pad(images, (right, right, down, down))
    rows = dy[:, None] + torch.arange(height, device=images.device)
    columns = dx[:, None] + torch.arange(width, device=images.device)
    which = torch.arange(count, device=images.device)[:, None, None, None]
    channel = torch.arange(channels, device=images.device)[None, :, None, None]
    return padded[which, channel, rows[:, None, :, None], columns[:, None, None, :]]


def _draw(samples: Tensor, seed: int, epoch: int, purpose: int) -> Tensor:
    """A number below 2^31 a sample: the finaliser of SplitMix64 (Steele, Lea & Flood 2014) of all it hangs on."""
    mixed = samples.long() * 8 + purpose
    for value in (seed, epoch):
        mixed = _mixed(mixed + _signed(0x9E3779B97F4A7C15 * (value + 1)))
    return mixed & 0x7FFFFFFF


def _mixed(z: Tensor) -> Tensor:
    z = (z ^ _right(z, 30)) * _signed(0xBF58476D1CE4E5B9)
    z = (z ^ _right(z, 27)) * _signed(0x94D049BB133111EB)
    return z ^ _right(z, 31)


def _right(z: Tensor, bits: int) -> Tensor:
    """A shift that brings in zeros: torch's own brings in the sign."""
    return (z >> bits) & ((1 << (64 - bits)) - 1)


def _signed(value: int) -> int:
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value
