"""Mean and standard deviation of the training samples, read in pieces: they need not fit the memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlint.train.data.parts import chunks

Numbers = NDArray[np.float64]


def places(total: int, count: int) -> list[int]:
    """The numbers of at most ``count`` of ``total`` samples that stand for all: one of each of as many equal pieces.

    Which one of a piece is drawn by a fixed seed: at equal distances, of classes in turns only some would be met.
    """
    if total <= count:
        return list(range(total))
    edges = np.arange(count + 1) * total // count
    drawn = np.random.RandomState(0).random_sample(count)
    return [int(place) for place in edges[:-1] + (drawn * np.diff(edges)).astype(np.int64)]


def mean_and_std(samples: NDArray[Any]) -> tuple[Numbers, Numbers]:
    """For each channel of images (N, C, H, W), or each column of (N, F) or (N,): two arrays (C,), (F,) or (1,).

    The standard deviation is that of the population; 1 where it is 0, so that a constant feature becomes 0 and not
    nan. A deviation is small only against its mean: a feature may have any unit. Pieces are merged as in Chan, Golub,
    LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979: the sum of squares minus
    the square of the sum would lose all digits where the mean is large.
    """
    count, mean, squares = 0, np.zeros(1), np.zeros(1)
    for piece in chunks(samples):
        values = np.asarray(samples[piece], dtype=np.float64)
        values = values.reshape(len(values), 1, -1) if values.ndim == 1 else values.reshape(*values.shape[:2], -1)
        number = values.shape[0] * values.shape[2]
        own = values.mean(axis=(0, 2))
        own_squares = np.square(values - own[None, :, None]).sum(axis=(0, 2))
        delta = own - mean
        total = count + number
        squares = squares + own_squares + np.square(delta) * count * number / total
        mean = mean + delta * number / total
        count = total
    std = np.sqrt(squares / count)
    # what is left of a constant by rounding is no spread; nor is what float32 cannot hold, which is divided by
    constant = (std <= 1e-9 * np.abs(mean)) | (std < np.finfo(np.float32).tiny)
    return mean, np.where(constant, 1.0, std)
