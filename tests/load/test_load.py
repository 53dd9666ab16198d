"""`load`: which networks of a file are built, with which arguments, and what is said where one cannot be."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from nnlint.errors import UsageError
from nnlint.load.candidate import Candidate, Loaded
from nnlint.load.load import load
from nnlint.script.read import read

Load = Callable[..., Loaded]

pytestmark = pytest.mark.usefixtures("unchanged_process")


@pytest.fixture
def load_source(tmp_path: Path) -> Load:
    def load_it(source: str, target: str | None = None, **others: str) -> Loaded:
        for name, text in others.items():
            file = tmp_path / f"{name.replace('__', '/')}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text))
        script = tmp_path / "model.py"
        script.write_text(textwrap.dedent(source))
        return load(read(str(script)), target)

    return load_it


NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, width, classes=10):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(width, 8), nn.ReLU(), nn.Linear(8, classes))
    def forward(self, x):
        return self.layers(x)
"""


def only(loaded: Loaded) -> Candidate:
    assert not loaded.failures
    assert len(loaded.candidates) == 1
    return loaded.candidates[0]


def widths(loaded: Loaded) -> list[int]:
    return [next(m for m in c.module.modules() if isinstance(m, nn.Linear)).in_features for c in loaded.candidates]


# ------------------------------------------------------------------------------------------- where networks come from


def test_module_level_instance(load_source: Load) -> None:
    found = only(load_source(NET + "WIDTH = 3\nmodel = Net(WIDTH * 2)\n"))
    assert (found.name, found.variables, found.built_here) == ("Net", ("model",), True)
    assert found.found.endswith("Net(WIDTH * 2)")
    assert found.target.endswith("model.py:model")
    assert found.module.layers[0].in_features == 6
    assert all(parameter.is_meta for parameter in found.module.parameters())


def test_class_with_defaults(load_source: Load) -> None:
    found = only(load_source(NET.replace("width, c", "width=5, c")))
    assert found.found == "class with default arguments: Net()"
    assert found.built_here


def test_class_with_inferred_arguments_says_so(load_source: Load) -> None:
    found = only(load_source(NET.replace("width", "in_features")))
    assert not found.built_here
    assert "in_features=64" in found.found


def test_function_with_arguments_of_its_call(load_source: Load) -> None:
    source = NET + (
        "def main(w, *, extra=2):\n    net = Net(w + extra)\n    train(net)\nif __name__ == '__main__':\n    main(5)\n"
    )
    found = only(load_source(source))
    assert found.module.layers[0].in_features == 7
    assert found.variables == ("net",)


def test_method_of_a_trainer(load_source: Load) -> None:
    source = NET + textwrap.dedent(
        """
        class Trainer:
            def __init__(self, config):
                self.width = config["width"]
                self.net = Net(self.width)
                self.history = self.fit()
            def fit(self):
                raise RuntimeError("it trains")
            def more(self):
                self.other = Net(self.width + 1)
        Trainer({"width": 4})
        """
    )
    assert widths(load_source(source)) == [4, 5]


def test_argparse_defaults_and_neutral_values(load_source: Load) -> None:
    source = NET + textwrap.dedent(
        """
        import argparse
        def parse():
            parser = argparse.ArgumentParser()
            group = parser.add_argument_group("net")
            group.add_argument("--width", type=int, default=12)
            parser.add_argument("--depth", type=int, required=True)
            parser.add_argument("--kind", required=True, choices=["small", "large"])
            parser.add_argument("files", nargs="+")
            return parser.parse_args()
        if __name__ == "__main__":
            args = parse()
            assert args.nothing
            model = Net(args.width + args.depth + len(args.kind))
        """
    )
    assert widths(load_source(source)) == [12 + 1 + len("small")]


def test_argparse_at_module_level(load_source: Load) -> None:
    source = NET + textwrap.dedent(
        """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--width", type=int, default=12)
        group = parser.add_mutually_exclusive_group()
        group.add_argument("--more", type=int, default=3)
        args = parser.parse_args()
        args.width = args.width * 2
        model = Net(args.width + args.more)
        """
    )
    assert widths(load_source(source)) == [27]


