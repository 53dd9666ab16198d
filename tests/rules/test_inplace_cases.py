"""Operations in place, case by case: both forms are run, and what the rules say is compared with what happens."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from nnlint.finding import Finding
from nnlint.graph import Graph
from nnlint.trace.build import build_graph
from nnlint.trace.record import record
from nnlint_rules import relu_not_inplace, unsafe_inplace

Body = Callable[["Net", Tensor], Tensor]


class Net(nn.Module):
    """Some layers, and a forward that a case gives: with ``self.inplace`` or without."""

    def __init__(self, body: Body, inplace: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body, self.inplace = body, inplace
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.first, self.second, self.last = (nn.Conv2d(8, 8, 3, padding=1) for _ in range(3))
        self.norm = nn.BatchNorm2d(8)
        self.scale = nn.Parameter(torch.rand(8, 1, 1))
        self.register_buffer("cache", torch.ones(8, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(self, x)


def graph_of(body: Body, *, inplace: bool = True) -> Graph:
    net = Net(body, inplace).eval().to("meta")
    return build_graph(record(net, (torch.empty(2, 3, 8, 8, device="meta"),)), model=net)


def faults(body: Body) -> list[Finding]:
    return list(unsafe_inplace.check.function(graph_of(body)))


def trained(body: Body, *, inplace: bool) -> list[Tensor]:
    """Loss and gradients of one step."""
    net = Net(body, inplace).train()
    torch.manual_seed(1)
    loss = net(torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(2))).square().mean()
    loss.backward()
    return [loss.detach(), *(param.grad for param in net.parameters() if param.grad is not None)]


def identical(body: Body) -> bool:
    pairs = zip(trained(body, inplace=True), trained(body, inplace=False), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


# -- what raises -------------------------------------------------------------------------------------------------------


def _after(function: Callable[[Tensor], Tensor]) -> Body:
    def body(self: Net, x: Tensor) -> Tensor:
        return self.last(F.leaky_relu(function(self.stem(x)), 0.1, inplace=self.inplace))

    return body


def _sum_into_what_a_layer_read(self: Net, x: Tensor) -> Tensor:
    x = self.norm(self.stem(x))
    out = self.first(x)
    if self.inplace:
        x += out
    else:
        x = x + out
    return self.last(x)


def _two_rectifiers_of_one_map(self: Net, x: Tensor) -> Tensor:
    x = self.stem(x)
    left = self.first(F.relu(x, inplace=self.inplace))
    return left + self.second(F.relu(x, inplace=self.inplace))


def _view_of_what_sigmoid_gave(self: Net, x: Tensor) -> Tensor:
    x = self.stem(x).sigmoid()
    view = x.flatten(2)
    view = view.mul_(2) if self.inplace else view * 2
    return self.last(view.view(x.shape))


def _factor(self: Net, x: Tensor) -> Tensor:
    x, gate = self.stem(x), self.cache
    y = x * self.first(x)
    x = x.add_(gate) if self.inplace else x + gate
    return self.last(x + y)


def _squared_in_place(self: Net, x: Tensor) -> Tensor:
    x = self.norm(self.stem(x))
    if self.inplace:
        x *= x
    else:
        x = x * x
    return self.last(x)


def _chunk(self: Net, x: Tensor) -> Tensor:
    a, b = self.stem(x).chunk(2, 1)
    return self.last(torch.cat([F.relu(a, inplace=self.inplace), b], 1))


def _unbound(self: Net, x: Tensor) -> Tensor:
    rows = self.stem(x).unbind(2)
    return self.last(torch.stack([F.relu(row, inplace=self.inplace) for row in rows], 2))


def _expanded(self: Net, x: Tensor) -> Tensor:
    mean = self.stem(x).mean((2, 3), keepdim=True).expand(-1, -1, 8, 8)
    return self.last(F.relu(mean, inplace=self.inplace))


def _parameter(self: Net, x: Tensor) -> Tensor:
    scale = self.scale.clamp_(min=0) if self.inplace else self.scale.clamp(min=0)
    return self.last(self.stem(x) * scale)


RAISING = {
    **{name: _after(getattr(torch, name)) for name in ("sigmoid", "tanh", "exp", "relu", "expm1")},
    "sqrt": _after(lambda x: x.abs().sqrt()),
    "softmax": _after(lambda x: x.softmax(1)),
    "sum into what a layer read": _sum_into_what_a_layer_read,
    "two rectifiers of one map": _two_rectifiers_of_one_map,
    "view of what sigmoid gave": _view_of_what_sigmoid_gave,
    "factor of a product": _factor,
    "squared in place": _squared_in_place,
    "chunk": _chunk,
    "unbind": _unbound,
    "expand": _expanded,
    "parameter": _parameter,
}


@pytest.mark.parametrize("name", RAISING)
def test_what_raises_is_found(name: str) -> None:
    body = RAISING[name]
    trained(body, inplace=False)
    with pytest.raises(RuntimeError, match=r"in-?place|more than one element"):
        trained(body, inplace=True)
    found = faults(body)
    assert found and {finding.site for finding in found} == {found[0].site}
    assert all(finding.facts["raises"] for finding in found)
    assert list(unsafe_inplace.check.function(graph_of(body, inplace=False))) == []


def test_dropout_raises_in_training_alone_and_is_found_in_evaluation() -> None:
    def net(inplace: bool) -> nn.Module:
        return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.5, inplace), nn.Linear(8, 1))

    for inplace, count in ((True, 1), (False, 0)):
        model = net(inplace).eval()
        graph = build_graph(record(model, (torch.rand(2, 4),)), model=model)
        assert len(list(unsafe_inplace.check.function(graph))) == count
    net(False).train()(torch.rand(2, 4)).sum().backward()
    net(True).eval()(torch.rand(2, 4)).sum().backward()
    with pytest.raises(RuntimeError, match="inplace"):
        net(True).train()(torch.rand(2, 4)).sum().backward()


# -- what nobody notices -----------------------------------------------------------------------------------------------


def _pre_activation(self: Net, x: Tensor) -> Tensor:
    x = self.stem(x)
    out = F.relu(x, inplace=self.inplace)
    out = self.first(out)
    return self.last(out + x)


def _skip_by_another_name(self: Net, x: Tensor) -> Tensor:
    x = self.stem(x)
    identity = x
    x = F.leaky_relu(x, 0.2, inplace=self.inplace)
    x = self.first(x)
    return self.last(x + identity)


def _skip_set_after(self: Net, x: Tensor) -> Tensor:
    x = self.stem(x)
    out = F.relu(x, inplace=self.inplace)
    shortcut = x if self.norm.affine else self.norm(x)
    return self.last(self.first(out) + shortcut)


def _sum_into_a_skip(self: Net, x: Tensor) -> Tensor:
    x = self.norm(self.stem(x))
    identity = x
    if self.inplace:
        x += self.cache
    else:
        x = x + self.cache
    return self.last(self.first(x) + identity)


def _view_read_later(self: Net, x: Tensor) -> Tensor:
    x = self.stem(x)
    pixels = x.flatten(2)
    x = F.relu(x, inplace=self.inplace)
    return self.last(x) + pixels.mean(2)[..., None, None]


def _identity_read_later(self: Net, x: Tensor) -> Tensor:
    x = self.stem(x)
    skip = nn.Identity()(x)
    out = self.first(F.relu(x, inplace=self.inplace))
    return self.last(out + skip)


SILENT = {
    "pre-activation": (_pre_activation, "x"),
    "skip by another name": (_skip_by_another_name, "identity"),
    "skip set after": (_skip_set_after, "shortcut"),
    "sum into a skip": (_sum_into_a_skip, "identity"),
    "view read later": (_view_read_later, ""),
    "identity read later": (_identity_read_later, ""),
}


@pytest.mark.parametrize("name", SILENT)
def test_what_nobody_notices_is_found(name: str) -> None:
    body, variable = SILENT[name]
    assert not torch.equal(trained(body, inplace=True)[0], trained(body, inplace=False)[0])
    (finding,) = faults(body)
    assert finding.facts["raises"] is False
    assert f"`{variable}`" in finding.message if variable else "what it holds" in finding.message
    assert list(unsafe_inplace.check.function(graph_of(body, inplace=False))) == []


# -- what is right -----------------------------------------------------------------------------------------------------


def _residual(self: Net, x: Tensor) -> Tensor:
    x = F.relu(self.stem(x), inplace=self.inplace)
    identity = x
    out = self.norm(self.first(x))
    if self.inplace:
        out += identity
    else:
        out = out + identity
    return self.last(F.relu(out, inplace=self.inplace))


def _dense(self: Net, x: Tensor) -> Tensor:
    x = F.relu(self.stem(x), inplace=self.inplace)
    x = torch.cat([x[:, :4], self.first(x)[:, 4:]], 1)
    return self.last(F.relu(x, inplace=self.inplace))


def _keeps_a_copy(self: Net, x: Tensor) -> Tensor:
    x = F.silu(self.norm(self.stem(x)), inplace=self.inplace)
    x = F.hardswish(self.first(x), inplace=self.inplace)
    return self.last(F.dropout(x, 0.5, self.training, self.inplace))


def _earlier_reader_keeps_nothing(self: Net, x: Tensor) -> Tensor:
    x = self.stem(x)
    mean = x.mean((2, 3), keepdim=True)
    x = F.relu(x, inplace=self.inplace)
    return self.last(x + mean)


def _skip_before_the_layer(self: Net, x: Tensor) -> Tensor:
    x = self.stem(x)
    identity = x
    out = F.relu(self.first(x), inplace=self.inplace)
    return self.last(out + identity)


def _without_gradients(self: Net, x: Tensor) -> Tensor:
    with torch.no_grad():
        weights = self.stem(x).sigmoid()
        weights = weights.mul_(2) if self.inplace else weights * 2
    return self.last(weights)


def _written_into(self: Net, x: Tensor) -> Tensor:
    x = self.stem(x)
    out = torch.zeros_like(x)
    out[:, :4] = x[:, 4:]
    out[:, 4:] = x[:, :4]
    return self.last(out)


def _discarded(self: Net, x: Tensor) -> Tensor:
    x = self.stem(x)
    if self.inplace:
        F.relu_(x)
    else:
        x = F.relu(x)
    return self.last(self.first(x) + x)


def _discarded_chain(self: Net, x: Tensor) -> Tensor:
    x = self.stem(x)
    if self.inplace:
        x.mul_(2).add_(1)
    else:
        x = x * 2 + 1
    return self.last(x)


def _halves(self: Net, x: Tensor) -> Tensor:
    x = self.stem(x)
    left, right = x[:, :4], x[:, 4:]
    left = F.relu(left, inplace=self.inplace)
    return self.last(torch.cat([left, right], 1))


def _set_again(self: Net, x: Tensor) -> Tensor:
    x = self.stem(x)
    out = F.relu(x, inplace=self.inplace)
    x = self.first(out)
    return self.last(out + x)


def _only_the_shape_is_read(self: Net, x: Tensor) -> Tensor:
    x = self.stem(x)
    out = F.relu(x, inplace=self.inplace)
    return self.last(F.interpolate(out, x.shape[2:]))


RIGHT = (
    _residual, _dense, _keeps_a_copy, _earlier_reader_keeps_nothing, _skip_before_the_layer, _without_gradients,
    _written_into, _discarded, _discarded_chain, _halves, _set_again, _only_the_shape_is_read,
)  # fmt: skip


@pytest.mark.parametrize("body", RIGHT, ids=lambda body: body.__name__.strip("_"))
def test_what_is_right_is_left_alone(body: Body) -> None:
    assert faults(body) == []
    assert identical(body)


def test_what_evaluation_alone_does_is_left_alone() -> None:
    class Detector(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            raw = self.conv(x)
            if self.training:
                return raw
            boxes = raw.sigmoid()
            boxes[:, :2] *= 2
            return boxes

    model = Detector().eval()
    assert list(unsafe_inplace.check.function(build_graph(record(model, (torch.rand(1, 3, 4, 4),)), model=model))) == []


def test_memory_shared_behind_the_back_of_autograd_is_left_alone() -> None:
    def body(self: Net, x: Tensor) -> Tensor:
        x = self.stem(x).sigmoid()
        x.data.mul_(2)
        return self.last(x)

    assert faults(body) == []
    trained(body, inplace=True)


# -- where in place is offered -----------------------------------------------------------------------------------------


def offered(body: Body) -> list[Finding]:
    return list(relu_not_inplace.check.function(graph_of(body, inplace=False)))


@pytest.mark.parametrize("slope", [None, 0.01, 0.5])
@pytest.mark.parametrize(
    "make",
    [
        lambda self, x: self.stem(x),
        lambda self, x: self.norm(self.stem(x)),
        lambda self, x: self.stem(x) + self.cache,
        lambda self, x: self.stem(x) * self.scale,
        lambda self, x: torch.cat([self.stem(x), self.stem(x)], 1)[:, :8].contiguous(),
        lambda self, x: F.pad(self.stem(x), (1, 1, 1, 1)),
        lambda self, x: F.max_pool2d(self.stem(x), 2),
        lambda self, x: F.avg_pool2d(self.stem(x), 2),
        lambda self, x: F.dropout(self.norm(self.stem(x)), 0.5, self.training),
        lambda self, x: self.stem(x).flatten(2).unflatten(2, (8, 8)),
        lambda self, x: F.interpolate(self.stem(x), scale_factor=2),
        lambda self, x: F.linear(self.stem(x), self.scale.flatten().diag()),
        lambda self, x: F.layer_norm(self.stem(x), (8, 8)),
        lambda self, x: F.group_norm(self.stem(x), 2),
    ],
)
def test_where_it_is_offered_no_bit_changes(make: Body, slope: float | None) -> None:
    def body(self: Net, x: Tensor) -> Tensor:
        made = make(self, x)
        if slope is None:
            return self.last(F.relu(made, inplace=self.inplace))
        return self.last(F.leaky_relu(made, slope, inplace=self.inplace))

    if "contiguous" not in str(make.__code__.co_names):
        assert len(offered(body)) == 1
    assert identical(body)


@pytest.mark.parametrize("name", [name for name in RAISING if name not in ("parameter", "squared in place")])
def test_it_is_never_offered_where_it_raises(name: str) -> None:
    assert offered(RAISING[name]) == []


@pytest.mark.parametrize("name", SILENT)
def test_it_is_never_offered_where_results_change(name: str) -> None:
    assert offered(SILENT[name][0]) == []


def test_hooks_look_at_what_would_be_overwritten() -> None:
    def of(net: nn.Sequential) -> list[Finding]:
        return list(relu_not_inplace.check.function(build_graph(record(net, (torch.rand(2, 4),)), model=net)))

    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    assert len(of(net)) == 1
    for register in (net[0].register_forward_hook, net[0].register_full_backward_hook):
        handle = register(lambda *_: None)
        assert of(net) == []
        handle.remove()
    assert len(of(net)) == 1


# -- what it saves -----------------------------------------------------------------------------------------------------


def kept_bytes(layers: Callable[[], nn.Module], *, norm: bool) -> int:
    """What autograd keeps of a stack of six convolutions, parameters left out."""
    parts: list[nn.Module] = []
    for width in (3, 16, 16, 16, 16, 16):
        parts += [nn.Conv2d(width, 16, 3, padding=1), *([nn.BatchNorm2d(16)] if norm else []), layers()]
    net = nn.Sequential(*parts, nn.Conv2d(16, 16, 3, padding=1))
    own = {param.untyped_storage().data_ptr() for param in net.parameters()}
    kept: dict[int, Tensor] = {}

    def note(tensor: Tensor) -> Tensor:
        if tensor.untyped_storage().data_ptr() not in own:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        net(torch.rand(2, 3, 16, 16)).sum()
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


@pytest.mark.parametrize("norm", [False, True])
def test_relu_in_place_saves_nothing_that_training_keeps(norm: bool) -> None:
    assert kept_bytes(lambda: nn.ReLU(True), norm=norm) == kept_bytes(nn.ReLU, norm=norm)


@pytest.mark.parametrize("cls", [nn.ReLU6, nn.SiLU, nn.Hardswish, nn.Mish])
def test_activations_that_keep_a_copy_save_nothing_either(cls: type[nn.Module]) -> None:
    assert kept_bytes(lambda: cls(inplace=True), norm=True) == kept_bytes(cls, norm=True)


@pytest.mark.parametrize(("norm", "low", "high"), [(False, 0.45, 0.5), (True, 0.3, 0.34)])
@pytest.mark.parametrize("cls", [nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU])
def test_the_others_save_what_the_rule_says(cls: type[nn.Module], norm: bool, low: float, high: float) -> None:
    saved = 1 - kept_bytes(lambda: cls(inplace=True), norm=norm) / kept_bytes(cls, norm=norm)
    assert low < saved < high
