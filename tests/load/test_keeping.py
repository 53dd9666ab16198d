"""What a second build of a network begins with: what decorators filled, and nothing that belongs to the first."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from nnlint.load.candidate import Candidate
from nnlint.load.load import load
from nnlint.script.read import read

Only = Callable[..., Candidate]

pytestmark = pytest.mark.usefixtures("unchanged_process")

REGISTRY = """
    MODELS = {}
    def register(made):
        assert made.__name__ not in MODELS, "registered twice"
        MODELS[made.__name__] = made
        return made
    def create(name, **arguments):
        return MODELS[name](**arguments)
"""
MODELS = """
    from torch import nn
    from registry import register
    @register
    class Small(nn.Module):
        def __init__(self, classes=10):
            super().__init__()
            self.fc = nn.Linear(4, classes)
        def forward(self, x):
            return self.fc(x)
    @register
    def small(**arguments):
        return Small(**arguments)
"""


@pytest.fixture
def only(tmp_path: Path) -> Only:
    """Loads a script (torch is imported) with files beside it, and gives its one network."""

    def load_it(source: str, target: str | None = None, **others: str) -> Candidate:
        for name, text in others.items():
            file = tmp_path / f"{name.replace('__', '/')}.py"
            file.parent.mkdir(exist_ok=True)
            file.write_text(textwrap.dedent(text))
        script = tmp_path / "model.py"
        script.write_text("import torch\nfrom torch import nn\n" + textwrap.dedent(source))
        loaded = load(read(str(script)), target)
        assert not loaded.failures
        assert len(loaded.candidates) == 1
        return loaded.candidates[0]

    return load_it


def apart(one: nn.Module, other: nn.Module) -> bool:
    """Whether two networks have weights of their own, on the CPU, drawn anew."""
    pairs = list(zip(one.parameters(), other.parameters(), strict=True))
    assert pairs
    return all(a.device.type == b.device.type == "cpu" and a is not b and not torch.equal(a, b) for a, b in pairs)


def rebuilt(found: Candidate) -> nn.Module:
    """The network built twice more, and seen to be two networks that follow torch's generator."""
    torch.manual_seed(1)
    one = found.rebuild()
    torch.manual_seed(2)
    assert apart(one, found.rebuild())
    torch.manual_seed(1)
    again = found.rebuild()
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), again.parameters(), strict=True))
    return one


@pytest.mark.parametrize(
    "built",
    [
        'import models\nfrom registry import create\nnet = create("small", classes=3)\n',
        'import models\nfrom registry import create\nnet = create("Small", classes=3)\n',
        'import models\nfrom registry import MODELS\nnet = MODELS["Small"](classes=3)\n',
        'import models, registry\nnet = registry.MODELS["Small"](classes=3)\n',
    ],
)
def test_a_registry_in_another_file(only: Only, built: str) -> None:
    found = only(built, "net", registry=REGISTRY, models=MODELS)
    assert rebuilt(found).get_submodule("fc").out_features == 3


def test_a_registry_in_the_same_file(only: Only) -> None:
    source = textwrap.dedent(REGISTRY) + textwrap.dedent(MODELS).replace("from registry import register\n", "")
    rebuilt(only(f'{source}net = create("small")\n', "net"))


@pytest.mark.parametrize(
    "registered",
    ["register(Small)", "registry.register(Small)", "for made in (Small, Large):\n    register(made)"],
)
def test_a_registry_filled_by_statements(only: Only, registered: str) -> None:
    models = textwrap.dedent(MODELS).replace("@register\n", "")
    models += f"class Large(Small):\n    pass\nimport registry\n{registered}\n"
    source = 'import models\nfrom registry import create\nnet = create("Small")\n'
    rebuilt(only(source, "net", registry=REGISTRY, models=models))
    alone = textwrap.dedent(REGISTRY) + models.replace("from registry import register\n", "")
    if "registry." not in registered:
        rebuilt(only(f'{alone}net = create("Small")\n', "net"))


