"""An activation makes a new tensor where it could overwrite one that nothing reads again.

ReLU and its relatives can write their result over what they read. Where nothing else needs the old values that is the
same network in less memory.

The tip: let activations work in place, which saves memory.

What to do: say `inplace=True` (or `F.relu_`, `x.relu_()`). Leave it out where the finding does not show: there the old
values are needed, or nnlint cannot tell.

What it costs: nothing where the finding shows; the numbers stay the same to the last bit, losses and gradients included
(for ELU, SELU and CELU the gradients can differ in the last bit, so that nnlint leaves the change to you). What it
saves is less than the tip says. Autograd keeps ReLU's result, not what it reads, so between a convolution or a norm and
the next layer ReLU in place saves nothing that training keeps; only the peak while the layer runs falls, and the peak
of inference. LeakyReLU, ELU and SELU keep what they read unless they work in place: a stack of convolutions with one of
them keeps half as much in place, with batch norm two thirds.

What is known today: the kept tensors follow from torch's derivatives (tools/autograd/derivatives.yaml) and were
measured with `torch.autograd.graph.saved_tensors_hooks`. The ResNet, VGG and DenseNet of torchvision work in place.
Under `torch.compile` it makes no difference: operations in place are rewritten before memory is planned.

Quiet when: what the activation reads has another reader, before or after it, also as another view; it was made by an
operation whose backward reads its result (sigmoid, softmax, another ReLU); it is the network's input, a parameter or a
buffer; a hook or plain Python code looks at it; it was made outside of the module that the activation runs in, so that
a caller may hold it; the module takes another way in training; the same constructor serves another place where one of
these holds; the activation keeps a copy in place (SiLU, GELU, Hardswish, Mish, ReLU6), or a negative slope forbids it.

The fix is safe: nothing else reads or keeps what is overwritten, so losses and gradients are the same to the last bit.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from nnlint.edits import replace_callee, set_argument, text_of
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph, Op
from nnlint.inplace import may_be_overwritten
from nnlint.kinds import Kind, input_kept, input_kept_for_weight
from nnlint.rule import bad, fix, good, graph_rule

#: their result is enough for their backward
candidates = Kind.of("relu", "leaky_relu", "elu", "selu", "celu")
#: and gives the same gradients to the last bit
exact = Kind.of("relu", "leaky_relu")
#: the index at which ``inplace`` may stand without its name, in the layer
POSITIONS = {"relu": 0, "selu": 0, "leaky_relu": 1, "elu": 1, "celu": 1}


@bad(input="3x32x32")
def after_batch_norm() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU())


@bad(input="3x32x32")
def shared_module() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
            self.act = nn.LeakyReLU(0.1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.act(self.second(self.act(self.first(x))))
            return out

    return Net()


@bad(input="3x32x32")
def functional_after_a_sum() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            x = torch.relu(self.first(x))
            return F.relu(self.second(x) + x)

    return Net()


@bad(input="16")
def through_flatten_and_dropout() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 32), nn.Identity(), nn.Flatten(), nn.Dropout(0.2), nn.ELU(), nn.Linear(32, 2))


@good(input="3x32x32")
def in_place() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True))


@good(input="3x32x32")
def another_reader() -> nn.Module:
    class PreActivation(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.conv = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
            self.relu = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            out: Tensor = x + self.conv(self.relu(x))
            return out

    return PreActivation()


@good(input="3x32x32")
def another_view_is_read() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.conv = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
            self.score = nn.Linear(16, 10)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            x = self.stem(x)
            pixels = x.flatten(2)
            return self.conv(F.relu(x)), self.score(pixels.mean(2))

    return Net()


@good(input="16")
def made_by_an_operation_that_keeps_its_result() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(16, 32), nn.Linear(32, 2)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.second(F.leaky_relu(self.first(x).expm1(), 0.1))
            return out

    return Net()


@good(input="16x8x8")
def input_of_the_network() -> nn.Module:
    return nn.Sequential(nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1))


@good(input="16")
def parameter() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale, self.score = nn.Parameter(torch.ones(16)), nn.Linear(16, 2)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.score(x * F.relu(self.scale))
            return out

    return Net()


@good(input="3x32x32")
def looked_at() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.last = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            self.before = self.conv(x)
            out: Tensor = self.last(F.relu(self.before))
            return out

    return Net()


@good(input="3x32x32")
def made_by_the_caller() -> nn.Module:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(16, 16, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.conv(F.relu(x))
            return out

    return nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), Block())


@good(input="3x32x32")
def another_way_in_training() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.last = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
            x = self.conv(x)
            out: Tensor = self.last(F.relu(x))
            return (out, x) if self.training else out

    return Net()


@good(input="3x32x32")
def one_constructor_for_two_places() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
            self.third = nn.Conv2d(16, 16, 3, padding=1)
            self.relu = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            x = self.second(self.relu(self.first(x)))
            out: Tensor = x + self.third(self.relu(x))
            return out

    return Net()


@good(input="3x32x32")
def activations_that_keep_a_copy() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.SiLU(), nn.Conv2d(16, 16, 3, padding=1), nn.GELU(),
        nn.Conv2d(16, 16, 3, padding=1), nn.ReLU6(), nn.Conv2d(16, 16, 3, padding=1), nn.Mish(),
    )  # fmt: skip


@good(input="16")
def negative_slope() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 32), nn.LeakyReLU(-0.5), nn.Linear(32, 2))


@graph_rule(category="activation", level="info", since="0.1", tips=("in-place",))
def check(graph: Graph) -> Iterator[Finding]:
    """The activations all of whose places allow it."""
    places: dict[object, list[tuple[Op, Op | None]]] = {}
    for op in graph.find(candidates):
        maker = may_be_overwritten(graph, op) if is_mendable(op) else None
        places.setdefault(op.site or id(op.module), []).append((op, maker))
    for ops in places.values():
        if all(maker is not None for _, maker in ops):
            yield from (found(op, maker) for op, maker in ops if maker is not None)


def is_mendable(op: Op) -> bool:
    """Whether it is out of place, is not written in another package's code, and can work in place at all."""
    slope, alpha = op.hyper.negative_slope, op.hyper.extra.get("alpha", 1.0)
    if op.inplace or op.hyper.inplace or (slope is not None and slope <= 0) or alpha <= 0:
        return False
    if op.module is not None:
        return True
    text = text_of(op.site) if op.site else None
    return text is not None and f"{op.spelling.rpartition('.')[2]}(" in text


