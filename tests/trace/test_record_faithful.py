"""What is recorded runs, and returns what the model returns, in the same structure."""

# ruff: noqa: ARG004, ARG005, N812, PLC3002

import collections
import dataclasses
import functools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from nnlint.trace.record import record
from nnlint.trace.run import META
from nnlint.trace.templates import Template


def runs(module, role="op"):
    return [node.meta[META] for node in module.graph.nodes if node.meta[META].role == role]


def same(one, other):
    """Equal structures, types and numbers."""
    assert type(one) is type(other)
    mine, theirs = Template(one).tensors, Template(other).tensors
    assert len(mine) == len(theirs)
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def faithful(model, *args, **kwargs):
    """Record, run, compare; the graph."""

    def run(thing):
        torch.manual_seed(3)
        return thing(*args, **kwargs)

    module = record(model, args, kwargs)
    module.graph.lint()
    same(run(module), run(model))
    assert all(META in node.meta for node in module.graph.nodes)
    return module


class Forward(nn.Module):
    """A network whose forward is the given function of (itself, …)."""

    def __init__(self, forward, **parts):
        super().__init__()
        self.function = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, *args, **kwargs):
        return self.function(self, *args, **kwargs)


def x():
    return torch.linspace(-1, 1, 24).reshape(2, 3, 4)


def image():
    return torch.linspace(-1, 1, 2 * 3 * 8 * 8).reshape(2, 3, 8, 8)


FUNCTIONS = {
    "operators": lambda net, x: (x + 1) * 2 - x / 3 + 1 / (x + 2) - (1 - x) ** 2 + 2**x - x % 2 + x // 2 - -x,
    "comparisons": lambda net, x: torch.where((x > 0) & ~(x == 1) | (x < -0.5), x, 0.0),
    "in place": lambda net, x: F.relu(x.clone().add_(1).mul_(2), inplace=True),
    "augmented": lambda net, x: functools.reduce(lambda y, _: y.__iadd__(x), range(3), x * 2),
    "assignment": lambda net, x: assigned(x.clone()),
    "view in place": lambda net, x: view_written(x.clone()),
    "out": lambda net, x: torch.add(x, 1, out=torch.empty_like(x)),
    "properties": lambda net, x: x.mT @ x + x[0].T.sum() + x.data.mean() + x.real.sum(),
    "unpacking": lambda net, x: sum(part for part in x),
    "unpacking two": lambda net, x: (lambda a, b: a * b)(*x),
    "split": lambda net, x: torch.cat([part * i for i, part in enumerate(x.split(1, dim=1))], 1),
    "named tuple": lambda net, x: x.max(1).values + x.sort(1)[1].sum(1) + x.topk(1, 1).indices[:, 0],
    "shape arithmetic": lambda net, x: x.reshape(x.shape[0] * len(x[0]), -1) if x.dim() == 3 else x,
    "numbers": lambda net, x: x * x.mean().item() + len(x) + float(x.sum()) + x.tolist()[0][0][0],
    "control flow": lambda net, x: x.exp() if x.mean() > 10 else [x.sin() for _ in range(3)][-1],
    "indices": lambda net, x: x[:, torch.tensor([0, 2])][..., None, ::2] + x[x > 0].sum() + x[0, 1:2, [1]].sum(),
    "slices by tensors": lambda net, x: x[:, : torch.tensor(2)],
    "factories": lambda net, x: x + torch.arange(4) + torch.zeros_like(x) + x.new_ones(3, 1) + torch.tensor([1.0]),
    "from numbers": lambda net, x: x * torch.Tensor([2.0]),
    "infinity": lambda net, x: x.masked_fill(x > 0, float("-inf")).clamp(min=float("-inf")).softmax(-1).nan_to_num(),
    "einsum": lambda net, x: torch.einsum("bij,bkj->bik", x, x),
    "attention": lambda net, x: F.scaled_dot_product_attention(x, x, x, is_causal=True),
    "interpolation": lambda net, x: F.interpolate(x, scale_factor=2.0, mode="linear"),
    "pooling": lambda net, x: F.max_pool1d(x, 2) + F.adaptive_avg_pool1d(x, 2),
    "dtype": lambda net, x: x.to(torch.float64).float().half().float().to(x.dtype).type(torch.float64),
    "random": lambda net, x: (
        F.dropout(x, 0.5, True) + torch.rand(4) + torch.randn_like(x) + torch.bernoulli(x.sigmoid())
    ),
    "no grad": lambda net, x: graded(x),
    "aten": lambda net, x: torch.ops.aten.relu(x) + torch.ops.aten.add.Tensor(x, 1),
    "contiguous": lambda net, x: x.transpose(1, 2).contiguous().contiguous() + x.transpose(1, 2),
    "vmap": lambda net, x: torch.vmap(lambda row: row.flip(0) * x[0])(x),
    "vmap over closures": lambda net, x: torch.vmap(functools.partial(lambda y, row: row * y, x.exp()))(x),
    "complex": lambda net, x: torch.fft.irfft(torch.fft.rfft(x) * torch.tensor(1j)),
    "lambda call": lambda net, x: (lambda **k: k["y"])(y=x.cos()),
    "gradient": lambda net, x: gradient(x),
    "foreach": lambda net, x: torch._foreach_mul([x, x + 1], 2.0),
    "nested result": lambda net, x: {"a": [x, (x + 1, None, 3)], 5: {"b": "text"}, "again": x},
    "number result": lambda net, x: x.shape[0],
    "nothing": lambda net, x: None,
    "the input": lambda net, x: x,
}


