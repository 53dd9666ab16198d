"""Batch norm measures activations that dropout has just disturbed.

While training, dropout zeroes activations and scales up the rest: the mean stays, and the variance grows by a factor of
1/(1-p), or more where the mean is not zero, as behind a ReLU. Batch norm stores that variance, and at evaluation, when
dropout is off, divides by a number that no longer fits: the two layers work against each other, and every layer that
follows sees a shifted scale.

The tip: dropout on either side of the non-linearity, but after batch norm.

What to do: move the dropout after the norm; best after the last batch norm of the network, or leave it out, since batch
norm regularises too. The order of the layers does not change the parameters, but a trained network has to be trained
again.

What it costs: accuracy at evaluation, the more the larger p is: with 0.5 the stored variance of values around zero is
twice what evaluation sees, and behind a ReLU about 2.5 times. No parameters and no time are saved by either order.

What is known today: Li et al. 2019 (Understanding the disharmony between dropout and batch normalization by variance
shift, arXiv:1801.05134) measure the shift through weighted layers as well: dropout before *any* batch norm made four
architectures worse on CIFAR-10 and CIFAR-100, and helped where no batch norm followed. Wide ResNets (arXiv:1605.07146)
gain from weak dropout inside a residual block all the same; there the finding is a note, and so it is for dropout of
less than 0.2 with weighted layers between: it adds less than a quarter to the mean square of what they read.

Quiet when: the norm is a layer norm, group norm or instance norm, which measure every sample anew; batch norm keeps no
running statistics, or is frozen; the dropout is on attention weights, or drops whole branches (stochastic depth); its
rate is 0.

The fix is unsafe: a network that was trained in the old order has to be trained again. It moves dropout that stands
right before the norm, not what lies layers before; and none where another batch norm follows, which it would disturb
instead.
"""

from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor, nn

from nnlint.edits import move_after
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import (
    activation,
    arithmetic,
    average_pooling,
    batch_norm,
    convolution,
    dropout,
    linear,
    max_pooling,
    padding,
    resampling,
    value_preserving,
)
from nnlint.rule import bad, fix, good, graph_rule
from nnlint.structure import batch_norms_in_training

#: hands on, in one form or another, the variance of what it reads
carries_variance = activation | average_pooling | max_pooling | padding | resampling | value_preserving
weights = convolution | linear
#: a rate below which dropout adds less than a quarter to the variance, 1 / (1 - p), of values around zero
WEAK = 0.2


@bad(input="3x32x32")
def straight_before() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), nn.Dropout(0.2), nn.BatchNorm2d(64), nn.ReLU())


@bad(input="3x32x32")
def activation_between() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), nn.Dropout2d(0.2), nn.ReLU(), nn.BatchNorm2d(64))


@bad(input="16")
def weighted_layer_between() -> nn.Module:
    return nn.Sequential(
        nn.Linear(16, 64),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(64, 64),
        nn.BatchNorm1d(64),
        nn.ReLU(),
        nn.Linear(64, 2),
    )


@bad(input="3x32x32")
def functional_in_another_module() -> nn.Module:
    class Block(nn.Module):
        def __init__(self, before: int, after: int) -> None:
            super().__init__()
            self.conv = nn.Conv2d(before, after, 3, padding=1, bias=False)
            self.norm = nn.BatchNorm2d(after)

        def forward(self, x: Tensor) -> Tensor:
            x = self.norm(self.conv(x)).relu_()
            return nn.functional.dropout(x, 0.3, training=self.training)

    return nn.Sequential(Block(3, 32), Block(32, 64))


@good(input="3x32x32")
def norm_first() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.Dropout(0.2)
    )


@good(input="3x32x32")
def after_the_last_norm() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(64, 10),
    )


@good(input="16x64")
def layer_norm() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 64), nn.GELU(), nn.Dropout(0.1), nn.LayerNorm(64))


@good(input="16x64")
def attention_dropout() -> nn.Module:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv = nn.Linear(64, 192)
            self.drop = nn.Dropout(0.1)
            self.norm = nn.BatchNorm1d(16)

        def forward(self, x: Tensor) -> Tensor:
            query, key, value = self.qkv(x).chunk(3, dim=-1)
            weights = self.drop((query @ key.transpose(1, 2)).softmax(dim=-1))
            out: Tensor = self.norm(weights @ value)
            return out

    return Attention()


@good(input="64x8x8")
def stochastic_depth() -> nn.Module:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(64, 64, 3, padding=1)
            self.norm = nn.BatchNorm2d(64)

        def forward(self, x: Tensor) -> Tensor:
            keep = x.new_empty(x.shape[0], 1, 1, 1).bernoulli_(0.9)
            out: Tensor = self.norm(x + self.conv(x) * keep / 0.9)
            return out

    return Block()


@good(input="3x32x32")
def rate_zero() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), nn.Dropout(0.0), nn.BatchNorm2d(64), nn.ReLU(inplace=True))


@good(input="3x32x32")
def no_running_statistics() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1),
        nn.Dropout(0.2),
        nn.BatchNorm2d(64, track_running_stats=False),
        nn.ReLU(inplace=True),
    )


@good(input="3x32x32")
def frozen() -> nn.Module:
    net = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), nn.Dropout(0.2), nn.BatchNorm2d(64), nn.ReLU(inplace=True))
    net[2].eval()
    return net


@graph_rule(category="dropout", level="warning", since="0.1", tips=("dropout-after-norm",))
def check(graph: Graph) -> Iterator[Finding]:
    """Walks back from every batch norm to the norm before it."""
    for norm in batch_norms_in_training(graph):
        if norm.hyper.track_running_stats is False:
            continue
        near = {op.index for op in norm.back(past=carries_variance)}
        for drop in norm.back(past=carries_variance | weights | arithmetic):
            if drop not in dropout or not drop.hyper.p:
                continue
            if drop.index in near:
                where = "the last batch norm" if disturbs_later(norm, drop) else "it"
                yield norm.finding(f"{norm} normalises what {drop} disturbs; move {drop} after {where}", drop)
            else:
                yield distant(norm, drop)


def distant(norm: Op, drop: Op) -> Finding:
    """The finding where weighted layers lie between: a note if the dropout is weak, or inside a residual block."""
    found = norm.finding(
        f"{norm} normalises what {drop} disturbs some layers before; move {drop} after the last batch norm", drop
    )
    residual = any(op in arithmetic and len(op.inputs) > 1 for op in drop.ahead(past=carries_variance | weights))
    weak = drop.hyper.p is not None and drop.hyper.p < WEAK
    return replace(found, level="info") if residual or weak else found


def disturbs_later(norm: Op, drop: Op) -> bool:
    """Whether the dropout would disturb another batch norm if it came after this one."""
    later = (op for op in norm.ahead(past=carries_variance | weights | arithmetic | dropout) if op in batch_norm)
    return any(distant(other, drop).level != "info" for other in later)


@fix(safe=False)
def move(finding: Finding) -> tuple[Edit, ...] | None:
    """The dropout goes after the norm, and after its activation if there is one."""
    norm, drop = finding.subjects[:2]
    if drop not in norm.back(past=activation | average_pooling | max_pooling | value_preserving):
        return None
    if disturbs_later(norm, drop):
        return None
    reader = norm.users[0] if len(norm.users) == 1 else norm
    return move_after(drop, reader if reader in activation else norm)
