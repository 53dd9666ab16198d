"""The first step on the quiet: what torch cannot do is said, and nothing is changed by asking."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nnlint.train.config import TrainConfig
from nnlint.train.data.model import Arrays, Data
from nnlint.train.hardware import prepared
from nnlint.train.loop import train
from nnlint.train.objective import objective_for
from nnlint.train.trial import Step, tried
from nnlint.train.watch import Watch


class Put(nn.Module):
    """`put_` has no deterministic kernel on any device."""

    def forward(self, x: Tensor) -> Tensor:
        """[N, F] to the same shape."""
        return x + torch.zeros_like(x).put_(torch.arange(2), torch.ones(2))


class PutBackward(torch.autograd.Function):
    """The identity, whose gradient goes through `put_`."""

    @staticmethod
    def forward(_ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(_ctx: Any, gradient: Tensor) -> Tensor:
        return gradient.clone().put_(torch.arange(2), torch.ones(2))


class Scattered(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        """[N, F] to the same shape."""
        return PutBackward.apply(x)


class Broken(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        """It fails on purpose."""
        raise ValueError("a bug")


def _net(middle: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return _Chain({"first": nn.Linear(4, 4), "norm": nn.BatchNorm1d(4), "middle": middle, "drop": nn.Dropout(0.5)})


class _Chain(nn.Module):
    def __init__(self, parts: dict[str, nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleDict(parts)
        self.last = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        """[N, 4] to [N, 2]."""
        for part in self.parts.values():
            x = part(x)
        return self.last(x)


def _step(inputs: Tensor) -> Step:
    def step(forward: Callable[..., Any]) -> Tensor:
        np.random.rand()  # a network may draw from it
        return forward(inputs).square().mean()

    return step


@pytest.fixture(autouse=True)
def _repro() -> Iterator[None]:
    with prepared(TrainConfig(mode="repro"), image_like=False):
        yield


REPRO = TrainConfig(mode="repro")


@pytest.mark.parametrize("middle", [Put(), Scattered()], ids=["forward", "backward"])
def test_an_op_without_a_deterministic_kernel_is_named_with_its_module(middle: nn.Module) -> None:
    net = _net(middle)
    compiled, said = tried(net, _step(torch.randn(3, 4)), REPRO)
    assert not compiled
    assert len(said) == 1
    assert said[0].startswith(f"put_, in `parts.middle` ({type(middle).__name__}), has no deterministic kernel")
    assert torch.is_deterministic_algorithms_warn_only_enabled()
    with pytest.warns(UserWarning, match="put_ does not have a deterministic"):
        net(torch.randn(3, 4)).sum().backward()


def test_deterministic_networks_stay_strict() -> None:
    assert tried(_net(nn.ReLU()), _step(torch.randn(3, 4)), REPRO) == (False, ())
    assert not torch.is_deterministic_algorithms_warn_only_enabled()


@pytest.mark.parametrize("middle", [nn.ReLU(), Put(), Broken()], ids=["good", "no kernel", "broken"])
def test_nothing_is_changed_by_asking(middle: nn.Module) -> None:
    net = _net(middle)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    generators = torch.get_rng_state(), np.random.get_state()[1].copy()
    tried(net, _step(torch.randn(3, 4, generator=torch.Generator().manual_seed(1))), REPRO)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
    assert torch.equal(torch.get_rng_state(), generators[0])
    assert np.array_equal(np.random.get_state()[1], generators[1])


def test_a_buffer_that_is_replaced_is_put_back() -> None:
    class Counting(nn.Linear):
        def __init__(self) -> None:
            super().__init__(4, 2)
            self.register_buffer("seen", torch.zeros(()))

        def forward(self, x: Tensor) -> Tensor:
            """[N, 4] to [N, 2]."""
            self.seen = self.seen + len(x)
            return super().forward(x)

    net = Counting()
    tried(net, _step(torch.randn(3, 4)), REPRO)
    assert net.seen == 0


def test_a_training_says_what_it_cannot_have_and_goes_on() -> None:
    said: list[str] = []
    watch = Watch()
    watch.say = said.append  # type: ignore[method-assign]
    samples = Arrays(torch.randn(12, 4), torch.arange(12) % 2)
    data = Data("made", "made", "classes", (4,), 2, samples, samples)
    config = TrainConfig(epochs=1, batch_size=4, mode="repro", device="cpu")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="put_ does not have")
        runs = [train(_net(Put()), data, objective_for(data, "scores", 2), config, watch=watch) for _ in range(2)]
    assert [run.ending for run in runs] == ["finished", "finished"]
    assert runs[0].state_digest == runs[1].state_digest
    assert sum("has no deterministic kernel" in sentence for sentence in said) == 2


def test_a_network_that_fails_in_evaluation_alone_is_a_failed_training() -> None:
    class InEvaluation(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            """[N, 4] to [N, 2], in training."""
            if not self.training:
                raise ValueError("a bug")
            return super().forward(x)

    samples = Arrays(torch.randn(12, 4), torch.arange(12) % 2)
    data = Data("made", "made", "classes", (4,), 2, samples, samples)
    run = train(InEvaluation(4, 2), data, objective_for(data, "scores", 2), TrainConfig(epochs=1, batch_size=4))
    assert (run.ending, run.reason) == ("failed", "validation after step 3: ValueError: a bug")


def test_the_errors_of_a_network_are_left_to_the_training() -> None:
    assert tried(_net(Broken()), _step(torch.randn(3, 4)), REPRO) == (False, ())


def test_a_network_that_does_not_compile_runs_as_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_net: nn.Module) -> Callable[..., Any]:
        def forward(_inputs: Tensor) -> Tensor:
            raise RuntimeError("\n  no compiler here\nand a long story")

        return forward

    monkeypatch.setattr(torch, "compile", failing)
    compiled, said = tried(_net(nn.ReLU()), _step(torch.randn(3, 4)), TrainConfig(compile=True))
    assert not compiled
    assert said[0].endswith("runs as it is written: RuntimeError: no compiler here")


def test_a_network_that_compiles_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    # the real compiler without its C++, which would take half a minute
    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda net: compile_(net, backend="aot_eager"))
    assert tried(_net(nn.ReLU()), _step(torch.randn(3, 4)), TrainConfig(compile=True)) == (True, ())
