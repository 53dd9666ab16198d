"""The optimiser and the course of its learning rate."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR

from nnlint.errors import NnlintError
from nnlint.train.config import TrainConfig


def make_optimizer(net: nn.Module, config: TrainConfig, *, fused: bool = False) -> torch.optim.Optimizer:
    """The optimiser over the trainable parameters of a network.

    Args:
        fused: whether one kernel updates all parameters, where the optimiser has such a one.

    Raises:
        NnlintError: if nothing can be trained.
    """
    groups = _groups(net, config.decay)
    if not groups:
        raise NnlintError("the network has no parameter to train", help="does it freeze them all?")
    # there is no such kernel for complex numbers
    fused = fused and all(p.is_floating_point() for group in groups for p in group["params"])
    if config.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=config.rate, fused=fused)
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=config.rate, momentum=0.9, nesterov=True, fused=fused)
    return torch.optim.Adadelta(groups, lr=config.rate)  # its defaults, rho 0.9, need no tuning


def _groups(net: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Kernels and matrices decay, biases and the scales of norms do not: pulling those to zero regularises nothing."""
    trainable = [p for p in net.parameters() if p.requires_grad]
    norms = (module for module in net.modules() if isinstance(module, nn.LayerNorm | nn.RMSNorm))
    scales = {id(p) for norm in norms for p in norm.parameters()}  # of more than one axis, where they are over images
    matrices = [p for p in trainable if p.dim() > 1 and id(p) not in scales]
    vectors = [p for p in trainable if p.dim() <= 1 or id(p) in scales]
    groups = [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def make_scheduler(optimizer: torch.optim.Optimizer, config: TrainConfig, steps: int) -> LRScheduler:
    """The learning rate of every step, for ``steps`` of them.

    One cycle (Smith & Topin 2017, arXiv:1708.07120) warms up for a quarter of the time, because the first gradients
    point everywhere, and then falls to zero, which lets the weights settle; momentum goes the other way.
    """
    if config.course == "constant":
        return ConstantLR(optimizer, factor=1.0, total_iters=0)
    # fewer than a handful of steps are no cycle: torch's phases would have no length
    return OneCycleLR(optimizer, max_lr=config.rate, total_steps=max(steps, 8), pct_start=0.25)
