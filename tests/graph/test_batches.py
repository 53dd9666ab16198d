"""Where samples are in the tensors of a network: views that keep them apart, and those that mix them."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from nnlint.batches import may_mix, mixing_views
from nnlint.trace.build import build_graph
from nnlint.trace.record import record


class _Net(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def _mixing(
    function: Callable[[Tensor], Tensor], *shape: int, batch: int = 2, other: int = 4
) -> tuple[list[str], bool]:
    net = _Net(function)
    graphs = [
        build_graph(record(net, (torch.rand(size, *shape, device="meta"),)), model=net) for size in (batch, other)
    ]
    found = mixing_views(graphs[0], batch, [op.shape for op in graphs[1].ops], other)
    return [op.name for op in found], may_mix(graphs[0], batch)


def _windows(x: Tensor) -> Tensor:
    n, h, w, c = x.shape
    x = x.view(n, h // 4, 4, w // 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 16, c)
    x = x.sin().view(n, h // 4, w // 4, 4, 4, c).permute(0, 1, 3, 2, 4, 5)
    return x.reshape(n, h, w, c)


def _heads(x: Tensor) -> Tensor:
    n, t, c = x.shape
    x = x.view(n, t, 4, c // 4).transpose(1, 2).reshape(n * 4, t, c // 4)
    return (x @ x.transpose(1, 2) @ x).view(n, 4, t, c // 4).transpose(1, 2).reshape(n, t, c)


def _sequence_first(x: Tensor) -> Tensor:
    n, t, c = x.shape
    return x.transpose(0, 1).reshape(t * n, c).cos().view(t, n, c).permute(1, 0, 2)


def _deviation(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    group = min(4, n)
    y = x.reshape(group, -1, c, h, w).std(0).mean((1, 2, 3), keepdim=True)
    return torch.cat([x, y.repeat(group, 1, h, w)], 1)


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (lambda x: x.flatten(1), (3, 4, 4)),
        (lambda x: x.view(-1, 5), (10, 5)),
        (lambda x: x.reshape(1, -1, 4, 4), (3, 4, 4)),
        (lambda x: (x @ x.T).flatten()[:-1].view(x.shape[0] - 1, x.shape[0] + 1), (8,)),
        (lambda x: x.view(2, -1, 8).flip(0), (8,)),
        (_windows, (8, 8, 6)),
        (_heads, (10, 8)),
        (_sequence_first, (12, 8)),
        (_deviation, (3, 4, 4)),
    ],
)
@pytest.mark.parametrize(("batch", "other"), [(2, 4), (2, 3), (4, 8), (8, 16)])
def test_samples_stay_apart(
    function: Callable[[Tensor], Tensor], shape: tuple[int, ...], batch: int, other: int
) -> None:
    try:
        found, _ = _mixing(function, *shape, batch=batch, other=other)
    except Exception as error:
        assert "invalid for input of size" in str(error)  # a batch that has to be even
        return
    assert found == []


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (lambda x: x.view(x.shape[1], x.shape[0], x.shape[2]), (12, 8)),
        (lambda x: x.reshape(x.shape[1], -1, x.shape[2]).sin(), (10, 8)),
        (lambda x: x.transpose(0, 1).reshape(-1, 8).cos().view(x.shape[0], -1, 8), (12, 8)),
        (lambda x: x.view(3, -1, 4, 4), (3, 4, 4)),
        (lambda x: x.view(-1, 320), (800,)),
    ],
)
def test_samples_are_mixed(function: Callable[[Tensor], Tensor], shape: tuple[int, ...]) -> None:
    found, suspected = _mixing(function, *shape)
    assert len(found) == 1
    assert suspected


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM])
@pytest.mark.parametrize("both", [True, False])
def test_final_states_viewed_sample_by_sample(kind: type[nn.RNNBase], both: bool) -> None:
    rnn = kind(8, 16, batch_first=True, bidirectional=both).to("meta")

    def joined(x: Tensor) -> Tensor:
        last = rnn(x)[1]
        last = last[0] if isinstance(last, tuple) else last
        return last.view(-1, 32 if both else 16)

    assert _mixing(joined, 12, 8) == ((["view"], True) if both else ([], False))
