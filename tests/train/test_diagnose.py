"""Where a loss stopped being a number: each cause is told, and nothing is changed by looking."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from nnlint.train.checkpoint import digest
from nnlint.train.diagnose import where_it_began
from nnlint.train.objective import Objective
from nnlint.train.rng import rng_state

INPUTS = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
TARGETS = torch.tensor([0, 1, 2, 0])


def objective(loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy) -> Objective:
    return Objective("cross_entropy", "for a test", "accuracy", loss, lambda scores: scores.argmax(1), None)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Conv2d(4, 5, 3))
    net = nn.Sequential()
    net.add_module("features", features)
    net.add_module("pool", nn.AdaptiveAvgPool2d(1))
    net.add_module("flat", nn.Flatten())
    net.add_module("head", nn.Linear(5, 3))
    return net


class Function(nn.Module):
    """A network of one layer whose scores go through a function."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(192, 3)
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.layer(x.flatten(1)))


class Around(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.inner(x)
        return scores


def asked(net: nn.Module, inputs: Tensor = INPUTS, targets: Tensor = TARGETS, **kwargs: Any) -> str:
    """The diagnosis, after which all is as it was."""
    before = digest(dict(net.state_dict())), digest(rng_state()), [module.training for module in net.modules()]
    gradients = [parameter.grad for parameter in net.parameters()]
    answer = where_it_began(net, inputs, targets, kwargs.pop("objective", objective()), **kwargs)
    after = digest(dict(net.state_dict())), digest(rng_state()), [module.training for module in net.modules()]
    assert after == before
    assert all(p.grad is grad for p, grad in zip(net.parameters(), gradients, strict=True))
    hooks = [hook for m in net.modules() for hook in (*m._forward_hooks, *m._forward_pre_hooks)]
    assert hooks == []
    assert not torch.overrides._get_current_function_mode_stack()
    return answer


def broken(tensor: Tensor, place: tuple[int, ...], value: float = float("nan")) -> Tensor:
    copy = tensor.clone()
    copy[place] = value
    return copy


def test_in_the_inputs() -> None:
    answer = asked(network(), broken(INPUTS, (1, 0, 0, 0)))
    assert answer == "they are in the inputs of the batch: NaN in 1 sample of 4"
    twice = broken(broken(INPUTS, (1, 0, 0, 0)), (2, 1, 0, 0), float("inf"))
    assert asked(network(), twice) == "they are in the inputs of the batch: NaN and infinite numbers in 2 samples of 4"


def test_in_the_targets() -> None:
    answer = asked(network(), targets=torch.tensor([0.0, float("inf"), 1.0, 2.0]), objective=objective(F.mse_loss))
    assert answer == "they are in the targets of the batch: infinite numbers in 1 sample of 4"


def test_in_a_parameter() -> None:
    net = network()
    with torch.no_grad():
        net.get_parameter("features.3.weight")[0, 0, 0, 0] = float("nan")
        net.get_parameter("head.bias")[0] = float("inf")
    assert asked(net) == (
        "the parameter features.3.weight (Conv2d) holds NaN already (2 of 8 parameters are not finite): the update of "
        "the step before made it so, by a gradient that overflowed or a learning rate that is too high"
    )


def test_in_a_buffer_that_is_read() -> None:
    net = network().eval()
    net.get_buffer("features.1.running_var")[0] = float("nan")
    assert asked(net) == "the buffer features.1.running_var (BatchNorm2d) holds NaN already"


def test_statistics_that_the_step_itself_has_spoilt_are_not_blamed() -> None:
    net = network()
    with torch.no_grad():
        net.get_parameter("features.0.weight").fill_(3e38)
    net(INPUTS)
    assert not net.get_buffer("features.1.running_mean").isfinite().all()
    assert "in the output of features.0 (Conv2d)" in asked(net)


def test_in_the_output_of_a_module() -> None:
    net = network()
    with torch.no_grad():
        net.get_parameter("features.3.weight").fill_(3e38)
    assert asked(net) == (
        "infinite numbers first appear in the output of features.3 (Conv2d), given finite numbers, "
        "with weights as large as 3e+38: the learning rate is too high; they become NaN in the output of head (Linear)"
    )


def test_in_an_operation_of_the_authors_own_forward() -> None:
    answer = asked(Function(lambda scores: scores.log()))
    assert answer == (
        "NaN first appears in the output of `log` in the network itself (Function), given finite numbers: "
        "the logarithm of zero or less"
    )


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda x: x / (x - x), "div"),
        (lambda x: 1 / (x - x) + x, "div"),
        (lambda x: x**0.5 + torch.exp(x), "pow"),
        (torch.sqrt, "sqrt"),
        (lambda x: (x + 0).log_() * 2, "log_"),
        (lambda x: F.softmax(x * 1e38 * 1e38, 1).relu(), "mul"),
        (lambda x: torch.stack([x[:, 0].acos() - 9, x[:, 1] * 5 + 9, x[:, 2]], 1), "acos"),
    ],
)
def test_operations_are_named(function: Callable[[Tensor], Tensor], name: str) -> None:
    net = Function(lambda x: function(x * 10))
    answer = asked(Around(net))
    assert f"in the output of `{name}` in inner (Function), given finite numbers" in answer


