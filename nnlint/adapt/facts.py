"""What is known of a network that is ready to be trained: what its outputs are, what it costs, what its file says."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import torch
from torch import Tensor, nn

from nnlint.adapt.opening import Opening
from nnlint.examine.judges import losses_of, of_part
from nnlint.examine.network import Subject, Traced, graph_of, trace_network
from nnlint.graph import Graph
from nnlint.inputs.search import NoInputs, Proposal
from nnlint.kinds import softmax, value_preserving
from nnlint.load.building import to_meta
from nnlint.recipe import Loss
from nnlint.train.objective import Head, LossName

#: samples of a recorded pass
BATCH = 2

#: (applied in the loop before the loss, the loss) → the loss on what the network returns
_TOGETHER: dict[tuple[str, str], LossName] = {
    ("log_softmax", "nll_loss"): "cross_entropy",
    ("sigmoid", "binary_cross_entropy"): "binary_cross_entropy_with_logits",
}
#: what the loop may do to an output that changes nothing about which loss it is
_HARMLESS = value_preserving


def graph_in(opening: Opening, net: nn.Module, shape: tuple[int, ...], make: Callable[[], nn.Module]) -> Graph | None:
    """The graph of a network that is given samples of this shape; None where it cannot be recorded.

    Args:
        net: one to be thrown away: its weights are gone afterwards.
        make: builds it again, for a network that needs values.
    """
    to_meta(net)
    proposal = Proposal((torch.empty(BATCH, *shape, device="meta"),), {}, "the data", "explicit", BATCH)
    with torch.random.fork_rng(devices=[]):
        traced = trace_network(Subject(net, make), [proposal], batch=BATCH, search=False)
    return graph_of(traced, opening.candidate.name, opening.script.path) if isinstance(traced, Traced) else None


def traced_anyhow(opening: Opening, proposals: list[Proposal]) -> Traced | NoInputs:
    """The network as its file builds it, on inputs that it accepts: what it takes and gives."""
    candidate = opening.candidate
    with torch.random.fork_rng(devices=[]), opening.home.open():
        subject = Subject(candidate.module, candidate.rebuild, candidate.sites)
        return trace_network(subject, proposals, batch=BATCH)


def head_of(graph: Graph | None, trained: Tensor) -> Head:
    """What a network's outputs are: by its last op, if the numbers it gives in training say the same.

    Args:
        trained: what it gave for a batch in training mode.
    """
    if graph is None or len(set(graph.output.inputs)) != 1:
        return "scores"
    op = graph.output.inputs[0]
    while op in value_preserving and len(op.inputs) == 1:
        op = op.inputs[0]
    rows = trained.float().flatten(1) if trained.dim() > 1 else trained.float()[:, None]
    if op.name == "log_softmax":
        return "log-probabilities" if _is(rows.exp().sum(1)) else "scores"
    if op in softmax:
        return "probabilities" if _is(rows.sum(1)) else "scores"
    if op.name == "sigmoid":
        return "sigmoid" if bool(((rows >= 0) & (rows <= 1)).all()) else "scores"
    return "scores"


def _is(sums: Tensor) -> bool:
    return torch.allclose(sums, torch.ones_like(sums), atol=1e-3)


def stated_loss(opening: Opening, graph: Graph | None) -> tuple[LossName | None, str, str]:
    """The loss that the file states for the network; None if there is none, or none the trainer knows.

    Returns:
        its name; where it is stated; its arguments in words (``label_smoothing=0.1``), which the trainer does not take.
    """
    losses = losses_of(opening.script, opening.candidate)
    if not losses and graph is not None:
        losses = of_part(opening.script, opening.candidate, graph)
    for loss in sorted(losses, key=lambda one: not one.backward):
        name = _known(loss)
        if name is not None:
            stated = [f"{key}={fact.value!r}" for key, fact in loss.arguments.items() if fact.value != "mean"]
            return name, f"{loss.site.file}:{loss.site.line}", ", ".join(stated)
    return None, "", ""


def _known(loss: Loss) -> LossName | None:
    if loss.output:
        return None
    steps = [step.name for step in loss.steps if step.name not in _HARMLESS.names]
    if not steps:
        return next((name for name in get_args(LossName) if name == loss.name), None)
    return _TOGETHER.get((steps[0], loss.name)) if len(steps) == 1 else None


def pretrained(opening: Opening) -> str | None:
    """Where the file loads weights that were trained before; None if it does not."""
    fact = opening.script.recipe.pretrained
    return f"{fact.site.file}:{fact.site.line}" if fact is not None and fact.site is not None else None
