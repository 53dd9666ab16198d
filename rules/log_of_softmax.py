"""A logarithm is taken of a softmax or sigmoid that may already be rounded to 0.

In float32 a softmax gives exactly 0 where a score lies 104 or more below the best (in float16 far earlier), and a
sigmoid exactly 1 from 17 on and 0 from -89 down. The logarithm of 0 is minus infinity, its gradient is not a number,
and one step with such a gradient makes every weight before it NaN.

What to do: use `log_softmax`, `logsigmoid` or, for the logarithm of one minus a sigmoid, `logsigmoid` of the negative:
they compute the same by the log-sum-exp trick and never see the rounded value.

What it costs: nothing; it is one operation instead of two.

What is known today: torch's documentation of `log_softmax` says that doing the two operations separately is slower and
numerically unstable.

Quiet when: something stands between the two: a small number added, a clamp, a mean over samples or members of an
ensemble, a product with a mask.

The fix is unsafe: the logarithm is taken of the same probabilities, but its last digits change, and where it was minus
infinity it becomes the finite number it should have been.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from nnlint.edits import remove_op, replace, replace_callee, text_of
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import Kind, identity
from nnlint.rule import bad, fix, good, graph_rule
from nnlint.site import Site

rounding_to_zero = Kind.of("softmax", "sigmoid")


@bad(input="20", loss="nll_loss")
def by_hand() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scores = nn.Linear(20, 10)

        def forward(self, x: Tensor) -> Tensor:
            return torch.log(F.softmax(self.scores(x), dim=1))

    return Net()


@bad(input="20", loss="nll_loss")
def softmax_layer() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Linear(20, 10), nn.Softmax(dim=1))

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.body(x).log()
            return out

    return Net()


@bad(input="20")
def logarithm_of_the_other_answer() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.score = nn.Linear(20, 1)

        def forward(self, x: Tensor) -> Tensor:
            return torch.log(1 - torch.sigmoid(self.score(x)))

    return Net()


@good(input="20", loss="cross_entropy")
def left_to_the_loss() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(inplace=True), nn.Linear(16, 10))


@good(input="20")
def logsigmoid() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.score = nn.Linear(20, 1)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            score = self.score(x)
            return F.logsigmoid(score), F.logsigmoid(-score)

    return Net()


@good(input="20")
def guarded() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scores = nn.Linear(20, 10)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            p = self.scores(x).softmax(dim=1)
            return torch.log(p + 1e-8), p.clamp(min=1e-8).log()

    return Net()


@good(input="8x20")
def mean_of_an_ensemble() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scores = nn.Linear(20, 10)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.scores(x).softmax(dim=2).mean(dim=1).log()
            return out

    return Net()


@graph_rule(category="loss", level="warning", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    """Looks at what every logarithm reads."""
    for op in graph.find(Kind.of("log", "log1p")):
        for source in op.back(past=identity):
            if op.name == "log" and source in rounding_to_zero:
                better = "log_softmax" if source.name == "softmax" else "logsigmoid"
                shared = source.module is not None and sum(one.module is source.module for one in graph.ops) > 1
                yield op.finding(
                    f"{op} of {source} is minus infinity where that rounds to 0; use {better}", source, shared=shared
                )
            elif (inner := complement(op, source)) is not None:
                yield op.finding(
                    f"{op} of one minus {inner} is minus infinity where that rounds to 1; use logsigmoid of the "
                    f"negative score",
                    inner,
                )


def complement(op: Op, source: Op) -> Op | None:
    """The sigmoid that is taken from 1 before its logarithm, if there is one."""
    taken = source.name == "sub" and "rsub" in source.spelling and source.hyper.extra.get("other") == 1
    negated = source.name == "neg"
    if not (taken if op.name == "log" else negated):
        return None
    return next((inner for inner in source.back(past=identity) if inner.name == "sigmoid"), None)


@fix(safe=False)
def in_one(finding: Finding) -> tuple[Edit, ...] | None:
    """Takes the logarithm out and turns the softmax before it into its logarithm."""
    op, source = finding.subjects
    if source.users != (op,) or op.inputs != (source,) or finding.facts.get("shared"):
        return None
    layers, functions = {"softmax": "LogSoftmax", "sigmoid": "LogSigmoid"}, {"softmax": "log_softmax"}
    name = layers.get(source.name) if source.module is not None else functions.get(source.name)
    replaced = replace_callee(source, name) if name else None
    removed = remove_op(op)
    if removed is None or replaced is None:
        return None
    if len(removed) == 1 and source.site is not None and removed[0].site.contains(source.site):
        text = nested(source.site, removed[0].text, replaced)
        return (replace(removed[0].site, text),) if text is not None else None
    return (*removed, replaced)


def nested(inner: Site, text: str, edit: Edit) -> str | None:
    """The text of a call, which stands inside the edited expression, with an edit of its own made."""
    if text != text_of(inner) or inner.line != inner.end_line or edit.site.line != inner.line:
        return None
    start, end = edit.site.column - inner.column, edit.site.end_column - inner.column
    return text[:start] + edit.text + text[end:]
