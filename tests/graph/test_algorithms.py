"""Dominators, longest paths, layers and receptive fields, against numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from nnlint.algorithms import Field, ancestors, bottlenecks, immediate_dominators, layers, longest_path, receptive_field
from nnlint.graph import Graph, Hyper, Op, Value
from nnlint.kinds import convolution, weighted
from nnlint.trace.build import build_graph
from nnlint.trace.record import record


def graph_of(model: nn.Module, *shape: int) -> Graph:
    return build_graph(record(model, torch.randn(*shape)), model=model)


class Residual(nn.Module):
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.one = nn.Conv2d(width, width, 3, padding=1)
        self.two = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.two(torch.relu(self.one(x)))


def named(ops: tuple[Op, ...]) -> list[str]:
    return [op.name for op in ops]


def test_every_path_passes_the_ops_around_a_skip_but_not_those_within() -> None:
    net = graph_of(nn.Sequential(nn.Conv2d(3, 4, 1), Residual(), nn.ReLU()), 1, 3, 8, 8)
    assert named(bottlenecks(net)) == ["input", "conv2d", "add", "relu"]


def test_immediate_dominators_of_a_skip() -> None:
    net = graph_of(Residual(), 1, 4, 8, 8)
    above = immediate_dominators(net)
    by_name = {(op.path or op.name): op for op in net.ops}
    assert above[by_name["input"]] is None
    assert above[by_name["two"]].name == "relu"
    assert above[by_name["add"]].name == "input"
    assert above[net.output].name == "add"


def test_two_inputs_have_no_common_dominator() -> None:
    class Two(nn.Module):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return torch.relu(x + y)

    model = Two()
    net = build_graph(record(model, (torch.randn(2), torch.randn(2))), model=model)
    assert named(bottlenecks(net)) == ["add", "relu"]


def test_a_constant_is_no_way_around() -> None:
    class Scaled(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(x) * torch.ones(1)

    assert named(bottlenecks(graph_of(Scaled(), 2, 3))) == ["input", "relu", "mul"]


def test_longest_path_counts_the_kind_only() -> None:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.deep = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1))
            self.long = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(), nn.ReLU(), nn.ReLU())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.deep(x) + self.long(x)

    path = longest_path(graph_of(Branches(), 1, 3, 4, 4), weighted)
    assert [op.path for op in path if op in convolution] == ["deep.0", "deep.1"]


def test_layers_stand_after_what_they_read() -> None:
    net = graph_of(Residual(), 1, 4, 8, 8)
    level = {op: index for index, layer in enumerate(layers(net)) for op in layer}
    assert len(level) == len(net.ops)
    assert all(level[source] < level[op] for op in net.ops for source in op.inputs)
    assert [named(layer) for layer in layers(net)] == [["input"], ["conv2d"], ["relu"], ["conv2d"], ["add"], ["output"]]


def test_ancestors_of_one_branch() -> None:
    net = graph_of(Residual(), 1, 4, 8, 8)
    relu = next(net.find("relu"))
    assert named(ancestors(net, relu)) == ["input", "conv2d"]


def field_at_the_end(model: nn.Module, *shape: int) -> Field:
    net = graph_of(model, *shape)
    return receptive_field(net)[net.output.inputs[0]]


def vgg16_features() -> nn.Sequential:
    layers: list[nn.Module] = []
    width = 3
    for size in (4, 4, 0, 8, 8, 0, 8, 8, 8, 0, 8, 8, 8, 0, 8, 8, 8, 0):
        layers += [nn.Conv2d(width, size, 3, padding=1), nn.ReLU()] if size else [nn.MaxPool2d(2)]
        width = size or width
    return nn.Sequential(*layers)


def test_vgg16_sees_212_pixels() -> None:  # Araujo et al., table 1
    field = field_at_the_end(vgg16_features(), 1, 3, 64, 64)
    assert field.size == (212, 212)
    assert field.jump == (32, 32)


def test_alexnet_sees_195_pixels() -> None:  # Araujo et al., table 1
    net = nn.Sequential(
        nn.Conv2d(3, 4, 11, stride=4, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(4, 4, 5, padding=2),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.MaxPool2d(3, stride=2),
    )
    assert field_at_the_end(net, 1, 3, 224, 224).size == (195, 195)


def test_resnet_stem() -> None:
    stem = nn.Sequential(nn.Conv2d(3, 4, 7, stride=2, padding=3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
    field = field_at_the_end(stem, 2, 3, 32, 32)
    assert (field.size, field.jump) == ((11, 11), (4, 4))  # 7 + 2·2


def test_a_skip_sees_less_than_its_branch() -> None:
    field = field_at_the_end(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), Residual()), 1, 3, 16, 16)
    assert field.smallest == (3, 3)
    assert field.largest == (7, 7)


@pytest.mark.parametrize(
    ("layer", "size", "jump"),
    [
        (nn.Conv2d(3, 3, 3, dilation=4, padding=4), (9, 9), (1, 1)),
        (nn.Conv2d(3, 3, (1, 7), stride=(1, 2)), (1, 7), (1, 2)),
        (nn.ConvTranspose2d(3, 3, 4, stride=2, padding=1), (2, 2), (0.5, 0.5)),
        (nn.ConvTranspose2d(3, 3, 2, stride=2), (1, 1), (0.5, 0.5)),
        (nn.Upsample(scale_factor=2), (1, 1), (0.5, 0.5)),
        (nn.Upsample(scale_factor=2, mode="bilinear"), (2, 2), (0.5, 0.5)),
        (nn.PixelUnshuffle(2), (2, 2), (2, 2)),
        (nn.AdaptiveAvgPool2d(1), (16, 16), (16, 16)),
        (nn.AdaptiveAvgPool2d(4), (4, 4), (4, 4)),
        (nn.ZeroPad2d(2), (1, 1), (1, 1)),
        (nn.GroupNorm(1, 3), (1, 1), (1, 1)),
        (nn.Softmax2d(), (1, 1), (1, 1)),
        (nn.Softmax(dim=-1), None, None),
    ],
)
def test_one_layer(layer: nn.Module, size: tuple[int, ...] | None, jump: tuple[float, ...] | None) -> None:
    net = graph_of(layer, 1, 3, 16, 16) if not isinstance(layer, nn.PixelUnshuffle) else graph_of(layer, 1, 1, 16, 16)
    field = receptive_field(net).get(net.ops[1])
    assert (field and field.size, field and field.jump) == (size, jump)


def test_a_gate_sees_the_map_and_the_other_path_does_not() -> None:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, padding=1)
            self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 4, 1), nn.Sigmoid())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.conv(x)
            return x * self.gate(x)

    field = field_at_the_end(Gated(), 1, 3, 16, 16)
    assert field.smallest == (3, 3)
    assert field.largest == (18, 18)
    assert field.jump == (1, 1)


def test_channel_shuffle_by_hand_keeps_the_field_and_moved_axes_end_it() -> None:
    class Shuffle(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            n, c, h, w = x.shape
            return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)

    class ChannelsLast(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.permute(0, 2, 3, 1)

    conv = nn.Conv2d(4, 4, 3)
    assert field_at_the_end(nn.Sequential(conv, Shuffle()), 1, 4, 9, 9).size == (3, 3)
    net = graph_of(nn.Sequential(nn.Conv2d(4, 6, 3), ChannelsLast()), 1, 4, 8, 8)  # 6 channels on a 6x6 map
    assert net.output.inputs[0] not in receptive_field(net)


def test_a_strided_slice_ends_the_field_and_a_crop_does_not() -> None:
    class Sliced(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[..., ::2, ::2]

    class Cropped(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[..., 2:-2, 2:-2]

    sliced, cropped = graph_of(Sliced(), 1, 3, 16, 16), graph_of(Cropped(), 1, 3, 16, 16)
    assert sliced.output.inputs[0] not in receptive_field(sliced)
    assert receptive_field(cropped)[cropped.output.inputs[0]].size == (1, 1)


def test_fields_end_where_the_axes_do() -> None:
    net = graph_of(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 2)), 1, 3, 8, 8)
    assert [op.name for op in receptive_field(net)] == ["input", "conv2d"]


def chain(length: int) -> Graph:
    """A residual chain of ``length`` convolutions, made without torch: for the cost alone."""
    value = Value((1, 4, 8, 8), "float32", 1024)
    ops: list[Op] = []

    def add(name: str, *inputs: Op) -> Op:
        hyper = Hyper(kernel=(3, 3), stride=(1, 1)) if name == "conv2d" else Hyper()
        reads = tuple(source.values[0] for source in inputs)
        op = Op(
            len(ops), name, "", None, name, inputs, (0,) * len(inputs), (), reads, (value,), hyper, (), 0, None, None,
            False, True, False,
        )  # fmt: skip
        ops.append(op)
        return op

    last = add("input")
    for _ in range(length // 2):
        last = add("add", last, add("conv2d", last))
    add("output", last)
    return Graph(tuple(ops))


@pytest.mark.parametrize(
    "work", [immediate_dominators, lambda net: longest_path(net, weighted), layers, receptive_field]
)
def test_cost_is_linear_in_the_number_of_ops(
    work: Callable[[Graph], object], steps: Callable[[Callable[[], object]], int]
) -> None:
    short, long = chain(500), chain(5_000)
    work(short)  # imports
    assert steps(lambda: work(long)) < 10.5 * steps(lambda: work(short))
