"""Batch norm is trained on batches too small for its statistics.

Batch norm divides by the mean and the variance of the batch. Those of a few samples are noise: the network is trained
with other numbers in every step, and evaluated with an average that fits none of them. The tip: batches of at least 16,
better 64 to 128.

What to do: a larger batch on every device; or a norm that does not look at the batch, such as `GroupNorm`; or
`SyncBatchNorm`, which joins the batches of several devices. Accumulating gradients over several batches does not help:
every forward pass still sees the small one. The change of the norm changes the network, so it has to be trained again.

What is known today: Wu and He 2018 (Group Normalization, arXiv:1803.08494) found that ResNet-50 on ImageNet loses
little down to 16 images a device, and with 2 has 10.6 points more error than with group norm, which stays the same. A
size between 16 and 63 is a note, a smaller one a warning.

Quiet when: the network has no batch norm, or only such that is frozen or joined across devices; the loader is for
validation or testing; the size is not stated in the script.
"""

from collections.abc import Iterator
from dataclasses import replace

from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import batch_norm
from nnlint.recipe import Recipe
from nnlint.rule import bad, good, recipe_rule

TOO_SMALL, GOOD = 16, 64


@bad(input="3x32x32")
def eight() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(), nn.Linear(16384, 10)
    )
    data = TensorDataset(torch.rand(512, 3, 32, 32), torch.randint(10, (512,)))
    train_loader = DataLoader(data, batch_size=8, shuffle=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for images, labels in train_loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(images), labels).backward()
        optimizer.step()


@bad(input="16")
def a_default_of_the_command_line() -> None:
    import argparse

    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=4)
    args = parser.parse_args()

    net = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2))
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    optimizer = torch.optim.AdamW(net.parameters())
    for features, labels in DataLoader(data, batch_size=args.batch_size, shuffle=True):
        loss = nn.functional.cross_entropy(net(features), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@good(input="3x32x32")
def large_enough() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(), nn.Linear(16384, 10)
    )
    train_data = TensorDataset(torch.rand(512, 3, 32, 32), torch.randint(10, (512,)))
    test_data = TensorDataset(torch.rand(64, 3, 32, 32), torch.randint(10, (64,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True)
    test_loader = DataLoader(test_data, batch_size=1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for images, labels in train_loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(images), labels).backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        for images, labels in test_loader:
            print((net(images).argmax(1) == labels).float().mean())


@good(input="3x32x32")
def group_norm() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.GroupNorm(4, 16), nn.ReLU(), nn.Flatten(), nn.Linear(16384, 10)
    )
    data = TensorDataset(torch.rand(512, 3, 32, 32), torch.randint(10, (512,)))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for images, labels in DataLoader(data, batch_size=8, shuffle=True):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(images), labels).backward()
        optimizer.step()


@good(input="16")
def joined_across_devices() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    net = nn.Sequential(nn.Linear(16, 32), nn.SyncBatchNorm(32), nn.ReLU(), nn.Linear(32, 2))
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    optimizer = torch.optim.AdamW(net.parameters())
    for features, labels in DataLoader(data, batch_size=8, shuffle=True):
        loss = nn.functional.cross_entropy(net(features), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@good(input="3x32x32")
def frozen() -> None:
    import torch
    from torch import Tensor, nn
    from torch.utils.data import DataLoader, TensorDataset

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm, self.head = nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.Linear(16384, 10)
            self.norm.eval()

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.head(self.norm(self.conv(x)).relu().flatten(1))
            return out

    net = Net()
    data = TensorDataset(torch.rand(512, 3, 32, 32), torch.randint(10, (512,)))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for images, labels in DataLoader(data, batch_size=8, shuffle=True):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(images), labels).backward()
        optimizer.step()


@recipe_rule(category="normalisation", level="warning", since="0.1")
def check(recipe: Recipe) -> Iterator[Finding]:
    """Compares the training loaders' batch sizes with what the networks' batch norms need."""
    norms = [norm for graph in recipe.graphs.values() for norm in live_norms(graph)]
    for loader in recipe.training_loaders():
        if not norms or loader.batch_size is None or loader.batch_size.value >= GOOD:
            continue
        size = loader.batch_size.value
        related = [(norms[0].label, norms[0].site)] if norms[0].site else []
        found = Finding.about(
            loader.batch_size,
            f"batch norm is trained on batches of {size}: {advice(size)}",
            *related,
            batch_size=size,
            batch_norms=len(norms),
        )
        yield found if size < TOO_SMALL else replace(found, level="info")


def live_norms(graph: Graph) -> list[Op]:
    """The batch norms that learn from the batches of one device."""
    norms = [(op, op.module) for op in graph.find(batch_norm)]
    return [op for op, norm in norms if norm is not None and norm.training and "Sync" not in type(norm).__name__]


def advice(size: int) -> str:
    """What to do about a batch size."""
    if size < TOO_SMALL:
        return f"their statistics are noise; use {TOO_SMALL} or more on each device (better {GOOD}), or GroupNorm"
    return f"{GOOD} to {2 * GOOD} give steadier statistics"
