"""Data sets behind loaders: what they are, in what order, and what is done for every sample."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

from nnlint.recipe import DataSet, Loader

HEAD = """
import cv2, random
import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, Dataset, IterableDataset, Subset, TensorDataset, random_split
from torchvision import datasets, transforms
"""
CLASS = """
class Photos(Dataset):
    def __init__(self, paths):
        self.paths = paths
        self.prepare = transforms.Compose([transforms.Resize(64), transforms.ToTensor()])
    def __len__(self):
        return len(self.paths)
    def __getitem__(self, index):
        {body}
loader = DataLoader(Photos(paths), batch_size=8)
"""


def loader_of(source: Callable, text: str) -> Loader:
    return source(HEAD + textwrap.dedent(text)).recipe.loaders[-1]


def data_of(source: Callable, text: str) -> DataSet:
    data = loader_of(source, text).data
    assert data is not None
    return data.value


@pytest.mark.parametrize(
    ("made", "style", "part", "samples"),
    [
        ("TensorDataset(torch.rand(512, 3), torch.rand(512))", "map", False, 512),
        ("TensorDataset(features)", "map", False, None),
        ("datasets.MNIST('data')", "map", False, 60000),
        ("datasets.MNIST('data', train=False)", "map", False, 10000),
        ("datasets.Kinetics('data')", None, False, None),
        ("ConcatDataset([one, two])", "map", False, None),
        ("Subset(data, [0, 1])", "map", True, None),
        ("random_split(data, [10, 10])", "map", True, None),
    ],
)
def test_data_sets_of_libraries(source: Callable, made: str, style: str, part: bool, samples: int | None) -> None:
    data = data_of(source, f"loader = DataLoader({made})")
    assert (data.style, data.part, data.samples.value if data.samples else None) == (style, part, samples)


@pytest.mark.parametrize("made", ["data", "load_dataset('x')['train']", "make()", "[1, 2, 3]"])
def test_what_is_not_known_has_no_facts(source: Callable, made: str) -> None:
    assert loader_of(source, f"loader = DataLoader({made})").data is None


def test_one_object_has_one_number(source: Callable) -> None:
    recipe = source(
        HEAD
        + textwrap.dedent("""
        first, second = TensorDataset(torch.rand(8, 2)), TensorDataset(torch.rand(8, 2))
        a, b, c = DataLoader(first), DataLoader(first), DataLoader(second)
        """)
    ).recipe
    numbers = [loader.data.value.number for loader in recipe.loaders if loader.data is not None]
    assert numbers[0] == numbers[1] != numbers[2]
    assert None not in numbers


@pytest.mark.parametrize(
    ("body", "style", "decode", "steps"),
    [
        ("return self.paths[index]", "map", None, []),
        ("return self.paths[random.randint(0, 9)]", None, None, []),
        ("return Image.open(self.paths[index])", "map", "PIL.Image.open", []),
        ("return cv2.resize(cv2.imread(self.paths[index]), (64, 64))", "map", "cv2.imread", ["cv2.resize"]),
        (
            "return self.prepare(Image.open(self.paths[index]))",
            "map",
            "PIL.Image.open",
            ["torchvision.transforms.Resize", "torchvision.transforms.ToTensor"],
        ),
        ("return self.cache.get(index) or Image.open(self.paths[index])", "map", None, []),
    ],
)
def test_classes_of_the_file(source: Callable, body: str, style: str, decode: str | None, steps: list[str]) -> None:
    data = data_of(source, CLASS.format(body=body))
    assert data.name == "Photos"
    assert data.style == style
    assert (data.decode.value if data.decode else None) == decode
    assert [step.name for step in data.transforms] == steps


def test_iterable_data_sets(source: Callable) -> None:
    text = "class Stream(IterableDataset):\n    def __iter__(self):\n        yield 1\nloader = DataLoader(Stream())"
    assert data_of(source, text).style == "iterable"


def test_folders_are_in_the_order_of_the_classes(source: Callable) -> None:
    read = source(HEAD + "loader = DataLoader(datasets.ImageFolder('x', transforms.Resize(64)))")
    data = read.recipe.loaders[0].data.value
    assert data.grouped.value == "the folders of ImageFolder"
    assert data.decode.value == "ImageFolder"
    assert [read.text(step.site) for step in data.transforms] == ["transforms.Resize(64)"]


@pytest.mark.parametrize(
    ("labels", "grouped"),
    [
        ("torch.cat([torch.zeros(5), torch.ones(5)])", True),
        ("torch.cat((torch.zeros(5), torch.ones(5))).long()", True),
        ("torch.tensor([0] * 5 + [1] * 5)", True),
        ("torch.from_numpy(np.concatenate([np.zeros(5), np.ones(5)]))", False),
        ("torch.cat([torch.zeros(5)])", False),
        ("torch.cat([one, other])", False),
        ("torch.randint(2, (10,))", False),
        ("torch.tensor([0, 1] * 5)", False),
    ],
)
def test_labels_class_by_class(source: Callable, labels: str, grouped: bool) -> None:
    loop = "for x, labels in loader: pass"
    text = f"labels = {labels}\nloader = DataLoader(TensorDataset(torch.rand(10, 2), labels))\n{loop}"
    assert (data_of(source, text).grouped is not None) is grouped


@pytest.mark.parametrize(
    ("transform", "raw"),
    [
        ("transforms.PILToTensor()", "PILToTensor"),
        ("transforms.Compose([transforms.RandomCrop(28), transforms.PILToTensor()])", "PILToTensor"),
        ("transforms.v2.Compose([transforms.v2.ToImage(), transforms.v2.ToDtype(torch.float32)])", "ToImage"),
        ("transforms.v2.Compose([transforms.v2.ToImage(), transforms.v2.ToDtype(torch.float32, scale=True)])", None),
        ("transforms.v2.Compose([transforms.v2.ToImage(), transforms.v2.ToDtype(torch.float32, scale=flag)])", None),
        ("transforms.ToTensor()", None),
        ("transforms.Compose([transforms.PILToTensor(), transforms.Lambda(f)])", None),
        ("transforms.Compose([transforms.PILToTensor(), other])", None),
        ("transforms.Compose([transforms.PILToTensor(), *others])", None),
    ],
)
def test_tensors_of_bytes(source: Callable, transform: str, raw: str | None) -> None:
    data = data_of(source, f"loader = DataLoader(datasets.MNIST('data', transform={transform}))")
    assert (data.raw.value if data.raw else None) == raw


def test_what_the_file_scales_somewhere_is_not_raw(source: Callable) -> None:
    made = "loader = DataLoader(datasets.MNIST('data', transform=transforms.PILToTensor()))"
    assert data_of(source, f"{made}\nfor x, y in loader: net(x / 255)").raw is None


@pytest.mark.parametrize(
    ("arguments", "in_order"),
    [
        ("data", True),
        ("data, shuffle=False", True),
        ("data, 8, False", True),
        ("data, shuffle=True", False),
        ("data, shuffle=flag", False),
        ("data, sampler=mine", False),
        ("data, batch_sampler=mine", False),
        ("data, **more", False),
    ],
)
def test_loaders_in_order(source: Callable, arguments: str, in_order: bool) -> None:
    assert loader_of(source, f"loader = DataLoader({arguments})").in_order is in_order


def test_no_batches_are_asked_for(source: Callable) -> None:
    loader = loader_of(source, "loader = DataLoader(data, batch_size=None)")
    assert (loader.batch_size, loader.unread) == (None, ("batch_size",))


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("random.shuffle(items)", True),
        ("order = np.random.permutation(10)", True),
        ("a, b = random_split(data, [1, 2])", True),
        ("frame = frame.sample(frac=1)", True),
        ("def mixup(x): return x[torch.randperm(len(x))]", False),
        ("random.random()", False),
    ],
)
def test_what_is_put_into_a_random_order(source: Callable, call: str, found: bool) -> None:
    assert bool(source(HEAD + call).recipe.shuffles) is found


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("net.load_state_dict(torch.load('x.pt'))", True),
        ("net = resnet(pretrained=True)", True),
        ("net = resnet(weights=weights)", True),
        ("net = resnet(weights='DEFAULT')", True),
        ("net = resnet(pretrained=False)", False),
        ("net = resnet(weights=None)", False),
        ("loss = nn.CrossEntropyLoss(weight=w)", False),
        ("sampler = Sampler(weights=[1, 2])", False),
    ],
)
def test_weights_trained_before(source: Callable, call: str, found: bool) -> None:
    assert bool(source(HEAD + call).recipe.pretrained) is found
