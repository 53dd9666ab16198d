"""A view gives every row parts of several samples, or the batch size is written into the network.

`view` and `reshape` never move an element: they cut the same row of numbers into other pieces. A sequence of shape
(batch, time, features) viewed as (time, batch, features) has the right shape and the wrong content: what is called one
time step holds several time steps of one sample, and what is called one sample holds parts of others. The network runs,
trains, and predicts for a sample by what else is in its batch. The same happens when features are regrouped by a number
that does not divide those of one sample. A fixed batch size fails at the latest with the last batch of an epoch.

nnlint knows which axis is the batch by a second run with twice as many samples, which it makes only where the first
gives reason to: one of the axes that a view makes is as long as the batch, or a size is written down.

What to do: exchange axes by `transpose` or `permute`; split and merge axes by `view` or `reshape`, always by the sizes
of the tensor itself (`x.flatten(1)`, `x.view(x.shape[0], -1)`, `x.new_zeros(x.shape[0], 8)`).

What it costs: a network whose predictions depend on the other samples of the batch; or one that only runs for one size.

What is known today: the documentation of `torch.Tensor.view` says which elements a view holds, `torch.permute` is what
exchanges axes. That a prediction depends on its own sample alone can be tested by backward: the gradient of one output
with respect to all other inputs has to be zero (Karpathy, A Recipe for Training Neural Networks, 2019).

Quiet when: every sample stays in rows of its own: axes merged with the batch (heads, windows, crops, time) and split
again in the same order, sequences laid out by `transpose` or `permute`, statistics over groups of samples, matrices of
samples by samples; when the second run does other operations than the first; when a fixed size comes from the input. A
fixed size alone is a note unless a data loader feeds the network.
"""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from nnlint.finding import Finding
from nnlint.graph import Graph
from nnlint.rule import bad, good, graph_rule


@graph_rule(category="network", level="error", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    told = graph.rebatched
    if told is None:
        return
    for op in told.mixing:
        message = (
            f"{op} turns {_by(op.in_shape)} into {_by(op.shape)} and gives every row parts of several samples "
            "(elements stay in their order): exchange axes by transpose or permute"
        )
        yield op.finding(message, batch=told.batch)
    if told.failure:
        message = (
            f"the forward pass runs for a batch of {told.batch} and fails for one of {told.other}: {told.failure}; "
            "take the batch size from the input (x.shape[0])"
        )
        found = Finding(message, told.site, facts={"batch": told.batch, "other": told.other})
        yield found if told.loader else replace(found, level="info")


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


@bad(input="10x8")
def sequences_turned_by_a_view() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.GRU(8, 16)
            self.head = nn.Linear(16, 4)

        def forward(self, x: Tensor) -> Tensor:
            n, t, c = x.shape
            out, _ = self.rnn(x.view(t, n, c))
            scores: Tensor = self.head(out[-1])
            return scores

    return Net()


@bad(input="3x8x8")
def features_regrouped_by_the_wrong_number() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)
            self.head = nn.Linear(256, 4)

        def forward(self, x: Tensor) -> Tensor:
            x = nn.functional.relu(self.conv(x), inplace=True)
            x = x[:, :6].reshape(-1, 256)
            scores: Tensor = self.head(x)
            return scores

    return Net()


@bad(input="12x8")
def merged_in_one_order_and_split_in_another() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(8, 4)

        def forward(self, x: Tensor) -> Tensor:
            n, t, c = x.shape
            steps = x.transpose(0, 1).reshape(t * n, c)
            out: Tensor = self.layer(steps)
            return out.reshape(n, t, 4)

    return Net()


@bad(input="12x8")
def both_directions_joined_by_a_view() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.GRU(8, 16, batch_first=True, bidirectional=True)
            self.head = nn.Linear(32, 4)

        def forward(self, x: Tensor) -> Tensor:
            _, last = self.rnn(x)
            scores: Tensor = self.head(last.view(-1, 32))
            return scores

    return Net()


