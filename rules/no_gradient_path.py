"""Some trainable parameters cannot learn: no gradient path leads from the loss to them.

`backward()` follows what was computed, from the loss to the parameters. `detach()`, `.data` and `torch.no_grad()` cut
the way; `argmax`, comparisons and rounding have no gradient to hand on. Where every way from a parameter ends at such a
cut, its `grad` stays None and no optimiser moves it. The network trains all the same, by what lies behind the cut, and
only reaches less than it could.

What to do: take the cut away, or say that it is meant: freeze the parameters (`requires_grad_(False)`) and leave them
out of the optimiser. A hard choice is trained by its probabilities, by `gumbel_softmax` or by the straight-through
estimator (`soft + (hard - soft).detach()`).

What it costs: the parameters named in the message stay as they were drawn or loaded. If all of them do, `backward()`
raises: "element 0 of tensors does not require grad".

What is known today: the documentation of `torch.Tensor.detach` and the notes on autograd mechanics say what is recorded
and what is not; the straight-through estimator is from Bengio, Léonard and Courville (Estimating or Propagating
Gradients Through Stochastic Neurons, arXiv:1308.3432), Gumbel-softmax from Jang, Gu and Poole (arXiv:1611.01144).

Quiet when: the parameters are frozen, or another path leads to the output; when the result ends in something that is
not known to be without a gradient (an auxiliary loss kept in an attribute, say); when the module takes another way in
training; in the forward of a function with a backward of its own; when a hard decision is all that a parameter is for
and no loss is known, as in decoding; and when all of the network is without gradients and no loss is known: it is run,
not trained.
"""

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from nnlint.edits.source import source_of
from nnlint.finding import Finding
from nnlint.graph import Graph, Op, Param
from nnlint.kinds import Kind, gradient_stop, loss, rounding
from nnlint.rule import bad, good, graph_rule
from nnlint.structure import is_after_output, is_modal

_CUT = Kind.of("detach")
#: what has no gradient by its nature
_HARD = (gradient_stop | rounding) - _CUT - Kind.of("fake_quantize", "quantize", "item", "tolist", "numpy")


