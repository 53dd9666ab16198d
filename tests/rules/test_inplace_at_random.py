"""Small networks written at random, with operations in place: what the two rules say is what happens when they train.

Each network is written as a file, as users write theirs, in two forms: with operations in place, and with the same
operations out of place. Both are built with the same weights and trained for one step.
"""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nnlint.finding import Finding
from nnlint.graph import Graph
from nnlint.trace.build import build_graph
from nnlint.trace.record import record
from nnlint_rules import relu_not_inplace, unsafe_inplace

_HEAD = """\
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.convs = nn.ModuleList(nn.Conv2d(4, 4, 3, padding=1) for _ in range(12))
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.5)
        self.same = nn.Identity()

    def forward(self, x):
        a = self.stem(x)
        b = self.convs[0](a)
"""
#: expressions of one or two variables that make a new tensor, or hand on the old one
_MAKE = (
    "self.convs[{n}]({v})", "self.convs[{n}]({v})", "self.norm({v})", "self.drop({v})", "F.relu({v})",
    "torch.sigmoid({v})", "{v}.tanh()", "F.silu({v})", "F.max_pool2d({v}, 3, 1, 1)", "{v} + {w}", "{v} * {w}",
    "torch.cat([{v}[:, :2], {w}[:, 2:]], 1)", "self.same({v})", "{v}.flatten(2).unflatten(2, (6, 6))", "{v}",
    "F.pad({v}, (1, -1, 0, 0))",
)  # fmt: skip
#: statements in place, and the same out of place
_OVERWRITE = (
    ("{t} = F.relu_({v})", "{t} = F.relu({v})"),
    ("{t} = F.relu({v}, inplace=True)", "{t} = F.relu({v})"),
    ("{t} = F.leaky_relu({v}, 0.1, True)", "{t} = F.leaky_relu({v}, 0.1)"),
    ("{t} = F.silu({v}, inplace=True)", "{t} = F.silu({v})"),
    ("{t} = {v}.sigmoid_()", "{t} = {v}.sigmoid()"),
    ("{v} += {w}", "{v} = {v} + {w}"),
    ("{v} *= {w}", "{v} = {v} * {w}"),
)


def _written(seed: int, *, careful: float) -> tuple[str, str]:
    """The two forms of a network. ``careful``: how often an operation gives its result to the variable it reads."""
    choose = random.Random(seed)
    names = ["a", "b"]
    lines: list[tuple[str, str]] = []
    for step in range(choose.randint(3, 7)):
        v, w = choose.choice(names), choose.choice(names)
        t = v if choose.random() < careful else choose.choice([*"abcdef"[: len(names) + 1]])
        words = {"v": v, "w": w, "t": t, "n": step + 1}
        forms = choose.choice(_OVERWRITE) if choose.random() < 0.4 else (f"{{t}} = {choose.choice(_MAKE)}",) * 2
        lines.append((forms[0].format(**words), forms[1].format(**words)))
        if forms[0].startswith("{t}") and t not in names:
            names.append(t)
    end = f"        return self.convs[10]({choose.choice(names)}) + self.convs[11]({choose.choice(names)})\n"
    return tuple(_HEAD + "".join(f"        {line[form]}\n" for line in lines) + end for form in (0, 1))  # type: ignore[return-value]


def _class(source: str, file: Path) -> type[nn.Module]:
    file.write_text(source)
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: type[nn.Module] = module.Net
    return found


def _built(cls: type[nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    return cls()


def _graph(cls: type[nn.Module]) -> Graph:
    with torch.device("meta"):
        net = cls().eval()
        return build_graph(record(net, (torch.empty(2, 3, 6, 6),)), model=net)


def _trained(net: nn.Module) -> tuple[Tensor, list[Tensor | None]]:
    """The result and the gradients of one step; an exception where torch refuses."""
    torch.manual_seed(1)
    given = torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(2))
    result = net.train()(given)
    result.square().mean().backward()
    return result.detach(), [param.grad for param in net.parameters()]


def _same(a: Any, b: Any) -> bool:
    pairs = zip([a[0], *a[1]], [b[0], *b[1]], strict=True)
    return all((x is None and y is None) or (x is not None and y is not None and torch.equal(x, y)) for x, y in pairs)


def _found(cls: type[nn.Module]) -> list[Finding]:
    return list(unsafe_inplace.check.function(_graph(cls)))


def outcome(seed: int, folder: Path, careful: float) -> tuple[list[Finding], str]:
    """The findings of `unsafe-inplace`, and what became of the training: "raises", "differs" or "same"."""
    written, reference = _written(seed, careful=careful)
    cls = _class(written, folder / f"in_place_{seed}_{careful}.py")
    expected = _trained(_built(_class(reference, folder / f"out_of_place_{seed}_{careful}.py")))
    try:
        got = _trained(_built(cls))
    except RuntimeError as error:
        assert "inplace" in str(error) or "in-place" in str(error)
        return _found(cls), "raises"
    return _found(cls), "same" if _same(got, expected) else "differs"


@pytest.mark.parametrize("seed", range(120))
@pytest.mark.parametrize("careful", [0.5, 0.9])
def test_what_is_found_is_what_happens(seed: int, careful: float, tmp_path: Path) -> None:
    findings, happened = outcome(seed, tmp_path, careful)
    assert any(finding.facts["raises"] for finding in findings) == (happened == "raises")
    if happened == "differs":
        assert findings, "the results change and nobody says so"


@pytest.mark.parametrize("seed", range(120))
def test_in_place_where_it_is_offered_changes_no_bit(seed: int, tmp_path: Path) -> None:
    source = _written(seed, careful=0.7)[1]
    cls = _class(source, tmp_path / f"before_{seed}.py")
    findings = list(relu_not_inplace.check.function(_graph(cls)))
    lines = source.splitlines(keepends=True)
    for finding in findings:
        assert finding.site is not None
        line = lines[finding.site.line - 1]
        mended = line.replace("F.relu(", "F.relu_(").replace("F.leaky_relu(", "F.leaky_relu_(")
        assert mended != line
        lines[finding.site.line - 1] = mended
    after = _class("".join(lines), tmp_path / f"after_{seed}.py")
    assert _same(_trained(_built(cls)), _trained(_built(after)))
    assert not _found(after)
