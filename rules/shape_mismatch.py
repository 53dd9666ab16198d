"""The forward pass stops at a layer that does not fit its input.

Given the input the file itself names, the network raises: a linear layer expects another number of features than the
flattened map has, a convolution another number of channels, or two tensors to be added or concatenated differ in size.
nnlint shows the layer's constructor, both shapes, and the number that would fit.

What to do: change the number at the place shown, or the layer before it. After a change of kernel, stride, padding or
input size it is the first linear layer that has to follow; global average pooling before it ends that for good. If it
is the input that is wrong, say so: `--input`, or `# nnlint: input=3x224x224` beside the network.

What it costs: the network cannot run.

What is known today: mismatched sizes are found without running, too, by static analysis (Jhoo et al., A Static Analyzer
for Detecting Tensor Shape Errors in Deep Neural Network Training Code, arXiv:2112.09037). `nn.LazyLinear` and
`nn.LazyConv2d` take the number from the first input they are given.

Quiet when: the input was only guessed by nnlint. Then a failure says more about the guess than about the network, and
`network-not-traced` asks for the input instead.

The fix is unsafe: the layer gets the size that comes, so that the shapes of its weights change, and a checkpoint of the
old ones does not load. A size that is no plain number is left alone.
"""

import math
import re

from nnlint.edits import argument, set_argument
from nnlint.finding import Edit, Finding
from nnlint.rule import bad, fix, good, run_rule

check = run_rule(category="network", level="error", since="0.1")


@fix(safe=False)
def mend(finding: Finding) -> Edit | None:
    name, fits = finding.facts.get("argument"), finding.facts.get("fits")
    if finding.site is None or not isinstance(name, str) or not isinstance(fits, int):
        return None
    given = argument(finding.site, name, position=0)  # in_features, in_channels and num_features all come first
    if given is None or not re.fullmatch(r"[\d\s*+()]+", given):
        return None
    return set_argument(finding.site, name, as_before(given, fits), position=0)


def as_before(text: str, number: int) -> str:
    """A number as the author wrote the one in its place: channels times a side of the map squared, where that is so."""
    factors = [int(factor) if factor.isdigit() else 0 for factor in re.split(r"\s*\*\s*", text)]
    if len(factors) != 3 or factors[1] != factors[2] or not factors[0] or number % factors[0]:
        return str(number)
    side = math.isqrt(number // factors[0])
    return f"{factors[0]} * {side} * {side}" if factors[0] * side * side == number else str(number)


@bad()
def features_of_another_input_size() -> None:
    import torch
    from torch import nn

    net = nn.Sequential(
        nn.Conv2d(1, 16, 5),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 14 * 14, 10),
    )
    print(net(torch.rand(2, 1, 28, 28)).shape)


@bad()
def channels_that_do_not_follow() -> None:
    import torch
    from torch import Tensor, nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(3, 32, 3, padding=1)
            self.second = nn.Conv2d(16, 64, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.second(self.first(x).relu_())
            return out

    net = Net()
    net(torch.rand(2, 3, 32, 32))


@bad()
def tokens_wider_than_the_layer() -> None:
    import torch
    from torch import Tensor, nn

    class Net(nn.Module):
        def __init__(self, width: int = 48) -> None:
            super().__init__()
            self.words = nn.Embedding(100, width)
            self.scores = nn.Linear(in_features=32, out_features=5)

        def forward(self, tokens: Tensor) -> Tensor:
            out: Tensor = self.scores(self.words(tokens).mean(1))
            return out

    net = Net()
    net(torch.randint(0, 100, (2, 12)))


@good()
def features_that_fit() -> None:
    import torch
    from torch import nn

    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 14 * 14, 10),
    )
    print(net(torch.rand(2, 1, 28, 28)).shape)


@good()
def nobody_says_what_it_is_given() -> None:
    from torch import Tensor, nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(3, 8, 3, padding=1)
            self.second = nn.Linear(8 * 13 * 17, 10)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.second(self.first(x).relu_().flatten(1))
            return out
