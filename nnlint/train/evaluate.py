"""Judging a network: one pass in evaluation mode over samples it does not learn from."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from nnlint.train.batches import Batches
from nnlint.train.data.model import Arrays, Data, Split
from nnlint.train.distributed import World
from nnlint.train.hardware import Hardware, full
from nnlint.train.objective import Objective


def evaluate(
    net: nn.Module, batches: Batches, data: Data, objective: Objective, hardware: Hardware, world: World
) -> tuple[float, Mapping[str, float]]:
    """The mean loss over the samples, and the metrics: ``accuracy``, or ``rmse``, ``mae`` and ``r2``.

    Evaluation mode: dropout drops nothing, batch norm uses what it has gathered in training.
    """
    net.eval()
    sums: Tensor | None = None
    with torch.inference_mode():
        for inputs, targets, _ in batches.epoch(0):
            with hardware.autocast():
                outputs = full(net(inputs))
            loss = objective.loss(outputs, targets)
            counted = _counted(data, objective, outputs, targets, loss)
            sums = counted if sums is None else sums + counted
    if sums is None:
        return float("nan"), {}
    return _metrics(data, world.sum(sums))


def _counted(data: Data, objective: Objective, outputs: Tensor, targets: Tensor, loss: Tensor) -> Tensor:
    """What batches add up to: in float64 (where the device has it), on the device, so that nothing waits for it."""
    dtype = torch.float32 if targets.device.type == "mps" else torch.float64
    count = len(targets)
    answers = objective.answers(outputs)
    parts = [torch.full_like(loss, count), loss * count]
    if data.task != "numbers":
        parts.append((answers == targets).sum())
    else:
        errors = (answers.reshape(targets.shape) - targets).to(dtype)
        truth = targets.to(dtype)
        parts += [errors.square().sum(), errors.abs().sum(), truth.sum(), truth.square().sum(), _values(targets)]
    return torch.stack([part.to(dtype) for part in parts])


def _values(targets: Tensor) -> Tensor:
    return torch.tensor(targets.numel(), device=targets.device)


def _metrics(data: Data, sums: Tensor) -> tuple[float, Mapping[str, float]]:
    count, loss, *rest = sums.tolist()
    if data.task != "numbers":
        return loss / count, {"accuracy": rest[0] / count}
    squared, absolute, total, total_squared, values = rest
    # in the units of the targets, which were learnt standardised
    unit = float(data.target_std.mean()) if data.target_std is not None else 1.0
    spread = total_squared - total**2 / values
    r2 = 1 - squared / spread if spread > 0 else float("nan")
    return loss / count, {"rmse": unit * (squared / values) ** 0.5, "mae": unit * absolute / values, "r2": r2}


def baseline_of(data: Data, split: Split) -> float | None:
    """The accuracy (R² for numbers) of the best constant answer: the commonest class, or the mean, of training.

    None where the targets are not at hand. A network that is not above it has learnt nothing.
    """
    if not isinstance(split, Arrays) or not isinstance(data.train, Arrays):
        return None
    learnt, judged = data.train.targets, split.targets
    if data.task != "numbers":
        return float((judged == learnt.mode().values).double().mean())
    errors = judged.double() - learnt.double().mean(0)
    spread = (judged.double() - judged.double().mean(0)).square().sum()
    return float(1 - errors.square().sum() / spread) if spread > 0 else None
