"""A network that a method of a dataclass builds: the fields are as ``__init__`` would make them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from torch import nn

from nnlint.load.candidate import Candidate, Loaded
from nnlint.load.load import load
from nnlint.script.read import read

Load = Callable[[str], Loaded]

pytestmark = pytest.mark.usefixtures("unchanged_process")


@pytest.fixture
def load_source(tmp_path: Path) -> Load:
    def load_it(source: str) -> Loaded:
        path = tmp_path / "model.py"
        head = "from dataclasses import InitVar, dataclass, field\nfrom torch import nn\n"
        path.write_text(head + textwrap.dedent(source))
        return load(read(str(path)))

    return load_it


def only(loaded: Loaded) -> Candidate:
    assert not loaded.failures
    assert len(loaded.candidates) == 1
    return loaded.candidates[0]


def sizes(candidate: Candidate) -> list[tuple[int, int]]:
    return [(m.in_features, m.out_features) for m in candidate.module.modules() if isinstance(m, nn.Linear)]


def test_defaults_and_what_makes_them(load_source: Load) -> None:
    found = only(
        load_source(
            """
            @dataclass
            class Model:
                widths: list = field(default_factory=lambda: [8, 16])
                classes: int = 4

                def set_network(self):
                    self.network = nn.Sequential(
                        nn.Linear(self.widths[0], self.widths[1]), nn.Linear(self.widths[1], self.classes)
                    )
            """
        )
    )
    assert sizes(found) == [(8, 16), (16, 4)]
    assert not found.guesses


def test_inherited_fields_what_a_call_gives_and_what_is_changed_after(load_source: Load) -> None:
    found = only(
        load_source(
            """
            @dataclass
            class Base:
                depth: int = 2
                inner: list = field(default_factory=lambda: [3])

            @dataclass(slots=True, kw_only=True)
            class Model(Base):
                widths: list
                classes: int = 4
                scale: InitVar[int] = 2
                hidden: int = field(init=False)

                def __post_init__(self, scale):
                    self.hidden = self.widths[0] * scale
                    self.classes = self.classes + 1

                def build(self):
                    self.net = nn.Sequential(
                        nn.Linear(self.widths[0], self.hidden),
                        nn.Linear(self.hidden, self.classes),
                        nn.Linear(self.classes, self.inner[0] + self.depth),
                    )

            model = Model(widths=[5], classes=6)
            model.build()
            """
        )
    )
    assert sizes(found) == [(5, 10), (10, 7), (7, 5)]
    assert not found.guesses


def test_a_field_nobody_states_is_guessed_by_its_name_and_said(load_source: Load) -> None:
    found = only(
        load_source(
            """
            @dataclass
            class Model:
                num_classes: int

                def build(self):
                    self.net = nn.Linear(8, self.num_classes)
            """
        )
    )
    assert sizes(found) == [(8, 10)]
    assert found.guesses == ("num_classes=10",)


def test_a_field_there_is_no_telling_of(load_source: Load) -> None:
    loaded = load_source(
        """
        @dataclass
        class Model:
            spec: dict

            def build(self):
                self.net = nn.Sequential(nn.Linear(self.spec["width"], 4))
        """
    )
    [failure] = loaded.failures
    assert failure.message.startswith("the field `spec` of `Model` is not known: the file makes none")


def test_a_dataclass_with_a_constructor_of_its_own(load_source: Load) -> None:
    found = only(
        load_source(
            """
            @dataclass
            class Model:
                width: int = field(default_factory=lambda: 3)

                def __init__(self, width=5):
                    self.width = width

                def build(self):
                    self.net = nn.Linear(self.width, 4)
            """
        )
    )
    assert sizes(found) == [(5, 4)]
