"""The random generators that a network or a data set may draw from: seeded, and their states kept for a resume."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


def seed_everything(seed: int) -> None:
    """Seed every random generator that a network or a data set may draw from."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def seeded_worker(_worker_id: int) -> None:
    """For ``DataLoader(worker_init_fn=…)``: Python's and NumPy's generators follow torch's, which the loader seeds."""
    seed = torch.initial_seed() % 2**32
    random.seed(seed)
    np.random.seed(seed)


def rng_state() -> dict[str, Any]:
    """The state of those generators, as plain tensors and numbers."""
    name, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)
    version, numbers, following = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [str(name), torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_gauss, float(gauss)],
        "python": [version, torch.tensor(numbers, dtype=torch.int64), following],
    }


def set_rng_state(state: Mapping[str, Any]) -> None:
    """Put the generators back into a state; those of GPUs that are no longer there are left out."""
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"][: torch.cuda.device_count()])
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    version, numbers, following = state["python"]
    random.setstate((version, tuple(numbers.tolist()), following))
