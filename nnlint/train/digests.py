"""Digests that say whether two trainings went the same way, bit for bit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn


def digest_of_losses(losses: Sequence[float]) -> str:
    """SHA-256 of the losses as float32: two trainings with the same one went the same way, bit for bit."""
    return hashlib.sha256(np.asarray(losses, dtype=np.float32).tobytes()).hexdigest()


def digest_of_state(net: nn.Module) -> str:
    """SHA-256 of all weights and buffers with their names."""
    digest = hashlib.sha256()
    for name, tensor in net.state_dict().items():
        if isinstance(tensor, Tensor):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
