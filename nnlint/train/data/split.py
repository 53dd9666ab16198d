"""The split of data that come in one piece: 70 % to train on, 10 % to look at after each epoch, 20 % to judge by.

One place for all of them: the embedded data, one pair of arrays, a table, a folder of classes, a function that returns
one data set. The split depends on the data alone, never on the seed of a training: runs with different seeds are
judged by the same samples.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlint.errors import UsageError

TRAIN_SHARE, VAL_SHARE = 0.7, 0.1
#: said in `Data.source`
WORDS = "split 70/10/20 into train, val and test by a fixed seed"
#: fixed for good: another number would make other splits, and results that cannot be compared with earlier ones
_SEED = 20040
Indices = NDArray[np.int64]


def split(samples: int, labels: NDArray[Any] | None, where: str) -> tuple[Indices, Indices, Indices]:
    """The numbers of the samples to train on, to validate and to test by, each sorted.

    Args:
        samples: how many there are.
        labels: (N,) their classes: every part gets its share of each, and training at least one sample of each;
            None: not by class.
        where: for the error.

    Raises:
        UsageError: if there are too few samples.
    """
    classes = 1 if labels is None else len(np.unique(labels))
    if samples < classes + 2:
        raise UsageError(
            f"{samples} samples of {classes} classes are too few to be split into train, val and test"
            if labels is not None
            else f"{samples} samples are too few to be split into train, val and test",
            where=where,
            help="give more samples, or a train and a val part of your own",
        )
    train = max(classes, int(TRAIN_SHARE * samples))
    val = max(1, round(VAL_SHARE * samples))
    test = samples - train - val
    if test < 1:  # a few samples of many classes
        train, test = samples - val - 1, 1
    order = _grouped(samples, labels)
    first, rest = _first_of_each(order, labels)
    judged, rest = _spread(rest, test)
    looked_at, rest = _spread(rest, val)
    return np.sort(np.concatenate([first, rest])), np.sort(looked_at), np.sort(judged)


def carve(samples: int, labels: NDArray[Any] | None, share: float, where: str) -> tuple[Indices, Indices]:
    """The numbers of the samples that stay, and of the ``share`` of them that is set apart, each sorted.

    For data that come with a training part alone, or with no validation part.

    Raises:
        UsageError: if there are too few samples.
    """
    classes = 1 if labels is None else len(np.unique(labels))
    count = max(1, round(share * samples))
    if samples < classes + count:
        raise UsageError(
            f"{samples} training samples of {classes} classes are too few to set some apart for validation",
            where=where,
            help="give more samples, or a val part of your own",
        )
    first, rest = _first_of_each(_grouped(samples, labels), labels)
    apart, rest = _spread(rest, count)
    return np.sort(np.concatenate([first, rest])), np.sort(apart)


def _grouped(samples: int, labels: NDArray[Any] | None) -> Indices:
    """All samples, shuffled within each class, class by class."""
    # RandomState, not Generator: its numbers are promised to stay the same in all versions of numpy
    order = np.random.RandomState(_SEED).permutation(samples).astype(np.int64)
    return order if labels is None else order[np.argsort(labels[order], kind="stable")]


def _first_of_each(order: Indices, labels: NDArray[Any] | None) -> tuple[Indices, Indices]:
    """The first sample of each class, which nothing can be learnt of otherwise, and the others."""
    if labels is None:
        return order[:0], order
    sorted_labels = labels[order]
    first = np.concatenate([[True], sorted_labels[1:] != sorted_labels[:-1]])
    return order[first], order[~first]


def _spread(order: Indices, count: int) -> tuple[Indices, Indices]:
    """``count`` samples at equal distances, and the others: of classes side by side each gives its share."""
    ticks = (np.arange(len(order) + 1) * count + len(order) // 2) // max(1, len(order))
    chosen = ticks[1:] != ticks[:-1]
    return order[chosen], order[~chosen]
