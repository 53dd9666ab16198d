"""An operation in place overwrites values that are needed again.

Backward often reads what an operation was given (convolutions, products) or what it gave (sigmoid, tanh, softmax, exp,
sqrt, ReLU). If that has been overwritten meanwhile, torch notices and raises, in training only. Nothing notices where a
later operation reads the tensor by another name, as a pre-activation skip does: after `out = relu_(x)`, `x` is the
rectified tensor too, and `out + x` adds something else than was meant.

The tip: let activations work in place. It holds where nothing needs the old values; this rule finds where something
does.

What to do: take the operation out of place (`inplace=False`, `F.relu(x)` for `F.relu_(x)`, `x = x + y` for `x += y`).
Where the overwritten values are read by another name, decide which ones are meant; a trained network has got used to
those it had.

What it costs: the operation out of place needs the memory of one more tensor; in the cases that raise there is no
choice.

What is known today: torch counts how often each tensor is overwritten and compares when backward reads it ("In-place
correctness checks" in its notes on autograd mechanics); what an operation keeps is written in its table of derivatives
(tools/autograd/derivatives.yaml). One of several views (`chunk`, `split`, `unbind`), and a trainable parameter must not
be overwritten while gradients are recorded, an expanded tensor never: torch refuses it in the forward pass.

Quiet when: only the new values are read, as after `x = relu_(x)`, `out += identity` or ReLU in place on a
concatenation; the values before were read by operations that keep nothing of them (sums, batch norm's result, padding);
backward does not come by, as under `no_grad`; the tensor is a buffer; the later reader would have done the same first
(ReLU of ReLU); the result is discarded, so that overwriting is all that is meant; a module takes another way in
training, so that the recorded one is not trained.

The fix is safe: out of place gives the same numbers, and backward finds what it needs. Where a later operation sees
other values than were meant there is none: the numbers would change.
"""

import re
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from nnlint.edits import argument, remove_argument, replace, replace_callee, text_of
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph, Op
from nnlint.inplace import Changed, Lost, changed, lost
from nnlint.rule import bad, fix, good, graph_rule

#: what is wrong, for each reason of `Lost`
REASONS = {
    "result": "{writer} overwrites what {keeper} gave, which its backward reads: training raises; work out of place",
    "input": "{writer} overwrites what {keeper} read, and its backward reads it again: training raises; "
    "work out of place",
    "piece": "{writer} overwrites one of the views that {keeper} gives, which torch refuses while gradients are "
    "recorded; work out of place",
    "spread": "{writer} overwrites an expanded tensor, whose elements share memory: torch refuses it; "
    "work out of place",
    "parameter": "{writer} overwrites a trainable parameter while gradients are recorded: torch refuses it; "
    "work out of place",
}
#: in place by an argument: where it may stand without its name
POSITIONS = {"relu": 0, "relu6": 0, "selu": 0, "silu": 0, "mish": 0, "hardswish": 0, "hardsigmoid": 0}
POSITIONS |= {"leaky_relu": 1, "elu": 1, "celu": 1, "hardtanh": 2, "threshold": 2, "rrelu": 2}
POSITIONS |= dict.fromkeys(("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout"), 1)


@bad(input="3x32x32")
def skip_sees_the_rectified_tensor() -> nn.Module:
    class PreActivation(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 16, 3, padding=1)
            self.relu = nn.ReLU(inplace=True)
            self.conv = nn.Conv2d(16, 16, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            out = self.relu(x)
            result: Tensor = self.conv(out) + x
            return result

    return PreActivation()


@bad(input="3x32x32")
def skip_kept_under_another_name() -> nn.Module:
    class PreActivation(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 16, 3, padding=1)
            self.block = nn.Sequential(nn.LeakyReLU(0.2, True), nn.Conv2d(16, 16, 3, padding=1))

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            identity = x
            x = self.block(x)
            x += identity
            return x

    return PreActivation()


@bad(input="3x32x32")
def concatenated_with_its_own_block() -> nn.Module:
    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 16, 3, padding=1)
            self.inner = nn.Sequential(nn.LeakyReLU(0.2, inplace=True), nn.Conv2d(16, 16, 3, padding=1))

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            return torch.cat([x, self.inner(x)], 1)

    return Outer()


@bad(input="16")
def sequential_with_dropout_on_what_tanh_gave() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Dropout(0.5, inplace=True), nn.Linear(32, 2))


@bad(input="3x32x32")
def sum_into_what_the_convolution_read() -> nn.Module:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            x = F.relu(self.first(x))
            x += self.second(x)
            return x

    return Residual()


@bad(input="16")
def functional_on_what_exp_gave() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(16, 32), nn.Linear(32, 2)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.second(self.first(x).exp().clamp_(max=10))
            return out

    return Net()


