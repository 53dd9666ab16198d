"""The training data are handed out class by class.

All samples of the first class, then all of the second: the network is taught to answer one class, and then to forget it
for the next. What it has learnt at the end of an epoch is mostly the last class, and the running statistics of batch
norm are that class's.

The tip: train in epochs over shuffled data, never grouped by class.

What to do: `shuffle=True`, or `WeightedRandomSampler` where the classes are of unequal size.

What it costs: the training. The loss of every batch falls and the accuracy stays near that of guessing; shuffling costs
one permutation an epoch.

What is known today: LeCun et al. 1998 (Efficient BackProp): successive examples should seldom be of one class. What a
network forgets when classes come one after the other is a field of its own (Kirkpatrick et al. 2017, arXiv:1612.00796).
`torchvision.datasets.ImageFolder` lists its samples folder by folder, one folder a class.

Quiet when: the loader shuffles, or has a sampler; the script puts the samples into a random order itself; it is a part
of a data set; the loader is for validation or testing; it cannot be told from the source (or from the labels of a
loader that is handed over) in what order the classes come.

The fix is safe: the same samples are trained on, in another order.
"""

from collections.abc import Iterator

from nnlint.edits import replace, set_argument, text_of
from nnlint.finding import Edit, Finding
from nnlint.recipe import Recipe
from nnlint.rule import bad, fix, good, recipe_rule


@bad(input="3x64x64")
def the_folders_of_the_classes() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    torch.backends.cudnn.benchmark = True
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False),
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
    prepare = transforms.Compose([transforms.RandomResizedCrop(64), transforms.ToTensor()])
    train_data = datasets.ImageFolder("images/train", transform=prepare)
    train_loader = DataLoader(train_data, batch_size=64, num_workers=2, pin_memory=True)
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
        print(f"epoch {epoch}: loss {total / len(train_data):.3f}")


@bad(input="16")
def labels_of_one_class_after_the_other() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    features = torch.cat([torch.randn(2048, 16), torch.randn(2048, 16) + 1])
    labels = torch.cat([torch.zeros(2048), torch.ones(2048)]).long()
    train_data = TensorDataset(features, labels)
    train_loader = DataLoader(train_data, batch_size=64, num_workers=2, pin_memory=True)
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
        print(f"epoch {epoch}: loss {total / 4096:.3f}")


@bad(input="16")
def lists_of_labels() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    features = torch.cat([torch.randn(2048, 16), torch.randn(2048, 16) + 1])
    train_data = TensorDataset(features, torch.tensor([0] * 2048 + [1] * 2048))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=False, num_workers=2, pin_memory=True)
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
        print(f"epoch {epoch}: loss {total / 4096:.3f}")


@good(input="3x64x64")
def shuffled() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    torch.backends.cudnn.benchmark = True
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False),
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
    prepare = transforms.Compose([transforms.RandomResizedCrop(64), transforms.ToTensor()])
    train_data = datasets.ImageFolder("images/train", transform=prepare)
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
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
        print(f"epoch {epoch}: loss {total / len(train_data):.3f}")


@good(input="3x64x64")
def a_sampler() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, RandomSampler
    from torchvision import datasets, transforms

    torch.backends.cudnn.benchmark = True
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False),
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
    prepare = transforms.Compose([transforms.RandomResizedCrop(64), transforms.ToTensor()])
    train_data = datasets.ImageFolder("images/train", transform=prepare)
    train_loader = DataLoader(
        train_data, batch_size=64, sampler=RandomSampler(train_data), num_workers=2, pin_memory=True
    )
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
        print(f"epoch {epoch}: loss {total / len(train_data):.3f}")


@good(input="16")
def labels_at_random() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
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
        print(f"epoch {epoch}: loss {total / 4096:.3f}")


@good(input="16")
def put_into_a_random_order_before() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    features = torch.cat([torch.randn(2048, 16), torch.randn(2048, 16) + 1])
    labels = torch.cat([torch.zeros(2048), torch.ones(2048)]).long()
    order = torch.randperm(4096)
    train_data = TensorDataset(features[order], labels[order])
    train_loader = DataLoader(train_data, batch_size=64, num_workers=2, pin_memory=True)
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
        print(f"epoch {epoch}: loss {total / 4096:.3f}")


@good(input="3x64x64")
def tested_class_by_class() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    torch.backends.cudnn.benchmark = True
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False),
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
    prepare = transforms.Compose([transforms.RandomResizedCrop(64), transforms.ToTensor()])
    train_data = datasets.ImageFolder("images/train", transform=prepare)
    crop = transforms.Compose([transforms.Resize(72), transforms.CenterCrop(64), transforms.ToTensor()])
    test_data = datasets.ImageFolder("images/test", transform=crop)
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


@recipe_rule(category="data", level="warning", since="0.1", tips=("epochs-and-shuffling",))
def check(recipe: Recipe) -> Iterator[Finding]:
    """Looks for training loaders that follow the order of a data set known to be grouped."""
    for loader in recipe.training_loaders():
        data = loader.data.value if loader.data is not None else None
        if data is None or data.grouped is None or not loader.in_order or recipe.shuffles:
            continue
        name = f"`{loader.variable}`" if loader.variable else "the loader"
        where = [("in this order", data.grouped.site)] if data.grouped.site != loader.site else []
        yield Finding.about(
            loader.shuffle if loader.shuffle and loader.site.contains(loader.shuffle.site) else loader.site,
            f"{name} hands out the training data class by class ({data.grouped.value}): shuffle them",
            *where,
        )


@fix(safe=True)
def shuffle(finding: Finding) -> Edit | None:
    """Switches it on, where the call itself says that it is off, or nothing."""
    if finding.site is None:
        return None
    if text_of(finding.site) == "False":
        return replace(finding.site, "True")
    return set_argument(finding.site, "shuffle", "True", position=2)
