"""Every shape rule of the meta device against torch's own kernel: shape, dtype and strides."""

# ruff: noqa: N812, PLW0108, SIM105

import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from nnlint.trace import meta


def form(result):
    """What of a result a rule must get right. Strides of axes with one element are of no consequence."""
    if isinstance(result, torch.Tensor):
        strides = tuple(n for size, n in zip(result.shape, result.stride(), strict=True) if size > 1)
        return tuple(result.shape), result.dtype, strides if result.numel() else None, result.device.type
    if isinstance(result, (tuple, list)):
        return [form(item) for item in result]
    return result


class Compare(TorchFunctionMode):
    """Runs torch's kernel and our rule for every call, and notes where they differ."""

    def __init__(self):
        super().__init__()
        self.ruled = []
        self.wrong = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func not in meta.RULES:
            return func(*args, **kwargs)
        ours = meta.result_of(func, args, kwargs)
        try:
            theirs = func(*args, **kwargs)
        except Exception as error:
            if ours is not None:
                self.wrong.append((func, form(ours), repr(error)))
            raise
        if ours is not None:
            self.ruled.append(func)
            if form(ours) != form(theirs):
                self.wrong.append((func, form(ours), form(theirs)))
        return theirs


def t(*shape, dtype=torch.float32):
    return torch.empty(shape, dtype=dtype, device="meta")


def bf16(*shape):
    return t(*shape, dtype=torch.bfloat16)


def last(*shape):
    return t(*shape).to(memory_format=torch.channels_last)


def ids(*shape):
    return t(*shape, dtype=torch.int64)


def image():
    return t(2, 4, 9, 7)


def words():
    return t(2, 5, 8)


def heads():
    """Heads made by a transpose: their memory order is that of the sequence."""
    return t(2, 5, 3, 4).transpose(1, 2)


def call(function, *args, **kwargs):
    return lambda: function(*args, **kwargs)


def layer(module, *args, train=True):
    return lambda: module.to("meta").train(train)(*args)