@bad(input="12x8")
def a_batch_size_written_down() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.GRU(8, 16, batch_first=True)
            self.head = nn.Linear(16, 4)

        def forward(self, x: Tensor) -> Tensor:
            out, _ = self.rnn(x, torch.zeros(1, 2, 16, device=x.device))
            scores: Tensor = self.head(out[:, -1])
            return scores

    return Net()


@good(input="10x8")
def sequences_turned_by_transpose() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.GRU(8, 16)
            self.head = nn.Linear(16, 4)

        def forward(self, x: Tensor) -> Tensor:
            out, _ = self.rnn(x.transpose(0, 1))
            scores: Tensor = self.head(out[-1])
            return scores

    return Net()


@good(input="12x8")
def time_merged_with_the_batch() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(8, 4)

        def forward(self, x: Tensor) -> Tensor:
            n, t, c = x.shape
            out: Tensor = self.layer(x.transpose(0, 1).reshape(t * n, c))
            return out.view(t, n, 4).transpose(0, 1)

    return Net()


@good(input="8x8x6")
def windows_folded_into_the_batch() -> nn.Module:
    class Windows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.LayerNorm(6)
            self.mix = nn.MultiheadAttention(6, 2, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            n, h, w, c = x.shape
            parts = self.norm(x).view(n, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 4, c)
            parts = self.mix(parts, parts, parts, need_weights=False)[0]
            parts = parts.view(n, h // 2, w // 2, 2, 2, c).permute(0, 1, 3, 2, 4, 5)
            out: Tensor = x + parts.reshape(n, h, w, c)
            return out

    return Windows()


@good(input="10x8")
def heads_folded_into_the_batch() -> nn.Module:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv = nn.Linear(8, 24)
            self.out = nn.Linear(8, 8)

        def forward(self, x: Tensor) -> Tensor:
            n, t, c = x.shape
            q, k, v = self.qkv(x).view(n, t, 3, 2, 4).permute(2, 0, 3, 1, 4).reshape(3, n * 2, t, 4)
            y = torch.bmm((torch.bmm(q, k.transpose(1, 2)) / 2).softmax(-1), v)
            out: Tensor = self.out(y.view(n, 2, t, 4).transpose(1, 2).reshape(n, t, c))
            return out

    return Attention()


@good(input="3x16x16")
def statistics_over_groups_of_samples() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(4, 8, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            n, c, h, w = x.shape
            group = min(4, n)
            spread = x.view(group, -1, c, h, w).std(0).mean((1, 2, 3), keepdim=True).view(-1, 1, 1, 1)
            out: Tensor = self.conv(torch.cat([x, spread.repeat(group, 1, h, w)], 1))
            return out

    return Net()


@good(input="8")
def samples_compared_with_each_other() -> nn.Module:
    class Contrast(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.project = nn.Linear(8, 4)

        def forward(self, x: Tensor) -> Tensor:
            z = nn.functional.normalize(self.project(x), dim=1)
            n = z.shape[0]
            return (z @ z.T).flatten()[:-1].view(n - 1, n + 1)[:, 1:].reshape(n, n - 1)

    return Contrast()


@good(input="12x8")
def both_directions_joined_by_transpose() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.LSTM(8, 16, num_layers=2, batch_first=True, bidirectional=True)
            self.head = nn.Linear(32, 4)

        def forward(self, x: Tensor) -> Tensor:
            _, (last, _) = self.rnn(x)
            last = last.view(2, 2, x.shape[0], 16)[-1]
            scores: Tensor = self.head(last.transpose(0, 1).reshape(-1, 32))
            return scores

    return Net()


@good(input="12x8")
def a_state_as_large_as_the_batch() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.GRU(8, 16, batch_first=True)
            self.head = nn.Linear(16, 4)

        def forward(self, x: Tensor) -> Tensor:
            out, _ = self.rnn(x, x.new_zeros(1, x.shape[0], 16))
            scores: Tensor = self.head(out[:, -1])
            return scores

    return Net()
