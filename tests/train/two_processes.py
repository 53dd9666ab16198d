"""What the tests of several processes start with torchrun: each process writes what it has seen as JSON.

``torchrun --nproc-per-node 2 two_processes.py FOLDER [fails]``
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler

from nnlint.errors import NnlintError
from nnlint.train.config import TrainConfig
from nnlint.train.data.model import Arrays, Data, Stream
from nnlint.train.distributed import ALONE, World, joined
from nnlint.train.loop import train
from nnlint.train.objective import objective_for
from nnlint.train.results import Trained

#: 53 samples in batches of 8: the last global batch has 5, so 3 in one process and 2 in the other
SAMPLES, BATCH = 53, 8


def data(kind: str = "arrays") -> Data:
    """Three classes that can be told apart, of vectors of 6."""
    generator = torch.Generator().manual_seed(0)
    targets = torch.arange(SAMPLES) % 3
    inputs = torch.randn(SAMPLES, 6, generator=generator) + 2 * nn.functional.one_hot(targets, 6)
    split = Arrays(inputs, targets)
    pairs = TensorDataset(inputs, targets)
    train_split: Arrays | Stream = split
    val_split: Arrays | Stream = split
    if kind == "stream":
        train_split = Stream(dataset=pairs, samples=SAMPLES)
    elif kind == "loaders":
        train_split = Stream(loader=_divided(pairs, shuffle=True))
        val_split = Stream(loader=_divided(pairs, shuffle=False))
    elif kind == "few":
        val_split = Arrays(inputs[:1], targets[:1])
    elif kind == "undivided":
        train_split = Stream(loader=DataLoader(pairs, BATCH, shuffle=True))
    return Data("made", "made for a test", "classes", (6,), 3, train=train_split, val=val_split)


def _divided(pairs: TensorDataset, *, shuffle: bool) -> DataLoader[Any]:
    """As one writes it for several processes; 53 samples make 27 for each, one of them twice."""
    sampler = DistributedSampler(pairs, shuffle=shuffle)
    return DataLoader(pairs, BATCH // 2, sampler=sampler)


def network(*, norm: bool = False) -> nn.Module:
    """A small network, the same in every process."""
    torch.manual_seed(1)
    middle = nn.BatchNorm1d(5) if norm else nn.Identity()
    return nn.Sequential(nn.Linear(6, 5), middle, nn.ReLU(), nn.Linear(5, 3))


def trained(net: nn.Module, kind: str = "arrays", world: World = ALONE, **options: Any) -> Trained:
    """A short training."""
    config = TrainConfig(epochs=3, batch_size=BATCH, device="cpu", threads=1, **options)
    made = data(kind)
    return train(net, made, objective_for(made, "scores", 3), config, world=world)


def loaders(world: World) -> dict[str, Any]:
    """A training by somebody's own loaders, and what its last network is worth on all samples, each counted once."""
    net, made = network(), data("loaders")
    objective = objective_for(made, "scores", 3)
    config = TrainConfig(epochs=3, batch_size=BATCH, device="cpu", threads=1)
    seen = asdict(train(net, made, objective, config, world=world))
    whole = data().train
    assert isinstance(whole, Arrays) and isinstance(made.train, Stream) and made.train.loader is not None
    with torch.inference_mode():
        scores = net(whole.inputs)
    right = (scores.argmax(1) == whole.targets).double().mean().item()
    epoch = made.train.loader.sampler.epoch  # type: ignore[attr-defined]
    return {**seen, "loss": objective.loss(scores, whole.targets).item(), "right": right, "epoch": epoch}


def undivided(world: World) -> str:
    """The error of a loader that hands all processes the same."""
    try:
        trained(network(), "undivided", world=world)
    except NnlintError as error:
        return str(error)
    return ""


class FailsInProcessOne(nn.Module):
    """In the fourth forward pass of one of the processes it raises an error, or returns no numbers."""

    def __init__(self, rank: int, *, error: bool) -> None:
        super().__init__()
        self.layer, self.rank, self.error, self.calls = nn.Linear(6, 3), rank, error, 0

    def forward(self, x: Tensor) -> Tensor:
        """[N, 6] to [N, 3]."""
        self.calls += 1
        if self.calls == 4 and self.rank == 1:
            if self.error:
                raise ValueError("a bug in process 1")
            return self.layer(x) * float("nan")
        return self.layer(x)


def main() -> None:
    """Trains, and writes what came of it."""
    folder, what = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""
    with joined("cpu") as world:
        if what:
            seen = {"failing": asdict(trained(FailsInProcessOne(world.rank, error=True), world=world))}
        else:
            mine = torch.tensor([float(world.rank + 1), 0.1])
            flags = torch.tensor([world.rank == 1, False])
            seen = {
                "world": [world.rank, world.size, world.local_rank, world.is_writer],
                "sum": world.sum(mine).tolist(),
                "mean": world.mean(mine).tolist(),
                "counted": world.sum(flags).tolist(),
                "arrays": asdict(trained(network(), world=world, clip=1.0)),
                "stream": asdict(trained(network(), "stream", world=world, clip=1.0)),
                "few": asdict(trained(network(), "few", world=world)),
                "norm": asdict(trained(network(norm=True), world=world)),
                "diverging": asdict(trained(FailsInProcessOne(world.rank, error=False), world=world)),
                "loaders": loaders(world),
                "undivided": undivided(world),
                "repro": asdict(trained(network(), world=world, mode="repro")),
            }
    (folder / f"{world.rank}.json").write_text(json.dumps(seen))


if __name__ == "__main__":
    main()
    os._exit(0)  # as `nnlint` does: threads of torch's may outlive the group
