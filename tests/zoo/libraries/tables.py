"""pytorch-tabnet (tables) and TorchRL (policies)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from entry import Entry, called, floats

DISTRIBUTIONS = ("pytorch-tabnet", "torchrl")


def entries() -> Iterator[Entry]:
    """Networks over eight columns, and over observations."""
    yield from _tables()
    yield from _policies()


def _tables() -> Iterator[Entry]:
    from pytorch_tabnet.tab_network import TabNet, TabNetPretraining

    groups = torch.eye(8)
    rows = floats((6, 8))
    yield Entry("tabnet", lambda: TabNet(8, 3, group_attention_matrix=groups), rows)
    yield Entry("tabnet.pretraining", lambda: TabNetPretraining(8, group_attention_matrix=groups), rows)


def _policies() -> Iterator[Entry]:
    from torchrl import modules as m

    observation = floats((3, 8))
    yield Entry("torchrl.MLP", lambda: m.MLP(8, 4, depth=2, num_cells=16), observation)
    yield Entry("torchrl.ConvNet", lambda: m.ConvNet(3, num_cells=[8, 8, 8]), floats((2, 3, 64, 64)))
    yield Entry("torchrl.DuelingCnnDQNet", lambda: m.DuelingCnnDQNet(4), floats((2, 3, 84, 84)))
    yield Entry("torchrl.DdpgMlpActor", lambda: m.DdpgMlpActor(2), observation)
    yield Entry("torchrl.DdpgMlpQNet", m.DdpgMlpQNet, floats((3, 8), (3, 2)))
    yield Entry("torchrl.LSTM", lambda: m.LSTM(8, 16, num_layers=2, batch_first=True), floats((2, 6, 8)))
    yield Entry("torchrl.GRU", lambda: m.GRU(8, 16, num_layers=1, batch_first=True), floats((2, 6, 8)))
    yield Entry("torchrl.NoisyLinear", lambda: m.NoisyLinear(8, 4), observation)
    yield Entry(
        "torchrl.MultiAgentMLP",
        lambda: m.MultiAgentMLP(8, 4, 3, centralized=False, share_params=False, depth=2, num_cells=16),
        floats((2, 3, 8)),
    )
    yield Entry(
        "torchrl.QMixer",
        lambda: m.QMixer((8,), 16, 3, "cpu"),
        called(lambda: (torch.randn(2, 3, 1), torch.randn(2, 8))),
    )
