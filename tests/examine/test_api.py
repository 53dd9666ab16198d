"""The Python API on live networks: what it returns, and that it leaves them as they were."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everybody writes it

import nnlint
from nnlint.errors import InputError, NnlintError, UsageError
from nnlint.kinds import convolution


class Net(nn.Module):
    """Batch norm, dropout, a buffer that counts, and a hook: all that a careless look would change."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 5)
        self.norm = nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.5)
        self.fc = nn.Linear(8, 4)
        self.register_buffer("calls", torch.zeros(()))
        self.hooked = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.fc(self.drop(F.relu(self.norm(self.conv(x)))).mean((2, 3)))


def state(net: nn.Module) -> dict[str, Any]:
    return {
        "state": copy.deepcopy(net.state_dict()),
        "modes": [module.training for module in net.modules()],
        "grads": [p.grad for p in net.parameters()],
        "needs": [p.requires_grad for p in net.parameters()],
        "hooks": [(len(m._forward_hooks), len(m._forward_pre_hooks)) for m in net.modules()],
        "device": [p.device for p in net.parameters()],
        "attributes": [sorted(vars(module)) for module in net.modules()],
        "random": torch.get_rng_state(),
        "gradients on": torch.is_grad_enabled(),
    }


def assert_same(before: dict[str, Any], after: dict[str, Any]) -> None:
    tensors = before.pop("state"), after.pop("state")
    assert tensors[0].keys() == tensors[1].keys()
    for name in tensors[0]:
        assert torch.equal(tensors[0][name], tensors[1][name]), name
    assert torch.equal(before.pop("random"), after.pop("random"))
    assert before == after


LOOKS: dict[str, Callable[[nn.Module], Any]] = {
    "trace": lambda net: nnlint.trace(net, torch.ones(2, 3, 16, 16)),
    "graph": lambda net: nnlint.graph(net, torch.ones(2, 3, 16, 16), loss="cross_entropy"),
    "lint": lambda net: nnlint.lint(net, torch.ones(2, 3, 16, 16), loss=nn.CrossEntropyLoss()),
    "lint with an inferred input": nnlint.lint,
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_as_it_was(look: str, training: bool) -> None:
    net = Net()
    net.norm.train(not training)
    net.drop.train(training)
    before = state(net)
    LOOKS[look](net)
    assert_same(before, state(net))


def test_the_model_is_as_it_was_after_a_failure() -> None:
    net = Net()
    before = state(net)
    with pytest.raises(NnlintError):
        nnlint.lint(net, torch.ones(2, 5, 16, 16))
    assert_same(before, state(net))


def test_trace_returns_what_the_model_returns() -> None:
    net, x = Net().eval(), torch.randn(2, 3, 16, 16)
    assert torch.equal(nnlint.trace(net, x)(x), net(x))


def test_trace_infers_an_input() -> None:
    recorded = nnlint.trace(Net().eval())
    assert recorded(torch.randn(2, 3, 32, 32)).shape == (2, 4)


def test_graph_of_a_live_model() -> None:
    graph = nnlint.graph(Net(), torch.ones(2, 3, 16, 16), loss=F.cross_entropy)
    assert [op.hyper.kernel for op in graph.find(convolution)] == [(5, 5)]
    assert graph.ops[-1].name == "cross_entropy"
    assert (graph.name, graph.how) == ("Net", "real")


def test_keyword_arguments() -> None:
    class Pair(nn.Module):
        def forward(self, a: Tensor, *, b: Tensor) -> Tensor:
            return a + b

    graph = nnlint.graph(Pair(), torch.ones(2), {"b": torch.ones(2)})
    assert [op.name for op in graph.ops] == ["input", "input", "add", "output"]


@pytest.mark.parametrize("loss", [nn.BCELoss(), F.binary_cross_entropy, "binary_cross_entropy"])
def test_lint_judges_the_loss(loss: Any) -> None:
    report = nnlint.lint(Net(), torch.ones(2, 3, 16, 16), loss=loss)
    assert "bce-loss-without-sigmoid" in {finding.rule for finding in report}


def test_lint_reads_the_loader() -> None:
    data = torch.utils.data.TensorDataset(torch.zeros(8, 3, 16, 16))
    loader = torch.utils.data.DataLoader(data, batch_size=2, shuffle=True)
    report = nnlint.lint(Net(), torch.ones(2, 3, 16, 16), loader=loader)
    assert "small-batch" in {finding.rule for finding in report}
    assert "small-batch" not in {finding.rule for finding in nnlint.lint(Net(), torch.ones(2, 3, 16, 16))}


def test_select_and_ignore() -> None:
    x = torch.ones(2, 3, 16, 16)
    assert {finding.rule for finding in nnlint.lint(Net(), x, select=["convolution"])} == {
        "conv-kernel-not-3x3", "conv-without-padding"
    }  # fmt: skip
    assert "conv-kernel-not-3x3" not in {f.rule for f in nnlint.lint(Net(), x, ignore=["conv-kernel-not-3x3"])}
    with pytest.raises(UsageError):
        nnlint.lint(Net(), x, select=["no-such-rule"])


def test_findings_point_at_this_file() -> None:
    (finding,) = nnlint.lint(Net(), torch.ones(2, 3, 16, 16), select=["conv-kernel-not-3x3"])
    assert finding.site is not None
    assert finding.site.file == __file__
    assert finding.network == "Net"


def test_the_report() -> None:
    report = nnlint.lint(Net(), torch.ones(2, 3, 16, 16))
    (network,) = report.networks
    assert (network.status, network.inputs, network.input_source) == ("traced", ("2x3x16x16",), "the arguments given")
    assert json.loads(report.to_json())["networks"][0]["class"] == "Net"
    assert "conv-kernel-not-3x3" in str(report)
    assert "5x5 kernel" in report._repr_html_()


def test_no_input_can_be_inferred() -> None:
    class Picky(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise ValueError("never")

    with pytest.raises(InputError, match="no input for Picky is given"):
        nnlint.lint(Picky())


def test_a_failing_forward_is_told() -> None:
    with pytest.raises(NnlintError, match="conv"):
        nnlint.graph(Net(), torch.ones(2, 5, 16, 16))
