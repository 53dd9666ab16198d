"""Judging a network: one pass in evaluation mode over samples it does not learn from."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from nnlint.errors import NnlintError
from nnlint.train.batches import Batches
from nnlint.train.data.model import Data, Split
from nnlint.train.distributed import World
from nnlint.train.hardware import Hardware, full
from nnlint.train.objective import Objective


def evaluate(
    net: nn.Module, batches: Batches, data: Data, objective: Objective, hardware: Hardware, world: World
) -> tuple[float, Mapping[str, float]]:
    """The mean loss over the samples, and the metrics: ``accuracy``, or ``rmse``, ``mae`` and ``r2``.

    Evaluation mode: dropout drops nothing, batch norm uses what it has gathered in training. The loss is the one that
    is trained, with its label smoothing. Errors of several numbers a sample are in the units of each; ``r2`` is the
    mean of theirs.

    Raises:
        NnlintError: there was nothing to judge by.
    """
    net.eval()
    sums = torch.zeros(3 if data.task != "numbers" else 2 + 4 * data.outputs, dtype=_dtype(hardware.device))
    sums = sums.to(hardware.device)
    # not `inference_mode`, which makes this pass 1 to 3 % shorter: what a network keeps for later in it (a mask, or a
    # table that grows with the batch) can take part in no backward pass, and the next step fails
    with torch.no_grad():
        for inputs, targets, _ in batches.epoch(0):
            with hardware.autocast():
                outputs = full(net(inputs))
            loss = objective.loss(outputs, targets)
            counted = _counted(data, objective, outputs, targets, loss)
            sums = sums + counted
    sums = world.sum(sums).cpu()
    if not sums[0]:
        raise NnlintError(
            "the data gave no sample to judge by", where=data.name, help="a loader is asked anew each time it is used"
        )
    return _metrics(data, sums)


def _counted(data: Data, objective: Objective, outputs: Tensor, targets: Tensor, loss: Tensor) -> Tensor:
    """What batches add up to: in float64 (where the device has it), on the device, so that nothing waits for it."""
    dtype = _dtype(targets.device)
    count = len(targets)
    answers = objective.answers(outputs)
    parts = [torch.full_like(loss, count), loss * count]
    if data.task != "numbers":
        parts.append((answers == targets).sum())
    else:
        truth = targets.reshape(count, -1).to(dtype)
        errors = answers.reshape(count, -1).to(dtype) - truth
        for columns in (errors.square(), errors.abs(), truth, truth.square()):
            parts += columns.sum(0).unbind()
    return torch.stack([part.to(dtype) for part in parts])


def _dtype(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64


def _metrics(data: Data, sums: Tensor) -> tuple[float, Mapping[str, float]]:
    count, loss = sums[:2].tolist()
    if data.task != "numbers":
        return loss / count, {"accuracy": sums[2].item() / count}
    squared, absolute, total, total_squared = sums[2:].view(4, -1)
    # in the units of the targets, which were learnt standardised
    unit = data.target_std.reshape(-1).to(sums.dtype) if data.target_std is not None else torch.ones(1)
    rmse = (unit.square() * squared / count).mean().sqrt().item()
    mae = (unit * absolute / count).mean().item()
    spread = total_squared - total.square() / count
    spread[spread < 1e-12 * total_squared] = 0  # what is left of a constant by rounding is no spread
    return loss / count, {"rmse": rmse, "mae": mae, "r2": _r2(squared, spread)}


def _r2(squared: Tensor, spread: Tensor) -> float:
    """The share of the spread that is explained, (K,): the mean over the columns that spread; nan if none does."""
    return float((1 - squared / spread)[spread > 0].mean())


def baseline_of(data: Data, split: Split) -> float | None:
    """The accuracy (R² for numbers) of the best constant answer: the commonest class, or the mean, of training.

    None where the targets are not at hand. A network that is not above it has learnt nothing.
    """
    learnt, judged = data.train.targets, split.targets
    if learnt is None or judged is None:
        return None
    if data.task != "numbers":
        # a data set may hand its class numbers out as (N, 1)
        learnt, judged = learnt.flatten(), judged.flatten()
        return float((judged == learnt.mode().values).double().mean())
    learnt, judged = (one.double().reshape(len(one), -1) for one in (learnt, judged))
    errors, spread = judged - learnt.mean(0), (judged - judged.mean(0)).square().sum(0)
    r2 = _r2(errors.square().sum(0), spread)
    return r2 if math.isfinite(r2) else None
