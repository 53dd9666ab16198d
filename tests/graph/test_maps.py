"""What is asked about convolutions and their maps."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nnlint.graph import Graph, Op
from nnlint.kinds import convolution
from nnlint.maps import (
    along_one_axis,
    covers_map,
    cuts_patches,
    features_after,
    has_attention,
    has_own_weight,
    is_decoder,
    last_map,
    map_size,
    on_maps,
    resized,
    shrinks_map,
)
from nnlint.trace.build import build_graph
from nnlint.trace.record import record


def graph_of(model: nn.Module, *shape: int) -> Graph:
    return build_graph(record(model.eval(), (torch.randn(shape),)), model=model)


def of(layer: nn.Module, *shape: int) -> Op:
    return graph_of(layer, *shape).ops[1]


def test_forms_of_kernels() -> None:
    assert covers_map(of(nn.Conv2d(3, 4, 8), 1, 3, 8, 8))
    assert not covers_map(of(nn.Conv2d(3, 4, 7), 1, 3, 8, 8))
    assert cuts_patches(of(nn.Conv2d(3, 4, 4, stride=4), 1, 3, 8, 8))
    assert not cuts_patches(of(nn.Conv2d(3, 4, 1), 1, 3, 8, 8))
    assert along_one_axis(of(nn.Conv2d(3, 4, (1, 5)), 1, 3, 8, 8))
    assert along_one_axis(of(nn.Conv1d(3, 4, 5), 1, 3, 8))
    assert not along_one_axis(of(nn.Conv2d(3, 4, 3), 1, 3, 8, 8))


@pytest.mark.parametrize(
    ("layer", "smaller"),
    [
        (nn.Conv2d(3, 4, 3, stride=2, padding=1), True),
        (nn.MaxPool2d(2), True),
        (nn.AdaptiveAvgPool2d(1), True),
        (nn.Conv2d(3, 4, 3), False),
        (nn.AvgPool2d(3, stride=1, padding=1), False),
        (nn.ConvTranspose2d(3, 4, 2, stride=2), False),
    ],
)
def test_what_makes_a_map_smaller(layer: nn.Module, smaller: bool) -> None:
    assert shrinks_map(of(layer, 1, 3, 16, 16)) is smaller


def test_a_fixed_filter_has_no_weight_of_its_own() -> None:
    class Blur(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("window", torch.ones(1, 1, 3, 3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.conv2d(x, self.window)

    conv = next(graph_of(Blur(), 1, 1, 8, 8).find("conv2d"))
    assert not has_own_weight(conv)
    assert has_own_weight(of(nn.Conv2d(1, 1, 3), 1, 1, 8, 8))


def test_convolutions_of_single_samples_are_left_out() -> None:
    layer = nn.Conv2d(3, 4, 3)
    assert [op.name for op in on_maps(graph_of(layer, 1, 3, 8, 8), convolution)] == ["conv2d"]
    assert list(on_maps(graph_of(layer, 3, 8, 8), convolution)) == []
    assert resized(of(layer, 3, 8, 8), (8,)) is None


def test_attention_and_decoders() -> None:
    class Attends(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x @ x.transpose(1, 2)).softmax(dim=-1) @ x

    assert has_attention(graph_of(Attends(), 1, 4, 8))
    assert has_attention(graph_of(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1, 4, 8))
    assert not has_attention(graph_of(nn.Sequential(nn.Linear(8, 4), nn.Softmax(1)), 1, 8))
    assert is_decoder(graph_of(nn.Upsample(scale_factor=2), 1, 3, 4, 4))
    assert is_decoder(graph_of(nn.PixelShuffle(2), 1, 4, 4, 4))
    assert not is_decoder(graph_of(nn.ConvTranspose2d(3, 3, 3, padding=1), 1, 3, 4, 4))


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10)], "adaptive_avg_pool2d"),
        ([nn.Flatten(), nn.Dropout(), nn.Linear(256, 10), nn.Softmax(1)], "flatten"),
        ([nn.Conv2d(4, 10, 8), nn.Flatten()], "conv2d"),
        ([nn.Conv2d(4, 10, 1), nn.AvgPool2d(8), nn.Flatten()], "avg_pool2d"),
        (
            [nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 8, 1), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)],
            "adaptive_avg_pool2d",
        ),
    ],
)
def test_where_a_classifier_gives_up_its_map(head: list[nn.Module], name: str) -> None:
    found = last_map(graph_of(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), *head), 1, 3, 8, 8))
    assert found is not None
    assert (found.name, map_size(found.in_shape)) == (name, (8, 8))


def test_what_is_no_classifier() -> None:
    assert last_map(graph_of(nn.Conv2d(3, 4, 3), 1, 3, 8, 8)) is None
    assert last_map(graph_of(nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2)), 1, 8)) is None


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(3, 4, 5, stride=2, padding=1),
        nn.Conv2d(3, 4, 3, dilation=2),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.AvgPool2d(2),
        nn.Conv2d(3, 4, 3, padding="same"),
    ],
)
def test_the_size_of_another_map_is_what_torch_makes(layer: nn.Module) -> None:
    op = of(layer, 1, 3, 16, 16)
    for size in ((13, 12), (31, 9)):
        assert resized(op, size) == tuple(layer(torch.zeros(1, 3, *size)).shape[2:])


def test_a_kernel_that_no_longer_fits_makes_no_map() -> None:
    assert resized(of(nn.Conv2d(3, 4, 5), 1, 3, 16, 16), (4, 4)) is None


def test_what_follows_another_size() -> None:
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(196, 10),
        nn.Linear(10, 2),
    )
    graph = graph_of(net, 1, 3, 16, 16)
    found = features_after(graph.ops[1], (16, 16))
    assert found is not None
    assert {op.name: features for op, features in found.items()} == {"flatten": (4, 8, 8), "linear": (4, 8, 8)}


def test_a_global_average_ends_it() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    assert features_after(graph_of(net, 1, 3, 16, 16).ops[1], (16, 16)) == {}


def test_maps_that_no_longer_fit_each_other_cannot_be_followed() -> None:
    class Cropped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(x) + x[:, :, 1:-1, 1:-1]

    graph = graph_of(Cropped(), 1, 3, 16, 16)
    assert features_after(next(graph.find("conv2d")), (16, 16)) is None
