"""Files with networks, and small data to adapt them to."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from nnlint.adapt.model import NetworkSource
from nnlint.train.data.model import Arrays, Data

HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"

Write = Callable[..., NetworkSource]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file (torch is imported) and gives a source for it, or for a name in it."""

    def write(text: str, name: str = "", file: str = "net.py") -> NetworkSource:
        path = tmp_path / file
        path.write_text(HEAD + textwrap.dedent(text))
        return NetworkSource(f"{path}:{name}" if name else str(path))

    return write


def _data(name: str, shape: tuple[int, ...], task: str, outputs: int) -> Data:
    inputs = torch.zeros(8, *shape)
    targets = torch.zeros(8, dtype=torch.float32 if task == "numbers" else torch.int64)
    part = Arrays(inputs, targets)
    classes = () if task == "numbers" else tuple("abcdefghij"[: max(outputs, 2)])
    return Data(name, "made here", task, shape, outputs, part, part, classes=classes)  # type: ignore[arg-type]


@pytest.fixture
def digits() -> Data:
    """Ten classes of small grey images."""
    return _data("digits", (1, 8, 8), "classes", 10)


@pytest.fixture
def photos() -> Data:
    """Five classes of coloured images."""
    return _data("photos", (3, 32, 32), "classes", 5)


@pytest.fixture
def cancer() -> Data:
    """Yes or no by 30 numbers."""
    return _data("cancer", (30,), "binary", 1)


@pytest.fixture
def diabetes() -> Data:
    """A number by ten others."""
    return _data("diabetes", (10,), "numbers", 1)
