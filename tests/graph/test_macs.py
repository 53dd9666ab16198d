"""Multiply-accumulates against numbers by hand and against torch's own FLOP counter (two FLOPs each)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.flop_counter import FlopCounterMode

from nnlint.graph import Graph, Hyper
from nnlint.trace.build import build_graph
from nnlint.trace.macs import macs
from nnlint.trace.record import record


class Runs(nn.Module):
    def __init__(self, function: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.function(*inputs)


def graph_of(model: nn.Module, *inputs: torch.Tensor) -> Graph:
    return build_graph(record(model, inputs), model=model)


def counted_by_torch(model: nn.Module, *inputs: torch.Tensor) -> int:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(*inputs)
    total = counter.get_total_flops()
    assert total % 2 == 0
    return total // 2


LAYERS: list[tuple[nn.Module, tuple[int, ...], int]] = [
    (nn.Conv1d(4, 6, 3), (2, 4, 10), 2 * 6 * 8 * 3 * 4),
    (nn.Conv2d(4, 6, 3, stride=2, padding=1), (2, 4, 8, 8), 2 * 6 * 16 * 9 * 4),
    (nn.Conv2d(4, 8, 3, groups=4), (1, 4, 8, 8), 8 * 36 * 9),
    (nn.Conv2d(4, 6, 3, dilation=2, padding_mode="circular", padding=2), (1, 4, 8, 8), 6 * 64 * 9 * 4),
    (nn.Conv3d(2, 3, 2), (1, 2, 4, 4, 4), 3 * 27 * 8 * 2),
    (nn.ConvTranspose1d(4, 6, 3, stride=2), (2, 4, 5), 2 * 4 * 5 * 3 * 6),
    (nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2, output_padding=1), (1, 4, 5, 5), 4 * 25 * 9 * 3),
    (nn.Linear(5, 7), (2, 3, 5), 2 * 3 * 5 * 7),
    (nn.ReLU(), (2, 3), 0),
    (nn.BatchNorm2d(3), (2, 3, 4, 4), 0),
    (nn.MaxPool2d(2), (2, 3, 4, 4), 0),
]


@pytest.mark.parametrize(("layer", "shape", "by_hand"), LAYERS, ids=[str(row[0])[:40] for row in LAYERS])
def test_layers(layer: nn.Module, shape: tuple[int, ...], by_hand: int) -> None:
    x = torch.randn(shape)
    assert graph_of(layer, x).macs == by_hand == counted_by_torch(layer, x)


A, B, C = torch.randn(2, 3, 4), torch.randn(2, 4, 5), torch.randn(3, 5)
PRODUCTS: list[tuple[Callable[..., torch.Tensor], tuple[torch.Tensor, ...], int]] = [
    (torch.matmul, (A, B), 2 * 3 * 4 * 5),
    (lambda a, b: a @ b, (A, B), 120),
    (torch.bmm, (A, B), 120),
    (torch.mm, (A[0], B[0]), 60),
    (torch.addmm, (C, A[0], B[0]), 60),
    (torch.baddbmm, (C.expand(2, 3, 5), A, B), 120),
    (lambda a, b: torch.einsum("bij,bjk->bik", a, b), (A, B), 120),
    (lambda a, b: torch.einsum("bij,bjk", a, b), (A, B), 120),
    (lambda a, b: torch.einsum("...ij,...jk->...ik", a, b), (A, B), 120),
    (lambda a, b: torch.einsum("bij, bjk -> b", a, b), (A, B), 2 * 4),  # i and k are summed away first
    (lambda a: torch.einsum("bij->bj", a), (A,), 0),
    (lambda a, b: torch.einsum("xd,yd->xy", a, b), (torch.randn(3, 1), torch.randn(4, 1)), 0),
    (lambda a, c: torch.einsum("bij,ik->bjk", a, c), (A, C), 2 * 4 * 3 * 5),
    (lambda a, b: torch.tensordot(a, b, dims=([2], [1])), (A, B), 2 * 3 * 2 * 5 * 4),
    (F.scaled_dot_product_attention,
     (torch.randn(2, 3, 5, 8), torch.randn(2, 3, 7, 8), torch.randn(2, 3, 7, 4)), 2 * 3 * 5 * 7 * (8 + 4)),
]  # fmt: skip


@pytest.mark.parametrize(("function", "inputs", "by_hand"), PRODUCTS, ids=range(len(PRODUCTS)))
def test_products(function: Callable[..., torch.Tensor], inputs: tuple[torch.Tensor, ...], by_hand: int) -> None:
    assert graph_of(Runs(function), *inputs).macs == by_hand == counted_by_torch(Runs(function), *inputs)


def test_products_torch_does_not_count() -> None:
    bilinear = nn.Bilinear(3, 5, 7)
    assert graph_of(bilinear, torch.randn(2, 3), torch.randn(2, 5)).macs == 2 * 7 * 3 * 5
    assert graph_of(Runs(torch.matmul), A, torch.randn(4)).macs == 24
    assert graph_of(Runs(torch.outer), torch.randn(3), torch.randn(4)).macs == 12
    assert graph_of(Runs(torch.dot), torch.randn(3), torch.randn(3)).macs == 3
    assert graph_of(Runs(lambda a, b: torch.einsum("bi,bi->bi", a, b)), C, C).macs == 0


def test_recurrent_layers_by_hand() -> None:
    x = torch.randn(4, 2, 5)  # steps, batch, width
    assert graph_of(nn.LSTM(5, 7), x).macs == 8 * 4 * 7 * (5 + 7)
    assert graph_of(nn.GRU(5, 7, bidirectional=True), x).macs == 8 * 2 * 3 * 7 * (5 + 7)
    assert graph_of(nn.RNN(5, 7, num_layers=2), x).macs == 8 * (7 * (5 + 7) + 7 * (7 + 7))
    assert graph_of(nn.LSTM(5, 7, proj_size=3), x).macs == 8 * (4 * 7 * (5 + 3) + 7 * 3)
    assert graph_of(nn.LSTMCell(5, 7), x[0]).macs == 2 * 4 * 7 * (5 + 7)


def test_packed_sequences_count_the_steps_they_hold() -> None:
    class Packed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(5, 7)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out, _ = self.lstm(nn.utils.rnn.pack_padded_sequence(x, torch.tensor([4, 2])))
            return nn.utils.rnn.pad_packed_sequence(out)[0]

    graph = graph_of(Packed(), torch.randn(4, 2, 5))
    assert graph.macs == 6 * 4 * 7 * 12
    assert not graph.uncounted
    assert [op.name for op in graph.ops[3:6]] == ["pack_padded_sequence", "lstm", "pad_packed_sequence"]


@pytest.mark.parametrize("batch_first", [False, True])
def test_multi_head_attention(batch_first: bool) -> None:
    layer = nn.MultiheadAttention(8, 2, batch_first=batch_first, kdim=6, vdim=4).eval()
    query, key, value = torch.randn(3, 5, 8), torch.randn(3, 5, 6), torch.randn(3, 5, 4)
    batch, length = (3, 5) if batch_first else (5, 3)
    by_hand = batch * length * (2 * 64 + 8 * 6 + 8 * 4) + batch * 2 * length * length * 8
    assert graph_of(layer, query, key, value).macs == by_hand == counted_by_torch(layer, query, key, value)


def residual_network() -> nn.Module:
    class Block(nn.Module):
        def __init__(self, width: int, out: int) -> None:
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(width, out, 3, 2, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(),
                nn.Conv2d(out, out, 3, 1, 1, groups=2),
            )  # fmt: skip
            self.skip = nn.Conv2d(width, out, 1, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.relu(self.body(x) + self.skip(x))

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), Block(8, 16), Block(16, 32), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(32, 10),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("model", "x"),
    [
        (residual_network(), torch.randn(2, 3, 32, 32)),
        (nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), 2), torch.randn(2, 7, 16)),
        (nn.TransformerEncoderLayer(16, 4, 32), torch.randn(2, 7, 16)),
        (nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 4), nn.Softmax(-1)), torch.randn(2, 5, 4)),
    ],
    ids=["residual", "encoder", "encoder layer", "perceptron"],
)
def test_networks_as_torch_counts_them(model: nn.Module, x: torch.Tensor) -> None:
    graph = graph_of(model, x)
    assert graph.macs == counted_by_torch(model, x)
    assert not graph.uncounted


def test_what_is_not_known_is_none_and_said() -> None:
    class Unknown(torch.autograd.Function):
        @staticmethod
        def forward(_ctx: object, x: torch.Tensor) -> torch.Tensor:
            return x * 2

    graph = graph_of(Runs(lambda x: torch.linalg.inv(Unknown.apply(x))), torch.eye(3))
    assert [op.name for op in graph.uncounted][1:] == ["inverse"]
    assert len(graph.uncounted) == 2
    assert graph.macs == 0


def test_a_layer_whose_settings_are_not_known_is_not_counted() -> None:
    assert macs("conv2d", Hyper(), (), ()) is None
    assert macs("linear", Hyper(), (), ()) is None
    assert macs("some.function", Hyper(), (), ()) is None
    assert macs("relu", Hyper(), (), ()) == 0


def test_meta_and_real_agree() -> None:
    model = residual_network()
    real = graph_of(model, torch.randn(2, 3, 32, 32)).macs
    assert graph_of(model.to("meta"), torch.randn(2, 3, 32, 32, device="meta")).macs == real > 0
