"""Imports and aliases: every spelling of a layer's name is the same layer."""

from __future__ import annotations

import pytest

from nnlint.script.read import read

SPELLINGS = [
    "import torch\nnet = torch.nn.Linear(1, 2)",
    "import torch.nn\nnet = torch.nn.Linear(1, 2)",
    "import torch as th\nnet = th.nn.Linear(1, 2)",
    "import torch.nn as N\nnet = N.Linear(1, 2)",
    "from torch import nn\nnet = nn.Linear(1, 2)",
    "from torch import nn as n\nnet = n.Linear(1, 2)",
    "from torch.nn import Linear\nnet = Linear(1, 2)",
    "from torch.nn import Linear as L\nnet = L(1, 2)",
    "from torch.nn import *\nnet = Linear(1, 2)",
    "from torch.nn import *\nfrom torch.optim import *\nfrom torch import *\nnet = Linear(1, 2)",
    "from torch import *\nnet = nn.Linear(1, 2)",
    "import torch\nnn = torch.nn\nnet = nn.Linear(1, 2)",
    "import torch.nn as nn\nFC = nn.Linear\nnet = FC(1, 2)",
    "try:\n    from torch.nn import Linear\nexcept ImportError:\n    Linear = None\nnet = Linear(1, 2)",
    "if True:\n    import torch.nn as nn\nnet = nn.Linear(1, 2)",
    "def f():\n    from torch import nn\n    net = nn.Linear(1, 2)",
    "import torch\n[nn for nn in ()]\nfrom torch import nn\nnet = nn.Linear(1, 2)",
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_every_spelling_is_the_same_layer(text: str) -> None:
    (build,) = read("net.py", text).builds
    assert (build.callee, build.variable) == ("torch.nn.Linear", "net")


@pytest.mark.parametrize(
    "text",
    [
        "import torch\nclass nn:\n    class Linear: pass\nnet = nn.Linear(1, 2)",
        "import torch\ndef f(nn):\n    net = nn.Linear(1, 2)",
        "import torch\nfrom torch import nn\ndef f():\n    nn = other()\n    net = nn.Linear(1, 2)",
        "import torch\nfrom somewhere import *\nfrom elsewhere import *\nnet = Linear(1, 2)",
        "import torch\nL = torch.nn.Linear\nL = print\nnet = L(1, 2)",
    ],
)
def test_a_name_that_may_be_something_else_is_not_resolved(text: str) -> None:
    assert read("net.py", text).builds == ()


def test_the_imports_of_a_file() -> None:
    script = read(
        "net.py",
        "import torch.nn.functional as F\nimport torch.optim\nfrom . import heads\nfrom ..utils.misc import helper as h"
        "\nfrom torch import nn\ndef f():\n    import timm",
    )
    assert script.imports == {
        "F": "torch.nn.functional",
        "torch": "torch",
        "heads": ".heads",
        "h": "..utils.misc.helper",
        "nn": "torch.nn",
        "timm": "timm",
    }