COVERED = {
    "conv2d": layer(nn.Conv2d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2), image()),
    "conv2d last": layer(nn.Conv2d(4, 6, 3), last(2, 4, 9, 7)),
    "conv2d unbatched": layer(nn.Conv2d(4, 6, 3), t(4, 9, 7)),
    "conv2d same": layer(nn.Conv2d(4, 6, 4, padding="same", dilation=2), image()),
    "conv1d": layer(nn.Conv1d(5, 3, 2, padding="valid"), words()),
    "conv3d": layer(nn.Conv3d(3, 4, 2, stride=(1, 2, 3)), t(2, 3, 5, 6, 7)),
    "conv2d reflect": layer(nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"), image()),
    "conv2d circular": layer(nn.Conv2d(4, 6, 3, padding=1, padding_mode="circular"), image()),
    "transposed": layer(nn.ConvTranspose2d(4, 6, 3, 2, 1, output_padding=1, groups=2), image()),
    "transposed 1d": layer(nn.ConvTranspose1d(5, 6, 3, dilation=2), words()),
    "transposed 3d": layer(nn.ConvTranspose3d(3, 2, 3), t(2, 3, 4, 5, 6)),
    "linear": layer(nn.Linear(8, 3), words()),
    "linear vector": layer(nn.Linear(8, 3, bias=False), t(8)),
    "batch norm": layer(nn.BatchNorm2d(4), image()),
    "batch norm last": layer(nn.BatchNorm2d(4), last(2, 4, 9, 7)),
    "batch norm eval": layer(nn.BatchNorm1d(8), t(2, 8), train=False),
    "batch norm bare": layer(nn.BatchNorm1d(5, affine=False, track_running_stats=False), words()),
    "layer norm": layer(nn.LayerNorm((5, 8)), words()),
    "group norm": layer(nn.GroupNorm(2, 4), image()),
    "group norm last": layer(nn.GroupNorm(2, 4), last(2, 4, 9, 7)),
    "instance norm": layer(nn.InstanceNorm2d(4, affine=True), image()),
    "rms norm": layer(nn.RMSNorm(8), words()),
    "response norm": layer(nn.LocalResponseNorm(2), image()),
    "max pool": layer(nn.MaxPool2d(3, 2, padding=1), image()),
    "max pool ceil": layer(nn.MaxPool2d(2, ceil_mode=True), image()),
    "max pool indices": layer(nn.MaxPool2d(2, return_indices=True), image()),
    "max pool 1d": layer(nn.MaxPool1d(2), words()),
    "max pool 3d": layer(nn.MaxPool3d(2), t(2, 3, 4, 5, 6)),
    "avg pool": layer(nn.AvgPool2d(3, 2, padding=1, ceil_mode=True), image()),
    "avg pool 1d": layer(nn.AvgPool1d(2), words()),
    "adaptive one": layer(nn.AdaptiveAvgPool2d(1), image()),
    "adaptive": layer(nn.AdaptiveAvgPool2d((None, 3)), image()),
    "adaptive last": layer(nn.AdaptiveAvgPool2d(3), last(2, 4, 9, 7)),
    "adaptive max": layer(nn.AdaptiveMaxPool2d(2), image()),
    "adaptive 1d": layer(nn.AdaptiveAvgPool1d(2), words()),
    "dropout": layer(nn.Dropout(), image()),
    "dropout2d": layer(nn.Dropout2d(), image()),
    "relu": layer(nn.ReLU(), image()),
    "relu last": layer(nn.ReLU(), last(2, 4, 9, 7)),
    "relu permuted": layer(nn.ReLU(), words().permute(2, 0, 1)),
    "relu in place": layer(nn.ReLU(inplace=True), image()),
    "leaky": layer(nn.LeakyReLU(0.1, inplace=True), image()),
    "prelu": layer(nn.PReLU(4), image()),
    "softmax": layer(nn.Softmax(-1), words()),
    "log softmax": layer(nn.LogSoftmax(1), words()),
    "upsample": layer(nn.Upsample(scale_factor=1.5), image()),
    "upsample smooth": layer(nn.Upsample(size=(5, 6), mode="bilinear", align_corners=True), image()),
    "pixel shuffle": layer(nn.PixelShuffle(2), image()),
    "pixel unshuffle": layer(nn.PixelUnshuffle(3), t(2, 4, 9, 6)),
    "zero pad": layer(nn.ZeroPad2d((1, 2, 3, -1)), image()),
    "reflect pad": layer(nn.ReflectionPad2d(2), image()),
    "replicate pad": layer(nn.ReplicationPad1d(2), words()),
    "embedding": layer(nn.Embedding(11, 4, padding_idx=0), ids(2, 5)),
    "glu": layer(nn.GLU(), words()),
    "unfold": layer(nn.Unfold(3, padding=1, stride=2), image()),
    "lstm": layer(nn.LSTM(8, 3, 2, bidirectional=True), words()),
    "lstm first": layer(nn.LSTM(8, 3, batch_first=True), words()),
    "gru": layer(nn.GRU(8, 3), words()),
    "rnn": layer(nn.RNN(8, 3, nonlinearity="relu"), words()),
    "lstm cell": layer(nn.LSTMCell(8, 3), t(2, 8)),
    "gru cell": layer(nn.GRUCell(8, 3), t(2, 8)),
    "attention layer": layer(nn.MultiheadAttention(8, 2), words(), words(), words()),
    "cross attention layer": layer(
        nn.MultiheadAttention(8, 2, kdim=6, vdim=4, batch_first=True), words(), t(2, 3, 6), t(2, 3, 4)
    ),
    "cross entropy": layer(nn.CrossEntropyLoss(), t(3, 8), ids(3)),
    "cross entropy images": layer(nn.CrossEntropyLoss(reduction="none"), image(), ids(2, 9, 7)),
    "mse": layer(nn.MSELoss(), words(), words()),
    "bce": layer(nn.BCEWithLogitsLoss(reduction="sum"), words(), words()),
    "add": call(torch.add, image(), t(4, 1, 1)),
    "add first small": call(torch.add, t(4, 1, 1), image()),
    "add number": call(lambda x: x + 1.5, ids(2, 3)),
    "add last": call(lambda x, y: x + y, last(2, 4, 9, 7), t(4, 1, 1)),
    "add outer": call(lambda x, y: x * y, t(3, 1), t(1, 4)),
    "subtract from": call(lambda x: 1 - x, image()),
    "divide": call(lambda x: x / 2, ids(2, 3)),
    "divide by": call(lambda x: 2 / x, words()),
    "power": call(lambda x: x**2, words()),
    "power of": call(lambda x: 2**x, words()),
    "floor": call(lambda x: x // 2, ids(2, 3)),
    "modulo": call(lambda x: x % 2, ids(2, 3)),
    "half by float": call(lambda x, y: x * y, t(2, 3, dtype=torch.float16), t(3)),
    "half by number": call(lambda x, y: x * y, t(2, 3, dtype=torch.float16), torch.tensor(2.0)),
    "compare": call(lambda x: x > 0, words()),
    "equal": call(lambda x, y: x == y, words(), t(8)),
    "and": call(lambda x: (x > 0) & (x < 1), words()),
    "not": call(lambda x: ~(x > 0), words()),
    "in place": call(lambda x: x.add_(1).mul_(x).relu_(), words()),
    "where": call(lambda x: torch.where(x > 0, x, 0.0), words()),
    "masked": call(lambda x: x.masked_fill(x > 0, 1.0), words()),
    "clamp": call(lambda x: x.clamp(0, 1), words()),
    "clamp whole": call(lambda x: x.clamp(min=0.5), ids(2, 3)),
    "exp": call(torch.exp, ids(2, 3)),
    "exp permuted": call(torch.exp, words().permute(2, 0, 1)),
    "abs": call(lambda x: abs(x), words()),
    "mean": call(lambda x: x.mean((2, 3)), image()),
    "mean last": call(lambda x: x.mean((2, 3), keepdim=True), last(2, 4, 9, 7)),
    "mean permuted": call(lambda x: x.mean(1), image().permute(2, 0, 3, 1)),
    "sum all": call(lambda x: x.sum(), ids(2, 3)),
    "sum": call(lambda x: x.sum(1, keepdim=True), words()),
    "amax": call(lambda x: x.amax(-1), words()),
    "max": call(lambda x: x.max(1), words()),
    "max all": call(lambda x: x.max(), words()),
    "maximum": call(torch.max, words(), t(8)),
    "argmax": call(lambda x: x.argmax(-1), words()),
    "argmax all": call(torch.argmax, words()),
    "var": call(lambda x: x.var(1, unbiased=False), words()),
    "std": call(lambda x: x.std(dim=(1, 2), keepdim=True), words()),
    "norm": call(lambda x: x.norm(dim=-1, keepdim=True), words()),
    "normalize": call(F.normalize, words(), dim=-1),
    "logsumexp": call(torch.logsumexp, words(), 1),
    "cumsum": call(lambda x: x.cumsum(1), ids(2, 3)),
    "any": call(lambda x: (x > 0).any(1), words()),
    "topk": call(lambda x: x.topk(2, 1), words()),
    "sort": call(lambda x: x.sort(-1, descending=True), words()),
    "cat": call(torch.cat, [image(), t(2, 3, 9, 7)], 1),
    "cat last": call(torch.cat, [last(2, 4, 9, 7), last(2, 3, 9, 7)], dim=1),
    "cat mixed": call(torch.cat, [ids(2, 3), t(2, 3)], -1),
    "stack": call(torch.stack, [words(), words()], -1),
    "matmul": call(torch.matmul, t(3, 1, 5, 8), t(4, 8, 2)),
    "matmul vector": call(lambda x, y: x @ y, words(), t(8)),
    "grouped matmul, rows": call(torch._grouped_mm, bf16(8, 16), bf16(3, 16, 32), offs=t(3, dtype=torch.int32)),
    "grouped matmul, columns": call(torch._grouped_mm, bf16(3, 8, 16), bf16(16, 24), offs=t(3, dtype=torch.int32)),
    "grouped matmul, inner": call(torch._grouped_mm, bf16(8, 16), bf16(16, 32), offs=t(3, dtype=torch.int32)),
    "grouped matmul, batch": call(torch._grouped_mm, bf16(3, 8, 16), bf16(3, 16, 32)),
    "matmul heads": call(lambda x: x @ x.transpose(-2, -1), heads()),
    "bmm": call(torch.bmm, words(), t(2, 8, 3)),
    "baddbmm": call(torch.baddbmm, t(5, 3), words(), t(2, 8, 3)),
    "outer": call(torch.outer, t(3), t(4)),
    "attention": call(F.scaled_dot_product_attention, words(), words(), words()),
    "repeat": call(lambda x: x.repeat(2, 1, 1, 3), words()),
    "repeat interleave": call(lambda x: x.repeat_interleave(2, dim=1), words()),
    "roll": call(torch.roll, image(), (1, 2), (2, 3)),
    "flip": call(lambda x: x.flip(1), words()),
    "tril": call(torch.tril, t(4, 4)),
    "gather": call(lambda x: x.gather(1, ids(2, 3, 8)), words()),
    "index select": call(lambda x: x.index_select(1, ids(3)), words()),
    "index": call(lambda x: x[ids(3, 2)], words()),
    "index rest": call(lambda x: x[ids(3), :], words()),
    "one hot": call(F.one_hot, ids(2, 3), 5),
    "grid sample": call(F.grid_sample, image(), t(2, 3, 3, 2), align_corners=False),
    "cosine": call(F.cosine_similarity, words(), words(), dim=-1),
    "float": call(lambda x: x.float(), ids(2, 3)),
    "to": call(lambda x: x.to(torch.float16), words()),
    "copy": call(lambda x: x.copy_(t(8)), words()),
    "scatter": call(lambda x: x.scatter_(1, ids(2, 1, 8), 1.0), words()),
    "zeros like": call(torch.zeros_like, words().transpose(0, 1)),
    "randn like": call(torch.randn_like, words()),
    "full like": call(torch.full_like, words(), 3, dtype=torch.int64),
    "rand": call(torch.rand, 2, 3, device="meta"),
    "arange": call(torch.arange, 3, 12, 2, device="meta"),
    "linspace": call(torch.linspace, 0, 1, 5, device="meta"),
    "lerp": call(torch.lerp, words(), words(), 0.5),
    "addcmul": call(torch.addcmul, words(), words(), t(8), value=2),
    "bernoulli": call(lambda x: x.new_empty(2, 1, 1).bernoulli_(0.5), words()),
    "einsum": call(torch.einsum, "bij,bkj->bik", words(), words()),
}


@pytest.mark.parametrize("case", COVERED.values(), ids=COVERED)
def test_the_rule_gives_what_the_kernel_gives(case):
    with torch.no_grad(), Compare() as compare:
        case()
    assert not compare.wrong
    assert compare.ruled, "no rule was used"


@pytest.mark.parametrize("grad", [True, False])
def test_attention_lays_its_result_out_as_on_the_cpu(grad):
    query = torch.rand(2, 5, 3, 4, requires_grad=grad).transpose(1, 2)
    real = F.scaled_dot_product_attention(query, query, query, is_causal=True)
    ours = meta.result_of(F.scaled_dot_product_attention, (heads(), heads(), heads()), {"is_causal": True})
    assert form(ours)[:3] == form(real)[:3]


ACTIVATIONS = [
    "relu6", "elu", "selu", "celu", "gelu", "silu", "mish", "hardtanh", "hardswish", "hardsigmoid", "softplus",
    "softsign", "tanhshrink", "logsigmoid", "leaky_relu", "hardshrink", "softshrink", "sigmoid", "tanh", "rrelu",
]  # fmt: skip


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name):
    with Compare() as compare:
        getattr(F, name)(words().permute(1, 0, 2))
    assert compare.ruled
    assert not compare.wrong