def assigned(y):
    y[:, 0] = 0
    y[y > 0.5] = y.mean()
    y[0, 0, 0] += 3
    return y * 2


def view_written(y):
    view = y[:, 0]
    view.add_(1)
    view[:] = 5
    return y + view.sum()


def graded(y):
    with torch.no_grad():
        z = y.sin()
    return y + z, z


def gradient(y):
    with torch.enable_grad():
        y = y.detach().requires_grad_(True)
        return torch.autograd.grad((y**3).sum(), y)[0]


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize("grad", [True, False])
def test_functions(function, grad):
    with torch.set_grad_enabled(grad):
        faithful(Forward(function), x())


LAYERS = {
    "image": (
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout2d(), nn.MaxPool2d(2)),
        image,
    ),
    "transformer": (nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 2), x),
    "recurrent": (nn.LSTM(4, 3, 2, bidirectional=True), x),
    "attention": (Forward(lambda net, x: net.a(x, x, x), a=nn.MultiheadAttention(4, 2)), x),
    "linear": (nn.Linear(4, 2), x),
    "loss": (Forward(lambda net, x: net.loss(x, x.detach() + 1), loss=nn.SmoothL1Loss()), x),
    "weight norm": (nn.utils.parametrizations.weight_norm(nn.Linear(4, 2)), x),
    "spectral norm": (nn.utils.parametrizations.spectral_norm(nn.Linear(4, 2)), x),
    "old spectral norm": (nn.utils.spectral_norm(nn.Linear(4, 2)), x),
    "weight read": (
        Forward(lambda net, x: x @ net.p.weight.T, p=nn.utils.parametrizations.orthogonal(nn.Linear(4, 4))), x,
    ),
    "data parallel": (nn.DataParallel(nn.Sequential(nn.Linear(4, 4))), x),
    "data parallel inside": (nn.Sequential(nn.DataParallel(nn.Linear(4, 4)), nn.ReLU()), x),
    "script": (nn.Sequential(torch.jit.script(nn.Linear(4, 4)), nn.ReLU()), x),
    "traced": (nn.Sequential(torch.jit.trace(nn.Sequential(nn.Linear(4, 4), nn.Tanh()), x()), nn.ReLU()), x),
    "identity": (Forward(lambda net, x: x + net.i(x), i=nn.Identity()), x),
}  # fmt: skip


@pytest.mark.parametrize(("model", "data"), LAYERS.values(), ids=LAYERS)
def test_layers_in_evaluation(model, data):
    module = faithful(model.eval(), data())
    other = data() * 0.5 + 0.1  # what was seen in the pass, kept as a constant, would not follow it
    same(module(other), model(other))


def test_training_mode_is_kept_and_seeded_runs_agree():
    model = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(3), nn.RReLU())
    module = faithful(model.train(), x())
    assert all(run.training for run in runs(module))


