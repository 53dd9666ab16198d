"""The forward pass stops at a layer that does not fit its input.

Given the input the file itself names, the network raises: a linear layer expects another number of features than the
flattened map has, a convolution another number of channels, or two tensors to be added or concatenated differ in size.
nnlint shows the layer's constructor, both shapes, and the number that would fit. No tip is needed for this one: the
network cannot run.

What to do: change the number at the place shown, or the layer before it. After a change of kernel, stride, padding or
input size it is the first linear layer that has to follow; global average pooling before it ends that for good. If it
is the input that is wrong, say so: ``--input``, or ``# nnlint: input=3x224x224`` beside the network.

Quiet when: the input was only guessed by nnlint. Then a failure says more about the guess than about the network, and
`network-not-traced` asks for the input instead.
"""

from nnlint.rule import bad, good, run_rule

check = run_rule(category="network", level="error", since="0.1")


@bad()
def features_of_another_input_size() -> None:
    import torch
    from torch import nn

    net = nn.Sequential(
        nn.Conv2d(1, 16, 5),
        nn.ReLU(),
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
            out: Tensor = self.second(self.first(x).relu())
            return out

    net = Net()
    net(torch.rand(2, 3, 32, 32))


@good()
def features_that_fit() -> None:
    import torch
    from torch import nn

    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
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
            self.first = nn.Conv2d(3, 8, 3)
            self.second = nn.Linear(8 * 13 * 17, 10)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.second(self.first(x).relu().flatten(1))
            return out