def test_click_and_typer_defaults(load_source: Load) -> None:
    source = NET + textwrap.dedent(
        """
        import click
        @click.command()
        @click.option("--width", default=9)
        def main(width):
            model = Net(width)
        """
    )
    assert widths(load_source(source)) == [9]


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ("a, b = 3, 4\nmodel = Net(b)", 4),
        ("sizes = [2]\nfor i in range(3):\n    sizes.append(i * 10)\n    print(i)\nmodel = Net(sizes[-1])", 20),
        ("cfg = {}\ncfg['w'] = 6\ncfg.update(v=1)\nmodel = Net(cfg['w'] + cfg['v'])", 7),
        ("w = 1\nw += 4\nmodel = Net(w)\nw = 100", 5),
        (
            (
                "import os\n"
                "if os.environ.get('NO_SUCH_VARIABLE'):\n"
                "    w = 1\n"
                "elif 2 > 1:\n"
                "    w = 2\n"
                "else:\n"
                "    w = 3\n"
                "model = Net(w)"
            ),
            2,
        ),
        ("try:\n    import no_such_module\n    w = 1\nexcept ImportError:\n    w = 8\nmodel = Net(w)", 8),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import no_such\nmodel = Net(3)", 3),
        ("with torch.no_grad():\n    w = 4\n    model = Net(w)", 4),
        ("w = 2\ndef double():\n    return w * 2\nmodel = Net(double())", 4),
        ("w = 2\nwhile w < 9:\n    w *= 2\nmodel = Net(w)", 16),
        ("def size():\n    return SIZE\nSIZE = 11\nmodel = Net(size())", 11),
        ("if (n := 7) > 3:\n    model = Net(n)", 7),
        ("models = {'a': Net(3)}\nmodel = models['a']", 3),
        ("from dataclasses import dataclass\n@dataclass\nclass C:\n    w: int = 13\ncfg = C()\nmodel = Net(cfg.w)", 13),
    ],
)
def test_slices(load_source: Load, statements: str, expected: int) -> None:
    assert widths(load_source(NET + statements + "\n")) == [expected]


def test_branches_of_a_chain_of_ifs_are_each_built(load_source: Load) -> None:
    source = NET + textwrap.dedent(
        """
        def make(kind="a"):
            if kind == "a":
                w = 3
                net = Net(w)
            elif kind == "b":
                w = 4
                net = Net(w)
            train(net)
        """
    )
    assert widths(load_source(source)) == [3, 4]


def test_first_round_of_a_loop(load_source: Load) -> None:
    source = NET + "for i, w in enumerate([5, 6]):\n    model = Net(w)\n    train(model)\n"
    assert widths(load_source(source)) == [5]


def test_networks_in_a_comprehension(load_source: Load) -> None:
    assert widths(load_source(NET + "nets = [Net(w) for w in (5, 6)]\n")) == [5]


def test_the_same_network_twice_is_one_and_different_ones_are_two(load_source: Load) -> None:
    loaded = load_source(NET + "a = Net(3)\nb = Net(3)\nc = Net(4)\n")
    assert widths(loaded) == [3, 4]
    assert loaded.candidates[0].variables == ("a", "b")


def test_parts_of_a_network_are_no_networks(load_source: Load) -> None:
    source = NET + textwrap.dedent(
        """
        class Whole(nn.Module):
            def __init__(self, inner):
                super().__init__()
                self.inner = inner
                self.own = Net(3)
            def forward(self, x):
                return self.inner(self.own(x))
        part = nn.Sequential(nn.Linear(10, 4))
        model = Whole(part)
        """
    )
    assert [c.name for c in load_source(source).candidates] == ["Whole"]


def test_losses_base_classes_and_abstract_classes_are_no_networks(load_source: Load) -> None:
    source = NET.replace("width, c", "width=3, c") + textwrap.dedent(
        """
        from abc import abstractmethod
        class Base(nn.Module):
            def helper(self): pass
        class Abstract(nn.Module):
            @abstractmethod
            def forward(self, x): ...
        class Unfinished(nn.Module):
            def forward(self, x):
                raise NotImplementedError
        class FocalLoss(nn.Module):
            def forward(self, x, y):
                return (x - y).mean()
        class Dice(nn.Module):
            def forward(self, pred, target):
                return (pred * target).sum()
        """
    )
    assert [c.name for c in load_source(source).candidates] == ["Net"]


def test_all_networks_of_a_gan(load_source: Load) -> None:
    source = NET + "class D(Net):\n    pass\ngenerator, critic = Net(2), D(3)\n"
    assert [(c.name, c.variables) for c in load_source(source).candidates] == [
        ("Net", ("generator",)),
        ("D", ("critic",)),
    ]


def test_factories_with_defaults(load_source: Load) -> None:
    source = NET + (
        "def _make(w):\n"
        "    return Net(w)\n"
        "def small():\n"
        "    return _make(3)\n"
        "def large(w=30):\n"
        "    net = Net(w)\n"
        "    return net\n"
    )
    loaded = load_source(source)
    assert widths(loaded) == [3, 30]
    assert loaded.candidates[1].found == "factory with default arguments: large()"


def test_a_block_argument_and_a_list_of_layers(load_source: Load) -> None:
    source = """
    from torch import nn
    class BasicBlock(nn.Module):
        def __init__(self, in_planes, planes):
            super().__init__()
            self.conv = nn.Conv2d(in_planes, planes, 3)
        def forward(self, x): return self.conv(x)
    class ResNet(nn.Module):
        def __init__(self, block, layers, num_classes=10):
            super().__init__()
            self.stages = nn.ModuleList([block(64, 64) for n in layers for _ in range(n)])
        def forward(self, x):
            for stage in self.stages: x = stage(x)
            return x
    """
    found = only(load_source(source))
    assert found.name == "ResNet"
    assert len(found.module.stages) == 8


