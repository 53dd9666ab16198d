"""The network is not trained on mini-batches, but on single samples or on all of them at once.

The gradient of one sample is mostly noise, and one sample leaves most of a GPU idle. That of all samples is exact and
costs a pass over the data for a single step: a hundred epochs are then a hundred steps.

The tip: train on mini-batches.

What to do: batches of 32 to 256 samples, taken by a `torch.utils.data.DataLoader`.

What it costs: with single samples, most of the speed of a GPU, which computes the samples of a batch in parallel; with
all at once, memory for the activations of every sample, and the progress of the steps that are not taken.

What is known today: Masters and Luschi 2018 (arXiv:1804.07612) found the best results with batches of 2 to 32 in their
experiments; Keskar et al. 2016 (arXiv:1609.04836) that very large batches generalise worse at the same settings. The
default of `DataLoader` is `batch_size=1`.

Quiet when: the size is not stated or the data set unknown; gradients are accumulated; a sample is a batch of its own (a
bag, a graph, a volume, a sequence), or samples are put together by a function of the file's own; the network makes
images, or normalises each by itself (batches of one are usual for pix2pix and similar networks); there are several
optimisers, as for networks that work against each other; there are fewer than `many` samples (1,000; more where all of
the data fit into memory and a step is cheap); all at once is what the method is (L-BFGS, gradients taken by hand,
graphs).
"""

import re
from collections.abc import Iterator

from nnlint.finding import Finding
from nnlint.kinds import batch_norm, instance_norm, recurrent
from nnlint.recipe import Loader, Recipe
from nnlint.rule import bad, good, recipe_rule

#: data sets whose samples are collections
nested = re.compile(
    r"bag|graph|slide|volume|video|scene|sequence|episode|document|mesh|cloud|tile|batch", re.IGNORECASE
)


@bad(input="16")
def one_sample_a_step() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    test_data = TensorDataset(torch.randn(512, 16), torch.randint(2, (512,)))
    train_loader = DataLoader(train_data, batch_size=1, shuffle=True, num_workers=2, pin_memory=True)
    test_loader = DataLoader(test_data, batch_size=256)
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
        net.eval()
        right = 0
        with torch.no_grad():
            for features, labels in test_loader:
                right += (net(features.to(device)).argmax(1) == labels.to(device)).sum().item()
        print(f"epoch {epoch}: loss {total / 4096:.3f}, accuracy {right / 512:.3f}")


@bad(input="16")
def the_default() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    test_data = TensorDataset(torch.randn(512, 16), torch.randint(2, (512,)))
    train_loader = DataLoader(train_data, shuffle=True)
    test_loader = DataLoader(test_data, batch_size=256)
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
        net.eval()
        right = 0
        with torch.no_grad():
            for features, labels in test_loader:
                right += (net(features.to(device)).argmax(1) == labels.to(device)).sum().item()
        print(f"epoch {epoch}: loss {total / 4096:.3f}, accuracy {right / 512:.3f}")


@bad(input="16")
def all_at_once() -> None:
    import torch
    from torch import nn

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    features, labels = torch.randn(50000, 16, device=device), torch.randint(2, (50000,), device=device)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(100):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(features), labels)
        loss.backward()
        optimizer.step()
        print(f"epoch {epoch}: loss {loss.item():.3f}")


