"""One run of a comparison: a network built and trained from a seed, in whichever process.

What makes two runs a fair pair is all here: the same data in the same order, the same first weights where there are the
same ones, the same random numbers from the first step on, the same number of steps and threads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from nnlint.adapt.model import Adapted
from nnlint.adapt.ready import Ready, make_ready
from nnlint.compare.cost import peak_bytes
from nnlint.compare.plan import Described, Plan, Run
from nnlint.train.batches import training
from nnlint.train.data.model import Data, Task
from nnlint.train.distributed import ALONE
from nnlint.train.hardware import chosen, prepared
from nnlint.train.loop import train
from nnlint.train.results import Trained
from nnlint.train.rng import seed_everything

#: fewer do not show what distribution they were drawn from
FEW_NUMBERS = 32


@dataclass(eq=False)
class _Opened:
    """What this process has open: reading files and running their code once is enough."""

    plan: Plan | None = None
    ready: Ready | None = None

    def of(self, plan: Plan) -> Ready:
        if self.ready is None or self.plan != plan:
            self.plan, self.ready = plan, make_ready(plan.sources, plan.data, plan.config)
        return self.ready


_OPENED = _Opened()


def describe(plan: Plan) -> tuple[Described, ...]:
    """What is to be trained, one for each source.

    Raises:
        NnlintError: as `make_ready`; if the device that is asked for is not there.
    """
    chosen(plan.config.device)  # else each run would fail of it
    ready = _OPENED.of(plan)
    return tuple(
        Described(
            name=adapted.name,
            notes=adapted.notes,
            loss=objective.loss_name,
            why=objective.why,
            metric=objective.metric,
            params=adapted.params,
            macs=adapted.macs,
            data=_in_words(ready.data, plan.data.task),
            batch_size=ready.config.batch_size,
        )
        for adapted, objective in zip(ready.adapted, ready.objectives, strict=True)
    )


def _in_words(data: Data, task: Task | None) -> str:
    shape = "×".join(map(str, data.shape))
    parts = [("training", data.train), ("validation", data.val), ("test", data.test)]
    sizes = ", ".join(f"{_size(split)} {name}" for name, split in parts if split is not None)
    asked = "" if task is None else f" Targets: {task}, as asked for."
    return f"{data.name}: {shape} a sample; {sizes} samples.{asked} {data.source}".rstrip()


def _size(split: object) -> str:
    try:
        return str(len(split))  # type: ignore[arg-type]
    except TypeError:
        samples = getattr(split, "samples", None)
        return "an unknown number of" if samples is None else str(samples)


def run(plan: Plan, asked: Run) -> Trained:
    """Build a network and train it.

    Raises:
        NnlintError: as `make_ready`, and as `nnlint.train.loop.train`.
    """
    ready = _OPENED.of(plan)
    seed = asked.config.seed
    net = built(ready.adapted[asked.variant], seed)
    if asked.like is not None and asked.like != asked.variant:
        copy_weights(built(ready.adapted[asked.like], seed), net)
    seed_everything(seed)  # building drew different numbers of the two networks
    return train(net, ready.data, ready.objectives[asked.variant], asked.config)


def built(adapted: Adapted, seed: int) -> nn.Module:
    """The network with the first weights that belong to a seed."""
    seed_everything(seed)
    return adapted.build()


def copy_weights(source: nn.Module, target: nn.Module) -> tuple[str, ...]:
    """Copy the parameters and buffers that are named alike, have one shape and belong to modules of one type.

    A layer that was put in or taken out moves the numbers of a ``Sequential``: what is named alike then may be another
    kind of layer, whose first weights are of another kind. And how a network draws its first weights belongs to it:
    what the two draw from plainly different distributions is left to each, see `drawn_alike`.

    Returns:
        their names.
    """
    given = source.state_dict()
    kinds, theirs = ({name: type(module) for name, module in net.named_modules()} for net in (target, source))
    copied = []
    with torch.no_grad():
        for name, tensor in target.state_dict().items():
            owner = name.rpartition(".")[0]
            other = given.get(name)
            if not isinstance(tensor, Tensor) or not isinstance(other, Tensor):
                continue
            # the two networks themselves may be of different classes: their own parameters go by name and shape
            alike = not owner or (owner in theirs and kinds[owner].__qualname__ == theirs[owner].__qualname__)
            same_form = other.shape == tensor.shape and other.dtype == tensor.dtype
            if alike and same_form and drawn_alike(tensor, other):
                tensor.copy_(other)
                copied.append(name)
    return tuple(copied)


def drawn_alike(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors of one shape may be draws from one distribution, by their means and standard deviations.

    The standard deviation of n normal numbers is within 3 / sqrt(2n) of its own, relatively, 997 times of 1000, so that
    of two samples a difference of 6 / sqrt(n) is not chance. Kaiming's and torch's usual first weights differ by a
    factor of 2.4; a constant is told from any draw, and of few numbers nothing else is.
    """
    if not one.is_floating_point():
        return True
    if one.numel() < 2:
        return torch.equal(one, other)
    a, b = one.double(), other.double()
    sd_a, sd_b = a.std().item(), b.std().item()
    largest = max(sd_a, sd_b)
    if min(sd_a, sd_b) == 0.0:
        return largest == 0.0 and a.flatten()[0].item() == b.flatten()[0].item()
    if one.numel() < FEW_NUMBERS:
        return True
    tolerance = 6 * largest / math.sqrt(one.numel())
    return abs(sd_a - sd_b) <= tolerance and abs(a.mean().item() - b.mean().item()) <= tolerance


def weigh(plan: Plan, variant: int) -> int:
    """The most bytes that a training step takes on the CPU, with a batch of the size the trainer uses.

    Raises:
        NnlintError: as `make_ready`.
    """
    ready = _OPENED.of(plan)
    config = replace(plan.config, device="cpu")
    net = built(ready.adapted[variant], config.seed)
    with prepared(config, image_like=len(ready.data.shape) == 3) as hardware:
        inputs, targets, _ = next(iter(training(ready.data, config, hardware, ALONE).epoch(0)))
        return peak_bytes(net, inputs.clone(), targets.clone(), ready.objectives[variant].loss, config, hardware)
