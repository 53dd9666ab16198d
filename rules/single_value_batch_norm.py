"""Batch norm is given a single value for each channel.

The variance of one value is 0 and says nothing. In training mode torch raises ("Expected more than 1 value per channel
when training"): at the first step if every batch has one sample, and at the end of the first epoch if only the last one
does, because the number of samples leaves a remainder of 1. It concerns batch norms after a linear layer or after
global pooling; on a map one sample already has many values for each channel.

The tip: batches of at least 16, better 64 to 128. It holds for the last batch of an epoch too.

What to do: `drop_last=True` in the training loader, or another batch size, if it is the last batch; a larger batch, or
a norm that does not look at the batch, if it is every one.

What it costs: with `drop_last` one sample an epoch, another one each time if the loader shuffles.

What is known today: the check is in `torch.nn.functional.batch_norm`. The pooled branch of DeepLabV3 (Chen et al. 2017,
arXiv:1706.05587) is the usual place: it has a batch norm on a map of 1x1.

Quiet when: `drop_last` is set, or not known; the batch norm works on a map of more than one position, is frozen, joins
the batches of several devices or keeps to its running statistics; the loader is for evaluation, or has a sampler; the
number of samples or the batch size is not stated.
"""

from collections.abc import Iterator
from math import prod

from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.recipe import Loader, Recipe
from nnlint.rule import bad, good, recipe_rule
from nnlint.structure import batch_norms_in_training


@bad(input="16")
def one_sample_is_left() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.rand(513, 16), torch.randint(2, (513,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
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
        print(f"epoch {epoch}: loss {total / 513:.3f}")


@bad(input="3x32x32")
def pooled_to_a_single_position() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    net = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Conv2d(32, 64, 1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(64, 10),
    )
    data = TensorDataset(torch.rand(256, 3, 32, 32), torch.randint(10, (256,)))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for images, labels in DataLoader(data, batch_size=1, shuffle=True):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(images), labels).backward()
        optimizer.step()


@bad(input="16")
def one_sample_a_device() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    inner = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2))
    net = nn.DataParallel(inner.cuda(), device_ids=[0, 1])
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    optimizer = torch.optim.AdamW(net.parameters())
    for features, labels in DataLoader(data, batch_size=2, shuffle=True):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(features.cuda()), labels.cuda()).backward()
        optimizer.step()


@good(input="16")
def the_rest_is_dropped() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.rand(513, 16), torch.randint(2, (513,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, drop_last=True, num_workers=2, pin_memory=True)
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
        print(f"epoch {epoch}: loss {total / 513:.3f}")


@good(input="16")
def two_samples_are_left() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.rand(514, 16), torch.randint(2, (514,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
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
        print(f"epoch {epoch}: loss {total / 514:.3f}")


@good(input="3x32x32")
def a_map_of_many_positions() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.benchmark = True
    net = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 2),
    ).to(device)
    train_data = TensorDataset(torch.rand(513, 3, 32, 32), torch.randint(2, (513,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
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
        print(f"epoch {epoch}: loss {total / 513:.3f}")


@good(input="16")
def layer_norm() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.LayerNorm(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    train_data = TensorDataset(torch.rand(513, 16), torch.randint(2, (513,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
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
        print(f"epoch {epoch}: loss {total / 513:.3f}")


@good(input="16")
def number_not_stated() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    features, labels = torch.load("train.pt")
    train_data = TensorDataset(features, labels)
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
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
        print(f"epoch {epoch}: loss {total / len(train_data):.3f}")


@good(input="16")
def the_last_test_batch() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    test_data = TensorDataset(torch.rand(65, 16), torch.randint(2, (65,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    test_loader = DataLoader(test_data, batch_size=64)
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
        print(f"epoch {epoch}: {correct / 65:.1%} correct")


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
    train_data = TensorDataset(torch.rand(513, 16), torch.randint(2, (513,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / 513:.3f}")


@recipe_rule(category="normalisation", level="error", since="0.1", tips=("large-batches",))
def check(recipe: Recipe) -> Iterator[Finding]:
    """Looks for training batches of one sample, and for batch norms that see one value a sample."""
    norms = [norm for graph in recipe.graphs_in_training_mode() for norm in single_value_norms(graph)]
    if not norms or recipe.synchronises_batch_norm():
        return
    for loader in recipe.training_loaders():
        reason = batch_of_one(loader, recipe.parallel_devices())
        if reason is not None and loader.batch_size is not None:
            yield Finding.about(
                loader.batch_size,
                f"{norms[0]} gets one value for each channel, and raises: {reason}",
                *[(norm.label, norm.site) for norm in norms[:1] if norm.site],
                batch_size=loader.batch_size.value,
                batch_norms=len(norms),
            )


def single_value_norms(graph: Graph) -> list[Op]:
    """The batch norms that see one value of each channel for every sample."""
    batch = next((op.shape[0] for op in graph.inputs if op.shape), None)
    return [
        norm
        for norm in batch_norms_in_training(graph)
        if len(norm.in_shape) > 1
        and norm.in_shape[0] == batch
        and prod(norm.in_shape[2:]) == 1
        and "Sync" not in type(norm.module).__name__
    ]


def batch_of_one(loader: Loader, devices: int) -> str | None:
    """Why some batch of a loader has one sample; None if none is known to have."""
    if loader.batch_size is None:
        return None
    size = loader.batch_size.value
    if size == devices:
        return (
            f"every batch has one sample on each of {devices} devices" if devices > 1 else "every batch has one sample"
        )
    given = loader.data.value.samples if loader.data is not None else None
    dropped = (loader.drop_last is not None and loader.drop_last.value) or {"drop_last", "**"} & {*loader.unread}
    if given is None or dropped or loader.sampler is not None or "sampler" in loader.unread or size <= 0:
        return None
    if given.value % size != 1:
        return None
    return f"of {given.value:,} samples the last batch has one; set drop_last=True"