def test_a_write_by_index() -> None:
    def write(x: Tensor) -> Tensor:
        y = x.clone()
        y[:, 0] = -3.0
        y[0, 0] = float("nan")
        return y * 2

    assert "the output of `setitem` in" in asked(Function(write))


def test_a_mask_of_infinities_is_no_fault() -> None:
    def attend(x: Tensor) -> Tensor:
        masked = x.masked_fill(torch.eye(4, 3, dtype=torch.bool), float("-inf"))
        return torch.softmax(masked, 1).sub(2).log()

    assert "NaN first appears in the output of `log` in" in asked(Function(attend))


def test_a_mask_that_leaves_nothing() -> None:
    def attend(x: Tensor) -> Tensor:
        return torch.softmax(x.masked_fill(torch.ones_like(x).bool(), float("-inf")), 1)

    assert asked(Function(attend)) == (
        "NaN first appears in the output of `softmax` in the network itself (Function), "
        "of the infinite numbers that `masked_fill` wrote"
    )


def test_numbers_that_are_dropped_again_are_no_fault() -> None:
    def dropped(x: Tensor) -> Tensor:
        _unused = (x - x - 1).log()
        return (x - 1e9).sqrt()

    assert "the output of `sqrt` in" in asked(Function(dropped))


class Reused(nn.Module):
    """One block three times over; the second time is one too many."""

    def __init__(self) -> None:
        super().__init__()
        self.block = nn.Linear(192, 192, bias=False)
        nn.init.constant_(self.block.weight, 1e18)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1).abs()
        for _ in range(3):
            x = self.block(x)
        return x[:, :3]


def test_a_module_that_is_used_again() -> None:
    assert asked(Reused()).startswith(
        "infinite numbers first appear in the output of block (Linear, the 2nd time it is used), given finite numbers, "
        "with weights as large as 1e+18: the learning rate is too high"
    )


def test_in_the_loss() -> None:
    def entropy(scores: Tensor, targets: Tensor) -> Tensor:
        return -(scores * 0).log().mean() * 2

    assert asked(network(), objective=objective(entropy)) == (
        "infinite numbers first appear in the loss itself (`log`), given finite numbers: the logarithm of zero or less"
    )


def test_a_loss_that_overflows() -> None:
    net = network()
    with torch.no_grad():
        net.get_parameter("head.weight").fill_(1e30)
    answer = asked(net, targets=torch.zeros(4, 3), objective=objective(F.mse_loss))
    assert answer.startswith(
        "infinite numbers first appear in the loss itself (`mse_loss`), given finite numbers, with"
    )


