"""A model is the same before and after it is recorded."""

# ruff: noqa: N812

import collections
import copy
import random

import numpy
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from nnlint.trace.failure import ForwardError
from nnlint.trace.record import record


class Busy(nn.Module):
    """Changes everything a forward can change."""

    def __init__(self, fail=False):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.embed = nn.Embedding(5, 4, max_norm=0.1)
        self.weight = nn.Parameter(torch.randn(4))
        self.plain = torch.zeros(4)
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.losses = []
        self.seen = {}
        self.calls = 0
        self.fail = fail
        self.spectral = nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4))

    def forward(self, x):
        self.calls += 1
        self.last = x
        self.losses.append(x.sum())
        self.seen["x"] = x
        self.steps += 1
        self.register_buffer("extra", torch.ones(2))
        self.extra_module = nn.Linear(1, 1)
        with torch.no_grad():
            self.weight.clamp_(-0.1, 0.1)
            self.weight.data.mul_(0.5)
            self.weight[0] = 7
            self.plain[:] = 3
            torch.nn.init.normal_(self.norm.weight)
        self.norm.weight.requires_grad_(False)
        x.add_(1)
        (x * self.weight).sum().backward()
        self.train(False)
        random.random()
        numpy.random.rand()
        if self.fail:
            raise ValueError("on purpose")
        return F.dropout(self.spectral(self.norm(x) + self.embed(torch.tensor([1, 2, 3]))) * self.weight + self.plain)


def picture(model):
    """All that may not change."""
    return (
        {name: value.clone() for name, value in model.state_dict().items()},
        [(module.training, sorted(module.__dict__), list(module._buffers), list(module._modules))
         for module in model.modules()],
        [(p.requires_grad, None if p.grad is None else p.grad.clone()) for p in model.parameters()],
        model.plain.clone(), list(model.losses), dict(model.seen), model.calls,
        torch.get_rng_state(), random.getstate(), numpy.random.get_state()[1].tolist(),
        [(len(module._forward_hooks), len(module._forward_pre_hooks)) for module in model.modules()],
    )  # fmt: skip


def equal(a, b):
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(equal, a, b))
    return a == b


@pytest.mark.parametrize("fail", [False, True])
@pytest.mark.parametrize("gradients", [False, True])
def test_nothing_of_a_model_changes(fail, gradients):
    model = Busy(fail).train()
    if gradients:
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
    data = torch.rand(2, 3, 4)
    before, given = picture(model), data.clone()
    if fail:
        with pytest.raises(ForwardError, match="on purpose"):
            record(model, data)
    else:
        record(model, data)
    for one, other in zip(picture(model), before, strict=True):
        assert equal(one, other)
    assert torch.equal(data, given)


def test_the_parameters_are_the_same_objects_and_shared_with_the_graph():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    parameters = list(model.parameters())
    module = record(model, torch.rand(2, 3))
    assert all(a is b for a, b in zip(parameters, model.parameters(), strict=True))
    assert {id(p) for p in module.parameters()} == {id(p) for p in parameters}


def test_torch_is_as_it_was():
    call, apply = nn.Module.__call__, vars(torch.autograd.Function)["apply"]
    fast = torch.backends.mha.get_fastpath_enabled()
    record(nn.TransformerEncoderLayer(4, 2, 8), torch.rand(2, 3, 4))
    with pytest.raises(ForwardError):
        record(nn.Linear(3, 4), torch.rand(2, 5))
    assert nn.Module.__call__ is call
    assert vars(torch.autograd.Function)["apply"] is apply
    assert torch.backends.mha.get_fastpath_enabled() is fast
    assert torch.is_grad_enabled()


def test_arguments_that_are_filled_stay_empty():
    class Net(nn.Module):
        def forward(self, x, cache):
            cache["x"] = x
            cache["list"].append(x)
            return x * 2

    cache = {"list": []}
    record(Net(), (torch.rand(2), cache))
    assert cache == {"list": []}


def test_non_persistent_buffers_stay_so():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.BatchNorm1d(3)
            self.inner.register_buffer("note", torch.ones(3), persistent=False)

        def forward(self, x):
            return self.inner(x) + self.inner.note

    model = Net()
    before = copy.deepcopy(list(model.state_dict()))
    record(model, torch.rand(2, 3))
    assert list(model.state_dict()) == before


class Deep(nn.Module):
    """Changes what its attributes hold, and a buffer that gradients flow into."""

    def __init__(self):
        super().__init__()
        self.settings = {"levels": [{"seen": 0}], "queue": collections.deque([1])}
        self.generator = torch.Generator().manual_seed(5)
        self.python = [random.Random(5)]
        self.fc = nn.Linear(3, 3)
        self.register_buffer("mean", torch.zeros(3))

    def forward(self, x):
        self.settings["levels"][0]["seen"] += 1
        self.settings["levels"].append({})
        self.settings["queue"].append(2)
        x = self.fc(x) + torch.rand(3, generator=self.generator) + self.python[0].random()
        self.mean.mul_(0.9).add_(x.mean(0))
        return x


def test_what_attributes_hold_is_put_back():
    model = Deep()
    levels, entry, queue, mean = (
        model.settings["levels"], model.settings["levels"][0], model.settings["queue"], model.mean,
    )  # fmt: skip
    states = model.generator.get_state(), model.python[0].getstate()
    record(model, torch.ones(2, 3))
    assert model.settings == {"levels": [{"seen": 0}], "queue": collections.deque([1])}
    assert model.settings["levels"] is levels
    assert levels[0] is entry
    assert model.settings["queue"] is queue
    assert torch.equal(model.generator.get_state(), states[0])
    assert model.python[0].getstate() == states[1]
    assert model.mean is mean
    assert mean.tolist() == [0, 0, 0]
    assert not mean.requires_grad
    assert mean.grad_fn is None
