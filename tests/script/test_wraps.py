"""What a script does to a network before it trains it: parallel copies, joined batches."""

from __future__ import annotations

import textwrap

import pytest

HEAD = """
import torch
import pytorch_lightning as pl
from torch import nn
from torch.nn.parallel import DistributedDataParallel as DDP
net = nn.Linear(1, 2)
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("net = nn.DataParallel(net)", [("torch.nn.DataParallel", {})]),
        ("net = nn.DataParallel(net, [0, 1])", [("torch.nn.DataParallel", {"device_ids": (0, 1)})]),
        (
            "ids = [0, 1, 2]\nnn.DataParallel(net, device_ids=ids)",
            [("torch.nn.DataParallel", {"device_ids": (0, 1, 2)})],
        ),
        ("net = nn.DataParallel(net, device_ids=list(range(n)))", [("torch.nn.DataParallel", {})]),
        (
            "net = DDP(nn.SyncBatchNorm.convert_sync_batchnorm(net))",
            [
                ("torch.nn.SyncBatchNorm.convert_sync_batchnorm", {}),
                ("torch.nn.parallel.DistributedDataParallel", {}),
            ],
        ),
        ("pl.Trainer(sync_batchnorm=True)", [("torch.nn.SyncBatchNorm.convert_sync_batchnorm", {})]),
        ("pl.Trainer(sync_batchnorm=False)", []),
        ("net = nn.Sequential(net)", []),
    ],
)
def test_wraps(source, text: str, expected: list[tuple[str, dict[str, object]]]) -> None:
    found = source(HEAD + textwrap.dedent(text)).recipe.wraps
    assert sorted((call.target, dict(call.arguments)) for call in found) == expected


@pytest.mark.parametrize(
    ("text", "devices", "synchronised"),
    [
        ("", 1, False),
        ("net = nn.DataParallel(net)", 1, False),
        ("net = nn.DataParallel(net, device_ids=[0, 1, 2, 3])", 4, False),
        ("net = DDP(net, device_ids=[0])", 1, False),
        ("net = DDP(nn.SyncBatchNorm.convert_sync_batchnorm(net))", 1, True),
        ("import apex\nnet = apex.parallel.convert_syncbn_model(net)", 1, True),
    ],
)
def test_devices(source, text: str, devices: int, synchronised: bool) -> None:
    recipe = source(HEAD + text).recipe
    assert (recipe.parallel_devices(), recipe.synchronises_batch_norm()) == (devices, synchronised)
