"""Tracing: recording and graph beside one forward on meta, and the cost of an op as networks grow."""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tables import Row

sys.path.insert(0, str(Path(__file__).parents[1] / "zoo"))

import families as f
import torch
from entry import tokens
from measure import graph_of
from torch import Tensor, nn


class Chain(nn.Module):
    """A deep chain of elementwise functions and small layers."""

    def __init__(self, ops: int) -> None:
        super().__init__()
        self.ops = ops
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        """[N, 4] to the same shape."""
        for step in range(self.ops):
            x = self.layer(x) if step % 4 == 0 else torch.tanh(x)
        return x


class Wide(nn.Module):
    """Many branches from one tensor into one sum."""

    def __init__(self, ops: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Linear(4, 4) for _ in range(ops // 2))

    def forward(self, x: Tensor) -> Tensor:
        """[N, 4] to the same shape."""
        return torch.stack([torch.relu(branch(x)) for branch in self.branches]).sum(0)


#: large enough that fixed costs do not hide the price of an op
FAMILIES: dict[str, tuple[Callable[[], nn.Module], Callable[[], tuple[Tensor, ...]]]] = {
    "ResNet": (lambda: f.ResNet(64, 16), lambda: (torch.randn(2, 3, 64, 64),)),
    "DenseNet": (lambda: f.DenseNet(12, 30), lambda: (torch.randn(2, 3, 32, 32),)),
    "MobileNetV2": (
        lambda: nn.Sequential(*(f.stacked(f.InvertedResidual, 16)[1] for _ in range(12))),
        lambda: (torch.randn(2, 16, 32, 32),),
    ),
    "EfficientNet": (
        lambda: nn.Sequential(*(f.InvertedResidual(16, squeeze=True) for _ in range(12))),
        lambda: (torch.randn(2, 16, 32, 32),),
    ),
    "ConvNeXt": (
        lambda: nn.Sequential(*(f.ConvNeXtBlock(32) for _ in range(12))),
        lambda: (torch.randn(2, 32, 32, 32),),
    ),
    "ViT": (lambda: f.ViT(64, 12), lambda: (torch.randn(2, 3, 32, 32),)),
    "Swin": (f.ShiftedWindow, lambda: (torch.randn(2, 3, 32, 32),)),
    "UNet": (lambda: f.UNet(16), lambda: (torch.randn(2, 3, 64, 64),)),
    "GPT": (lambda: f.GPT(256, 64, 12), lambda: (tokens(2, 32),)),
    "BERT": (f.BERT, lambda: (tokens(2, 32),)),
    "LSTM": (f.LSTMClassifier, lambda: (tokens(2, 32),)),
    "VAE": (f.VAE, lambda: (torch.randn(2, 3, 4, 4),)),
}


def rows(rounds: int) -> Iterator[Row]:
    """One row a family, and the cost of an op over the sizes."""
    torch.set_num_threads(1)
    for name, (build, inputs) in FAMILIES.items():
        yield _family(name, build, inputs, rounds)
    yield from _scaling("a chain", Chain, rounds)
    yield from _scaling("branches", Wide, rounds)


def _family(name: str, build: Callable[[], nn.Module], inputs: Callable[[], tuple[Tensor, ...]], rounds: int) -> Row:
    with torch.device("meta"):
        model, args = build().eval(), inputs()
    forward, trace = _both(model, args, rounds)
    ops = len(graph_of(model, args, {}).ops)
    note = f"{1e3 * trace:.1f} ms, {1e3 * forward:.1f} ms; {ops} ops"
    return Row(f"{name}: record + graph ÷ one meta forward, cpu", trace / forward, 3.0, note)


def _scaling(name: str, network: Callable[[int], nn.Module], rounds: int) -> Iterator[Row]:
    base = 0.0
    for size in (100, 1000, 10_000):
        with torch.device("meta"):
            model, args = network(size).eval(), (torch.randn(2, 4),)
        forward, trace = _both(model, args, max(rounds // 3, 1))
        ops = len(graph_of(model, args, {}).ops)
        cost = trace / ops
        base = base or cost
        note = f"{1e6 * cost:.0f} µs an op, {trace / forward:.1f} × a forward"
        yield Row(f"{name} of {ops} ops: cost of an op ÷ at 100", cost / base, 1.5, note)


def _both(model: nn.Module, args: tuple[Any, ...], rounds: int) -> tuple[float, float]:
    """Median CPU seconds of a forward and of recording with the graph, in turns, warm."""
    steps: tuple[Callable[[], Any], ...] = (lambda: model(*args), lambda: graph_of(model, args, {}))
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds + 1):
        for step, taken in zip(steps, times, strict=True):
            gc.collect()
            start = time.process_time()
            step()
            if turn:
                taken.append(time.process_time() - start)
    return statistics.median(times[0]), statistics.median(times[1])