@good(input="3x32x32")
def only_the_new_values_are_read() -> nn.Module:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 16, 3, padding=1)
            self.conv = nn.Conv2d(16, 16, 3, padding=1, bias=False)
            self.norm = nn.BatchNorm2d(16)
            self.relu = nn.ReLU(inplace=True)

        def forward(self, x: Tensor) -> Tensor:
            x = self.relu(self.stem(x))
            identity = x
            out = self.norm(self.conv(x))
            out += identity
            result: Tensor = self.relu(out)
            return result

    return Residual()


@good(input="3x32x32")
def on_a_concatenation() -> nn.Module:
    class Dense(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.grow = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
            self.last = nn.Conv2d(32, 16, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            x = F.relu(self.stem(x), inplace=True)
            x = F.relu(torch.cat([x, self.grow(x)], 1), inplace=True)
            out: Tensor = F.relu(self.last(x), inplace=True)
            return out

    return Dense()


@good(input="3x32x32")
def activations_that_keep_a_copy() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.SiLU(inplace=True),
        nn.Conv2d(16, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.Hardswish(inplace=True),
        nn.Dropout(0.2, inplace=True),
    )


@good(input="16")
def without_gradients() -> nn.Module:
    class Frozen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(16, 32).requires_grad_(False), nn.Linear(32, 2)

        def forward(self, x: Tensor) -> Tensor:
            with torch.no_grad():
                x = self.first(x).exp().clamp_(max=10)
            out: Tensor = self.second(x)
            return out

    return Frozen()


@good(input="16")
def buffer() -> nn.Module:
    class Centred(nn.Module):
        mean: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mean", torch.zeros(16))
            self.first, self.second = nn.Linear(16, 32), nn.Linear(32, 2)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.second(F.relu(self.first(x - self.mean), inplace=True))
            self.mean.mul_(0.9).add_(x.detach().mean(0), alpha=0.1)
            return out

    return Centred()


@good(input="3x32x32")
def reader_that_rectifies_first() -> nn.Module:
    class Cell(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 16, 3, padding=1)
            self.left = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(16, 16, 3, padding=1))
            self.right, self.last = nn.Conv2d(16, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
            self.relu = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            left = self.left(x)
            out: Tensor = self.last(self.relu(left + self.right(self.relu(x))))
            return out

    return Cell()


@good(input="3x32x32")
def result_discarded() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.conv = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            F.relu_(x)
            out: Tensor = self.conv(x) + x
            return out

    return Net()


@good(input="16")
def another_way_in_training() -> nn.Module:
    class Detector(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(16, 32), nn.Linear(32, 4)

        def forward(self, x: Tensor) -> Tensor:
            raw: Tensor = self.second(F.relu(self.first(x), inplace=True))
            if self.training:
                return raw
            boxes = raw.sigmoid()
            boxes[..., :2] *= 2
            return boxes

    return Detector()


@good(input="3x32x32")
def out_of_place() -> nn.Module:
    class PreActivation(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.conv = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
            self.relu = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            out: Tensor = self.conv(self.relu(x)) + x
            return out

    return PreActivation()


@graph_rule(category="activation", level="error", since="0.1", tips=("in-place",))
def check(graph: Graph) -> Iterator[Finding]:
    """What backward misses, then what a later reader mistakes."""
    for loss in lost(graph):
        yield raising(loss)
    for change in changed(graph):
        yield silent(change)


def raising(loss: Lost) -> Finding:
    """The finding where torch raises."""
    message = REASONS[loss.reason].format(writer=loss.writer, keeper=loss.keeper)
    related = () if loss.keeper is None else (loss.keeper,)
    return loss.writer.finding(message, *related, raises=True)


def silent(change: Changed) -> Finding:
    """The finding where an op reads new values for old ones."""
    held = f"`{change.name}` " if change.name else "what it holds "
    return change.writer.finding(
        f"{change.writer} works in place, so {change.reader} later reads {held}after it, not the values before; "
        f"work out of place, or read its result if that is meant",
        change.reader,
        raises=False,
    )


@fix(safe=True)
def mend(finding: Finding) -> Edit | None:
    """Out of place: the argument taken away, or the function without the underscore."""
    op = finding.subjects[0]
    if not finding.facts.get("raises"):
        return None
    position = POSITIONS.get(op.name)
    if op.module is not None:
        return remove_argument(op, "inplace", position=position)
    if argument(op, "inplace", position=None if position is None else position + 1) is not None:
        return remove_argument(op, "inplace", position=None if position is None else position + 1)
    return without_underscore(op)


def without_underscore(op: Op) -> Edit | None:
    """``F.relu_(x)`` → ``F.relu(x)``, ``x += y`` → ``x = x + y``."""
    word = op.spelling.rpartition(".")[2]
    if op.site is None or (text := text_of(op.site)) is None:
        return None
    augmented = re.fullmatch(r"(\w+)\s*(\+|-|\*|/)=\s*(\w+(?:\.\w+)*\(.*\)|[\w.]+)", text)
    if augmented:
        name, sign, value = augmented.groups()
        return replace(op.site, f"{name} = {name} {sign} {value}")
    return replace_callee(op, word.removesuffix("_")) if word.endswith("_") and not word.startswith("__") else None