@dataclasses.dataclass
class Batch:
    """An argument that is a dataclass."""

    image: torch.Tensor
    extra: dict


class Cache:
    """A plain object that a forward fills."""

    def __init__(self):
        self.keys = []
        self.me = self


Pair = collections.namedtuple("Pair", "a b")


def test_arguments_of_any_structure():
    def forward(net, batch, pair=None, *rest, scale=2, **more):
        return batch.image * scale + batch.extra["y"][0] + pair.b + rest[0]["z"] + more["w"]

    class Net(nn.Module):
        def forward(self, batch, pair=None, *rest, scale=2, **more):
            return forward(self, batch, pair, *rest, scale=scale, **more)

    args = (Batch(x(), {"y": [x() + 1]}), Pair(None, x() + 2), {"z": x() + 3})
    module = faithful(Net(), *args, scale=4, w=x() + 4)
    assert len(runs(module, "input")) == 5
    other = (Batch(x() * 2, {"y": [x() - 1]}), Pair(None, x() - 2), {"z": x() - 3})
    same(module(*other, scale=4, w=x()), Net()(*other, scale=4, w=x()))


def test_placeholders_are_named_after_the_signature_and_take_keywords():
    class Net(nn.Module):
        def forward(self, left, right=None, *, flag=True):
            return left - right if flag else left

    module = faithful(Net(), x(), right=x() + 1)
    assert [node.target for node in module.graph.nodes if node.op == "placeholder"] == ["left", "right", "flag"]
    same(module(right=x(), left=x() * 3), Net()(right=x(), left=x() * 3))
    same(module(x(), x() * 3), Net()(x(), x() * 3))


def test_a_single_tensor_is_one_argument():
    assert len(runs(record(nn.ReLU(), x()), "input")) == 1


def test_results_of_any_structure():
    def forward(net, x):
        cache = Cache()
        cache.keys.append(x.exp())
        ordered = collections.OrderedDict(a=x + 1)
        return Batch(x * 2, {"pair": Pair(x, ordered)}), cache, collections.deque([x]), collections.Counter("ab")

    module = record(Forward(forward), x())
    batch, cache, queue, count = module(x())
    assert cache.me is cache
    assert type(batch.extra["pair"]) is Pair
    assert type(batch.extra["pair"].b) is collections.OrderedDict
    assert queue[0] is batch.extra["pair"].a
    assert count == {"a": 1, "b": 1}
    torch.testing.assert_close(cache.keys[0], x().exp(), rtol=0, atol=0)
    assert module(x())[1] is not cache


def test_a_size_in_a_result_stays_a_size():
    module = faithful(Forward(lambda net, x: (x.relu(), x.shape, {"size": [x.shape[1:]]})), x())
    assert [type(size) for size in (module(x())[1], module(x())[2]["size"][0])] == [torch.Size, torch.Size]


def test_a_packed_sequence_goes_through_a_recurrent_layer():
    def forward(net, x):
        packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([3, 2]), batch_first=True)
        out, state = net.rnn(packed)
        return nn.utils.rnn.pad_packed_sequence(out, batch_first=True), state, out

    module = faithful(Forward(forward, rnn=nn.GRU(4, 3, batch_first=True)), x())
    assert any(isinstance(run.module, nn.GRU) for run in runs(module))


class Double(torch.autograd.Function):
    """A custom function with a gradient of its own."""

    @staticmethod
    def forward(ctx, x, times):
        return x * times, x + 1

    @staticmethod
    def backward(ctx, first, second):
        return first * 2, None


def test_a_custom_autograd_function_is_one_operation():
    module = faithful(Forward(lambda net, x: Double.apply(x, 2)[0] + 1), x())
    assert runs(module)[0].function is Double
    assert len(runs(module)) == 2
    assert module(x().requires_grad_()).grad_fn is not None


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpointed_parts_are_looked_through(reentrant):
    def forward(net, x):
        return torch.utils.checkpoint.checkpoint(net.part, x, use_reentrant=reentrant)

    module = faithful(Forward(forward, part=nn.Sequential(nn.Linear(4, 4), nn.ReLU())), x().requires_grad_())
    assert [type(run.module).__name__ for run in runs(module)] == ["Linear", "ReLU"]