@good(input="16")
def mini_batches() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    test_data = TensorDataset(torch.randn(512, 16), torch.randint(2, (512,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    test_loader = DataLoader(test_data, batch_size=256)
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
        net.eval()
        right = 0
        with torch.no_grad():
            for features, labels in test_loader:
                right += (net(features.to(device)).argmax(1) == labels.to(device)).sum().item()
        print(f"epoch {epoch}: loss {total / 4096:.3f}, accuracy {right / 512:.3f}")


@good(input="16")
def accumulated() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    test_data = TensorDataset(torch.randn(512, 16), torch.randint(2, (512,)))
    train_loader = DataLoader(train_data, batch_size=1, shuffle=True, num_workers=2, pin_memory=True)
    test_loader = DataLoader(test_data, batch_size=256)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for step, (features, labels) in enumerate(train_loader):
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            (loss / 32).backward()
            if step % 32 == 31:
                optimizer.step()
                optimizer.zero_grad()
            total += loss.item() * len(labels)
        net.eval()
        right = 0
        with torch.no_grad():
            for features, labels in test_loader:
                right += (net(features.to(device)).argmax(1) == labels.to(device)).sum().item()
        print(f"epoch {epoch}: loss {total / 4096:.3f}, accuracy {right / 512:.3f}")


@good(input="4")
def few_samples() -> None:
    import torch
    from torch import nn

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(4, 32), nn.ReLU(inplace=True), nn.Linear(32, 3)).to(device)
    features, labels = torch.randn(150, 4, device=device), torch.randint(3, (150,), device=device)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(100):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(features), labels)
        loss.backward()
        optimizer.step()
        print(f"epoch {epoch}: loss {loss.item():.3f}")


@good(input="16")
def batches_by_index() -> None:
    import torch
    from torch import nn

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    features, labels = torch.randn(50000, 16, device=device), torch.randint(2, (50000,), device=device)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for batch in torch.randperm(50000, device=device).split(64):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch}: loss {total:.3f}")


@good(input="16")
def single_test_samples() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    test_data = TensorDataset(torch.randn(512, 16), torch.randint(2, (512,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    test_loader = DataLoader(test_data, batch_size=1)
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
        net.eval()
        right = 0
        with torch.no_grad():
            for features, labels in test_loader:
                right += (net(features.to(device)).argmax(1) == labels.to(device)).sum().item()
        print(f"epoch {epoch}: loss {total / 4096:.3f}, accuracy {right / 512:.3f}")


@recipe_rule(category="data", level="warning", since="0.1", tips=("mini-batches",))
def check(recipe: Recipe, *, many: int = 1000) -> Iterator[Finding]:
    """Looks at the sizes of the training batches, and at the loops over epochs that have no loop over batches."""
    for loader in recipe.training_loaders():
        if is_single(loader) and takes_batches(recipe, loader):
            yield Finding.about(
                loader.batch_size or loader.site,
                "the network is trained on one sample at a time: give the loader a `batch_size` of 32 to 256",
                batch_size=1,
            )
    for loop in recipe.epoch_loops:
        if loop.batches is None and loop.samples is not None and loop.samples.value >= many and not by_method(recipe):
            yield Finding.about(
                loop.samples,
                f"every step sees all {loop.samples.value:,} samples, and an epoch is one step: take mini-batches",
                samples=loop.samples.value,
            )


def is_single(loader: Loader) -> bool:
    """Whether batches of one are stated, or the default, of a data set of plain samples that is known."""
    data = loader.data.value if loader.data is not None else None
    given = {"batch_size", "batch_sampler", "sampler", "**", "collate_fn"} & set(loader.unread)
    if data is None or data.style != "map" or given or loader.sampler or loader.collate or nested.search(data.name):
        return False
    if data.decode is not None and not data.transforms:
        return False  # images of many sizes do not fit into a batch
    return loader.batch_size is None or loader.batch_size.value == 1


def takes_batches(recipe: Recipe, loader: Loader) -> bool:
    """Whether nothing says that the networks need their samples one by one."""
    if recipe.accumulation is not None or len(recipe.optimizers) > 1:
        return False
    library = loader.data is not None and loader.data.value.name.startswith(
        ("torchvision.datasets.", "torch.utils.data.")
    )
    graphs = recipe.graphs.values()
    if any(next(graph.find(instance_norm | recurrent), None) is not None for graph in graphs):
        return False
    if any(next(graph.find(batch_norm), None) is not None for graph in graphs):
        return False  # `small-batch` says more
    return library if not graphs else all(len(op.shape) == 2 for graph in graphs for op in graph.output.inputs)


def by_method(recipe: Recipe) -> bool:
    """Whether the method itself needs all samples at once."""
    by_hand = any(loop.of("gradient") for loop in recipe.training_loops)
    return by_hand or len(recipe.optimizers) != 1 or recipe.optimizers[0].name == "lbfgs"
