"""The trainer beside a bare loop, written by hand, of the very same recipe: the same bits, so only the loop differs."""

from __future__ import annotations

import gc
import importlib.util
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from tables import Row
from torch import Tensor, nn

from nnlint.cli.progress import Progress
from nnlint.train.config import TrainConfig
from nnlint.train.data.load import load_data
from nnlint.train.data.model import Arrays, Data
from nnlint.train.data.view import viewed
from nnlint.train.digests import digest_of_state
from nnlint.train.log import RunFolder
from nnlint.train.loop import train
from nnlint.train.objective import Objective, objective_for
from nnlint.train.recorder import Recorder
from nnlint.train.watch import Watches

EXAMPLES = Path(__file__).parents[2] / "examples"
CONFIG = TrainConfig(epochs=4, device="cpu", threads=1)


def rows(rounds: int) -> Iterator[Row]:
    """The default recipe on digits as they are, 8×8: the smaller a step, the more its overhead weighs."""
    torch.set_num_threads(1)
    data = load_data("digits")
    reference = example("reference_net").ReferenceNet
    yield _row("the reference network", lambda: reference(10, resolution=8, channels=1), data, rounds)
    larger = viewed(data, 1, (16, 16))
    built = lambda: reference(10, resolution=16, channels=1)  # noqa: E731
    yield _row(
        "the same at 16×16, with the command's lines and files", built, larger, max(rounds // 2, 1), written=True
    )
    small = lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))  # noqa: E731
    yield _row("a network of two layers", small, data, rounds, target=None)


def _row(
    name: str,
    build: Callable[[], nn.Module],
    data: Data,
    rounds: int,
    target: float | None = 1.05,
    *,
    written: bool = False,
) -> Row:
    objective = objective_for(data, "scores", 10)
    # what is written is waited for by the clock, not by the CPU
    clock = time.perf_counter if written else time.process_time
    ways: tuple[Callable[[nn.Module], Any], ...] = (
        lambda net: trained(net, data, objective, written=written),
        lambda net: bare(net, data, CONFIG),
    )
    times: tuple[list[float], list[float]] = ([], [])
    digests = set()
    for turn in range(rounds + 1):
        for which in (0, 1) if turn % 2 else (1, 0):
            torch.manual_seed(0)
            net = build()
            gc.collect()
            start = clock()
            ways[which](net)
            if turn:
                times[which].append(clock() - start)
            digests.add(digest_of_state(net))
    assert len(digests) == 1, "the two loops do not do the same"
    ratio = statistics.median(mine / bare for mine, bare in zip(*times, strict=True))
    steps = CONFIG.epochs * -(-len(data.train.targets) // CONFIG.batch_size)  # type: ignore[union-attr]
    mine, theirs = (1e3 * statistics.median(taken) for taken in times)
    note = f"{mine:.0f} ms, {theirs:.0f} ms for {CONFIG.epochs} epochs, {steps} steps; bit-identical"
    return Row(f"{name}: trainer ÷ bare loop on digits, {'clock' if written else 'cpu'}", ratio, target, note)


def trained(net: nn.Module, data: Data, objective: Objective, *, written: bool) -> None:
    """The trainer, as a function or as the command watches it."""
    if not written:
        train(net, data, objective, CONFIG)
        return
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(RunFolder.new("run", folder), net, objective.metric, CONFIG.epochs, {})
        train(net, data, objective, CONFIG, watch=Watches(Progress(lambda _line: None), recorder))


def bare(net: nn.Module, data: Data, config: TrainConfig) -> list[tuple[float, float, float]]:
    """What one writes by hand. Returns training loss, validation loss and accuracy of each epoch."""
    assert isinstance(data.train, Arrays) and isinstance(data.val, Arrays) and isinstance(data.test, Arrays)
    inputs, targets = normalised(data, data.train)
    matrices = [p for p in net.parameters() if p.dim() > 1]
    vectors = [p for p in net.parameters() if p.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": config.decay}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=config.rate)
    steps = -(-len(targets) // config.batch_size)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=config.rate, total_steps=config.epochs * steps, pct_start=0.25
    )
    history = []
    for epoch in range(config.epochs):
        net.train()
        total = 0.0
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + epoch)
        for part in torch.randperm(len(targets), generator=generator).split(config.batch_size):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(inputs[part]), targets[part])
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item() * len(part)
        history.append((total / len(targets), *judged(net, *normalised(data, data.val))))
    judged(net, *normalised(data, data.test))
    return history


def normalised(data: Data, split: Arrays) -> tuple[Tensor, Tensor]:
    """Images of mean 0 and deviation 1, and their classes."""
    assert data.mean is not None and data.std is not None
    mean, std = data.mean.view(1, -1, 1, 1), data.std.view(1, -1, 1, 1)
    return (split.inputs.float() - mean) / std, split.targets


def judged(net: nn.Module, inputs: Tensor, targets: Tensor) -> tuple[float, float]:
    """Mean loss and accuracy."""
    net.eval()
    loss = right = 0.0
    with torch.inference_mode():
        for images, labels in zip(inputs.split(512), targets.split(512), strict=True):
            scores = net(images)
            loss += nn.functional.cross_entropy(scores, labels).item() * len(labels)
            right += (scores.argmax(1) == labels).sum().item()
    return loss / len(targets), right / len(targets)


def example(name: str) -> Any:
    """The module of an example file."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
