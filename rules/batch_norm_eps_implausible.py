"""The eps of a norm layer is so large that it shrinks the activations; perhaps momentum was meant.

`eps` only keeps the division by the standard deviation from failing when the variance is 0. The second argument of
`nn.BatchNorm2d` is `eps`, not the momentum: `nn.BatchNorm2d(64, 0.8)` divides by the root of the variance *plus 0.8*.
A channel of variance 1 comes out with standard deviation 0.75, and one of variance 0.01 with 0.11: quiet channels are
not normalised at all.

What to do: leave `eps` alone and write `momentum=` where that was meant. torch's momentum is the weight of the *new*
batch; in Keras it is that of the old average, so that a momentum of 0.8 there is 0.2 here.

What it costs: normalisation that does not normalise, differently in every channel; the finding gives the factor for a
channel of variance 1.

What is known today: torch's default is 1e-5 (documentation of `torch.nn.BatchNorm2d`); the EfficientNets
(arXiv:1905.11946) and other networks ported from TensorFlow use 1e-3. `BatchNorm2d(n, 0.8)` comes from public
collections of GANs, translated from Keras code where 0.8 was the momentum.

Quiet when: `eps` is at most 0.01, as in EfficientNet.

The fix is unsafe: the network computes other numbers, the right ones, from the same state_dict; a network that was
trained with the large eps has to be trained again.
"""

from collections.abc import Iterator

from torch import Tensor, nn

from nnlint.edits import argument, set_argument
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph
from nnlint.kinds import batch_norm, normalisation
from nnlint.rule import bad, fix, good, graph_rule

#: ten times what networks ported from TensorFlow use
LARGEST = 0.01


@bad(input="16")
def momentum_meant() -> nn.Module:
    return nn.Sequential(
        nn.Linear(16, 64, bias=False), nn.BatchNorm1d(64, 0.8), nn.LeakyReLU(0.2, inplace=True), nn.Linear(64, 2)
    )


@bad(input="3x32x32")
def by_name() -> nn.Module:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 32, 3, padding=1, bias=False)
            self.norm = nn.BatchNorm2d(32, eps=0.1, momentum=0.1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.norm(self.conv(x)).relu_()
            return out

    return Block()


@bad(input="3x32x32")
def functional() -> nn.Module:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 32, 3, padding=1, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.instance_norm(self.conv(x), eps=0.5).relu_()

    return Block()


@good(input="16")
def momentum_by_name() -> nn.Module:
    return nn.Sequential(
        nn.Linear(16, 64, bias=False),
        nn.BatchNorm1d(64, momentum=0.2),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Linear(64, 2),
    )


@good(input="3x32x32")
def as_in_efficientnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32, eps=1e-3, momentum=0.01), nn.SiLU(inplace=True)
    )


@graph_rule(category="normalisation", level="warning", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    """Compares eps with what a variance may be."""
    for norm in graph.find(normalisation):
        eps = norm.hyper.eps
        if eps is not None and eps > LARGEST:
            factor = (1 + eps) ** -0.5
            advice = f"if momentum was meant, write momentum={momentum(eps)}" if norm in batch_norm else "leave it out"
            yield norm.finding(
                f"{norm} has eps={eps:g}: a channel of variance 1 comes out with deviation {factor:.2g}; {advice}",
                eps=eps,
                deviation=factor,
            )


def momentum(eps: float) -> str:
    """The momentum that was meant: a large one is that of Keras, the weight of the old average."""
    return f"{1 - eps:.4g} (Keras counts the old average, {eps:g})" if 0.5 <= eps < 1 else f"{min(eps, 1.0):g}"


@fix(safe=False)
def name_it(finding: Finding) -> Edit | None:
    """``momentum=`` in the place of the number, or torch's own eps where it was given by its name."""
    norm, eps = finding.subjects[0], finding.facts["eps"]
    if norm.module is None:
        return set_argument(norm, "eps", "1e-5") if argument(norm, "eps") is not None else None
    if norm not in batch_norm or not isinstance(norm.module, nn.modules.batchnorm._NormBase):
        return None
    by_name = argument(norm, "eps") is not None
    if by_name or argument(norm, "momentum", position=2) is not None:
        return set_argument(norm, "eps", "1e-5", position=1)
    return set_argument(norm, "eps", f"momentum={momentum(eps).split()[0]}", position=1)
