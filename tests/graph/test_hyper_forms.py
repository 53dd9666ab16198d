"""The same layer as a module and as a function states the same hyper-parameters, under the same name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from nnlint.graph import Hyper, Op
from nnlint.trace.build import build_graph
from nnlint.trace.record import record

X1, X2, X3 = (2, 4, 12), (2, 4, 12, 12), (2, 4, 12, 12, 12)


class Functional(nn.Module):
    """A module that runs a function of its input and of the parameters of another module."""

    def __init__(self, function: Callable[..., Any], source: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.source = source

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(self.source, *inputs)


def only_op(model: nn.Module, *inputs: torch.Tensor) -> Op:
    graph = build_graph(record(model, inputs), model=model)
    ops = [op for op in graph.ops if op.name not in ("input", "output")]
    assert len(ops) == 1, ops
    return ops[0]


#: layer, input shape, the function that does the same
PAIRS: list[tuple[nn.Module, tuple[int, ...], Callable[..., Any]]] = [
    (nn.Conv1d(4, 6, 3, padding=1), X1, lambda m, x: F.conv1d(x, m.weight, m.bias, padding=1)),
    (nn.Conv2d(4, 6, (3, 5), 2, (1, 2)), X2, lambda m, x: F.conv2d(x, m.weight, m.bias, 2, (1, 2))),
    (nn.Conv2d(4, 8, 3, groups=4, bias=False), X2, lambda m, x: F.conv2d(x, m.weight, groups=4)),
    (nn.Conv2d(4, 6, 3, padding="same", dilation=2), X2,
     lambda m, x: F.conv2d(x, m.weight, m.bias, padding="same", dilation=2)),
    (nn.Conv2d(4, 6, 4, padding="same"), X2, lambda m, x: F.conv2d(x, m.weight, m.bias, 1, "same")),
    (nn.Conv2d(4, 6, 3, padding="valid"), X2, lambda m, x: torch.conv2d(x, m.weight, bias=m.bias)),
    (nn.Conv3d(4, 2, 3), X3, lambda m, x: F.conv3d(x, m.weight, m.bias)),
    (nn.ConvTranspose1d(4, 6, 3, stride=2), X1, lambda m, x: F.conv_transpose1d(x, m.weight, m.bias, stride=2)),
    (nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2), X2,
     lambda m, x: F.conv_transpose2d(x, m.weight, m.bias, 2, 1, 1, 2)),
    (nn.ConvTranspose3d(4, 2, 2, 2), X3, lambda m, x: F.conv_transpose3d(x, m.weight, m.bias, 2)),
    (nn.Linear(12, 5), X1, lambda m, x: F.linear(x, m.weight, m.bias)),
    (nn.Linear(12, 5, bias=False), X1, lambda m, x: F.linear(x, m.weight)),
    (nn.BatchNorm1d(4), X1, lambda m, x: F.batch_norm(x, m.running_mean, m.running_var, m.weight, m.bias, True)),
    (nn.BatchNorm2d(4, 1e-3, 0.01).eval(), X2,
     lambda m, x: F.batch_norm(x, m.running_mean, m.running_var, m.weight, m.bias, m.training, 0.01, 1e-3)),
    (nn.BatchNorm3d(4, affine=False), X3, lambda m, x: F.batch_norm(x, m.running_mean, m.running_var, training=True)),
    (nn.BatchNorm2d(4, track_running_stats=False).eval(), X2,
     lambda m, x: F.batch_norm(x, None, None, m.weight, m.bias, training=True)),
    (nn.InstanceNorm2d(4), X2, lambda _, x: F.instance_norm(x)),
    (nn.InstanceNorm2d(4, affine=True), X2, lambda m, x: F.instance_norm(x, weight=m.weight, bias=m.bias)),
    (nn.LayerNorm(12), X1, lambda m, x: F.layer_norm(x, (12,), m.weight, m.bias)),
    (nn.LayerNorm((12, 12), elementwise_affine=False), X2, lambda _, x: F.layer_norm(x, (12, 12))),
    (nn.RMSNorm(12, eps=1e-6), X1, lambda m, x: F.rms_norm(x, (12,), m.weight, 1e-6)),
    (nn.GroupNorm(2, 4), X2, lambda m, x: F.group_norm(x, 2, m.weight, m.bias)),
    (nn.LocalResponseNorm(2), X2, lambda _, x: F.local_response_norm(x, 2)),
    (nn.PReLU(), X2, lambda m, x: F.prelu(x, m.weight)),
    (nn.PReLU(4), X2, lambda m, x: torch.prelu(x, m.weight)),
    (nn.ReLU(), X2, lambda _, x: F.relu(x)),
    (nn.ReLU(), X2, lambda _, x: x.relu()),
    (nn.ReLU(), X2, lambda _, x: torch.relu(x)),
    (nn.ReLU(inplace=True), X2, lambda _, x: F.relu(x, inplace=True)),
    (nn.ReLU(inplace=True), X2, lambda _, x: x.relu_()),
    (nn.ReLU(inplace=True), X2, lambda _, x: torch.relu_(x)),
    (nn.ReLU6(), X2, lambda _, x: F.relu6(x)),
    (nn.LeakyReLU(0.2), X2, lambda _, x: F.leaky_relu(x, 0.2)),
    (nn.LeakyReLU(inplace=True), X2, lambda _, x: F.leaky_relu_(x)),
    (nn.RReLU(), X2, lambda _, x: F.rrelu(x, training=True)),
    (nn.ELU(0.5), X2, lambda _, x: F.elu(x, 0.5)),
    (nn.CELU(), X2, lambda _, x: F.celu(x)),
    (nn.SELU(), X2, lambda _, x: F.selu(x)),
    (nn.GELU("tanh"), X2, lambda _, x: F.gelu(x, approximate="tanh")),
    (nn.SiLU(), X2, lambda _, x: F.silu(x)),
    (nn.Mish(), X2, lambda _, x: F.mish(x)),
    (nn.Hardswish(), X2, lambda _, x: F.hardswish(x)),
    (nn.Hardsigmoid(), X2, lambda _, x: F.hardsigmoid(x)),
    (nn.Hardtanh(-2.0, 2.0), X2, lambda _, x: F.hardtanh(x, -2.0, 2.0)),
    (nn.Sigmoid(), X2, lambda _, x: torch.sigmoid(x)),
    (nn.Sigmoid(), X2, lambda _, x: torch.special.expit(x)),
    (nn.Tanh(), X2, lambda _, x: x.tanh()),
    (nn.Softplus(2), X2, lambda _, x: F.softplus(x, beta=2)),
    (nn.Softsign(), X2, lambda _, x: F.softsign(x)),
    (nn.Softshrink(0.1), X2, lambda _, x: F.softshrink(x, 0.1)),
    (nn.Hardshrink(), X2, lambda _, x: F.hardshrink(x)),
    (nn.Tanhshrink(), X2, lambda _, x: F.tanhshrink(x)),
    (nn.Threshold(0.1, 2.0), X2, lambda _, x: F.threshold(x, 0.1, 2.0)),
    (nn.LogSigmoid(), X2, lambda _, x: F.logsigmoid(x)),
    (nn.GLU(dim=1), X2, lambda _, x: F.glu(x, 1)),
    (nn.Softmax(dim=-1), X2, lambda _, x: x.softmax(-1)),
    (nn.Softmax(dim=-1), X2, lambda _, x: F.softmax(x, dim=-1)),
    (nn.Softmax(dim=-1), X2, lambda _, x: torch.softmax(x, -1)),
    (nn.Softmax2d(), X2, lambda _, x: F.softmax(x, -3)),
    (nn.Softmin(dim=1), X2, lambda _, x: F.softmin(x, 1)),
    (nn.LogSoftmax(dim=1), X2, lambda _, x: F.log_softmax(x, 1)),
    (nn.Dropout(0.2), X2, lambda _, x: F.dropout(x, 0.2)),
    (nn.Dropout(0.2), X2, lambda _, x: torch.dropout(x, 0.2, True)),
    (nn.Dropout(0.2).eval(), X2, lambda m, x: F.dropout(x, 0.2, training=m.training)),
    (nn.Dropout(inplace=True), X2, lambda _, x: F.dropout(x, inplace=True)),
    (nn.Dropout1d(), X1, lambda _, x: F.dropout1d(x)),
    (nn.Dropout2d(0.1), X2, lambda _, x: F.dropout2d(x, 0.1)),
    (nn.Dropout3d(0.1), X3, lambda _, x: F.dropout3d(x, 0.1)),
    (nn.AlphaDropout(0.1), X2, lambda _, x: F.alpha_dropout(x, 0.1, True)),
    (nn.FeatureAlphaDropout(0.1), X2, lambda _, x: F.feature_alpha_dropout(x, 0.1, True)),
    (nn.MaxPool1d(2), X1, lambda _, x: F.max_pool1d(x, 2)),
    (nn.MaxPool2d(3, 2, 1), X2, lambda _, x: F.max_pool2d(x, 3, 2, 1)),
    (nn.MaxPool2d(3, ceil_mode=True), X2, lambda _, x: F.max_pool2d(x, kernel_size=3, ceil_mode=True)),
    (nn.MaxPool2d(2, return_indices=True), X2, lambda _, x: F.max_pool2d(x, 2, return_indices=True)),
    (nn.MaxPool3d(2), X3, lambda _, x: F.max_pool3d(x, 2)),
    (nn.AvgPool1d(2), X1, lambda _, x: F.avg_pool1d(x, 2)),
    (nn.AvgPool2d(3, 1, 1, count_include_pad=False), X2, lambda _, x: F.avg_pool2d(x, 3, 1, 1, False, False)),
    (nn.AvgPool3d(2), X3, lambda _, x: F.avg_pool3d(x, 2)),
    (nn.LPPool2d(2, 3), X2, lambda _, x: F.lp_pool2d(x, 2, 3)),
    (nn.AdaptiveAvgPool1d(3), X1, lambda _, x: F.adaptive_avg_pool1d(x, 3)),
    (nn.AdaptiveAvgPool2d(1), X2, lambda _, x: F.adaptive_avg_pool2d(x, 1)),
    (nn.AdaptiveAvgPool2d((None, 2)), X2, lambda _, x: F.adaptive_avg_pool2d(x, (None, 2))),
    (nn.AdaptiveAvgPool3d(1), X3, lambda _, x: F.adaptive_avg_pool3d(x, 1)),
    (nn.AdaptiveMaxPool1d(3), X1, lambda _, x: F.adaptive_max_pool1d(x, 3)),
    (nn.AdaptiveMaxPool2d(2), X2, lambda _, x: F.adaptive_max_pool2d(x, 2)),
    (nn.AdaptiveMaxPool3d(2), X3, lambda _, x: F.adaptive_max_pool3d(x, 2)),
    (nn.FractionalMaxPool2d(2, output_size=5), X2, lambda _, x: F.fractional_max_pool2d(x, 2, output_size=5)),
    (nn.Upsample(scale_factor=2), X2, lambda _, x: F.interpolate(x, scale_factor=2)),
    (nn.Upsample(size=(20, 24), mode="bilinear", align_corners=False), X2,
     lambda _, x: F.interpolate(x, size=(20, 24), mode="bilinear", align_corners=False)),
    (nn.UpsamplingBilinear2d(scale_factor=2), X2,
     lambda _, x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)),
    (nn.UpsamplingNearest2d(size=24), X2, lambda _, x: F.interpolate(x, 24)),
    (nn.PixelShuffle(2), X2, lambda _, x: F.pixel_shuffle(x, 2)),
    (nn.PixelUnshuffle(2), X2, lambda _, x: F.pixel_unshuffle(x, 2)),
    (nn.ChannelShuffle(2), X2, lambda _, x: torch.channel_shuffle(x, 2)),
    (nn.ZeroPad2d((1, 1, 2, 2)), X2, lambda _, x: F.pad(x, (1, 1, 2, 2))),
    (nn.ConstantPad1d(1, 3.0), X1, lambda _, x: F.pad(x, (1, 1), value=3.0)),
    (nn.ReflectionPad2d(1), X2, lambda _, x: F.pad(x, (1, 1, 1, 1), "reflect")),
    (nn.ReplicationPad2d((1, 0, 1, 0)), X2, lambda _, x: F.pad(x, (1, 0, 1, 0), mode="replicate")),
    (nn.CircularPad2d(1), X2, lambda _, x: F.pad(x, [1, 1, 1, 1], mode="circular")),
    (nn.Flatten(), X2, lambda _, x: torch.flatten(x, 1)),
    (nn.Flatten(0), X2, lambda _, x: x.flatten()),
    (nn.Unflatten(1, (2, 2)), X2, lambda _, x: x.unflatten(1, (2, 2))),
    (nn.Unfold(3, padding=1), X2, lambda _, x: F.unfold(x, 3, padding=1)),
    (nn.Fold((4, 4), 2, stride=2), (2, 8, 4), lambda _, x: F.fold(x, (4, 4), 2, stride=2)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("layer", "shape", "function"), PAIRS, ids=[f"{index}-{pair[0]!s:.40}" for index, pair in enumerate(PAIRS)]
)
def test_layer_and_function_agree(layer: nn.Module, shape: tuple[int, ...], function: Callable[..., Any]) -> None:
    as_layer = only_op(layer, torch.randn(shape))
    as_function = only_op(Functional(function, layer).train(layer.training), torch.randn(shape))
    assert as_function.name == as_layer.name
    assert as_function.hyper.stated() == as_layer.hyper.stated()
    assert as_function.hyper == as_layer.hyper
    assert [(p.role, p.shape) for p in as_function.params] == [(p.role, p.shape) for p in as_layer.params]
    assert as_function.macs == as_layer.macs
    assert as_function.inplace == as_layer.inplace


def test_embedding_agrees() -> None:
    layer = nn.Embedding(10, 3, padding_idx=0)
    ids = torch.randint(0, 10, (2, 5))
    as_layer = only_op(layer, ids)
    as_function = only_op(Functional(lambda m, x: F.embedding(x, m.weight, padding_idx=0), layer), ids)
    assert as_function.hyper == as_layer.hyper
    assert (as_layer.hyper.in_channels, as_layer.hyper.out_channels) == (10, 3)
    assert as_function.params[0].role == as_layer.params[0].role == "weight"


@pytest.mark.parametrize(
    ("function", "padding"),
    [
        (lambda m, x: F.embedding(x, m.weight, padding_idx=-1), 9),
        (lambda m, x: torch.embedding(m.weight, x), None),
        (lambda m, x: m(x), None),
    ],
)
def test_a_padding_index_from_the_end(function: Callable[..., Any], padding: int | None) -> None:
    op = only_op(Functional(function, nn.Embedding(10, 3)), torch.randint(0, 10, (2, 5)))
    assert op.hyper.extra.get("padding_idx") == padding


def test_two_inputs_agree() -> None:
    bilinear = nn.Bilinear(3, 5, 7)
    x, y = torch.randn(2, 3), torch.randn(2, 5)
    as_layer = only_op(bilinear, x, y)
    as_function = only_op(Functional(lambda m, x, y: F.bilinear(x, y, m.weight, m.bias), bilinear), x, y)
    assert (
        as_function.hyper
        == as_layer.hyper
        == Hyper(in_channels=3, out_channels=7, bias=True, extra=as_layer.hyper.extra)
    )
    similarity = nn.CosineSimilarity(dim=1)
    a, b = torch.randn(2, 3), torch.randn(2, 3)
    function = Functional(lambda _, x, y: F.cosine_similarity(x, y, dim=1), similarity)
    assert only_op(function, a, b).hyper == only_op(similarity, a, b).hyper


@pytest.mark.parametrize(
    ("layer", "function", "targets"),
    [
        (nn.CrossEntropyLoss(label_smoothing=0.1),
         lambda _, x, y: F.cross_entropy(x, y, label_smoothing=0.1), torch.tensor([0, 2])),
        (nn.NLLLoss(reduction="sum"), lambda _, x, y: F.nll_loss(x, y, reduction="sum"), torch.tensor([0, 2])),
        (nn.MSELoss(), lambda _, x, y: F.mse_loss(x, y), torch.zeros(2, 3)),
        (nn.BCEWithLogitsLoss(), lambda _, x, y: F.binary_cross_entropy_with_logits(x, y), torch.zeros(2, 3)),
        (nn.SmoothL1Loss(beta=0.5), lambda _, x, y: F.smooth_l1_loss(x, y, beta=0.5), torch.zeros(2, 3)),
        (nn.HuberLoss(delta=2.0), lambda _, x, y: F.huber_loss(x, y, delta=2.0), torch.zeros(2, 3)),
        (nn.KLDivLoss(reduction="batchmean", log_target=True),
         lambda _, x, y: F.kl_div(x, y, reduction="batchmean", log_target=True), torch.zeros(2, 3)),
        (nn.PoissonNLLLoss(), lambda _, x, y: F.poisson_nll_loss(x, y), torch.zeros(2, 3)),
    ],
)  # fmt: skip
def test_losses_agree(layer: nn.Module, function: Callable[..., Any], targets: torch.Tensor) -> None:
    scores = torch.randn(2, 3)
    as_layer, as_function = only_op(layer, scores, targets), only_op(Functional(function, layer), scores, targets)
    assert as_function.name == as_layer.name
    assert as_function.hyper == as_layer.hyper
    assert as_layer.hyper.reduction == layer.reduction


def test_recurrent_layers() -> None:
    op = only_op(nn.LSTM(5, 7, num_layers=2, batch_first=True, dropout=0.3, bidirectional=True), torch.randn(2, 4, 5))
    hyper = op.hyper
    assert (op.name, hyper.in_channels, hyper.out_channels, hyper.layers) == ("lstm", 5, 7, 2)
    assert (hyper.batch_first, hyper.bidirectional, hyper.p, hyper.bias) == (True, True, 0.3, True)
    cell = only_op(nn.RNNCell(5, 7, nonlinearity="relu"), torch.randn(2, 5)).hyper
    assert (cell.in_channels, cell.out_channels, cell.mode) == (5, 7, "relu")


def test_functional_lstm_cell_reads_its_widths_from_the_weights() -> None:
    cell = nn.LSTMCell(5, 7)
    h = torch.zeros(2, 7)
    model = Functional(lambda m, x: torch.lstm_cell(x, (h, h), m.weight_ih, m.weight_hh, m.bias_ih, m.bias_hh), cell)
    graph = build_graph(record(model, torch.randn(2, 5)), model=model)
    op = next(graph.find("lstm_cell"))
    assert (op.hyper.in_channels, op.hyper.out_channels, op.hyper.bias) == (5, 7, True)
    assert [param.role for param in op.params] == ["w_ih", "w_hh", "b_ih", "b_hh"]


def test_multi_head_attention() -> None:
    x = torch.randn(2, 6, 8)
    hyper = only_op(nn.MultiheadAttention(8, 2, dropout=0.1, batch_first=True), x, x, x).hyper
    assert (hyper.heads, hyper.in_channels, hyper.out_channels) == (2, 8, 8)
    assert (hyper.p, hyper.batch_first, hyper.bias) == (0.1, True, True)


def test_parametrized_layers_are_the_layer_and_their_weight_is_called_so() -> None:
    layer = nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 6, 3))
    op = only_op(layer, torch.randn(X2))
    assert (op.name, op.spelling) == ("conv2d", "nn.Conv2d")
    assert (op.hyper.kernel, op.hyper.in_channels) == ((3, 3), 4)
    assert {param.role for param in op.params} == {"weight", "bias"}


def test_frozen_layer_in_a_training_network_is_not_training() -> None:
    model = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)).train()
    model[1].eval()
    graph = build_graph(record(model, torch.randn(X2)), model=model)
    assert next(graph.find("batch_norm")).hyper.training is False


def test_functions_torch_wraps_are_understood() -> None:
    class Net(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 ** (x**3)

    graph = build_graph(record(Net(), torch.randn(2)))
    powers = list(graph.find("pow"))
    assert len(powers) == 2
    assert powers[0].hyper.extra == {"exponent": 3}


def test_a_size_that_was_computed_is_not_guessed() -> None:
    class Net(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.reshape(x.shape[0], -1).narrow(1, 0, 2)

    graph = build_graph(record(Net(), torch.randn(2, 3, 4)))
    assert next(graph.find("reshape")).hyper.extra == {"shape": (2, -1)}
    assert next(graph.find("narrow")).hyper.stated() == {"dim": 1, "start": 0, "length": 2}