MISFITS = {
    "channels": layer(nn.Conv2d(4, 6, 3), t(2, 5, 9, 9)),
    "kernel too large": layer(nn.Conv2d(4, 6, 11), image()),
    "features": layer(nn.Linear(7, 3), words()),
    "features after flatten": layer(nn.Sequential(nn.Flatten(), nn.Linear(9, 3)), image()),
    "norm width": layer(nn.LayerNorm(7), words()),
    "norm channels": layer(nn.BatchNorm2d(3), image()),
    "norm rank": layer(nn.BatchNorm2d(2), t(2, 2)),
    "one value a channel": layer(nn.BatchNorm1d(8), t(1, 8)),
    "groups": call(F.group_norm, image(), 3),
    "pool to nothing": layer(nn.MaxPool2d(10), image()),
    "pool padding": layer(nn.MaxPool2d(2, padding=2), image()),
    "float tokens": layer(nn.Embedding(3, 4), t(2, 5)),
    "broadcast": call(torch.add, words(), t(7)),
    "inner size": call(torch.matmul, words(), t(7, 2)),
    "batch size": call(torch.bmm, words(), t(3, 8, 2)),
    "cat": call(torch.cat, [words(), t(2, 5, 7)], 1),
    "stack": call(torch.stack, [words(), t(2, 5, 7)]),
    "axis": call(lambda x: x.mean(3), words()),
    "mean of whole numbers": call(lambda x: x.mean(), ids(2, 3)),
    "unknown keyword": call(F.gelu, words(), alpha=1),
    "in place dtype": call(lambda x: x.add_(0.5), ids(2, 3)),
    "in place shape": call(lambda x: x.add_(t(3, 8, 5, 8)), words()),
    "heads": call(F.scaled_dot_product_attention, words(), t(2, 5, 7), words()),
    "shuffle": layer(nn.PixelShuffle(3), image()),
    "odd halves": layer(nn.GLU(1), words()),
    "reflection": layer(nn.ReflectionPad2d(9), image()),
    "topk": call(lambda x: x.topk(9, 1), words()),
    "loss shapes": layer(nn.CrossEntropyLoss(), t(3, 8), ids(4)),
    "hidden width": layer(nn.LSTM(7, 3), words()),
}