def test_in_the_gradient() -> None:
    answer = asked(Around(Function(lambda x: (x - x.detach()).sqrt() + x)))
    assert answer == (
        "it is finite when the step is repeated, but NaN or infinite numbers first appear in the backward pass "
        "of `sqrt` in inner (Function)"
    )


def test_in_the_gradient_of_a_parameter_alone() -> None:
    class Scale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.zeros(3))

        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1)[:, :3] * self.scale.sqrt()

    assert asked(Around(Scale())) == (
        "it is finite when the step is repeated, but infinite numbers first appear in the gradient of "
        "inner.scale (Scale), in the backward pass of `sqrt` in inner (Scale)"
    )


def test_what_depends_on_chance() -> None:
    answer = asked(network())
    assert answer == "it is finite when the step is repeated: it depends on random numbers, such as dropout's"


def test_a_step_that_cannot_be_repeated() -> None:
    def fails(_x: Tensor) -> Tensor:
        random.random()
        torch.rand(3)
        raise ValueError("not twice")

    answer = asked(Function(fails))
    assert answer == "where they first appear is not known: repeating the step failed (ValueError: not twice)"


def test_a_forward_pass_that_replaces_its_buffers_and_weights() -> None:
    class Restless(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("seen", torch.zeros(()))
            self.layer = nn.Linear(192, 3)

        def forward(self, x: Tensor) -> Tensor:
            self.seen: Tensor = self.seen + 1
            with torch.no_grad():
                self.layer.weight.clamp_(-1e-3, 1e-3)
            scores: Tensor = self.layer(x.flatten(1)) + torch.log(-self.seen)
            return scores

    net = Restless()
    buffer = net.seen
    assert "the output of `log` in" in asked(net)
    assert net.seen is buffer


def test_under_autocast() -> None:
    net = Function(lambda x: x.half().float() if x.dtype == torch.bfloat16 else x)
    with torch.no_grad():
        net.layer.weight.fill_(1e5)
    answer = asked(net, autocast=lambda: torch.autocast("cpu", torch.bfloat16))
    assert answer.startswith("infinite numbers first appear in the output of `half` in the network itself")
    assert asked(net).startswith("it is finite")


def test_the_loss_is_taken_in_full_precision() -> None:
    seen = []

    def loss(scores: Tensor, targets: Tensor) -> Tensor:
        seen.append(scores.dtype)
        return F.cross_entropy(scores, targets)

    asked(network(), objective=objective(loss), autocast=lambda: torch.autocast("cpu", torch.bfloat16))
    assert seen == [torch.float32]


def test_evaluation_mode_stays() -> None:
    net = network().eval()
    net.features.train()  # type: ignore[union-attr]
    assert asked(net).startswith("it is finite")


def test_frozen_parameters_and_integers() -> None:
    class Embedded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(5, 3)
            self.table.weight.requires_grad_(False)
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, tokens: Tensor) -> Tensor:
            scores: Tensor = self.table(tokens).sum(1) * self.scale * 0
            return scores.log()

    answer = asked(Embedded(), torch.tensor([[1, 2], [3, 4], [0, 1], [2, 2]]))
    assert answer.startswith("infinite numbers first appear in the output of `log` in the network itself (Embedded)")


def test_synchronised_batch_norm_is_not_run_by_one_process_alone() -> None:
    def used(_module: nn.Module, _inputs: Any) -> None:
        raise AssertionError("it would wait for the other processes")

    net = nn.SyncBatchNorm.convert_sync_batchnorm(network())
    net[0].register_forward_pre_hook(used)
    answer = where_it_began(net, INPUTS, TARGETS, objective(), processes=2)
    assert answer.startswith("where they first appear cannot be told: batch norm is synchronised")
    assert "they are in the inputs" in where_it_began(
        net, broken(INPUTS, (1, 0, 0, 0)), TARGETS, objective(), processes=2
    )