def test_what_a_library_registers_is_not_run(only: Only) -> None:
    source = """
        import atexit
        class Small(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(4, 2)
            def forward(self, x):
                return self.fc(x)
        def saved():
            raise AssertionError("the script's own work")
        def register_all(when):
            raise AssertionError("the script's own work")
        atexit.register(saved)
        if torch.cuda.is_available():
            register_all(saved)
        net = Small()
    """
    rebuilt(only(source, "net"))


def test_a_registry_that_is_an_object(only: Only) -> None:
    registry = """
        class Registry:
            def __init__(self):
                self.table = dict(names=[])
            def __call__(self, made):
                assert made.__name__ not in self.table["names"], "registered twice"
                self.table["names"].append(made.__name__)
                self.table[made.__name__] = made
                return made
        register = Registry()
        def create(name):
            return register.table[name]()
    """
    source = 'import models\nfrom registry import create\nnet = create("Small")\n'
    rebuilt(only(source, "net", registry=registry, models=MODELS))
    plain = textwrap.dedent(MODELS).replace("@register\n", "") + "register(Small)\n"
    rebuilt(only(source, "net", registry=registry, models=plain))


def test_a_registry_filled_as_its_file_is_wanted(only: Only) -> None:
    registry = (
        REGISTRY
        + """
    import importlib
    def create(name):
        if name not in MODELS:
            importlib.import_module("models")
        return MODELS[name]()
"""
    )
    rebuilt(only('from registry import create\nnet = create("Small")\n', "net", registry=registry, models=MODELS))


def test_what_is_no_function_or_class_in_a_registry(only: Only) -> None:
    source = """
        WIDTHS, ORDER = {}, set()
        def register(width):
            def add(made):
                WIDTHS[made.__name__] = width
                ORDER.add(made.__name__)
                return made
            return add
        @register(7)
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(len(ORDER), WIDTHS["Net"])
            def forward(self, x):
                return self.fc(x)
        net = Net()
    """
    fc: Any = rebuilt(only(source, "net")).get_submodule("fc")
    assert (fc.in_features, fc.out_features) == (1, 7)


def test_what_a_build_puts_in_is_taken_out_again(only: Only) -> None:
    source = """
        LAYERS = []
        def register(made):
            LAYERS.append(made.__name__)
            return made
        @register
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                LAYERS.append("built")
                self.fc = nn.Linear(4, len(LAYERS))
            def forward(self, x):
                return self.fc(x)
        net = Net()
    """
    assert rebuilt(only(source, "net")).get_submodule("fc").out_features == 2


def test_a_registry_wanted_in_a_branch_that_is_not_taken(only: Only) -> None:
    source = textwrap.dedent(REGISTRY) + textwrap.dedent(MODELS).replace("from registry import register\n", "")
    source += "wanted = False\nif wanted:\n    net = Small(classes=len(MODELS))\n"
    assert rebuilt(only(source, "net")).get_submodule("fc").out_features == 2


def test_a_sentinel_stays_the_one_that_definitions_know(only: Only) -> None:
    source = """
        NOTHING = object()
        class Net(nn.Module):
            def __init__(self, width=NOTHING):
                super().__init__()
                self.fc = nn.Linear(4, 3 if width is NOTHING else width)
            def forward(self, x):
                return self.fc(x)
        net = Net()
    """
    assert rebuilt(only(source, "net")).get_submodule("fc").out_features == 3


def test_layers_in_a_table_that_definitions_use_are_made_anew(only: Only) -> None:
    source = """
        LAYERS = {"fc": nn.Linear(4, 3)}
        LAYERS["further"] = nn.Linear(3, 3)
        def made(layers=LAYERS):
            return nn.Sequential(*LAYERS.values())
        net = made()
    """
    assert len(list(rebuilt(only(source, "net")).children())) == 2


def test_random_numbers_that_definitions_use_go_on_from_their_seed(only: Only) -> None:
    source = """
        import random
        DRAWN = random.Random(0)
        FIRST = DRAWN.random()
        def width(drawn=DRAWN, at=FIRST):
            return DRAWN.randint(2, 10**6)
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.width = width()
                self.fc = nn.Linear(4, 3)
            def forward(self, x):
                return self.fc(x)
        net = Net()
    """
    found = only(source, "net")
    assert found.rebuild().width == found.rebuild().width