def test_a_config_dataclass_is_built_from_its_defaults(load_source: Load) -> None:
    source = """
    from __future__ import annotations
    from dataclasses import dataclass
    from torch import nn
    @dataclass
    class GPTConfig:
        n_embd: int = 48
        vocab_size: int = 99
    class GPT(nn.Module):
        def __init__(self, config: GPTConfig):
            super().__init__()
            self.wte = nn.Embedding(config.vocab_size, config.n_embd)
            self.head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
            self.head.weight = self.wte.weight
        def forward(self, idx): return self.head(self.wte(idx))
    """
    found = only(load_source(source))
    assert found.module.head.in_features == 48
    assert found.module.head.weight is found.module.wte.weight
    assert "config=GPTConfig()" in found.found


def test_a_network_argument_gets_a_network_of_the_file(load_source: Load) -> None:
    source = NET.replace("width, c", "width=3, c") + textwrap.dedent(
        """
        class Wrapper(nn.Module):
            def __init__(self, encoder: nn.Module, hidden_dim):
                super().__init__()
                self.encoder = encoder
                self.head = nn.Linear(10, hidden_dim)
            def forward(self, x): return self.head(self.encoder(x))
        """
    )
    found = load_source(source, "Wrapper").candidates
    assert [type(c.module.encoder).__name__ for c in found] == ["Net"]


def test_third_party_and_project_networks(load_source: Load) -> None:
    loaded = load_source("from lib.nets import Net\nmodel = Net(21)\n", lib__nets=NET)
    assert widths(loaded) == [21]


