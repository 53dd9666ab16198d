"""The network is validated or tested on the data it is trained on.

Such an evaluation measures how well the network fits its training data. It gets better for as long as the training goes
on, says nothing of new data, and hides the overfitting that it is there to show.

What to do: give the validation loader data of its own: the test part of the data set (`train=False`), or a part that is
split off before (`torch.utils.data.random_split` with a fixed generator).

What it costs: the meaning of every number that is reported, and of every choice that is made by them.

What is known today: Kapoor and Narayanan 2023 (arXiv:2207.07048) found leakage of this and other kinds behind
irreproducible results in 17 fields of science. The training accuracy is worth knowing too: call it that.

Quiet when: a sampler chooses among the samples; the loader's name does not say that it is for validation or testing; it
cannot be told for sure that both are the same data.
"""

import re
from collections.abc import Iterator

from nnlint.finding import Finding
from nnlint.recipe import DataSet, Loader, Recipe
from nnlint.rule import bad, good, recipe_rule

#: names that promise data of their own
said = re.compile(r"val|test|dev", re.IGNORECASE)
#: arguments that choose the data
keys = ("0", "1", "root", "train", "split")


@bad(input="16")
def one_data_set_for_both() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    test_loader = DataLoader(train_data, batch_size=256)
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


@bad(input="1x28x28")
def the_training_part_twice() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    torch.backends.cudnn.benchmark = True
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    ).to(device)
    train_data = datasets.MNIST("data", train=True, transform=transforms.ToTensor())
    test_data = datasets.MNIST("data", train=True, transform=transforms.ToTensor())
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    test_loader = DataLoader(test_data, batch_size=256)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for images, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        net.eval()
        right = 0
        with torch.no_grad():
            for images, labels in test_loader:
                right += (net(images.to(device)).argmax(1) == labels.to(device)).sum().item()
        print(f"epoch {epoch}: loss {total / len(train_data):.3f}, accuracy {right / len(test_data):.3f}")


@bad(input="16")
def a_data_set_of_the_file() -> None:
    import torch
    from torch import Tensor, nn
    from torch.utils.data import DataLoader, Dataset

    class Points(Dataset[tuple[Tensor, Tensor]]):
        def __init__(self, count: int) -> None:
            self.features, self.labels = torch.randn(count, 16), torch.randint(2, (count,))

        def __len__(self) -> int:
            return len(self.labels)

        def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
            return self.features[index], self.labels[index]

    points = Points(4096)
    train_loader = DataLoader(points, batch_size=64, shuffle=True)
    val_loader = DataLoader(points, batch_size=256)
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2))
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features), labels)
            loss.backward()
            optimizer.step()
        right = 0
        with torch.no_grad():
            for features, labels in val_loader:
                right += int((net(features).argmax(1) == labels).sum())
        print(f"epoch {epoch}: accuracy {right / 4096:.3f}")


@good(input="16")
def data_of_its_own() -> None:
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


@good(input="1x28x28")
def the_test_part() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    torch.backends.cudnn.benchmark = True
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    ).to(device)
    train_data = datasets.MNIST("data", train=True, transform=transforms.ToTensor())
    test_data = datasets.MNIST("data", train=False, transform=transforms.ToTensor())
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    test_loader = DataLoader(test_data, batch_size=256)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for images, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        net.eval()
        right = 0
        with torch.no_grad():
            for images, labels in test_loader:
                right += (net(images.to(device)).argmax(1) == labels.to(device)).sum().item()
        print(f"epoch {epoch}: loss {total / len(train_data):.3f}, accuracy {right / len(test_data):.3f}")


@good(input="16")
def made_by_one_function() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    def load(split: str) -> TensorDataset:
        features, labels = torch.load(f"{split}.pt")
        return TensorDataset(features.float(), labels.long())

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data, test_data = load("train"), load("test")
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
        with torch.no_grad():
            right = sum((net(x.to(device)).argmax(1) == y.to(device)).sum().item() for x, y in test_loader)
        print(f"epoch {epoch}: loss {total:.3f} accuracy {right:.3f}")


@good(input="16")
def chosen_by_samplers() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, SubsetRandomSampler, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    train_loader = DataLoader(
        train_data, batch_size=64, sampler=SubsetRandomSampler(range(3584)), num_workers=2, pin_memory=True
    )
    test_loader = DataLoader(train_data, batch_size=256, sampler=SubsetRandomSampler(range(3584, 4096)))
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
def two_parts() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, Subset, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    data = TensorDataset(torch.randn(4608, 16), torch.randint(2, (4608,)))
    train_data, test_data = Subset(data, range(4096)), Subset(data, range(4096, 4608))
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
def called_what_it_is() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    measured_loader = DataLoader(train_data, batch_size=256)
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
            for features, labels in measured_loader:
                right += (net(features.to(device)).argmax(1) == labels.to(device)).sum().item()
        print(f"epoch {epoch}: loss {total / 4096:.3f}, accuracy {right / 512:.3f}")


@recipe_rule(category="data", level="error", since="0.1")
def check(recipe: Recipe) -> Iterator[Finding]:
    """Compares the data sets of the loaders for training with those for validation and testing."""
    trained = [loader for loader in recipe.training_loaders() if is_whole(loader)]
    for held_out in recipe.loaders:
        if held_out.role not in ("val", "test") or not said.search(held_out.variable) or not is_whole(held_out):
            continue
        same = next((loader for loader in trained if loader is not held_out and is_same(loader, held_out)), None)
        if same is not None and held_out.data is not None and same.data is not None:
            kind = "validated" if held_out.role == "val" else "tested"
            yield Finding.about(
                held_out.data,
                f"the network is {kind} on the data it is trained on: `{held_out.variable}` and "
                f"`{same.variable or 'the training loader'}` go through the same data set",
                ("trained on here", same.data.site),
            )


def is_whole(loader: Loader) -> bool:
    """Whether a loader goes through all of a data set."""
    chosen = loader.sampler is not None or {"sampler", "batch_sampler", "**"} & set(loader.unread)
    return loader.data is not None and not loader.data.value.part and not chosen


def is_same(one: Loader, other: Loader) -> bool:
    """Whether two loaders go through the same object, or through the training part of the same data set."""
    first = one.data.value if one.data is not None else None
    second = other.data.value if other.data is not None else None
    if first is None or second is None or first.name != second.name:
        return False
    return (first.number is not None and first.number == second.number) or is_training_part(first, second)


def is_training_part(first: DataSet, second: DataSet) -> bool:
    """Whether both ask for ``train=True`` of a data set of torchvision, from the same folder."""
    arguments = [{key: value for key, value in data.arguments.items() if key in keys} for data in (first, second)]
    return (
        first.name.startswith("torchvision.datasets.")
        and arguments[0] == arguments[1]
        and all(given.get("train") is True for given in arguments)
    )