def found(op: Op, maker: Op) -> Finding:
    """The finding, with the memory of one sample's tensor, and what of it training would not have to keep."""
    size = op.values[0].nbytes // max(op.shape[0] if op.shape else 1, 1)
    reads = (*op.users, *(reader for user in op.users for reader in user.users if user.hyper.p is not None))
    saved = op.name != "relu" and any(reader in input_kept | input_kept_for_weight for reader in reads)
    word = "training keeps that much less" if saved else "training keeps as much as before, inference peaks lower"
    bits = "" if op in exact else "; gradients may differ in the last bit"
    return op.finding(
        f"{op} makes a new tensor ({size:,} bytes a sample) where nothing else reads what {maker} gave: in place "
        f"{word}{bits}",
        maker,
        bytes_per_sample=size,
        training_bytes_per_sample=size if saved else 0,
    )


@fix(safe=True)
def mend(finding: Finding) -> Edit | None:
    """In place, if the gradients stay the same to the last bit."""
    op = finding.subjects[0]
    if op not in exact:
        return None
    position = POSITIONS[op.name]
    if op.module is not None:
        return set_argument(op, "inplace", "True", position=position)
    if op.spelling.startswith("F."):
        return set_argument(op, "inplace", "True", position=position + 1)
    return replace_callee(op, f"{op.spelling.rpartition('.')[2]}_")
