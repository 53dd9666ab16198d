"""Runs of ``nnlint train`` on a network that can be made to fail, for the tests of faults."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

#: a network that sends its own process a signal, in the third step after so many epochs: FAULT=<signal>,<epochs>
NETWORK = """
import os
import signal
from pathlib import Path

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, classes=3):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(4)
        )
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(64, classes)
        self.steps = 0

    def forward(self, x):
        x = self.dropout(self.features(x).flatten(1))
        if self.training and "FAULT" in os.environ:
            x = self.fault(x, *os.environ["FAULT"].split(","))
        return self.head(x)

    def fault(self, x, kind, epochs):
        metrics = Path("run/metrics.jsonl")
        done = len(metrics.read_text().splitlines()) if metrics.exists() else 0
        self.steps += done >= int(epochs)
        if self.steps < 3:
            return x
        if kind == "log":
            return torch.log(x - 1000)
        if kind == "raise":
            raise ValueError("the third step is one too many")
        signal.raise_signal(getattr(signal, kind))
        return x
"""

OPTIONS = (
    *("--data", "data.npz", "--epochs", "4", "--batch-size", "16", "--augment", "shift", "--repro"),
    *("--device", "cpu", "--out", "run"),
)


def prepared(folder: Path) -> Path:
    """A folder with the network and its data: 96 images of 1x16x16 in three classes, told by a bright stripe."""
    random = np.random.default_rng(0)
    targets = np.arange(96) % 3
    images = random.integers(0, 80, (96, 1, 16, 16))
    for image, target in zip(images, targets, strict=True):
        image[0, 5 * target : 5 * target + 3] += 90
    np.savez(folder / "data.npz", x=images.astype(np.uint8), y=targets)
    (folder / "net.py").write_text(NETWORK)
    return folder


def command(
    folder: Path, *more: str, fault: str = "", program: tuple[str, ...] = ("-m", "nnlint")
) -> subprocess.CompletedProcess[str]:
    """``nnlint train`` in a process of its own. Of options that are given twice, the later one counts."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"} | ({"FAULT": fault} if fault else {})
    return subprocess.run(
        [sys.executable, *program, "train", "net.py", *OPTIONS, *more],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