def test_autocast_regions_are_replayed():
    def forward(net, x):
        y = net.l(x)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            z = net.l(x) @ y.mT
            with torch.autocast("cpu", enabled=False):
                w = net.l(x)
        return y, z, w, net.l(x)

    module = faithful(Forward(forward, l=nn.Linear(4, 4)), x())
    assert module(x())[1].dtype is torch.bfloat16


def test_compiled_functions_and_modules_run_eagerly():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.l = torch.compile(nn.Sequential(nn.Linear(4, 4), nn.Tanh()))

        def forward(self, x):
            return torch.compile(torch.relu)(self.l(x))

    net = Net()
    module = record(torch.compile(net), x())
    assert [run.path for run in runs(module)][:2] == ["l._orig_mod.0", "l._orig_mod.1"]
    with torch.compiler.set_stance("force_eager"):
        same(module(x()), net(x()))


def test_tied_parameters_buffers_and_constants():
    constant = torch.ones(4)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(4, 4, bias=False)
            self.b = nn.Linear(4, 4, bias=False)
            self.b.weight = self.a.weight
            self.register_buffer("mask", torch.ones(4))

        def forward(self, x):
            return x @ self.b.weight + x @ self.a.weight * self.mask + constant

    module = faithful(Net(), x())
    assert [run.path for run in runs(module, "parameter")] == ["a.weight"]
    assert [run.path for run in runs(module, "buffer")] == ["mask"]
    assert len(runs(module, "constant")) == 1


def test_hooks_run_and_what_they_do_is_recorded():
    model = nn.Sequential(nn.Sequential(nn.Linear(4, 4)), nn.ReLU())
    model[0].register_forward_hook(lambda module, args, out: out * 2)
    model.register_forward_pre_hook(lambda module, args: (args[0] + 1,))
    module = faithful(model, x())
    assert [getattr(run.function, "__name__", type(run.module).__name__) for run in runs(module)] == [
        "add", "Linear", "mul", "ReLU",
    ]  # fmt: skip


def test_modules_that_are_not_registered_are_leaves_with_a_path():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = [nn.Linear(4, 4), {"a": nn.Sequential(nn.ReLU())}]

        def forward(self, x):
            return nn.Tanh()(self.blocks[1]["a"](self.blocks[0](x)))

    module = faithful(Net(), x())
    assert [run.path for run in runs(module)] == ["blocks[0]", "blocks[1]['a'].0", "Tanh"]


def test_subclasses_of_layers():
    class Mine(nn.Conv2d):
        pass

    class Standardised(nn.Conv2d):
        def forward(self, x):
            return F.conv2d(x, self.weight - self.weight.mean(), self.bias)

    module = faithful(nn.Sequential(Mine(3, 4, 3), Standardised(4, 4, 3)), image())
    assert isinstance(runs(module)[0].module, Mine)
    assert [getattr(run.function, "__name__", None) for run in runs(module)] == [None, "mean", "sub", "conv2d"]


def test_a_lazy_module_is_recorded_from_a_copy():
    model = nn.Sequential(nn.LazyLinear(3), nn.LazyBatchNorm1d())
    module = record(model, torch.rand(2, 5))
    assert module(torch.rand(4, 5)).shape == (4, 3)
    assert runs(module)[0].module.in_features == 5
    assert isinstance(model[0], nn.LazyLinear)
    assert nn.parameter.is_lazy(model[0].weight)


def test_several_outputs_are_items_with_slots():
    module = record(Forward(lambda net, x: net.l(x)[1][1], l=nn.LSTM(4, 3)), x())
    (op,) = runs(module)
    assert [value.shape for value in op.values] == [(2, 3, 3), (1, 3, 3), (1, 3, 3)]
    (item,) = runs(module, "item")
    assert item.slot == 2


