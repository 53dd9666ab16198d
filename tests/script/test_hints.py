"""What a source says about the inputs of its networks."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

from nnlint.errors import InputError
from nnlint.script.model import InputSpec
from nnlint.script.read import read

HEAD = """
import torch
from torch import nn
from torchvision import datasets, transforms as T
class Net(nn.Module):
    def forward(self, x): return x
model = Net()
"""


def hints(source: Callable, text: str) -> tuple:
    return source(HEAD + textwrap.dedent(text)).script.hints


def batched(*shape: int, dtype: str = "float32", name: str | None = None, high: int | None = None) -> InputSpec:
    return InputSpec(shape, dtype, name, batched=True, high=high)


def one(*shape: int) -> InputSpec:
    return InputSpec(shape, batched=False)


@pytest.mark.parametrize(
    ("text", "inputs", "network"),
    [
        ("# nnlint: input=3x32x32\n", (one(3, 32, 32),), None),
        (
            "#nnlint:input = 3x32x32, long:16 -- as trained\n",
            (one(3, 32, 32), InputSpec((16,), "int64", batched=False)),
            None,
        ),
        ("class B(nn.Module):  # nnlint: input=7\n    pass\n", (one(7),), "B"),
        ("# nnlint: input=7\nclass B(nn.Module):\n    pass\n", (one(7),), "B"),
    ],
)
def test_comments(source: Callable, text: str, inputs: tuple, network: str | None) -> None:
    (hint,) = hints(source, text)
    assert (hint.kind, hint.inputs, hint.network) == ("comment", inputs, network)


def test_a_comment_s_span_and_a_string_that_is_none(source: Callable) -> None:
    read_source = source(HEAD + "s = '# nnlint: input=9'\nx = 1  # nnlint: input=3x4\n")
    (hint,) = read_source.script.hints
    assert read_source.text(hint.site) == "# nnlint: input=3x4"


def test_a_wrong_comment_says_where() -> None:
    with pytest.raises(InputError, match="'three'") as error:
        read("net.py", "import torch\nx = 1  # nnlint: input=threex4\n")
    assert error.value.where == "net.py:2:8"


@pytest.mark.parametrize(
    ("text", "inputs", "network"),
    [
        ("self.example_input_array = torch.randn(1, 3, 8, 8)", (batched(1, 3, 8, 8),), "Lit"),
        ("self.example_input_array = torch.zeros(1, 4), torch.ones(1, 2)", (batched(1, 4), batched(1, 2)), "Lit"),
        ("self.example_input_array = {'x': torch.zeros(1, 4)}", (batched(1, 4, name="x"),), "Lit"),
    ],
)
def test_example_input_arrays(source: Callable, text: str, inputs: tuple, network: str) -> None:
    (hint,) = hints(source, f"class Lit(nn.Module):\n    def __init__(self):\n        {text}\n")
    assert (hint.kind, hint.inputs, hint.network) == ("example-input", inputs, network)


def test_example_inputs_of_a_class_body_and_a_module(source: Callable) -> None:
    found = hints(
        source,
        "class Lit(nn.Module):\n    example_input_array = torch.randn(2, 3)\nexample_inputs = (torch.randn(2, 4),)\n",
    )
    assert [(hint.inputs, hint.network) for hint in found] == [((batched(2, 3),), "Lit"), ((batched(2, 4),), None)]


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("model(torch.randn(1, 3, 64, 64))", (batched(1, 3, 64, 64),)),
        ("x = torch.rand(2, 8)\ny = model(x)", (batched(2, 8),)),
        ("x = torch.rand((2, 8)).to(device)\nmodel(x)", (batched(2, 8),)),
        ("x = torch.rand(size=(2, 8), dtype=torch.double)\nmodel(x)", (batched(2, 8, dtype="float64"),)),
        ("B = 4\nmodel(torch.zeros(B, B * 2))", (batched(4, 8),)),
        ("ids = torch.randint(0, 1000, (2, 16))\nmodel(ids)", (batched(2, 16, dtype="int64", high=1000),)),
        ("ids = torch.randint(high=9, size=(2, 16))\nmodel(ids)", (batched(2, 16, dtype="int64", high=9),)),
        ("model(torch.zeros(2, 8).long())", (batched(2, 8, dtype="int64"),)),
        ("model(torch.randn(3, 8).unsqueeze(0))", (batched(1, 3, 8),)),
        ("model(torch.randn(1, 8, 9, 3).permute(0, 3, 1, 2))", (batched(1, 3, 8, 9),)),
        ("model(torch.randn(64).view(1, 1, 8, 8))", (batched(1, 1, 8, 8),)),
        ("model(torch.randn(1, 3), mask=torch.ones(1, 3))", (batched(1, 3), batched(1, 3, name="mask"))),
        ("from torch.autograd import Variable\nmodel(Variable(torch.randn(1, 3)))", (batched(1, 3),)),
        ("def test_net():\n    net = Net()\n    net(torch.randn(1, 3))", (batched(1, 3),)),
        ("if __name__ == '__main__':\n    model(torch.randn(1, 3))", (batched(1, 3),)),
        ("torch.onnx.export(model, torch.randn(1, 3), 'net.onnx')", (batched(1, 3),)),
        ("torch.jit.trace(model, (torch.randn(1, 3), torch.randn(1, 4)))", (batched(1, 3), batched(1, 4))),
        ("from thop import profile\nprofile(model, inputs=(torch.randn(1, 3),))", (batched(1, 3),)),
        ("from torchsummary import summary\nsummary(model, (3, 32, 32))", (one(3, 32, 32),)),
        ("from torchsummary import summary\nsummary(model, input_size=(3, 32, 32))", (one(3, 32, 32),)),
        ("from torchsummary import summary\nsummary(model, [(3, 32), (4,)])", (one(3, 32), one(4))),
        ("from torchinfo import summary\nsummary(model, input_size=(1, 3, 32, 32))", (batched(1, 3, 32, 32),)),
        ("from ptflops import get_model_complexity_info as g\ng(model, (3, 8, 8))", (one(3, 8, 8),)),
        ("model(torch.randn(n, 3))", ()),
        ("model(torch.randn(1, 3), other)", ()),
    ],
)
def test_tensors_that_the_file_passes(source: Callable, text: str, inputs: tuple) -> None:
    (hint,) = hints(source, text)
    assert (hint.kind, hint.inputs) == ("call", inputs)
    assert hint.node is not None
    assert hint.network in {"model", "net"}


@pytest.mark.parametrize(
    "text",
    ["for x in data: model(x)", "y = torch.randn(3)\nprint(y)", "torch.sigmoid(torch.randn(1, 3))", "summary(model)"],
)
def test_calls_that_say_nothing(source: Callable, text: str) -> None:
    assert hints(source, text) == ()


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("datasets.MNIST('x')", (1, 28, 28)),
        ("datasets.FashionMNIST('x', transform=T.ToTensor())", (1, 28, 28)),
        ("datasets.CIFAR10(root='x')", (3, 32, 32)),
        ("datasets.SVHN('x')", (3, 32, 32)),
        ("datasets.STL10('x')", (3, 96, 96)),
        ("datasets.MNIST('x', transform=T.Resize(32))", (1, 32, 32)),
        ("datasets.MNIST('x', transform=T.Compose([T.Resize((32, 64)), T.ToTensor()]))", (1, 32, 64)),
        ("datasets.MNIST('x', transform=T.Compose([T.Pad(2), T.ToTensor()]))", (1, 32, 32)),
        ("datasets.MNIST('x', transform=T.Compose([T.Grayscale(3), T.ToTensor()]))", (3, 28, 28)),
        ("datasets.CIFAR10('x', transform=T.Grayscale())", (1, 32, 32)),
        ("SIZE = 64\ntf = T.Compose([T.Resize(SIZE)])\ndatasets.CIFAR10('x', transform=tf)", (3, 64, 64)),
        ("datasets.ImageFolder('x', T.Compose([T.Resize(256), T.CenterCrop(224)]))", (3, 224, 224)),
        ("datasets.ImageFolder('x', T.Compose([T.RandomResizedCrop(size=160)]))", (3, 160, 160)),
        ("datasets.ImageNet('x', transform=T.Compose([T.Resize([64, 48])]))", (3, 64, 48)),
        ("from torch.utils.data import TensorDataset\nTensorDataset(torch.randn(100, 20), torch.zeros(100))", (20,)),
    ],
)
def test_data_sets(source: Callable, text: str, shape: tuple[int, ...]) -> None:
    found = [hint for hint in hints(source, text) if hint.kind == "dataset"]
    assert [hint.inputs for hint in found] == [(one(*shape),)]


@pytest.mark.parametrize(
    "text",
    [
        "datasets.ImageFolder('x')",
        "datasets.ImageFolder('x', T.Resize(256))",
        "datasets.MNIST('x', transform=T.Compose([T.ToTensor(), T.Lambda(flatten)]))",
        "datasets.MNIST('x', transform=T.Resize(unknown))",
        "class MNIST: pass\nMNIST('x')",
        "from mine import MNIST\nMNIST('x')",
        "from torch.utils.data import TensorDataset\nTensorDataset(torch.randn(n, 20))",
    ],
)
def test_data_sets_whose_samples_are_not_known(source: Callable, text: str) -> None:
    assert [hint for hint in hints(source, text) if hint.kind == "dataset"] == []


def test_transforms_alone(source: Callable) -> None:
    (hint,) = hints(source, "tf = T.Compose([T.Resize(256), T.CenterCrop(224), T.ToTensor()])")
    assert (hint.kind, hint.inputs, hint.network) == ("transform", (one(3, 224, 224),), None)


def test_the_strongest_evidence_comes_first(source: Callable) -> None:
    found = hints(
        source,
        """
        tf = T.Compose([T.CenterCrop(8)])
        data = datasets.MNIST("x")
        model(torch.randn(1, 3))
        model.example_input_array = torch.randn(1, 3)
        # nnlint: input=3
        """,
    )
    assert [hint.kind for hint in found] == ["comment", "example-input", "call", "dataset", "transform"]
