"""What a failing forward says: where, which operation, which shapes, and the original exception."""

import linecache

import pytest
import torch
from torch import nn

from nnlint.errors import TraceError
from nnlint.trace.failure import ForwardError
from nnlint.trace.record import record
from nnlint.trace.run import ASSUMED


def text(site):
    return linecache.getline(site.file, site.line)[site.column - 1 : site.end_column - 1]


class Net(nn.Module):
    def __init__(self, what):
        super().__init__()
        self.what = what
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(7, 3))

    def forward(self, x):
        return getattr(self, self.what)(x)

    def layer(self, x):
        return self.body(x)

    def function(self, x):
        return torch.cat([x, x[:, :1].sum(2)], 1)

    def own(self, x):
        raise ValueError("not\nlike this")

    def value(self, x):
        return x * 2 if x.sum() > 0 else x

    def count(self, x):
        return x[x > 0]

    def number(self, x):
        return x * int(x.max())

    def caught(self, x):
        try:
            return self.body(x)
        except RuntimeError:
            return x.relu()


def failed(what, device="cpu"):
    with pytest.raises(TraceError) as raised:
        record(Net(what).to(device), torch.rand(2, 3, 4).to(device))
    assert isinstance(raised.value, ForwardError)
    return raised.value


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_layer_that_does_not_fit(device):
    error = failed("layer", device)
    failure = error.failure
    assert (failure.path, failure.spelling, failure.shapes) == ("body.1", "nn.Linear", ((2, 12),))
    assert isinstance(failure.module, nn.Linear)
    assert text(failure.site) == "nn.Linear(7, 3)"
    assert text(failure.call_site) == "self.body(x)"
    assert isinstance(error.__cause__, RuntimeError)
    assert not error.needs_values
    assert "`body.1` (nn.Linear) failed on [2, 12]" in str(error)
    assert f":{failure.call_site.line}:" in str(error)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_function_that_does_not_fit(device):
    failure = failed("function", device).failure
    assert (failure.path, failure.spelling, failure.shapes) == ("", "torch.cat", ((2, 3, 4), (2, 1)))
    assert failure.function is torch.cat
    assert text(failure.site) == "torch.cat([x, x[:, :1].sum(2)], 1)"


def test_an_exception_of_the_users_own():
    error = failed("own")
    assert isinstance(error.__cause__, ValueError)
    assert "ValueError: not" in str(error)
    assert text(error.failure.site).startswith('raise ValueError("not') or "own" in text(error.failure.site)


@pytest.mark.parametrize("what", ["value", "count", "number"])
def test_on_the_meta_device_values_are_asked_for(what):
    assert failed(what, "meta").needs_values
    record(Net(what), torch.rand(2, 3, 4))


def test_on_the_meta_device_a_condition_may_be_assumed():
    class Checked(nn.Module):
        def forward(self, x):
            return x + 1 if (x > 0).all() or 3 in x else x * 2

    with torch.device("meta"):
        x = torch.rand(2, 3)
    with pytest.raises(ForwardError):
        record(Checked(), x)
    recorded = record(Checked(), x, assume=True)
    assert [node.name for node in recorded.graph.nodes if "mul" in node.name]
    assert len(recorded.meta[ASSUMED]) == 1  # both stand in one line
    assert record(Checked(), torch.rand(2, 3), assume=True).meta[ASSUMED] == ()


def test_exceptions_that_the_network_handles_are_not_errors():
    assert record(Net("caught"), torch.rand(2, 3, 4))(torch.rand(2, 3, 4)).shape == (2, 3, 4)


def test_a_wrong_call_says_so():
    with pytest.raises(ForwardError, match="positional argument"):
        record(nn.ReLU(), (torch.rand(2), torch.rand(2), torch.rand(2)))


def test_interrupts_are_not_swallowed():
    class Stop(nn.Module):
        def forward(self, x):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record(Stop(), torch.rand(2))