def test_in_place_operations_are_marked_and_later_readers_see_them():
    def forward(net, x):
        y = x * 2
        y.add_(1)
        y[0] = 0
        net.relu(y)
        return y + net.drop(y)

    module = faithful(Forward(forward, relu=nn.ReLU(inplace=True), drop=nn.Dropout()).eval(), x())
    assert [run.inplace for run in runs(module)] == [False, True, True, True, False, False]
    nodes = [node for node in module.graph.nodes if node.meta[META].role == "op"]
    assert [[nodes.index(n) for n in node.all_input_nodes if n in nodes] for node in nodes] == [
        [], [0], [1], [2], [3], [3, 4],
    ]  # fmt: skip
    storages = {run.values[0].storage for run in runs(module)[:5]}
    assert len(storages) == 1


def test_values_name_shape_dtype_and_size():
    (op,) = runs(record(Forward(lambda net, x: x.half()), x()))
    assert (op.reads[0].shape, op.reads[0].dtype, op.reads[0].nbytes) == ((2, 3, 4), "float32", 96)
    assert (op.values[0].shape, op.values[0].dtype, op.values[0].nbytes) == ((2, 3, 4), "float16", 48)


def test_meta_and_real_runs_record_the_same_operations():
    def forward(net, x):
        x = net.n(net.c(x)).relu_()
        x = x + torch.arange(6)
        x[:, 0] = x.mean().cpu()
        return net.l(x.flatten(1).to("cpu")).max(1)

    net = Forward(forward, c=nn.Conv2d(3, 4, 3), n=nn.BatchNorm2d(4), l=nn.Linear(144, 5))
    real = record(net, image())
    lean = record(net.to("meta"), image().to("meta"))
    for one, other in zip(real.graph.nodes, lean.graph.nodes, strict=True):
        a, b = one.meta[META], other.meta[META]
        assert (a.role, a.path, a.inplace, a.slot) == (b.role, b.path, b.inplace, b.slot)
        assert [(v.shape, v.dtype) for v in a.values] == [(v.shape, v.dtype) for v in b.values]


def test_constants_of_the_cpu_that_are_filled_on_the_meta_device():
    def forward(net, x):
        y, z = torch.zeros(2, 3, 4), torch.ones(2, 3, 4)
        y[:, 0] = x[:, 0]
        z.mul_(x)
        return y + z

    for device in ("cpu", "meta"):
        module = record(Forward(forward), x().to(device))
        nodes = [node for node in module.graph.nodes if node.meta[META].role == "op"]
        assert [len(node.users) for node in nodes] == [1] * len(nodes)
        assert [node.meta[META].inplace for node in nodes] == [False, False, False, True, True, False]


def test_the_code_can_wait_until_it_is_needed():
    model = nn.Sequential(nn.Linear(4, 2), nn.ReLU())
    module = record(model, x(), compile=False)
    same(module(x()), model(x()))
    assert "def forward(self, input)" in module.code


def test_cost_grows_with_the_number_of_operations(steps):
    def lines(count):
        def forward(net, x):
            for _ in range(count):
                x = x + 1
            return x

        net, data = Forward(forward), torch.empty(2, 3, device="meta")
        return steps(lambda: record(net, data, compile=False))

    lines(10)
    assert lines(2000) < 10.5 * lines(200)


@torch.jit.script
def scripted(x):
    return torch.relu(x) * 2


def seeded(x):
    torch.manual_seed(3)
    return x + torch.rand(4)


def inferred(x):
    with torch.inference_mode():
        return (x * 2).add_(1)


HARD = {
    "script function": lambda net, x: scripted(x) + 1,
    "parameter made": lambda net, x: F.linear(x, nn.Parameter(x[0])),
    "weights swapped in": lambda net, x: torch.func.functional_call(net.l, {"weight": net.l.weight * x.mean()}, (x,)),
    "gradient transform": lambda net, x: torch.func.grad(lambda y: (y**2).sum())(x),
    "gradient of rows": lambda net, x: torch.vmap(torch.func.grad(lambda y: (y**2).sum()))(x),
    "seed": lambda net, x: seeded(x),
    "inference": lambda net, x: inferred(x),
}


@pytest.mark.parametrize("function", HARD.values(), ids=HARD)
def test_what_torch_does_not_show_follows_its_input(function):
    net = Forward(function, l=nn.Linear(4, 3))
    module = faithful(net, x())
    assert not runs(module, "constant")
    same(module(x() * 3), net(x() * 3))
