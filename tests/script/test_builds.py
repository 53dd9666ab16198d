"""The expressions that build networks: which, bound to what, and where."""

from __future__ import annotations

import ast
from collections.abc import Callable

import pytest

HEAD = "import torch, timm\nfrom torch import nn\nclass Net(nn.Module):\n    def forward(self, x): return x\n"


def rows(source: Callable, text: str) -> list[tuple[str, str, str]]:
    read_source = source(HEAD + text)
    return [(build.callee, read_source.text(build.site), build.variable) for build in read_source.script.builds]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model = Net(10)", [("Net", "Net(10)", "model")]),
        ("model = Net(10).to(device)", [("Net", "Net(10)", "model")]),
        ("model = nn.DataParallel(Net(10).cuda(), [0])", [("Net", "Net(10)", "model")]),
        ("model = torch.compile(Net(10))", [("Net", "Net(10)", "model")]),
        ("model: nn.Module = Net(10)", [("Net", "Net(10)", "model")]),
        ("model = Net(1) if big else Net(2)", [("Net", "Net(1)", "model"), ("Net", "Net(2)", "model")]),
        ("model = given or Net(2)", [("Net", "Net(2)", "model")]),
        ("if (model := Net(10)): pass", [("Net", "Net(10)", "model")]),
        ("a, b = Net(1), Net(2)", [("Net", "Net(1)", "a"), ("Net", "Net(2)", "b")]),
        ("nets = [Net(i) for i in range(3)]", [("Net", "Net(i)", "")]),
        ("summary(Net(1), (3, 4))", [("Net", "Net(1)", "")]),
        ("make = lambda: Net(1)", [("Net", "Net(1)", "")]),
        ("def f(net=Net(1)): pass", [("Net", "Net(1)", "")]),
        ("self.model.net = Net(1)", [("Net", "Net(1)", "self.model.net")]),
        ("model = Net.from_pretrained('x')", [("Net.from_pretrained", "Net.from_pretrained('x')", "model")]),
        (
            "model = nn.Sequential(nn.Linear(1, 2), nn.ReLU())",
            [("torch.nn.Sequential", "nn.Sequential(nn.Linear(1, 2), nn.ReLU())", "model")],
        ),
        (
            "model = nn.Sequential(Net(), nn.Linear(1, 2))",
            [("torch.nn.Sequential", "nn.Sequential(Net(), nn.Linear(1, 2))", "model")],
        ),
        ("model = timm.create_model('x')", [("timm.create_model", "timm.create_model('x')", "model")]),
        (
            "from torchvision import models\nm = models.resnet18()",
            [("torchvision.models.resnet18", "models.resnet18()", "m")],
        ),
        ("m = torch.hub.load('a', 'b')", [("torch.hub.load", "torch.hub.load('a', 'b')", "m")]),
    ],
)
def test_what_is_built(source: Callable, text: str, expected: list[tuple[str, str, str]]) -> None:
    assert rows(source, text) == expected


@pytest.mark.parametrize(
    "use",
    [
        "torch.optim.Adam(m.parameters())",
        "m.eval()",
        "m.train(); m(x)",
        "m.to('cuda'); m(x)",
        "m.head = nn.Linear(1, 2)",
        "for layer in m.children(): pass",
        "def go(net):\n    net.eval()\ngo(m)",
        "def go(a, *, net):\n    run(net.parameters())\ngo(1, net=m)",
    ],
)
@pytest.mark.parametrize(
    ("made", "callee"),
    [
        ("import segmentation_models_pytorch as smp\nm = smp.Unet('resnet34')", "segmentation_models_pytorch.Unet"),
        ("from library import build\nm = build(3).half()", "library.build"),
        ("m = MODELS[args.arch](3)", "MODELS[args.arch]"),
        ("m = getattr(library, name)(3)", "getattr(library, name)"),
        ("def make(): return unknown()\nm = make()", "make"),
    ],
)
def test_networks_of_libraries_are_known_by_their_use(source: Callable, made: str, callee: str, use: str) -> None:
    assert [(row[0], row[2]) for row in rows(source, f"{made}\n{use}")] == [(callee, "m")]


@pytest.mark.parametrize(
    "text",
    [
        "from library import Trainer\nt = Trainer()\nt.train()",
        "from library import load\nx = load()\nx.to('cuda')",
        "from library import f\ny = f(3)\ny(2)",
        "import pandas as pd\nx = pd.DataFrame()\nx.eval()",
        "m = torch.load('net.pt')\nm.eval()",
        "from library import SomeLoss\nm = SomeLoss()\nm.eval()",
        "m = Net\nm.eval()",
        "relu = nn.ReLU()",
        "criterion = nn.CrossEntropyLoss()",
        "layers = nn.ModuleList([])",
        "import numpy as np\nx = np.Sequential()",
    ],
)
def test_what_is_no_network(source: Callable, text: str) -> None:
    assert rows(source, text) == []


REGISTER = """
def register(made):
    TABLE[made.__name__] = made
    return made
def named(name):
    def put(made):
        TABLE[name] = made
        return made
    return put
"""


