"""The random generators: seeded, kept, and put back."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from nnlint.train.rng import rng_state, seed_everything, set_rng_state


def drawn() -> tuple[float, float, float]:
    return random.random(), float(np.random.random()), torch.rand(()).item()


def test_generators_go_on_where_they_were() -> None:
    before = rng_state()
    seed_everything(7)
    state = rng_state()
    first = drawn()
    set_rng_state(state)
    assert drawn() == first
    set_rng_state(before)


@pytest.mark.parametrize(("states", "gpus", "put_back"), [(2, 1, 1), (1, 2, 1), (0, 2, 0)])
def test_a_run_may_go_on_with_other_gpus(
    states: int, gpus: int, put_back: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = rng_state() | {"cuda": [torch.tensor([number]) for number in range(states)]}
    put: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.cuda, "set_rng_state_all", lambda found: put.extend(int(one) for one in found))
    set_rng_state(state)
    assert put == list(range(put_back))
