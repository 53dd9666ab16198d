"""What a loss compares a network's output with: which part of a batch, or a tensor of a known shape."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

HEAD = """
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset
from torchvision import datasets
model = nn.Linear(3, 1)
data = TensorDataset(torch.randn(100, 3), torch.randn(100))
loader = DataLoader(data, batch_size=10)
"""


def target(source: Callable, text: str) -> tuple:
    (loss,) = source(HEAD + textwrap.dedent(text)).recipe.losses
    return loss.target_part, loss.loaders, loss.target_shape


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("for x, y in loader: F.mse_loss(model(x), y)", (1,)),
        ("for x, y in loader: F.mse_loss(y, model(x))", (1,)),
        ("for x, y in loader: F.mse_loss(model(x), x)", (0,)),
        ("for i, (x, y) in enumerate(loader): F.mse_loss(model(x), y)", (1,)),
        ("for batch in loader:\n    x, y = batch\n    F.mse_loss(model(x), y)", (1,)),
        ("for batch in loader: F.mse_loss(model(batch[0]), batch[1])", (1,)),
        ("for batch in loader: F.mse_loss(model(batch['x']), batch['y'])", ("y",)),
        ("for x, y in loader:\n    y = y.to('cuda').float()\n    F.mse_loss(model(x), y)", (1,)),
        ("def go(loader):\n    for x, y in loader: F.mse_loss(model(x), y)\ngo(loader)", (1,)),
        ("for x, y in loader: F.mse_loss(model(x), y == 3)", None),
        ("for x, y in loader: F.mse_loss(model(x), y.view(-1, 1))", None),
        ("for x, y in loader:\n    y = y % 2\n    F.mse_loss(model(x), y)", None),
        ("for x, *y in loader: F.mse_loss(model(x), x)", None),
    ],
)
def test_the_part_of_a_batch(source: Callable, text: str, part: tuple | None) -> None:
    assert target(source, text)[0] == part
    if part is not None:
        assert target(source, text)[1] == (0,)


def test_one_function_for_two_loaders(source: Callable) -> None:
    text = """
        other = DataLoader(data)
        def go(loader):
            for x, y in loader: F.mse_loss(model(x), y)
        go(loader)
        go(other)
        """
    assert target(source, text) == ((1,), (0, 1), None)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("y = torch.randn(8, 1)\nF.mse_loss(model(x), y)", (8, 1)),
        ("y = torch.randn(8)\nF.mse_loss(model(x), y.cuda())", (8,)),
        ("y = torch.randn(8)\nF.mse_loss(model(x), y.unsqueeze(1))", (8, 1)),
        ("y = torch.randn(8)\nF.mse_loss(model(x), y.squeeze())", None),
        ("F.mse_loss(model(x), y)", None),
    ],
)
def test_the_shape_of_a_target_the_file_makes(source: Callable, text: str, shape: tuple | None) -> None:
    assert target(source, text) == (None, (), shape)


def test_what_is_known_of_a_data_set(source: Callable) -> None:
    read = source(
        HEAD
        + textwrap.dedent("""
        train = datasets.MNIST("data", target_transform=lambda label: label > 4)
        test = datasets.MNIST("data", train=False)
        test.targets[test.targets > 4] = 0
        other = datasets.MNIST("data")
        other.targets = other.targets % 2
        loaders = [DataLoader(train), DataLoader(test), DataLoader(other)]
        """)
    )
    tensors, *named = [loader.data.value for loader in read.recipe.loaders]
    assert tensors.tensors == ((100, 3), (100,))
    assert [data.given for data in named] == [("0", "target_transform"), ("0", "train"), ("0",)]
    assert [data.changed for data in named] == [False, True, True]