def test_calls_in_other_files_of_the_project(load_source: Load, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    source = NET.replace("width, classes=10", "q, zz").replace("width", "q").replace("classes", "zz")
    loaded = load_source(source, train="from model import Net\ndef main(n=3):\n    net = Net(n, zz=n * 2)\n")
    assert widths(loaded) == [3]
    assert "train.py:3:11" in loaded.candidates[0].found


def test_calls_of_another_class_of_the_same_name_tell_nothing(load_source: Load) -> None:
    other = NET.replace("width, classes=10", "q, zz").replace("width", "q").replace("classes", "zz")
    loaded = load_source(NET, train=other + "net = Net(23, zz=29)\n", use="from train import Net\nnet = Net(31, 37)\n")
    assert "inferred" in only(loaded).found


def test_a_failing_call_elsewhere_is_not_what_is_told(load_source: Load) -> None:
    train = "from model import Net\ndef test_net(unknown):\n    net = Net(unknown)\n"
    (failure,) = load_source(NET.replace("width", "zzyzx"), train=train).failures
    assert failure.message == "there is no telling what its argument `zzyzx` is"


@pytest.mark.parametrize("name", ["n_src", "num_things", "codebook_size", "dim_k", "some_dim", "chan"])
def test_the_form_of_a_name_tells_a_size(load_source: Load, name: str) -> None:
    assert only(load_source(NET.replace("width", name))).built_here is False


def test_a_part_of_another_network_is_built_alone(load_source: Load) -> None:
    source = NET.replace("width, classes=10", "q, zz").replace("width", "q").replace("classes", "zz")
    whole = """
    from torch import nn
    from model import Net
    class Whole(nn.Module):
        def __init__(self, n=41):
            super().__init__()
            self.net = Net(n, zz=n + 2)
    """
    assert widths(load_source(source, whole=whole)) == [41]


def test_calls_in_the_readme(load_source: Load, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Net\n\n```python\nfrom model import Net\n\nnet = Net(q=17, zz=2)\n```\n")
    (tmp_path / "pyproject.toml").touch()
    source = NET.replace("width, classes=10", "q, zz").replace("width", "q").replace("classes", "zz")
    loaded = load_source(source)
    assert widths(loaded) == [17]
    assert "README.md:6:7" in loaded.candidates[0].found


# --------------------------------------------------------------------------------------------------------- targets


@pytest.mark.parametrize(
    ("target", "expected"),
    [("model", [3]), ("Net", [3, 8]), ("make", [4]), ("Net(40, classes=2)", [40]), ("Net(WIDTH)", [7]), ("other", [8])],
)
def test_targets(load_source: Load, target: str, expected: list[int]) -> None:
    source = (
        NET + "WIDTH = 7\nmodel = Net(3)\ndef make(w=4):\n    return Net(w)\nimport copy\nother = copy.copy(Net(8))\n"
    )
    assert widths(load_source(source, target)) == expected


def test_unknown_target_lists_what_there_is(load_source: Load) -> None:
    with pytest.raises(UsageError, match=r"no 'Nett'[\s\S]*model\.py:Net, [\s\S]*model\.py:model"):
        load_source(NET + "model = Net(3)\n", "Nett")


@pytest.mark.parametrize("target", ["nn", "WIDTH", "four", "four()", "Plain"])
def test_a_target_that_is_no_network(load_source: Load, target: str) -> None:
    source = NET + "WIDTH = 7\ndef four():\n    return 4\nclass Plain:\n    pass\n"
    with pytest.raises(UsageError, match=r"is no network, and makes none[\s\S]*model\.py:Net"):
        load_source(source, target)


def test_a_target_that_is_no_python(load_source: Load) -> None:
    with pytest.raises(UsageError, match="no Python expression"):
        load_source(NET, "Net(3")


# -------------------------------------------------------------------------------------------------------- failures


def test_a_constructor_that_raises_is_a_failure_at_its_call(load_source: Load) -> None:
    source = (
        NET.replace("super()", "assert width < 5, 'too wide'\n        super()") + "model = Net(10)\ngood = Net(2)\n"
    )
    loaded = load_source(source)
    assert widths(loaded) == [2]
    (failure,) = loaded.failures
    assert (failure.message.split(" (")[0], failure.built_here) == ("AssertionError: too wide", True)
    assert failure.site is not None
    assert failure.site.line == source.splitlines().index("model = Net(10)") + 1
    assert failure.help is not None
    assert "Net(width, classes=10)" in failure.help


def test_a_constructor_without_arguments_is_to_blame_itself(load_source: Load) -> None:
    source = NET.replace("width, classes=10", "").replace("super().__init__()", "raise ValueError('no')")
    (failure,) = load_source(source).failures
    assert (failure.built_here, failure.help) == (True, None)
    assert failure.message.startswith("ValueError: no (raised at ")


def test_what_no_argument_mends_is_the_files_own(load_source: Load) -> None:
    (failure,) = load_source(NET.replace("nn.ReLU()", "relu()")).failures
    assert (failure.built_here, failure.help) == (True, None)


@pytest.mark.parametrize(
    "error", ["MemoryError", 'RuntimeError("DefaultCPUAllocator: can\'t allocate memory: 9 bytes")']
)
def test_memory_that_is_not_there_is_said(load_source: Load, error: str) -> None:
    (failure,) = load_source(NET.replace("super()", f"raise {error}\n        super()")).failures
    assert failure.help == "it takes more memory to build than nnlint grants a file"


@pytest.mark.parametrize(
    ("statement", "base", "advice"),
    [
        ("from no_such_package.layers import Base", "Base", "install no_such_package where nnlint runs"),
        ("from .parts import Base", "Base", "check it where all it imports is"),
    ],
)
def test_a_failing_import_is_pointed_at_with_what_to_do(
    load_source: Load, statement: str, base: str, advice: str
) -> None:
    source = f"{statement}\n{NET}".replace("nn.ReLU()", f"{base}(3)") + "model = Net(4)\n"
    (failure,) = load_source(source).failures
    assert failure.help == advice
    assert failure.needed is not None
    assert failure.needed.line == 1


def test_a_class_gets_what_its_base_requires(load_source: Load) -> None:
    loaded = load_source("from torch import nn\n\nclass Norm32(nn.GroupNorm):\n    pass\n" + HALF_FORWARD)
    assert [type(candidate.module).__name__ for candidate in loaded.candidates] == ["Norm32"]


HALF_FORWARD = """
    def forward(self, x):
        return super().forward(x.float()).type(x.dtype)
"""


def test_a_base_class_whose_layers_its_subclasses_set_is_no_network(load_source: Load) -> None:
    loaded = load_source("""
    from torch import nn
    class Base(nn.Module):
        def forward(self, x):
            return self.layer(x)
    class Wide(Base):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 9)
    """)
    assert only(loaded).name == "Wide"


def test_weights_can_be_listed(load_source: Load) -> None:
    source = NET + "model = Net(5)\nstate = torch.load('w.pt')\nfor key in list(state.keys()):\n    del state[key]\n"
    assert widths(load_source(source + "model.load_state_dict(state)\n")) == [5]
    assumed = load_source(NET + "model = Net(len(torch.load('w.pt')))")
    assert "weights are not loaded" in only(assumed).found


def test_an_argument_nobody_knows_is_a_failure_that_says_what_to_do(load_source: Load) -> None:
    loaded = load_source(NET.replace("width", "zzyzx"))
    assert "zzyzx" in loaded.failures[0].message
    assert "model.py:Net(...)" in (loaded.failures[0].help or "")
    assert not loaded.failures[0].built_here


def test_an_argument_that_needs_data_is_assumed_and_said(load_source: Load) -> None:
    source = NET + (
        "import csv\n"
        "rows = list(csv.reader(open('no-such.csv')))\n"
        "num_features = len(rows[0])\n"
        "model = Net(3, classes=num_features)\n"
    )
    found = only(load_source(source))
    assert not found.built_here
    assert "classes=10" in found.found
    assert "no-such.csv" in found.found


def test_missing_import_the_network_does_not_need_is_no_matter(load_source: Load) -> None:
    source = NET + (
        "import cv2_no_such as cv2\n"
        "from no_such.deep import thing, other as o\n"
        "class V(cv2.Video): pass\n"
        "@o.deco\n"
        "def f(): pass\n"
        "model = Net(3)\n"
    )
    loaded = load_source(source)
    assert widths(loaded) == [3]
    assert any("cv2_no_such" in note and "not installed" in note for note in loaded.notes)


def test_missing_import_that_would_be_a_layer_is_a_failure(load_source: Load) -> None:
    source = """
    from torch import nn
    from no_such import Attention
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = Attention(3)
        def forward(self, x): return self.attention(x)
    class Other(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(Attention(3))
        def forward(self, x): return self.layers(x)
    class Fine(nn.Module):
        def __init__(self):
            super().__init__()
            self.logger = Attention.logger()
            self.fc = nn.Linear(2, 2)
        def forward(self, x): return self.fc(x)
    """
    loaded = load_source(source)
    assert [c.name for c in loaded.candidates] == ["Fine"]
    assert [f.name for f in loaded.failures] == ["Net", "Other"]
    for failure in loaded.failures:
        assert failure.message.startswith("import-failed: no_such.Attention is needed but is not installed")
        assert "model.py:3:1" in failure.message


def test_missing_base_class(load_source: Load) -> None:
    loaded = load_source(
        "from torch import nn\n"
        "from no_such import Base\n"
        "class Net(Base, nn.Module):\n"
        "    def forward(self, x): return x\n"
        "model = Net()\n"
    )
    assert loaded.failures[0].message.startswith("import-failed: no_such.Base")


def test_weights_from_a_hub_are_not_needed(load_source: Load) -> None:
    source = NET + textwrap.dedent(
        """
        from torch.hub import load_state_dict_from_url
        def net(pretrained=True):
            model = Net(3)
            if pretrained:
                state = load_state_dict_from_url("https://example.org/net.pth")
                state.pop("head")
                model.load_state_dict({k: v for k, v in state["model"].items()})
            return model
        model = net()
        checkpoint = torch.load("no-such.pth")
        other = Net(4)
        other.load_state_dict(checkpoint["state"])
        """
    )
    assert widths(load_source(source)) == [3, 4]


def test_exits_and_training_are_failures(load_source: Load) -> None:
    source = NET + textwrap.dedent(
        """
        import sys, os
        def leave(): sys.exit(3)
        def kill(): os._exit(3)
        def stop(): raise SystemExit("no GPU")
        def trained(net):
            net(torch.zeros(2, 3)).sum().backward()
            return 3
        a = Net(leave())
        b = Net(kill())
        c = Net(stop())
        d = Net(width=trained(Net(3)))
        """
    )
    loaded = load_source(source, "a")
    assert [c.built_here for c in loaded.candidates] == [] or not loaded.candidates[0].built_here
    for target, word in (("a", "sys.exit"), ("b", "os._exit"), ("c", "no GPU"), ("d", "training step")):
        loaded = load_source(source, target)
        said = [f.message for f in loaded.failures] + [c.found for c in loaded.candidates if not c.built_here]
        assert word in said[0]


def test_nothing_but_the_slice_runs(load_source: Load, tmp_path: Path) -> None:
    """A file that would train, print, write, exit and loop for ever when it is imported."""
    source = NET + textwrap.dedent(
        f"""
        import builtins
        ran = builtins.__dict__.setdefault("nnlint_test_ran", [])
        def train(net): ran.append("train"); return net
        def loud(x): ran.append("loud"); return x
        with open({str(tmp_path / "made")!r}, "w") as file:
            file.write("x")
        model = Net(3)
        train(model)
        history = [train(model) for _ in range(3)]
        best = train(model)
        loss = loud(model)
        while True:
            train(model)
            loss.backward()
        for epoch in range(10):
            out = loud(epoch)
            optimizer.step()
        assert train(model)
        print(train(model))
        if __name__ == "__main__":
            train(model)
            result = train(model)
            exit()
        """
    )
    import builtins

    found = only(load_source(source))
    assert found.name == "Net"
    assert builtins.__dict__.pop("nnlint_test_ran", []) == []
    assert not (tmp_path / "made").exists()


def test_what_a_variable_becomes_afterwards(load_source: Load) -> None:
    source = NET + textwrap.dedent(
        """
        model = Net(3)
        for p in model.parameters():
            p.requires_grad = False
        model.layers[2] = nn.Linear(8, 77)
        model.extra = nn.Identity()
        model = Net(30)
        """
    )
    first, second = load_source(source).candidates
    assert [p.requires_grad for p in first.module.parameters()] == [False, False, True, True]
    assert first.module.layers[2].out_features == 77
    assert second.module.layers[0].in_features == 30


# --------------------------------------------------------------------------------------------- rebuilding, sites, names


def test_rebuild_has_values_on_the_cpu(load_source: Load) -> None:
    found = only(load_source(NET + "layers = 3\nmodel = Net(layers)\n"))
    real = found.rebuild()
    assert real is not found.module
    assert {parameter.device.type for parameter in real.parameters()} == {"cpu"}
    assert real(torch.zeros(2, 3)).shape == (2, 10)
    assert type(real) is type(found.module)
    assert all("_nnlint_site" not in vars(module) for module in real.modules())


def test_constructor_spans(load_source: Load) -> None:
    source = textwrap.dedent(
        """
        from torch import nn
        class Conv(nn.Conv2d):
            def __init__(self, n):
                super().__init__(n, n, 3)
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.é = nn.ModuleList([nn.Linear(2, 2) for _ in range(2)]); self.own = Conv(3)
                for i in range(2):
                    self.add_module(str(i), nn.Dropout(0.1))
                self.encoder = nn.TransformerEncoder(
                    nn.TransformerEncoderLayer(8, 2, batch_first=True), 2)
            def forward(self, x): return x
        net = Net()
        """
    )
    found = only(load_source(source))
    lines = source.splitlines()

    def text(path: str) -> str:
        site = found.sites[id(found.module.get_submodule(path))]
        assert site.line == site.end_line
        return lines[site.line - 1][site.column - 1 : site.end_column - 1]

    assert text("") == "Net()"
    assert text("é.1") == "nn.Linear(2, 2)"
    assert text("own") == "Conv(3)"
    assert text("1") == "nn.Dropout(0.1)"
    layer = "nn.TransformerEncoderLayer(8, 2, batch_first=True)"
    assert text("encoder.layers.1") == layer
    assert text("encoder.layers.1.linear1") == layer
    assert set(found.sites) == {id(module) for module in found.module.modules()}


def test_relative_imports_keep_the_package_name(load_source: Load, tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("from .net import Net\n1 / 0\n")
    (tmp_path / "pack" / "blocks.py").write_text(
        "from torch import nn\nWIDTH = 6\nlog = open('x', 'w')\nraise SystemExit\n"
    )
    path = tmp_path / "pack" / "net.py"
    path.write_text(
        "from torch import nn\n"
        "from .blocks import WIDTH\n"
        "from . import blocks\n"
        "class Net(nn.Linear):\n"
        "    def __init__(self):\n"
        "        super().__init__(WIDTH, blocks.WIDTH)\n"
        "    def forward(self, x): return x\n"
    )
    found = only(load(read(str(path))))
    assert (found.module.in_features, type(found.module).__module__) == (6, "pack.net")
    assert not (tmp_path / "x").exists()


def test_relative_imports_in_a_folder_that_does_not_say_it_is_a_package(tmp_path: Path) -> None:
    inner = tmp_path / "bundle" / "nets"
    inner.mkdir(parents=True)
    installed = tmp_path / "installed" / "bundle" / "__init__.py"
    installed.parent.mkdir(parents=True)
    installed.touch()
    sys.path.insert(0, str(installed.parent.parent))  # of the same name
    (tmp_path / "bundle" / "sizes.py").write_text("WIDTH = 43\n")
    (inner / "base.py").write_text(NET)
    (inner / "whole.py").write_text("from .base import Net\nfrom ..sizes import WIDTH\nmodel = Net(WIDTH)\n")
    assert widths(load(read(str(inner / "whole.py")))) == [43]
    (inner / "lost.py").write_text(f"\nfrom ..gone import SIZE\n{NET}\nmodel = Net(3)".replace("(8, ", "(SIZE, "))
    (failure,) = load(read(str(inner / "lost.py"))).failures
    assert failure.message == "ModuleNotFoundError: No module named 'bundle.gone'"
    assert failure.needed is not None
    assert failure.needed.line == 2


def test_a_module_whose_own_text_fails_is_told_apart_by_its_attributes(load_source: Load) -> None:
    loaded = load_source(
        NET.replace(
            "return self.layers(x)",
            """return self.layers(x)
    def extra_repr(self):
        return "{}".format(*self.nothing)
""",
        )
        + "a = Net(3)\nb = Net(3)\nc = Net(4)\n"
    )
    assert widths(loaded) == [3, 4]


def test_a_script_is_a_module_of_its_own_name(load_source: Load) -> None:
    found = only(load_source(NET + "import inspect, pickle\nmodel = Net(len(inspect.getsource(Net)))\n"))
    name = type(found.module).__module__
    assert name not in ("__main__", "model")
    assert sys.modules[name].Net is type(found.module)
    assert found.module.layers[0].in_features > 100


def test_a_folder_with_a_file_named_like_a_module_of_python(load_source: Load) -> None:
    assert widths(load_source(NET + "model = Net(3)\n", queue="1 / 0", types="1 / 0")) == [3]


def test_namespace_evaluates_on_demand(load_source: Load) -> None:
    found = only(load_source(NET + "SHAPE = (2, 3)\nx = torch.zeros(SHAPE)\nmodel = Net(3)\n"))
    assert eval("tuple(SHAPE)", dict(found.namespace)) == (2, 3)


def test_star_imports(load_source: Load) -> None:
    source = "from torch.nn import *\nfrom lib import *\nmodel = Sequential(Linear(WIDTH, make()))\n"
    assert widths(
        load_source(source, lib="from other import *\ndef make(): return WIDTH + 1\n", other="WIDTH = 5\n")
    ) == [5]


def test_search_path_set_by_the_script(load_source: Load) -> None:
    source = (
        "import sys, os\nsys.path.append(os.path.join(os.path.dirname(__file__), 'deep'))\nfrom sizes import WIDTH\n"
        + NET
        + "model = Net(WIDTH)\n"
    )
    assert widths(load_source(source, deep__sizes="WIDTH = 9\n")) == [9]


def test_settings_of_modules_are_not_made(load_source: Load) -> None:
    """``torch.cuda.set_device`` gives `torch` no value, so it does not run."""
    source = "import torch\ntorch.cuda.set_device(3)\n" + NET + "model = nn.DataParallel(Net(3).cuda()).to('cuda')\n"
    found = only(load_source(source))
    assert (found.name, found.built_here) == ("Net", True)
    assert "module" not in vars(found.module)


def test_parts_given_to_a_network_keep_their_sites(load_source: Load) -> None:
    source = NET + (
        "class Two(nn.Module):\n"
        "    def __init__(self, a):\n"
        "        super().__init__()\n"
        "        self.a = a\n"
        "    def forward(self, x): return self.a(x)\n"
        "part = Net(3)\n"
        "model = Two(part)\n"
    )
    found = only(load_source(source))
    assert set(found.sites) == {id(module) for module in found.module.modules()}


def test_a_network_that_takes_too_long_leaves_time_for_the_next(
    load_source: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nnlint.load.session.ATTEMPT", 0.3)
    loaded = load_source(NET + "def slow():\n    while True: pass\nfirst = Net(3, slow())\nsecond = Net(4)\n")
    assert 4 in widths(loaded)


def test_building_for_real_where_numbers_are_needed(load_source: Load) -> None:
    source = """
    import torch
    from torch import nn
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            rates = [r.item() for r in torch.linspace(0, 0.3, 4)]
            self.first = nn.Linear(4, 4)
            scale = float(self.first.weight.abs().mean())
            self.drop = nn.Dropout(rates[-1] + 0 * scale)
        def forward(self, x): return self.drop(self.first(x))
    net = Net()
    """
    found = only(load_source(source))
    assert found.module.drop.p == pytest.approx(0.3)
    assert found.module.first.weight.is_meta


def test_an_argument_that_only_a_missing_package_knows_takes_its_default(load_source: Load) -> None:
    loaded = load_source(
        """
        import a_missing_package
        from torch import nn

        env = a_missing_package.make("CartPole")

        class Policy(nn.Module):
            def __init__(self, observations=4):
                super().__init__()
                self.layer = nn.Linear(observations, 2)

            def forward(self, x):
                return self.layer(x)

        policy = Policy(env.observation_space.shape[0])
        """
    )
    assert widths(loaded) == [4]
    assert not only(loaded).built_here


def test_a_part_that_cannot_be_built_is_told_once_with_its_whole(load_source: Load) -> None:
    loaded = load_source(
        """
        import torch
        from torch import nn

        backbone = torch.hub.load("pytorch/vision", "resnet18")

        class Probe(nn.Module):
            def __init__(self, backbone):
                super().__init__()
                self.backbone, self.head = backbone, nn.Linear(512, 10)

            def forward(self, x):
                return self.head(self.backbone(x))

        model = Probe(backbone)
        """
    )
    assert [failure.name for failure in loaded.failures] == ["Probe"]


def test_the_number_of_classes_of_a_data_set_is_assumed_and_said(load_source: Load) -> None:
    source = NET + textwrap.dedent(
        """
        class Photos(torch.utils.data.Dataset):
            def __init__(self):
                raise OSError("it reads the disk")
        photos = Photos()
        train, val = torch.utils.data.random_split(photos, [8, 2])
        model = Net(3, classes=len(train.classes))
        """
    )
    found = only(load_source(source))
    assert found.module.layers[2].out_features == 10
    assert not found.built_here
    assert "len(Photos.classes)=10, for data sets are not loaded" in found.found


@pytest.mark.parametrize(
    ("parameter", "said"),
    [
        ("make_width", "'int' object is not callable"),
        ("odd", "the argument `odd` of `test_net` is not known"),
    ],
)
def test_an_argument_that_nobody_states_is_no_fault_of_the_file(load_source: Load, parameter: str, said: str) -> None:
    loaded = load_source(f"""
        import torch
        from torch import nn

        def test_net({parameter}):
            net = nn.Sequential(nn.Linear(3, {parameter}(3)))
            net(torch.rand(2, 3))
    """)
    (failure,) = loaded.failures
    assert said in failure.message
    assert not failure.built_here


@pytest.mark.parametrize(
    "expected", ["with pytest.raises(ValueError):", "with self.assertRaisesRegex(ValueError, 'unknown'):"]
)
def test_what_a_test_expects_to_fail_is_no_network(load_source: Load, expected: str) -> None:
    loaded = load_source(
        NET
        + f"""
import pytest

class TestNet:
    def test_kind(self):
        {expected}
            Net("unknown")
"""
    )
    assert not loaded.failures
    assert only(loaded).found.startswith("Net with arguments inferred")


def test_a_module_without_torchs_constructor_does_not_cost_the_others(load_source: Load) -> None:
    loaded = load_source(
        NET
        + """
class Bare(nn.Module):
    def __init__(self):
        self.width = 3
    def forward(self, x):
        return x

net = Net(4)
"""
    )
    assert [failure.name for failure in loaded.failures] == ["Bare"]
    assert widths(loaded) == [4]


@pytest.mark.parametrize(
    "caller",
    [
        "return [make(exps) for exps in batches]",
        "return {name: make(exps) for name, exps in batches}",
        "return list(map(lambda exps: make(exps), batches))",
        "for exps in batches:\n        make(exps)",
    ],
)
def test_an_argument_that_changes_from_call_to_call_is_not_known(load_source: Load, caller: str) -> None:
    calls = f"def make(infos):\n    return [Net(info) for info in infos]\n\ndef make_all(batches):\n    {caller}\n"
    (failure,) = load_source(NET.replace("width", "info") + calls).failures
    assert not failure.built_here
    assert failure.message.startswith("`exps` is not known")


def test_a_call_that_says_more_than_one_in_a_comprehension_is_taken(load_source: Load) -> None:
    calls = """
def make(infos):
    return [Net(info) for info in infos]

def make_all(batches):
    return [make(exps) for exps in batches]

make([5])
"""
    assert widths(load_source(NET + calls)) == [5]


BASE = """
from torch import nn

class Base(nn.Module):
    def __init__(self, encoder, masker):
        super().__init__()
        self.encoder = encoder
        self.masker = masker
    def forward(self, x):
        return self.masker(self.encoder(x))

"""


@pytest.mark.parametrize(
    "constructor",
    [
        "encoder = nn.Linear(n_in, 8, **kwargs)\n        super().__init__(encoder, nn.Linear(8, 2))",
        "super().__init__(nn.Linear(n_in, 8), masker=nn.Linear(8, 2), **kwargs)",
        "Base.__init__(self, nn.Linear(n_in, 8), nn.Linear(8, 2), **kwargs)",
    ],
    ids=["handed to a layer", "beside what is stated", "by the base's name"],
)
def test_what_a_class_gives_its_base_itself_is_not_asked_for(load_source: Load, constructor: str) -> None:
    source = f"{BASE}class Net(Base):\n    def __init__(self, n_in, **kwargs):\n        {constructor}\n"
    loaded = load_source(source)
    assert [candidate.name for candidate in loaded.candidates] == ["Net"]
    assert [failure.name for failure in loaded.failures] in ([], ["Base"])


def test_a_class_is_not_filled_with_its_own_subclass(load_source: Load) -> None:
    net = """
class Net(Base):
    def __init__(self, depth=2):
        super().__init__(nn.Sequential(*[nn.Linear(8, 8) for _ in range(depth)]), nn.Linear(8, 2))
"""
    loaded = load_source(BASE.replace("masker):", "masker=None):") + net)
    assert [(candidate.name, len(candidate.module.encoder)) for candidate in loaded.candidates] == [("Net", 2)]
    assert not any(failure.built_here for failure in loaded.failures)


NORMS = """
import sys
from torch import nn

class Mine(nn.LayerNorm):
    pass

Alias = nn.LayerNorm
Other = Mine

def get(name):
    return {look_up}
"""
LOOK_UPS = [
    "globals()[name]",
    "globals().get(name)",
    "getattr(sys.modules[__name__], name)",
    "vars(sys.modules[__name__])[name]",
]


@pytest.mark.parametrize("look_up", LOOK_UPS)
@pytest.mark.parametrize("name", ["Alias", "Other"])
def test_other_names_of_layers_are_in_the_table_of_their_module(load_source: Load, look_up: str, name: str) -> None:
    net = f"""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = get("{name}")(8)
    def forward(self, x):
        return self.norm(x)
"""
    norms = NORMS.format(look_up=look_up)
    one = only(load_source(norms + net))
    assert isinstance(one.module.norm, nn.LayerNorm)
    assert isinstance(one.rebuild().norm, nn.LayerNorm)  # also after everything was forgotten
    beside = only(load_source("from torch import nn\nfrom norms import get\n" + net, norms=norms))
    assert isinstance(beside.module.norm, nn.LayerNorm)


def test_only_other_names_of_definitions_are_run_for_the_table(load_source: Load) -> None:
    source = """
from torch import nn

class Settings:
    @property
    def width(self):
        raise SystemExit

settings = Settings()
width = settings.width

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = globals()["nn"].Linear(8, 2)
    def forward(self, x):
        return self.fc(x)
"""
    assert only(load_source(source)).name == "Net"
