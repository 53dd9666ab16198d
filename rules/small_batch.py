"""Batch norm is trained on batches too small for its statistics.

Batch norm subtracts the mean of the batch and divides by its standard deviation. Those of a few samples are noisy: the
network is trained with other numbers in every step, and evaluated with an average that fits none of them. What counts
is the batch that one device sees in one forward pass: accumulating gradients over several batches does not help, and
`nn.DataParallel` gives each device only its share.

The tip: batches of at least 16, better 64 to 128.

What to do: a larger batch on every device; or a norm that does not look at the batch, such as `GroupNorm`; or
`SyncBatchNorm`, which joins the batches of several devices. The change of the norm changes the network, so it has to be
trained again.

What it costs: memory, in proportion to the batch; group norm cannot be folded into the convolution for inference.

What is known today: Wu and He 2018 (Group Normalization, arXiv:1803.08494) found that ResNet-50 on ImageNet loses
little down to 16 images a device, and with 2 has 10.6 points more error than with group norm, which stays the same. A
size from `minimum` (16) on and below `good` (64) is a note, a smaller one a warning; a team whose images leave room for
no more lowers `good`, or both.

Quiet when: the network has no batch norm, or only such that is frozen or joined across devices; the loader is for
validation or testing; the size is not stated in the script, or the number of devices that share it is not.
"""

from collections.abc import Iterator
from dataclasses import replace

from nnlint.finding import Finding
from nnlint.graph import Op
from nnlint.recipe import Recipe
from nnlint.rule import bad, good, recipe_rule
from nnlint.structure import batch_norms_in_training


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


@bad(input="16")
def gradients_are_accumulated() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    net = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2))
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    optimizer = torch.optim.AdamW(net.parameters())
    for step, (features, labels) in enumerate(DataLoader(data, batch_size=8, shuffle=True)):
        loss = nn.functional.cross_entropy(net(features), labels) / 8
        loss.backward()
        if (step + 1) % 8 == 0:
            optimizer.step()
            optimizer.zero_grad()


@bad(input="16")
def split_over_four_devices() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    inner = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2)).cuda()
    net = nn.DataParallel(inner, device_ids=[0, 1, 2, 3])
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    optimizer = torch.optim.AdamW(net.parameters())
    for features, labels in DataLoader(data, batch_size=32, shuffle=True):
        loss = nn.functional.cross_entropy(net(features.cuda()), labels.cuda())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@bad(input="16")
def from_a_dataclass() -> None:
    from dataclasses import dataclass

    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    @dataclass
    class Config:
        batch_size: int = 12

    config = Config()
    net = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2))
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    optimizer = torch.optim.AdamW(net.parameters())
    for features, labels in DataLoader(data, batch_size=config.batch_size, shuffle=True):
        loss = nn.functional.cross_entropy(net(features), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@good(input="16")
def large_enough() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    test_data = TensorDataset(torch.rand(64, 16), torch.randint(2, (64,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    test_loader = DataLoader(test_data, batch_size=1)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
        net.eval()
        correct = 0
        with torch.no_grad():
            for features, labels in test_loader:
                correct += (net(features.to(device)).argmax(1) == labels.to(device)).sum().item()
        print(f"epoch {epoch}: {correct / 64:.1%} correct")


@good(input="16")
def layer_norm() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.LayerNorm(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    train_data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    train_loader = DataLoader(train_data, batch_size=8, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / 512:.3f}")


@good(input="16")
def joined_across_devices() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(
        nn.Linear(16, 32, bias=False), nn.SyncBatchNorm(32), nn.ReLU(inplace=True), nn.Linear(32, 2)
    ).to(device)
    train_data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    train_loader = DataLoader(train_data, batch_size=8, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / 512:.3f}")


@good(input="16")
def turned_into_joined_ones() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    net = nn.SyncBatchNorm.convert_sync_batchnorm(net)
    train_data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    train_loader = DataLoader(train_data, batch_size=8, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / 512:.3f}")


@good(input="16")
def frozen() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.norm, self.head = nn.Linear(16, 32), nn.BatchNorm1d(32), nn.Linear(32, 2)
            self.norm.eval()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.head(nn.functional.relu(self.norm(self.hidden(x)), inplace=True))
            return out

    net = Net().to(device)
    train_data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    train_loader = DataLoader(train_data, batch_size=8, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / 512:.3f}")


@good(input="16")
def not_stated() -> None:
    import sys

    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    train_loader = DataLoader(train_data, batch_size=int(sys.argv[1]), shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / 512:.3f}")


@recipe_rule(category="normalisation", level="warning", since="0.1", tips=("batch-norm", "large-batches"))
def check(recipe: Recipe, *, minimum: int = 16, good: int = 64) -> Iterator[Finding]:
    """Compares what each device sees of the training loaders' batches with what batch norm needs."""
    norms = norms_in_training(recipe)
    devices = recipe.parallel_devices()
    for loader in recipe.training_loaders() if norms else ():
        size = loader.batch_size.value // devices if loader.batch_size is not None else good
        if loader.batch_size is None or size >= good:
            continue
        share = f" on each of {devices} devices" if devices > 1 else ""
        found = Finding.about(
            loader.batch_size,
            f"batch norm is trained on batches of {size}{share}: {advice(size, minimum, good)}",
            *[(norm.label, norm.site) for norm in norms[:1] if norm.site],
            batch_size=size,
            batch_norms=len(norms),
        )
        yield found if size < minimum else replace(found, level="info")


def norms_in_training(recipe: Recipe) -> list[Op]:
    """The batch norms of the trained networks that learn from the batches of one device."""
    if recipe.synchronises_batch_norm():
        return []
    norms = [op for graph in recipe.graphs_in_training_mode() for op in batch_norms_in_training(graph)]
    return [norm for norm in norms if "Sync" not in type(norm.module).__name__]


def advice(size: int, minimum: int, good: int) -> str:
    """What to do about a batch size."""
    if size < minimum:
        return f"their statistics are noise; use {minimum} or more on each device (better {good}), or GroupNorm"
    return f"{good} to {2 * good} give steadier statistics"
