"""Live data sets: their kind, their size, and the order of their classes."""

from __future__ import annotations

import random

import pytest
import torch
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

from nnlint.examine.samples import data_set, grouped_by_class, labels_of
from nnlint.site import Site

SITE = Site("train.py", 1, 1, 1, 1)


def shuffled(labels: list[int]) -> list[int]:
    return random.Random(0).sample(labels, len(labels))


class Kept(Dataset):
    targets = (0, 1, 2)

    def __getitem__(self, index: int) -> int:
        raise AssertionError("no sample is read")


class Stream(IterableDataset):
    def __iter__(self):
        raise AssertionError("no sample is read")


@pytest.mark.parametrize(
    ("labels", "grouped"),
    [
        ([0] * 100 + [1] * 100, True),
        ([i // 20 for i in range(200)], True),
        (shuffled([0] * 100 + [1] * 100), False),
        ([0, 1] * 100, False),
        ([0] * 20 + [1] * 20, False),
        ([0] * 200, False),
        ([0] * 199 + [1], False),
        (list(range(200)), False),
        ([], False),
    ],
)
def test_the_order_of_the_classes(labels: list[int], grouped: bool) -> None:
    assert (grouped_by_class(labels) is not None) is grouped


def test_the_order_is_told_in_numbers() -> None:
    assert grouped_by_class([0] * 100 + [1] * 100) == (
        "the class changes 1 times in 200 samples, where chance would make about 100"
    )


def test_labels() -> None:
    assert labels_of(TensorDataset(torch.rand(3, 2), torch.tensor([2, 1, 0]))) == [2, 1, 0]
    assert labels_of(TensorDataset(torch.rand(3, 2), torch.rand(3))) == ()
    assert labels_of(TensorDataset(torch.rand(3, 2), torch.zeros(3, 2, dtype=torch.long))) == ()
    assert labels_of(Kept()) == (0, 1, 2)
    assert labels_of(Stream()) == ()


def test_kinds() -> None:
    whole = TensorDataset(torch.rand(3, 2))
    assert (data_set(whole, SITE).style, data_set(whole, SITE).part) == ("map", False)
    assert data_set(whole, SITE).samples.value == 3
    assert data_set(Subset(whole, [0]), SITE).part
    assert data_set(Stream(), SITE).style == "iterable"
    assert data_set(Stream(), SITE).samples is None
