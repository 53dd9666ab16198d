"""Networks whose forward pass is not recorded: whose fault it is, and that the others are examined all the same."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from nnlint.examine import file
from nnlint.examine.file import examine_file
from nnlint.examine.network import Subject, trace_network
from nnlint.report.model import FileReport
from nnlint.settings import Settings

RUN_RULES = ("shape-mismatch", "network-not-traced", "network-not-built", "import-failed")
HEAD = """\
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 4)
    def forward(self, x):
        return self.layer(x)
"""

Examine = Callable[[str], FileReport]

pytestmark = pytest.mark.usefixtures("unchanged_process")


@pytest.fixture
def examine(tmp_path: Path) -> Examine:
    """Examines a source that has a plain network before it."""

    def go(source: str) -> FileReport:
        path = tmp_path / "net.py"
        path.write_text(HEAD + textwrap.dedent(source))
        return examine_file(str(path), None, Settings(rules=RUN_RULES))

    return go


def told(report: FileReport) -> list[tuple[str, str | None, str]]:
    return [(finding.rule, finding.level, finding.message) for finding in report.findings]


@pytest.mark.parametrize("arguments", ["2, stride=[2, 2]", "2, stride=(2, 2)", "[2, 2]"])
def test_a_pool_whose_stride_is_a_list(examine: Examine, arguments: str) -> None:
    report = examine(
        f"""
        class Pooled(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 8, 3, padding=1)
                self.pool = nn.MaxPool2d({arguments})
                self.fc = nn.Linear(8, 10)
            def forward(self, x):
                return self.fc(self.pool(self.conv(x)).mean((2, 3)))
        """
    )
    assert not report.errors
    assert [network.status for network in report.networks] == ["traced", "traced"]


def test_an_internal_error_in_one_network_does_not_cost_the_others(
    examine: Examine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(subject: Subject, *args: object, **kwargs: object) -> object:
        if type(subject.module).__name__ == "Odd":
            raise TypeError("no such size")
        return trace_network(subject, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(file, "trace_network", failing)
    report = examine(
        """
        class Odd(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = nn.Linear(8, 2)
            def forward(self, x):
                return self.layer(x)

        odd = Odd()
        net = Net()
        """
    )
    assert report.errors == ("Odd was not examined to the end: internal error: TypeError: no such size",)
    assert {network.name: network.status for network in report.networks} == {"Odd": "built", "Net": "traced"}
    assert "Traceback" in capsys.readouterr().err


def test_memory_that_runs_out_is_told_as_such(examine: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> object:
        raise MemoryError

    monkeypatch.setattr(file, "trace_network", failing)
    with pytest.raises(MemoryError):
        examine("")


@pytest.mark.parametrize(
    "forward",
    [
        "return thing(self.layer(x))",
        "first, second = thing(3)\n                return self.layer(x) + first",
        "return self.inherited(self.layer(x))",
    ],
    ids=["called", "unpacked", "inherited"],
)
def test_a_forward_pass_that_needs_a_missing_package(examine: Examine, forward: str) -> None:
    report = examine(
        f"""
        from no_such import thing

        class Needs(nn.Module, thing):
            def __init__(self):
                super().__init__()
                self.layer = nn.Linear(8, 4)
            def forward(self, x):
                {forward}
        """
    )
    [(rule, level, message)] = told(report)
    assert (rule, level) == ("import-failed", "warning")
    assert message.startswith("no_such.thing is needed but is not installed")
    assert message.endswith("install no_such where nnlint runs")


def test_a_class_that_is_there_to_be_inherited_from_is_a_note(examine: Examine) -> None:
    report = examine(
        """
        class Base(nn.Module):
            def forward(self, x):
                return self.head(self.encoder(x))
        """
    )
    [(rule, level, message)] = told(report)
    assert (rule, level) == ("network-not-traced", "info")
    assert message.startswith("Base has no layers, and is there to be inherited from")


@pytest.mark.parametrize("check", ["pass", "assert x.ndim == 2"])
def test_a_method_that_is_left_to_subclasses_is_a_note(examine: Examine, check: str) -> None:
    report = examine(
        f"""
        class Base(nn.Module):
            def compute(self, x):
                raise NotImplementedError(f"{{type(self).__name__}}.compute")

            def forward(self, x):
                {check}
                return self.compute(x) + 1
        """
    )
    [(rule, level, message)] = told(report)
    assert (rule, level) == ("network-not-traced", "info")
    assert message.startswith("Base is there to be inherited from: its `compute` only raises")


def test_a_case_that_a_network_does_not_handle_is_no_method_left_to_subclasses(examine: Examine) -> None:
    report = examine(
        """
        class Net(nn.Module):
            def __init__(self, mode="other"):
                super().__init__()
                self.mode = mode

            def compute(self, x):
                if self.mode == "one":
                    return x
                raise NotImplementedError(self.mode)

            def forward(self, x):
                return self.compute(x) + 1
        """
    )
    assert [(rule, level) for rule, level, _ in told(report)] == [("network-not-traced", "warning")]


@pytest.mark.parametrize(
    "methods",
    [
        "def __init__(self):\n                super().__init__()\n                self.head = nn.Linear(8, 4)",
        "def build(self):\n                self.encoder = nn.Linear(8, 8)",
    ],
    ids=["it has layers", "a method sets it"],
)
def test_an_attribute_that_a_network_lacks_is_a_warning(examine: Examine, methods: str) -> None:
    report = examine(
        f"""
        class Wrong(nn.Module):
            {methods}

            def forward(self, x):
                return self.encoder(x)
        """
    )
    assert [(rule, level) for rule, level, _ in told(report)] == [("network-not-traced", "warning")]


def test_a_call_that_a_test_expects_to_fail_says_nothing_of_the_input(examine: Examine) -> None:
    report = examine(
        """
        import pytest

        def test_width():
            net = Net()
            with pytest.raises(RuntimeError):
                net(torch.randn(2, 9))
        """
    )
    assert not report.findings
    assert report.networks[0].inputs == ("2x8",)


def test_warnings_of_a_network_that_is_tried_are_not_shown(examine: Examine) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = examine(
            """
            import warnings

            class Warns(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.layer = nn.Linear(8, 2)
                def forward(self, x):
                    warnings.warn("an old way")
                    return nn.functional.softmax(self.layer(x))
            """
        )
    assert [network.status for network in report.networks] == ["traced", "traced"]
