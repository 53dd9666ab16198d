"""From a recorded network to its `Graph`: what is an op, what is an input, what is a parameter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from nnlint.graph import Graph, Op
from nnlint.kinds import Kind, dropout, elementwise
from nnlint.trace.build import build_graph
from nnlint.trace.record import record

X = torch.randn(2, 4, 8, 8)


def graph_of(model: nn.Module, *inputs: Any, **options: Any) -> Graph:
    return build_graph(record(model, inputs), model=model, **options)


def op_named(graph: Graph, name: str) -> Op:
    found = [op for op in graph.ops if op.name == name]
    assert len(found) == 1, [op.name for op in graph.ops]
    return found[0]


def test_a_sequential_network() -> None:
    graph = graph_of(nn.Sequential(nn.Conv2d(4, 6, 3), nn.ReLU()), X, name="Net", file="net.py")
    assert [op.name for op in graph.ops] == ["input", "conv2d", "relu", "output"]
    assert [op.index for op in graph.ops] == [0, 1, 2, 3]
    conv = graph.ops[1]
    assert (conv.path, conv.spelling, conv.shape, conv.in_shape) == ("0", "nn.Conv2d", (2, 6, 6, 6), (2, 4, 8, 8))
    assert conv.inputs == (graph.ops[0],)
    assert conv.users == (graph.ops[2],)
    assert [(param.path, param.role, param.shape) for param in conv.params] == [
        ("0.weight", "weight", (6, 4, 3, 3)),
        ("0.bias", "bias", (6,)),
    ]
    assert graph.output.inputs == (graph.ops[2],)
    assert (graph.name, graph.file, graph.how) == ("Net", "net.py", "meta")
    assert repr(graph) == "<Graph Net: 4 ops, 222 parameters>"


def test_inputs_keep_the_name_of_the_argument_and_their_structure_is_unpacked() -> None:
    class Net(nn.Module):
        def forward(self, image: torch.Tensor, more: dict[str, torch.Tensor]) -> torch.Tensor:
            return image + more["mask"] + more["bias"]

    graph = graph_of(Net(), X, {"mask": X, "bias": X})
    assert [op.name for op in graph.ops] == ["input", "input", "input", "add", "add", "output"]
    assert [op.spelling for op in graph.inputs] == ["image", "more_mask", "more_bias"]
    assert graph.ops[4].inputs == (graph.ops[3], graph.ops[2])


def test_the_same_tensor_twice_is_read_twice() -> None:
    class Double(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = F.relu(x)
            return x + x

    graph = graph_of(Double(), X)
    relu, add = graph.ops[1:3]
    assert add.inputs == (relu, relu)
    assert relu.users == (add, add)


def test_outputs_of_one_op_are_told_apart_by_slots() -> None:
    class Halves(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            first, second = x.chunk(2, dim=1)
            return torch.cat([second, first], dim=1)

    graph = graph_of(Halves(), X)
    assert [op.name for op in graph.ops] == ["input", "chunk", "cat", "output"]
    cat = graph.ops[2]
    assert cat.inputs == (graph.ops[1], graph.ops[1])
    assert cat.slots == (1, 0)
    assert [value.shape for value in graph.ops[1].values] == [(2, 2, 8, 8)] * 2


def test_nested_outputs_of_a_layer() -> None:
    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(8, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            _, (hidden, cell) = self.lstm(x)
            return hidden * cell

    graph = graph_of(Last(), torch.randn(5, 2, 8))
    lstm, mul = op_named(graph, "lstm"), op_named(graph, "mul")
    assert mul.inputs == (lstm, lstm)
    assert mul.slots == (1, 2)
    assert [param.role for param in lstm.params] == ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]


class WithPosition(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.zeros(4, 8, 8))
        self.register_buffer("scale", torch.ones(4, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.dropout(x + self.position) * self.scale


def test_parameters_read_as_data_are_params_and_buffers_are_constants() -> None:
    graph = graph_of(WithPosition(), X)
    assert [op.name for op in graph.ops] == ["input", "add", "dropout", "constant", "mul", "output"]
    add, mul = op_named(graph, "add"), op_named(graph, "mul")
    assert add.inputs == (graph.ops[0],)
    assert [(param.path, param.role) for param in add.params] == [("position", "position")]
    assert [source.name for source in mul.inputs] == ["dropout", "constant"]
    assert op_named(graph, "constant").path == "scale"
    assert [op.name for op in mul.back(past=elementwise - dropout)] == ["dropout", "constant"]


def test_an_op_on_parameters_alone_has_no_inputs() -> None:
    class Token(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Parameter(torch.zeros(1, 1, 8))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1)

    graph = graph_of(Token(), torch.randn(2, 5, 8))
    expand = op_named(graph, "expand")
    assert expand.inputs == ()
    assert [param.path for param in expand.params] == ["token"]
    assert op_named(graph, "cat").inputs == (expand, graph.inputs[0])


def test_a_weight_that_is_computed_is_a_weight_and_no_input() -> None:
    class Standardised(nn.Conv2d):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.conv2d(x, self.weight - self.weight.mean(), self.bias, padding=1)

    graph = graph_of(Standardised(4, 6, 3), X)
    conv = op_named(graph, "conv2d")
    assert conv.inputs == graph.inputs
    assert [op.name for op in conv.weights] == ["sub"]
    assert [(param.role, param.path) for param in conv.params] == [("bias", "bias")]
    assert op_named(graph, "sub").users == (conv,)
    assert op_named(graph, "sub").inputs == (op_named(graph, "mean"),)
    assert (conv.hyper.in_channels, conv.hyper.out_channels, conv.hyper.kernel) == (4, 6, (3, 3))


def test_statistics_of_a_functional_batch_norm_are_no_inputs() -> None:
    class Frozen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            norm = self.norm
            return F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias)

    graph = graph_of(Frozen(), X)
    assert [op.name for op in graph.ops] == ["input", "batch_norm", "output"]
    assert graph.ops[1].inputs == graph.inputs
    assert [param.path for param in graph.ops[1].params] == ["norm.weight", "norm.bias"]
    assert graph.ops[1].hyper.training is False
    assert graph.unused == ()


def test_tied_parameters_count_once() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(10, 4)
            self.head = nn.Linear(4, 10, bias=False)
            self.head.weight = self.embed.weight

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.head(self.embed(ids))

    model = Tied()
    graph = graph_of(model, torch.randint(0, 10, (2, 3)))
    embed, head = op_named(graph, "embedding"), op_named(graph, "linear")
    assert embed.params[0].key == head.params[0].key
    assert head.params[0].path == "embed.weight"
    assert graph.params == 40 == sum(param.numel() for param in model.parameters())
    assert graph.unused == ()


class Partly(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(8, 8)
        self.aux = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2))
        self.blocks = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))
        self.drop = nn.Dropout()
        self.read = nn.Linear(8, 8)
        self.attend = nn.MultiheadAttention(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x, _ = self.attend(x, x, x)
        return F.linear(self.blocks[1](self.body(x)), self.read.weight, self.read.bias)


def test_modules_that_never_ran() -> None:
    graph = graph_of(Partly(), torch.randn(3, 2, 8))
    assert graph.unused == ("aux", "blocks.0", "blocks.2")


def test_parameters_are_complete_whether_read_or_not() -> None:
    model = Partly()
    model.body.weight.requires_grad_(False)
    graph = graph_of(model, torch.randn(3, 2, 8))
    assert [param.path for param in graph.parameters] == [name for name, _ in model.named_parameters()]
    assert graph.params == sum(param.numel() for param in model.parameters())
    assert [param.path for param in graph.parameters if not param.trainable] == ["body.weight"]


def test_layers_held_in_a_list_are_no_parameters_of_the_network() -> None:
    class Hidden(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = [nn.Linear(8, 8)]

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layers[0](x)

    graph = graph_of(Hidden(), torch.randn(2, 8))
    linear = op_named(graph, "linear")
    assert graph.parameters == ()
    assert [param.role for param in linear.params] == ["weight", "bias"]
    assert not {param.key for param in linear.params} & {param.key for param in graph.parameters}


def test_in_place_writes_are_ops_on_the_way() -> None:
    class Writes(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = x.clone()
            x[:, 0] = 1.0
            x += 1
            return F.relu_(x)

    graph = graph_of(Writes(), X)
    assert [op.name for op in graph.ops] == ["input", "clone", "setitem", "add", "relu", "output"]
    assert [op.inplace for op in graph.ops] == [False, False, True, True, True, False]
    assert all(op.inputs == (graph.ops[op.index - 1],) for op in graph.ops[1:])


def test_properties_and_custom_functions() -> None:
    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(_ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return 2 * x

        @staticmethod
        def backward(_ctx: Any, grad: torch.Tensor) -> torch.Tensor:
            return 2 * grad

    class Net(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return Doubled.apply(x.mT)

    graph = graph_of(Net(), X)
    transpose, custom = graph.ops[1:3]
    assert (transpose.name, transpose.spelling, transpose.inputs) == ("transpose", "Tensor.mT", graph.inputs)
    assert custom.name.endswith("Doubled")
    assert custom.inputs == (transpose,)
    assert custom not in ~Kind.of("relu")
    assert custom.macs is None


def test_outputs_in_any_structure() -> None:
    class Result(NamedTuple):
        scores: torch.Tensor
        features: list[torch.Tensor]

    class Net(nn.Module):
        def forward(self, x: torch.Tensor) -> Result:
            a = x.relu()
            return Result(a.sigmoid(), [a, x])

    graph = graph_of(Net(), X)
    assert [op.name for op in graph.output.inputs] == ["sigmoid", "relu", "input"]


def test_memory_is_counted_once_for_views_and_writes() -> None:
    class Views(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.exp().relu_().view(2, -1).t()

    graph = graph_of(Views(), torch.randn(2, 3, 4))
    assert graph.activation_bytes == 2 * 24 * 4  # the input and the exponential


def test_dead_branches_stay_in_the_graph_without_users() -> None:
    class Dead(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x.tanh()
            return x.relu()

    assert op_named(graph_of(Dead(), X), "tanh").users == ()


def test_modes() -> None:
    class Mixed(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                y = x.exp()
            return x + y

    graph = graph_of(Mixed().eval(), X)
    assert (op_named(graph, "exp").grad, op_named(graph, "add").grad) == (False, True)
    assert not op_named(graph, "add").training


def test_without_the_model_only_what_ran_is_known() -> None:
    model = Partly()
    graph = build_graph(record(model, torch.randn(3, 2, 8)))
    assert graph.unused == ()
    read = {param.path for op in graph.ops for param in op.params}
    assert {"body.weight", "blocks.1.bias", "read.weight", "attend.in_proj_weight"} <= read


@pytest.mark.parametrize("form", ["layer", "function"])
def test_cost_is_linear_and_small(form: str, steps: Callable[[Callable[[], object]], int]) -> None:
    class Deep(nn.Module):
        def __init__(self, length: int) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(length))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for layer in self.layers:
                x = layer(x) if form == "layer" else F.linear(x, layer.weight, layer.bias)
                x = F.relu(x + 1)
            return x

    def lines_an_op(length: int) -> float:
        model = Deep(length).to("meta")
        recorded = record(model, torch.randn(2, 4, device="meta"), compile=False)
        ops = len(build_graph(recorded, model=model).ops)
        return steps(lambda: build_graph(recorded, model=model)) / ops

    small, large = lines_an_op(30), lines_an_op(300)
    assert large < 1.05 * small
    assert large < 1_000
