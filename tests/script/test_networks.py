"""Which classes are networks, which functions give one, and what their signatures say; project files included."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from nnlint.script.read import read


def names(script: object) -> list[str]:
    return [network.name for network in script.networks]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "text",
    [
        "import torch\nclass Net(torch.nn.Module): pass",
        "from torch import nn\nclass Net(nn.Sequential): pass",
        "from torch import nn\nclass Net(nn.Conv2d): pass",
        "from torch import nn\nclass Net(object, nn.Module): pass",
        "from typing import Generic\nfrom torch import nn\nclass Net(Generic[int], nn.Module): pass",
        "from torch import nn\nclass Base(nn.Module): pass\nclass Net(Base): pass",
        "import pytorch_lightning as pl\nclass Net(pl.LightningModule): pass",
        "from lightning.pytorch import LightningModule\nclass Net(LightningModule): pass",
        "import torch\nclass Net(torch.jit.ScriptModule): pass",
        "import torch\nfrom library import Base\nclass Net(Base):\n    def forward(self, x): return x",
        "from torch import nn\nfrom library import Base\n"
        "class Net(Base):\n    def __init__(self):\n        self.fc = nn.Linear(1, 2)",
        "import torch\nclass Net(make_base()):\n    def forward(self, x): return x",
    ],
)
def test_a_network_class(text: str) -> None:
    assert "Net" in names(read("net.py", text))


@pytest.mark.parametrize(
    "text",
    [
        "import torch\nclass Net: \n    def forward(self, x): return x",
        "import torch\nclass Net(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x): return x",
        "import torch\nclass Net(torch.utils.data.Dataset):\n    def __init__(self): self.x = torch.nn.Linear(1, 2)",
        "import torch\nfrom library import Base\nclass Net(Base):\n    def run(self, x): return x",
        "from torch import nn\nclass DiceLoss(nn.Module):\n    def forward(self, a, b): return a",
        "from torch import nn\nclass Net(nn.CrossEntropyLoss): pass",
        "from torch import nn\nclass Net(nn.Parameter): pass",
        "import torch\nclass Net(Net): \n    def walk(self): pass",
        "import torch\nimport abc\nclass Net(abc.ABC):\n    def forward(self, x): return x",
    ],
)
def test_no_network_class(text: str) -> None:
    assert "Net" not in names(read("net.py", text))


def test_nested_and_local_classes_have_qualified_names() -> None:
    script = read(
        "net.py",
        "from torch import nn\n"
        "class Outer(nn.Module):\n    class Inner(nn.Module): pass\n"
        "def make():\n    class Net(nn.Module):\n        def forward(self, x): return x\n    return Net()\n",
    )
    assert names(script) == ["Outer", "Outer.Inner", "make.<locals>.Net"]
    assert [(factory.name, factory.builds) for factory in script.factories] == [("make", ("make.<locals>.Net",))]


def test_signatures(source: Callable) -> None:
    read_source = source("""
        from torch import nn
        class Base(nn.Module):
            def __init__(self, width: int, /, depth=2, *layers: nn.Module, act="relu", **others):
                super().__init__()
            def forward(self, x, mask: "Tensor | None" = None):
                return x
        class Net(Base):
            pass
        """)
    net = read_source.script.networks[1]
    found = [(a.name, a.kind, a.default and ast.unparse(a.default), a.annotation) for a in net.arguments]
    assert found == [
        ("width", "positional", None, "int"),
        ("depth", "positional", "2", None),
        ("layers", "var-positional", None, "nn.Module"),
        ("act", "keyword", "'relu'", None),
        ("others", "var-keyword", None, None),
    ]
    assert [(a.name, a.annotation) for a in net.forward] == [("x", None), ("mask", "'Tensor | None'")]
    assert (net.bases, net.forward_name) == (("Base",), "forward")
    assert read_source.text(net.site) == "class Net"


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("def __call__(self, x): return x", "__call__"),
        ("def encode(self, x): return self.layer(x)", "encode"),
        ("def encode(self, x): return self.layer(x)\n    def decode(self, x): return self.layer(x)", None),
        ("def training_step(self, batch, i): return self.layer(batch)", None),
        ("def describe(self, x): return str(x)", None),
    ],
)
def test_the_method_that_plays_forward(method: str, name: str | None) -> None:
    script = read("net.py", f"from torch import nn\nclass Net(nn.Module):\n    layer = nn.Linear(1, 2)\n    {method}\n")
    assert script.networks[0].forward_name == name


def test_blocks_know_the_networks_that_are_made_of_them() -> None:
    script = read(
        "net.py",
        """
from torch import nn
class Basic(nn.Module): pass
class Bottleneck(nn.Module): pass
class Unused(nn.Module): pass
class Norm(nn.Module): pass
class ResNet(nn.Module):
    def __init__(self, block, norm=Norm):
        super().__init__()
        self.layers = nn.Sequential(*[block(i) for i in range(3)])
        for m in self.modules():
            if isinstance(m, Unused):
                pass
    def extend(self, other: Unused):
        self.extra = lambda: Bottleneck()