@pytest.mark.parametrize(
    "filled",
    [
        "TABLE = {'net': Net, 'none': None}",
        "TABLE = dict(net=Net)",
        "TABLE = {}\nTABLE['net'] = Net",
        "TABLE = {}\nTABLE.update(net=Net)",
        "TABLE = {}\nTABLE.update({'net': Net})",
        "TABLE = {}\nTABLE.setdefault('net', Net)",
        f"TABLE = {{}}{REGISTER}register(Net)",
        f"TABLE = {{}}{REGISTER}for made in (Net, nn.Linear):\n    register(made)",
        f"TABLE = {{}}{REGISTER}@register\nclass Other(Net): pass",
        f"TABLE = {{}}{REGISTER}@named('other')\nclass Other(Net): pass",
        f"TABLE = {{}}{REGISTER}@named('other')\ndef other(): return Net()",
    ],
)
def test_what_comes_out_of_a_table_of_networks_is_one(source: Callable, filled: str) -> None:
    create = "def create(name, **more):\n    return TABLE[name](**more)\n"
    made = f"{create}a = TABLE['net'](3)\nb = create('net')\nc = TABLE.get(n)()"
    found = [row for row in rows(source, f"{filled}\n{made}") if row[2]]
    assert found == [
        ("TABLE['net']", "TABLE['net'](3)", "a"),
        ("create", "create('net')", "b"),
        ("TABLE.get(n)", "TABLE.get(n)()", "c"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "TABLE = {'relu': nn.ReLU}\nact = TABLE[name]()",
        "TABLE = {'adam': torch.optim.Adam}\nopt = TABLE['adam'](params)",
        "TABLE = {}\nTABLE['run'] = run\nmodel = TABLE['run']()",
        "TABLE = {'net': Net}\nkind = TABLE['net']",
        "TABLE = {'net': Net}\ndef f(TABLE):\n    x = TABLE['net']()",
    ],
)
def test_other_tables_are_none(source: Callable, text: str) -> None:
    assert rows(source, text) == []


@pytest.mark.parametrize("made", ["R.build('net')", "R.get('net', depth=3)", "R.create_model('net')"])
def test_a_registry_that_is_an_object(source: Callable, made: str) -> None:
    text = f"R = Registry()\nm = {made}\n"
    assert [row[2] for row in rows(source, f"{text}opt = torch.optim.SGD(m.parameters())")] == ["m"]
    assert rows(source, f"{text}m.to('cuda')\nm(3)") == []


def test_wrapping_a_network_builds_none(source: Callable) -> None:
    text = """
model = Net(1)
model = nn.DataParallel(model)
model = model.to("cuda")
model.fc = nn.Linear(2, 3)
other = wrap(model)
other.eval()
ema = accelerator.prepare(model)
ema.eval()
"""
    assert rows(source, text) == [("Net", "Net(1)", "model")]


def test_where_a_build_stands(source: Callable) -> None:
    builds = source("""
        from torch import nn
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.net = nn.Sequential(nn.Linear(1, 2)).cuda()
        class Trainer:
            def __init__(self):
                self.net = Net().to("cuda")
        def main():
            def inner():
                return Net()
        if __name__ == "__main__":
            model = Net()
        """).script.builds
    found = [(b.callee, b.variable, b.function, b.owner, b.main) for b in builds]
    assert found == [
        ("torch.nn.Sequential", "self.net", "Net.__init__", "Net", False),
        ("Net", "self.net", "Trainer.__init__", None, False),
        ("Net", "", "main.<locals>.inner", None, False),
        ("Net", "model", "", None, True),
    ]
    assert [ast.unparse(b.node) for b in builds][:2] == ["nn.Sequential(nn.Linear(1, 2)).cuda()", "Net().to('cuda')"]
    assert [type(b.statement).__name__ for b in builds] == ["Assign", "Assign", "Return", "Assign"]


def test_a_library_class_of_networks_needs_no_other_evidence(source: Callable) -> None:
    text = """
from transformers import AutoModel, AutoTokenizer, BertConfig, BertForMaskedLM, TFBertModel, TrainingArguments
from transformers import DataCollatorForLanguageModeling
batches = DataCollatorForLanguageModeling(None, mlm=False)
bert = BertForMaskedLM(BertConfig())
other = AutoModel.from_config(BertConfig())
tokens = AutoTokenizer.from_pretrained("x")
keras = TFBertModel(BertConfig())
arguments = TrainingArguments("out")
"""
    assert [variable for _, _, variable in rows(source, text)] == ["bert", "other"]


def test_a_function_that_trains_is_no_way_to_build_what_it_returns(source: Callable) -> None:
    trained = "def fit():\n    net = Net()\n    net(1).sum().backward()\n    return net\nmodel = fit()\n"
    assert rows(source, trained) == [("Net", "Net()", "net")]
    assert rows(source, trained.replace(".backward()", "")) == [("Net", "Net()", "net"), ("fit", "fit()", "model")]
