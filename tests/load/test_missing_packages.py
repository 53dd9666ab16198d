"""What a missing package is stood in for, and that it is named where a network cannot be built or run without it."""

from __future__ import annotations

import copy
import pickle
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from torch import nn

from nnlint.load.blame import blamed
from nnlint.load.candidate import Failure, Loaded
from nnlint.load.load import load
from nnlint.load.standin import Origin, StandIn, StandInBase, StandInUsed
from nnlint.script.read import read

Load = Callable[..., Loaded]
ORIGIN = Origin("import", "no_such.thing", "is not installed")
THING = StandIn(ORIGIN, "no_such.thing")

pytestmark = pytest.mark.usefixtures("unchanged_process")

NET = """
import torch.nn as nn

class Net(nn.Module):
    def __init__(self, spec, **kwargs):
        super().__init__()
        self.layer = nn.Linear(spec.width, 4)
    def forward(self, x):
        return self.layer(x)
"""


@pytest.fixture
def load_source(tmp_path: Path) -> Load:
    def load_it(source: str, **others: str) -> Loaded:
        for name, text in {**others, "model": NET + textwrap.dedent(source)}.items():
            (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
        return load(read(str(tmp_path / "model.py")))

    return load_it


def failure_of(loaded: Loaded, name: str) -> Failure:
    assert name not in {candidate.name for candidate in loaded.candidates}
    return next(failure for failure in loaded.failures if failure.name == name)


# ------------------------------------------------------------------------------------------------ the stand-in itself


def test_copies_of_a_stand_in_are_the_stand_in() -> None:
    assert copy.copy(THING) is THING
    assert copy.deepcopy({"a": [THING]})["a"][0] is THING
    assert repr(pickle.loads(pickle.dumps(THING))) == repr(THING)


def test_a_stand_in_without_its_own_attributes_does_not_look_for_them_forever() -> None:
    bare = StandIn.__new__(StandIn)
    with pytest.raises(AttributeError):
        bare.anything  # noqa: B018
    assert not hasattr(bare, "_nnlint_path")


def test_what_python_gives_every_object_is_asked_for_in_vain() -> None:
    assert not hasattr(THING, "__dict__")
    with pytest.raises(StandInUsed, match=r"no_such\.thing is needed"):
        THING.__dict__  # noqa: B018


def test_a_missing_base_class_leaves_the_construction_to_one_that_is_there() -> None:
    class Made(nn.Module, StandInBase):
        def __new__(cls, *args: int, **kwargs: int) -> Made:
            return super().__new__(cls, *args, **kwargs)

        def __init__(self, width: int) -> None:
            super().__init__()
            self.width = width

    class Pair(StandInBase, tuple):  # type: ignore[type-arg]
        pass

    assert Made(width=3).width == 3
    assert Pair.__new__(Pair, (1, 2)) == (1, 2)


# --------------------------------------------------------------------------------------------------- what is to blame


class Holder:
    thing = THING


class Child(StandInBase):
    nnlint_origin = ORIGIN


def unpacks() -> None:
    _first, _second = THING.parts()


def unpacks_of_an_attribute() -> None:
    holder = Holder
    [_first, *_rest] = holder.thing


def catches() -> None:
    try:
        raise KeyError("x")
    except (THING, ValueError):
        pass


def raises() -> None:
    raise THING


def asks_python() -> None:
    vars(THING)


def takes_an_item() -> None:
    next(iter(THING))


def looks_for_what_is_inherited() -> None:
    Child.make()  # type: ignore[attr-defined]


def looks_for_what_an_object_inherits() -> None:
    object.__new__(Child).make()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "code",
    [
        unpacks,
        unpacks_of_an_attribute,
        catches,
        raises,
        asks_python,
        takes_an_item,
        looks_for_what_is_inherited,
        looks_for_what_an_object_inherits,
    ],
)
def test_what_is_missing_is_to_blame(code: Callable[[], None]) -> None:
    with pytest.raises(Exception, match=None) as raised:
        code()
    assert blamed(raised.value) == ORIGIN