@graph_rule(category="network", level="error", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    judged = any(op.inputs for op in graph.find(loss))
    ways = _Ways(graph)
    lost: dict[Op, dict[int, Param]] = {}
    reached = False
    for readers in _readers(graph).values():
        ends = [end for reader, _ in readers for end in ways.ends(reader)]
        cuts = [end for end in ends if end is not None]
        reached = reached or len(cuts) < len(ends)
        if cuts and len(cuts) == len(ends) and not any(is_modal(graph, op) for op, _ in readers):
            cut = next((same for same in lost if _is_one(same, cuts[0])), cuts[0])
            lost.setdefault(cut, {})[readers[0][1].key] = readers[0][1]
    for cut, params in lost.items():
        certain = judged and (not reached or cut.grad)
        if is_modal(graph, cut) or (not judged and (not reached or _is_hard(cut))):
            continue
        if _is_without_grad(cut) and not _is_written_so(cut):
            continue
        count = sum(param.numel for param in params.values())
        some = ", ".join(f"`{param.path}`" for param in list(params.values())[:2])
        message = f"{_why(cut)}, and {count:,} trainable parameters ({some}{' …' * (len(params) > 2)}) get no gradient"
        found = cut.finding(message, params=count)
        site = cut.call_site or cut.site if _is_without_grad(cut) else cut.site or cut.call_site
        yield replace(found, site=site, level="error" if certain else "warning")


class _Ways:
    """Where the ways of the gradient from an op end: at ops that cut them, or (None) at the output, or where it is not
    known."""

    def __init__(self, graph: Graph) -> None:
        self._ends: list[tuple[Op | None, ...]] = [()] * len(graph.ops)
        for op in reversed(graph.ops):
            self._ends[op.index] = self._of(op, is_after_output(graph, op))

    def ends(self, op: Op) -> tuple[Op | None, ...]:
        return self._ends[op.index]

    def _of(self, op: Op, after: bool) -> tuple[Op | None, ...]:
        if op.name == "output" or (op in loss and op.inputs):
            return (None,)
        if op in _CUT or _is_hard(op) or (_is_without_grad(op) and not after):
            return (op,)
        if op.kept or not op.users:
            return (None,)
        found = dict.fromkeys(end for user in op.users for end in self._ends[user.index])
        return (None,) if None in found else tuple(found)


def _readers(graph: Graph) -> dict[int, list[tuple[Op, Param]]]:
    """The ops that read each trainable parameter, by its key."""
    found: dict[int, list[tuple[Op, Param]]] = {}
    for op in graph.ops:
        for param in op.params:
            own = param.key < len(graph.parameters)  # else it is `unregistered-module`'s
            if own and param.trainable and param.dtype.startswith(("float", "bfloat", "complex")):
                found.setdefault(param.key, []).append((op, param))
    return found


def _is_one(cut: Op, other: Op) -> bool:
    """Whether two ops are cut off in one go: they run without gradients beside each other."""
    return cut is other or (_is_without_grad(cut) and _is_without_grad(other) and _around(cut) == _around(other))


def _around(op: Op) -> str:
    return op.path.rpartition(".")[0] if op.module is not None else op.path


def _is_written_so(op: Op) -> bool:
    """Whether an op runs without gradients by the user's own code, and not in the forward of a custom function."""
    site = op.call_site or op.site
    source = source_of(site)
    node = source.node(site) if source is not None and site is not None else None
    cls = source.class_of(node) if source is not None and node is not None else None
    return node is not None and not (cls is not None and any("Function" in ast.unparse(base) for base in cls.bases))


def _is_hard(op: Op) -> bool:
    return op in _HARD


def _is_without_grad(op: Op) -> bool:
    return not op.grad


def _why(cut: Op) -> str:
    if cut in _CUT:
        return f"{cut.spelling or cut} cuts the graph here"
    if _is_hard(cut):
        return f"{cut} has no gradient"
    return f"{cut} runs without gradients (torch.no_grad() or the like)"


@bad(input="16", loss="cross_entropy")
def detached_on_the_way() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Linear(16, 32)
            self.head = nn.Linear(32, 10)

        def forward(self, x: Tensor) -> Tensor:
            features = torch.relu(self.body(x)).detach()
            out: Tensor = self.head(features)
            return out

    return Net()


@bad(input="16", loss="cross_entropy")
def through_data() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Linear(16, 32)
            self.head = nn.Linear(32, 10)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.head(torch.relu(self.body(x)).data)
            return out

    return Net()


@bad(input="16", loss="cross_entropy")
def an_index_in_between() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.choose = nn.Linear(16, 8)
            self.codes = nn.Embedding(8, 32)
            self.head = nn.Linear(32, 10)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.head(torch.relu(self.codes(self.choose(x).argmax(1))))
            return out

    return Net()


@bad(input="3x8x8", loss="mse_loss")
def asked_for_its_shape_on_the_way() -> nn.Module:
    class Quantised(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encode = nn.Conv2d(3, 16, 3, padding=1)
            self.codes = nn.Embedding(64, 16)
            self.decode = nn.Conv2d(16, 3, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            z = self.encode(x)
            n, c, h, w = z.shape
            chosen = torch.cdist(z.permute(0, 2, 3, 1).reshape(-1, c), self.codes.weight).argmin(1)
            out: Tensor = self.decode(self.codes(chosen).view(n, h, w, c).permute(0, 3, 1, 2))
            return out

    return Quantised()


@bad(input="16", loss="cross_entropy")
def all_of_it_under_no_grad() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Linear(16, 32)
            self.head = nn.Linear(32, 10)

        @torch.no_grad()
        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.head(torch.relu(self.body(x)))
            return out

    return Net()


@bad(input="16")
def part_of_it_under_no_grad() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Linear(16, 32)
            self.head = nn.Linear(32, 10)

        def forward(self, x: Tensor) -> Tensor:
            with torch.no_grad():
                features = torch.relu(self.body(x))
            out: Tensor = self.head(features)
            return out

    return Net()


@good(input="16", loss="cross_entropy")
def an_open_way() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 10))


@good(input="16", loss="cross_entropy")
def a_frozen_body() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Linear(16, 32).requires_grad_(False)
            self.head = nn.Linear(32, 10)

        def forward(self, x: Tensor) -> Tensor:
            with torch.no_grad():
                features = nn.functional.relu(self.body(x), inplace=True)
            out: Tensor = self.head(features)
            return out

    return Net()


@good(input="16", loss="mse_loss")
def straight_through() -> nn.Module:
    class Quantised(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encode = nn.Linear(16, 8)
            self.decode = nn.Linear(8, 16)

        def forward(self, x: Tensor) -> Tensor:
            code = torch.tanh(self.encode(x))
            code = code + (code.round() - code).detach()
            out: Tensor = self.decode(code)
            return out

    return Quantised()


@good(input="16", loss="cross_entropy")
def detached_for_a_second_purpose() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Linear(16, 32)
            self.head = nn.Linear(32, 10)
            self.probe = nn.Linear(32, 10)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            features = nn.functional.relu(self.body(x), inplace=True)
            return self.head(features), self.probe(features.detach())

    return Net()


@good(input="16", loss="cross_entropy")
def a_loss_kept_in_an_attribute() -> nn.Module:
    class Routed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.route = nn.Linear(16, 2)
            self.head = nn.Linear(16, 10)

        def forward(self, x: Tensor) -> Tensor:
            probabilities = self.route(x).softmax(1)
            self.balance = probabilities.square().mean()
            chosen = probabilities.argmax(1, keepdim=True)
            out: Tensor = self.head(x * chosen)
            return out

    return Routed()


@good(input="16")
def hard_in_evaluation_alone() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.choose = nn.Linear(16, 8)
            self.codes = nn.Linear(8, 10, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            scores = self.choose(x)
            if self.training:
                chosen = nn.functional.gumbel_softmax(scores, dim=1)
            else:
                chosen = nn.functional.one_hot(scores.argmax(1), 8).float()
            out: Tensor = self.codes(chosen)
            return out

    return Net().eval()


@good(input="long:12")
def decoding() -> nn.Module:
    class Speech(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(64, 32)
            self.durations = nn.Linear(32, 1)
            self.sound = nn.Linear(32, 80)

        def forward(self, tokens: Tensor) -> Tensor:
            x = self.words(tokens)
            mask = torch.arange(tokens.shape[1]) < self.durations(x).ceil().sum((1, 2))[:, None]
            out: Tensor = self.sound(x * mask[..., None])
            return out

    return Speech()


class _Hard(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        return (x > 0).to(x)

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> Tensor:
        return gradients[0]


_hard: Any = _Hard.apply


@good(input="16", loss="mse_loss")
def a_function_with_a_gradient_of_its_own() -> nn.Module:
    class Binary(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encode = nn.Linear(16, 8)
            self.decode = nn.Linear(8, 16)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.decode(_hard(self.encode(x)))
            return out

    return Binary()


@good(input="16")
def run_and_not_trained() -> nn.Module:
    class Scorer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Linear(16, 32)
            self.head = nn.Linear(32, 10)

        @torch.no_grad()
        def forward(self, x: Tensor) -> Tensor:
            return self.head(nn.functional.relu(self.body(x), inplace=True)).argmax(1)  # type: ignore[no-any-return]

    return Scorer()