@pytest.mark.parametrize("case", MISFITS.values(), ids=MISFITS)
def test_what_does_not_fit_is_left_to_torch(case):
    compare = Compare()
    with pytest.raises((RuntimeError, ValueError, TypeError, IndexError)), torch.no_grad(), compare:
        case()
    assert not compare.wrong


@settings(max_examples=150, deadline=None)
@given(
    size=st.integers(1, 9),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 3),
    dilation=st.integers(1, 3),
    extra=st.integers(0, 2),
    ceil=st.booleans(),
)
def test_windows_of_any_size(size, kernel, stride, padding, dilation, extra, ceil):
    cases = (
        call(F.conv1d, t(2, 3, size), t(4, 3, kernel), None, stride, padding, dilation),
        call(F.conv_transpose1d, t(2, 3, size), t(3, 4, kernel), None, stride, padding, extra, 1, dilation),
        call(F.max_pool1d, t(2, 3, size), kernel, stride, padding, dilation, ceil),
        call(F.max_pool2d, t(2, 3, size, 5), kernel, stride, padding, dilation, ceil),
        call(F.avg_pool2d, t(2, 3, size, 5), kernel, stride, padding, ceil),
        call(F.unfold, t(2, 3, size, 5), kernel, dilation, padding, stride),
    )
    for case in cases:
        compare = Compare()
        with compare:
            try:
                case()
            except (RuntimeError, ValueError):
                pass  # what torch refuses the rule must have left to it: see `wrong`
        assert not compare.wrong