def takes_one(width: int) -> int:
    return width


def calls_its_own_wrongly() -> None:
    takes_one(3, THING)  # type: ignore[call-arg]


def refuses_itself() -> None:
    raise ValueError(THING)


def lacks_an_attribute() -> None:
    Holder.other  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("code", [calls_its_own_wrongly, refuses_itself, lacks_an_attribute])
def test_the_code_is_to_blame(code: Callable[[], None]) -> None:
    with pytest.raises(Exception, match=None) as raised:
        code()
    assert blamed(raised.value) is None


# ------------------------------------------------------------------------------------------------ networks of a file


@pytest.mark.parametrize(
    ("source", "name", "missing"),
    [
        (
            """
            from argparse import ArgumentParser
            from no_such import Trainer

            def main():
                parser = Trainer.add_argparse_args(ArgumentParser())
                args = parser.parse_args()
                net = Net(**args.__dict__)
            """,
            "Net",
            "no_such.Trainer",
        ),
        (
            """
            from argparse import ArgumentParser
            from no_such import Trainer

            def main():
                parser = Trainer.add_argparse_args(ArgumentParser())
                args, _ = parser.parse_known_args()
                net = Net(**vars(args))
            """,
            "Net",
            "no_such.Trainer",
        ),
        (
            """
            from no_such import DataModule

            class Data(DataModule):
                dims = (8,)

            net = Net(Data.from_args().spec)
            """,
            "Net",
            "no_such.DataModule",
        ),
        (
            """
            import copy
            from no_such import Sub

            class Outer(nn.Module):
                def __init__(self, inner):
                    super().__init__()
                    self.inner = copy.deepcopy(inner)
                def forward(self, x):
                    return self.inner(x)

            net = Outer(Sub())
            """,
            "Outer",
            "no_such.Sub",
        ),
    ],
    ids=["attribute", "unpacked", "inherited", "copied"],
)
def test_a_network_that_needs_what_is_missing(load_source: Load, source: str, name: str, missing: str) -> None:
    failure = failure_of(load_source(source), name)
    assert failure.message.startswith(f"import-failed: {missing} is needed but is not installed")
    assert failure.help == "install no_such where nnlint runs"
    assert failure.needed is not None


def test_an_exception_of_a_missing_package_that_is_caught(load_source: Load) -> None:
    failure = failure_of(
        load_source(
            """
            from env import Table

            net = Net(Table())
            """,
            env="""
            from no_such.errors import Missing

            try:
                from also_missing import Table
            except (Missing, ModuleNotFoundError):
                class Table:
                    width = 8
            """,
        ),
        "Net",
    )
    assert failure.message.startswith("import-failed: no_such.errors.Missing is needed but is not installed")


def test_a_network_with_a_missing_base_class_beside_torchs(load_source: Load) -> None:
    loaded = load_source(
        """
        from no_such import Mixin

        class Base(nn.Module, Mixin):
            def __new__(cls, *args, **kwargs):
                return super().__new__(cls, *args, **kwargs)

        class Child(Base):
            def __init__(self, width=8):
                super().__init__()
                self.layer = nn.Linear(width, 4)
            def forward(self, x):
                return self.layer(x)

        net = Child(width=8)
        """
    )
    assert "Child" in {candidate.name for candidate in loaded.candidates}


def test_settings_of_a_missing_package_that_are_copied(load_source: Load) -> None:
    loaded = load_source(
        """
        import copy
        from no_such import CONFIG

        class Configured(nn.Module):
            def __init__(self, config=CONFIG):
                super().__init__()
                self.config = copy.copy(config)
                self.layer = nn.Linear(8, 4)
            def forward(self, x):
                return self.layer(x)
        """
    )
    assert "Configured" in {candidate.name for candidate in loaded.candidates}