net = ResNet(Basic)
""",
    )
    assert {network.name: network.used_by for network in script.networks} == {
        "Basic": ("ResNet",),
        "Bottleneck": ("ResNet",),
        "Unused": (),
        "Norm": ("ResNet",),
        "ResNet": (),
    }


@pytest.mark.parametrize(
    ("body", "builds"),
    [
        ("return Net()", ("Net",)),
        ("net = Net()\n    net = net.to('cuda')\n    return net", ("Net",)),
        ("if n: net = Net()\n    else: net = nn.Linear(1, 2)\n    return net", ("Net", "torch.nn.Linear")),
        ("return nn.DataParallel(Net(n)).eval()", ("Net",)),
        ("return Net() if n else Other()", ("Net", "Other")),
        ("return make(n - 1) if n else Net()", ("Net",)),
        ("layers = [Net()]\n    return nn.Sequential(*layers)", ("torch.nn.Sequential",)),
        ("return Net", ()),
        ("return Net().parameters()", ()),
        ("return n", ()),
        ("def inner(): return Net()\n    return inner", ()),
        ("net = Net()\n    for x in data: net(x).backward()\n    return net", ()),
    ],
)
def test_factories(body: str, builds: tuple[str, ...]) -> None:
    script = read(
        "net.py",
        f"from torch import nn\nclass Net(nn.Module): pass\nclass Other(nn.Module): pass\ndef make(n=1):\n    {body}\n",
    )
    assert {factory.name: factory.builds for factory in script.factories} == ({"make": builds} if builds else {})


# -- other files of the project


def project(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


NET = """import torch
class Net(torch.nn.Module):
    def __init__(self, width=3): pass
    def forward(self, x): return x
"""


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"models.py": NET}, "from models import Net\nmodel = Net(10)"),
        ({"models.py": NET}, "import models\nmodel = models.Net(10)"),
        ({"models.py": NET}, "from models import *\nmodel = Net(10)"),
        ({"models.py": NET + "def make(): return Net()"}, "from models import make\nmodel = make()"),
        ({"models.py": NET + "Best = Net"}, "from models import Best\nmodel = Best()"),
        (
            {"models/__init__.py": "from .net import Net", "models/net.py": NET},
            "from models import Net\nmodel = Net(1)",
        ),
        ({"models/__init__.py": "from .net import *", "models/net.py": NET}, "import models\nmodel = models.Net(1)"),
        ({"models/__init__.py": "", "models/net.py": NET}, "from models import net\nmodel = net.Net(1)"),
        ({"src/pkg/__init__.py": "", "src/pkg/net.py": NET}, "from pkg.net import Net\nmodel = Net(1)"),
        ({"net.py": NET, "net2.py": "from net import Net as N"}, "from net2 import N\nmodel = N(1)"),
    ],
)
def test_a_network_of_another_file(tmp_path: Path, files: dict[str, str], text: str) -> None:
    project(tmp_path, files | {"train.py": text})
    script = read(str(tmp_path / "train.py"))
    assert [build.variable for build in script.builds] == ["model"]
    assert script.uses_torch


def test_relative_imports_and_inherited_signatures(tmp_path: Path) -> None:
    project(
        tmp_path,
        {
            "pkg/__init__.py": "",
            "pkg/base.py": NET,
            "pkg/deep/__init__.py": "",
            "pkg/deep/mine.py": "from ..base import Net\nclass Mine(Net): pass\nmine = Mine()",
        },
    )
    script = read(str(tmp_path / "pkg/deep/mine.py"))
    (mine,) = script.networks
    assert (mine.bases, [a.name for a in mine.arguments]) == (("..base.Net",), ["width"])
    assert ([a.name for a in mine.forward], mine.forward_name) == (["x"], "forward")
    assert script.uses_torch


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"tools.py": "import torch\ndef seed(): torch.manual_seed(0)"}, "from tools import seed\nx = seed()"),
        ({"tools.py": "def f(:"}, "from tools import f\nx = f()"),
        ({"a.py": "from b import Net", "b.py": "from a import Net"}, "from a import Net\nx = Net()"),
        ({"tools.py": NET}, "import json\nx = json.loads('1')"),
        ({}, "import numpy as np\nx = np.zeros(3)"),
    ],
)
def test_files_without_networks_cost_only_reading(tmp_path: Path, files: dict[str, str], text: str) -> None:
    project(tmp_path, files | {"script.py": text})
    script = read(str(tmp_path / "script.py"))
    assert (script.uses_torch, script.builds, script.imports) == (False, (), {})


def test_a_changed_file_of_the_project_is_read_again(tmp_path: Path) -> None:
    project(tmp_path, {"models.py": NET, "train.py": "from models import Net\nmodel = Net(1)"})
    assert read(str(tmp_path / "train.py")).uses_torch
    project(tmp_path, {"models.py": "Net = dict  # no network any more"})
    assert not read(str(tmp_path / "train.py")).uses_torch