shapes = st.lists(st.integers(1, 3), min_size=0, max_size=4).map(tuple)
dtypes = st.sampled_from([torch.float32, torch.float16, torch.float64, torch.int64, torch.int32, torch.bool])
UNARY = [torch.exp, torch.neg, torch.relu, torch.abs, torch.isnan, torch.sigmoid, torch.floor, torch.cumsum, F.gelu]
BINARY = [torch.add, torch.sub, torch.mul, torch.div, torch.pow, torch.remainder, torch.eq, torch.logical_and]
BINARY += [torch.maximum, torch.bitwise_and, torch.matmul, torch.Tensor.add_, torch.Tensor.div_, torch.Tensor.__rsub__]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_operands_of_any_shape_order_and_dtype(data):
    def tensor():
        shape = data.draw(shapes)
        return t(*shape, dtype=data.draw(dtypes)).permute(data.draw(st.permutations(range(len(shape)))))

    x = tensor()
    y = data.draw(st.one_of(st.builds(tensor), st.sampled_from([2, 0.5, True])))
    cases = [(data.draw(st.sampled_from(BINARY)), (x, y)), (data.draw(st.sampled_from(UNARY)), (x,))]
    dims = data.draw(st.lists(st.integers(-4, 3), max_size=2).map(tuple))
    reduction = data.draw(st.sampled_from([torch.sum, torch.mean, torch.amax, torch.var, torch.std, torch.norm]))
    cases.append((reduction, (x, dims, data.draw(st.booleans())) if reduction is not torch.norm else (x, 2, dims)))
    for function, args in cases:
        compare = Compare()
        with compare:
            try:
                function(*args)
            except (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError):
                pass
        assert not compare.wrong


COLD = """
import sys, torch
from torch import nn
from torch.nn import functional as F
from nnlint.trace.record import record

class Block(nn.Module):
    def __init__(self, inside, outside, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.relu = nn.ReLU(inplace=True)
        self.drop = nn.Dropout2d(0.1)
        self.skip = nn.Conv2d(inside, outside, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.drop(self.bn2(self.conv2(y)))
        y += self.skip(x)
        return F.relu(y) * torch.sigmoid(y.mean((2, 3), keepdim=True))

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 7, 2, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.blocks = nn.Sequential(Block(8, 8, 1), Block(8, 16, 2))
        self.encoder = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.rnn = nn.LSTM(16, 8, batch_first=True)
        self.head = nn.Linear(8, 10)

    def forward(self, x):
        x = self.blocks(self.stem(x - 0.5))
        x = self.encoder(x.flatten(2).transpose(1, 2))
        return F.log_softmax(self.head(self.rnn(x)[0][:, -1]), dim=1)

with torch.device("meta"):
    net = Net()
before = set(sys.modules)
for mode in (True, False):
    module = record(net.train(mode), torch.empty(2, 3, 64, 64, device="meta"), compile=False)
    assert len(list(module.graph.nodes)) > 40
new = set(sys.modules) - before
print(sorted(name for name in new if name.split(".")[0] in ("torch", "sympy", "mpmath", "functorch")))
"""


def test_a_cold_run_imports_nothing_more_of_torch():
    done = subprocess.run([sys.executable, "-c", COLD], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
