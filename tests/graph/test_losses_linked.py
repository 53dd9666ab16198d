"""The loss is an op after the output and reads what computes it, through whatever the network returns."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from nnlint.errors import UsageError
from nnlint.graph import Graph, Op
from nnlint.kinds import boundary, value_preserving
from nnlint.recipe import Loss, Step
from nnlint.site import Fact, Site
from nnlint.trace.build import build_graph
from nnlint.trace.record import record

HERE = Site("train.py", 3, 1, 3, 9)
CALL = Site("train.py", 9, 1, 9, 9)


@dataclass
class Output:
    logits: torch.Tensor
    hidden: torch.Tensor


class Net(nn.Module):
    def __init__(self, result: Callable[[torch.Tensor, torch.Tensor], Any]) -> None:
        super().__init__()
        self.body = nn.Linear(4, 8)
        self.head = nn.Linear(8, 3)
        self.result = result

    def forward(self, x: torch.Tensor) -> Any:
        hidden = self.body(x)
        return self.result(self.head(hidden), hidden)


def graph_of(result: Callable[[torch.Tensor, torch.Tensor], Any], *losses: Any) -> Graph:
    model = Net(result)
    return build_graph(record(model, torch.randn(2, 4)), model=model, losses=losses)


def loss(name: str = "cross_entropy", **fields: Any) -> Loss:
    return Loss(name, HERE, CALL, **fields)


def judged(graph: Graph) -> list[str]:
    return [op.path or op.name for op in graph.ops[-1].inputs]


def test_the_loss_reads_what_makes_the_output() -> None:
    graph = graph_of(lambda logits, _: logits, loss(arguments={"reduction": Fact("mean", HERE)}))
    assert [op.name for op in graph.ops] == ["input", "linear", "linear", "output", "cross_entropy"]
    last = graph.ops[-1]
    assert judged(graph) == ["head"]
    assert (last.site, last.call_site, last.hyper.reduction, last.shape) == (HERE, CALL, "mean", ())
    assert last in graph.ops[2].users
    assert graph.output.index == 3
    assert graph.output.users == ()


def test_steps_are_ops_between() -> None:
    steps = (Step("softmax", HERE, {"dim": 1}), Step("squeeze", HERE, {"0": -1}))
    graph = graph_of(lambda logits, _: logits, loss("nll_loss", steps=steps))
    softmax, squeeze, last = graph.ops[-3:]
    assert [op.name for op in (softmax, squeeze, last)] == ["softmax", "squeeze", "nll_loss"]
    assert (softmax.hyper.dim, softmax.shape) == (1, (2, 3))
    assert last.inputs == (squeeze,)
    assert softmax.inputs == (graph.ops[2],)
    stops: list[Op] = list(last.back(past=value_preserving))
    assert stops == [softmax]


@pytest.mark.parametrize(
    ("name", "arguments", "stated"),
    [
        ("softmax", {"0": 1}, {"dim": 1}),
        ("softmax", {"dim": -1}, {"dim": -1}),
        ("clamp", {"0": 0, "max": 1}, {"min": 0, "max": 1}),
        ("getitem", {"0": 0}, {"0": 0}),
        ("mine.activation", {"0": 2}, {"0": 2}),
    ],
)
def test_arguments_of_a_step_have_names(name: str, arguments: dict[str, Any], stated: dict[str, Any]) -> None:
    graph = graph_of(lambda logits, _: logits, loss(steps=(Step(name, HERE, arguments),)))
    assert graph.ops[-2].hyper.stated() == stated


def test_a_squeezed_step_has_the_shape_it_gives() -> None:
    steps = (Step("unsqueeze", HERE, {"dim": 0}), Step("squeeze", HERE, {"dim": 0}), Step("view", HERE, {"0": -1}))
    graph = graph_of(lambda logits, _: logits, loss("mse_loss", steps=steps))
    assert [op.shape for op in graph.ops[-4:-2]] == [(1, 2, 3), (2, 3)]
    assert graph.ops[-2].values == ()  # the source does not say what else view was given


@pytest.mark.parametrize(
    ("result", "path", "found"),
    [
        (lambda logits, _: logits, (), ["head"]),
        (lambda logits, _: [logits], (), ["head"]),
        (lambda logits, hidden: (logits, hidden), (0,), ["head"]),
        (lambda logits, hidden: (logits, hidden), (-1,), ["body"]),
        (lambda logits, hidden: {"logits": logits, "hidden": hidden}, ("logits",), ["head"]),
        (lambda logits, hidden: {"aux": [hidden, logits]}, ("aux", 1), ["head"]),
        (lambda logits, hidden: OrderedDict(hidden=hidden, logits=logits), ("logits",), ["head"]),
        (Output, ("hidden",), ["body"]),
        (lambda logits, hidden: (Output(logits, hidden), hidden), (0, "logits"), ["head"]),
        (lambda logits, hidden: (logits.relu(), hidden), (0,), ["relu"]),
        # what cannot be told is not linked
        (lambda logits, hidden: (logits, hidden), (), []),
        (lambda logits, hidden: (logits, hidden), (2,), []),
        (lambda logits, hidden: (logits, hidden), ("logits",), []),
        (lambda logits, _: logits, (0,), []),
        (lambda logits, hidden: {"logits": logits, "hidden": hidden}, ("scores",), []),
        (Output, (), []),
        (lambda _, hidden: {"logits": None, "hidden": hidden}, ("logits",), []),
    ],
)
def test_parts_of_the_output(result: Callable[..., Any], path: tuple[int | str, ...], found: list[str]) -> None:
    assert judged(graph_of(result, loss(output=path))) == found


def test_one_of_several_outputs_of_an_op() -> None:
    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(4, 3)

        def forward(self, x: torch.Tensor) -> Any:
            return self.lstm(x)

    model = Last()
    graph = build_graph(record(model, torch.randn(5, 2, 4)), model=model, losses=[loss(output=(1, 0))])
    last = graph.ops[-1]
    assert [op.name for op in last.inputs] == ["lstm"]
    assert last.slots == (1,)
    assert last.in_shape == (1, 2, 3)


def test_several_losses_stand_side_by_side() -> None:
    graph = graph_of(lambda logits, hidden: (logits, hidden), loss(output=(0,)), loss("mse_loss", output=(1,)))
    assert [op.name for op in graph.ops[-2:]] == ["cross_entropy", "mse_loss"]
    assert [[source.path for source in op.inputs] for op in graph.ops[-2:]] == [["head"], ["body"]]


@pytest.mark.parametrize(
    ("given", "name", "reduction"),
    [
        ("binary_cross_entropy", "binary_cross_entropy", None),
        (nn.BCEWithLogitsLoss(reduction="sum"), "binary_cross_entropy_with_logits", "sum"),
        (F.mse_loss, "mse_loss", None),
    ],
)
def test_a_loss_by_name_or_live(given: Any, name: str, reduction: str | None) -> None:
    graph = graph_of(lambda logits, _: logits, given)
    last = graph.ops[-1]
    assert (last.name, last.hyper.reduction, judged(graph)) == (name, reduction, ["head"])
    assert last.module is None


def test_a_loss_of_the_users_own_is_in_no_kind() -> None:
    class Focal(nn.Module):
        def forward(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            return (scores - targets).mean()

    last = graph_of(lambda logits, _: logits, Focal()).ops[-1]
    assert last.name.endswith("Focal")
    assert last not in ~boundary
    assert last.macs is None


def test_an_unknown_loss_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'cross_entropy'"):
        graph_of(lambda logits, _: logits, "cross_entrop")
