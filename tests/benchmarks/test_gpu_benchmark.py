"""The benchmark of `--speed` runs from end to end on the CPU, so that it does on a GPU."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

import gpu


def test_without_a_gpu_it_says_what_it_would_measure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert list(gpu.rows(1)) == []
    assert capsys.readouterr().out.startswith("No CUDA GPU here. With one, this part measures images a second")


def test_every_way_is_measured() -> None:
    found = list(gpu.rows(1, "cpu", quick=True))
    for network in ("reference network", "ResNet-50"):
        names = [row.name.removeprefix(f"{network}: ") for row in found if row.name.startswith(network)]
        for way in ("plain PyTorch", "+ channels last", "+ compile", "nnlint train, default", "nnlint train, speed"):
            assert f"{way} (time ÷ plain PyTorch)" in names
    repeated = [row for row in found if "--repro twice" in row.name]
    assert len(repeated) == 2
    assert all(row.met for row in repeated)


def test_each_setting_is_added_to_those_before() -> None:
    steps = list(gpu.settings())
    assert steps[0] == gpu.Setting("plain PyTorch")
    last = steps[-1]
    assert all(getattr(last, name) for name in ("benchmark", "tf32", "bf16", "channels_last", "fused", "resident"))


def test_the_resnet_50_is_one() -> None:
    with torch.device("meta"):
        net = gpu.resnet50()
        scores = net(torch.empty(2, 3, 224, 224))
    # torchvision's has 25,557,032 with 1000 classes, and 2048 + 1 for each class
    assert sum(parameter.numel() for parameter in net.parameters()) == 25_557_032 - 990 * 2049
    assert scores.shape == (2, gpu.CLASSES)
