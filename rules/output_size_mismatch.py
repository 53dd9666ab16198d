"""The number of output units is not the number of the data set's classes.

With fewer units than classes, the label of a class without a unit is out of range: torch raises on the CPU, and on a
GPU an assertion ends the process, at the first such sample. With more, the surplus units are never right; the network
learns to give them almost no probability, and a copied head whose number of classes was never changed goes unnoticed.

What to do: give the last layer one unit per class; for a pretrained network replace the head, as in
`net.fc = nn.Linear(512, 10)`.

What it costs: each surplus unit is a row of weights, and a share of the probability at the beginning of training.

What is known today: torch's documentation of `CrossEntropyLoss` asks for class indices in [0, C), C being the number of
scores. The numbers of classes are those of torchvision's data sets.

Quiet when: the labels are changed on the way (`target_transform`, arithmetic in the loop, `data.targets = ...`); the
data set is a part of another, which may hold some of its classes only; there is one unit more, for a background or for
"none of them"; the data set is not one whose classes nnlint knows.
"""

from collections.abc import Iterator
from dataclasses import replace

from nnlint.finding import Finding
from nnlint.graph import Op
from nnlint.kinds import convolution, dropout, linear, log_probability, softmax, value_preserving
from nnlint.recipe import DataSet, Loader, Recipe
from nnlint.rule import bad, good, recipe_rule
from nnlint.structure import applied_loss, class_axis, judged

#: data set of torchvision → the number of its classes
CLASSES = {
    "MNIST": 10,
    "FashionMNIST": 10,
    "KMNIST": 10,
    "QMNIST": 10,
    "USPS": 10,
    "CIFAR10": 10,
    "CIFAR100": 100,
    "SVHN": 10,
    "GTSRB": 43,
    "DTD": 47,
    "Food101": 101,
    "Flowers102": 102,
    "StanfordCars": 196,
    "ImageNet": 1000,
}
#: arguments that change the labels, the fourth one by position (data sets with another order are left out)
RELABELS = {"target_transform", "3", "target_type"}
past = value_preserving | dropout | log_probability | softmax


@bad(input="3x32x32")
def ten_units_for_a_hundred_classes() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 64), nn.ReLU(inplace=True), nn.Linear(64, 10))
    data = datasets.CIFAR100("data", transform=transforms.ToTensor(), download=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for images, labels in DataLoader(data, batch_size=64, shuffle=True):
        loss = nn.functional.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@bad(input="1x28x28")
def two_units_for_ten_digits() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    class Net(nn.Module):
        def __init__(self, classes: int = 2) -> None:
            super().__init__()
            self.hidden, self.scores = nn.Linear(784, 64), nn.Linear(64, classes)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.scores(torch.relu(self.hidden(x.flatten(1))))
            return out

    net, criterion = Net(), nn.CrossEntropyLoss()
    loader = DataLoader(datasets.MNIST("data", transform=transforms.ToTensor()), batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for _ in range(20):
        for images, labels in loader:
            optimizer.zero_grad()
            criterion(net(images), labels).backward()
            optimizer.step()


@bad(input="3x32x32")
def the_thousand_units_of_a_copied_head() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    net = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    net.append(nn.Linear(64, 1000))
    loader = DataLoader(datasets.SVHN("data", transform=transforms.ToTensor()), batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for images, labels in loader:
        optimizer.zero_grad()
        nn.functional.nll_loss(nn.functional.log_softmax(net(images), dim=1), labels).backward()
        optimizer.step()


@good(input="3x32x32")
def one_unit_per_class() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 64), nn.ReLU(inplace=True), nn.Linear(64, 10)).to(device)
    data = datasets.CIFAR10("data", transform=transforms.ToTensor())
    train_loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
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
        print(f"epoch {epoch}: loss {total / len(data):.4f}")


@good(input="3x32x32")
def one_more_for_none_of_them() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 64), nn.ReLU(inplace=True), nn.Linear(64, 11)).to(device)
    data = datasets.CIFAR10("data", transform=transforms.ToTensor())
    train_loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
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
        print(f"epoch {epoch}: loss {total / len(data):.4f}")


@good(input="3x32x32")
def labels_joined_by_a_transform() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 64), nn.ReLU(inplace=True), nn.Linear(64, 2)).to(device)
    data = datasets.CIFAR10(
        "data", transform=transforms.ToTensor(), target_transform=lambda label: int(label in (2, 3, 4, 5, 6, 7))
    )
    train_loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
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
        print(f"epoch {epoch}: loss {total / len(data):.4f}")


@good(input="3x32x32")
def labels_joined_in_the_loop() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 64), nn.ReLU(inplace=True), nn.Linear(64, 2)).to(device)
    data = datasets.CIFAR10("data", transform=transforms.ToTensor())
    train_loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for images, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images.to(device)), (labels > 4).long().to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.4f}")


@good(input="3x32x32")
def two_classes_kept() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 64), nn.ReLU(inplace=True), nn.Linear(64, 2)).to(device)
    data = datasets.CIFAR10("data", transform=transforms.ToTensor())
    data.data = data.data[[label < 2 for label in data.targets]]
    data.targets = [label for label in data.targets if label < 2]
    train_loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
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
        print(f"epoch {epoch}: loss {total / len(data):.4f}")


@good(input="3x32x32")
def a_part_with_five_classes() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 64), nn.ReLU(inplace=True), nn.Linear(64, 5)).to(device)
    data = datasets.CIFAR10("data", transform=transforms.ToTensor())
    data = torch.utils.data.Subset(data, [i for i, label in enumerate(data.targets) if label < 5])
    train_loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
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
        print(f"epoch {epoch}: loss {total / len(data):.4f}")


@recipe_rule(category="loss", level="error", since="0.1")
def check(recipe: Recipe) -> Iterator[Finding]:
    """Compares the scores of every loss over classes with the classes of the data set that its labels come from."""
    for loss in recipe.losses:
        op = applied_loss(recipe, loss) if loss.name in ("cross_entropy", "nll_loss") else None
        if op is None or loss.target_part != (1,) or len(op.in_shape) != 2:
            continue
        classes = common_classes([recipe.loaders[number] for number in loss.loaders])
        units = op.in_shape[class_axis(op.in_shape)]
        if classes is None or units in (classes, classes + 1) or units == 1:
            continue
        layer = last_layer(op)
        site = layer.site if layer is not None and layer.site is not None else None
        where = site if site is not None and site.file == recipe.file else loss.site
        found = Finding.about(
            where,
            f"{units} units for the {classes} classes of {name_of(recipe.loaders[loss.loaders[0]])}: "
            f"{effect(units, classes)}",
            ("loss", loss.call_site),
            units=units,
            classes=classes,
        )
        yield found if units < classes else replace(found, level="warning")


def effect(units: int, classes: int) -> str:
    """What becomes of a wrong number of units."""
    if units < classes:
        return f"labels from {units} on are out of range, and the loss raises"
    return f"{units - classes} of them are never right"


def common_classes(loaders: list[Loader]) -> int | None:
    """The number of classes that the data sets of all these loaders have; None if it is not known or not the same."""
    counts = {classes_of(loader.data.value) if loader.data is not None else None for loader in loaders}
    return counts.pop() if len(counts) == 1 else None


def classes_of(data: DataSet) -> int | None:
    """The number of classes of a whole data set with its own labels."""
    package, _, name = data.name.rpartition(".")
    if data.part or data.changed or not package.startswith("torchvision.datasets") or RELABELS & set(data.given):
        return None
    return CLASSES.get(name)


def name_of(loader: Loader) -> str:
    """What a message calls the data set of a loader."""
    return loader.data.value.name.rpartition(".")[2] if loader.data is not None else "the data set"


def last_layer(op: Op) -> Op | None:
    """The layer that makes the scores of a loss, if there is one."""
    return next((source for source in judged(op, past=past) if source in convolution | linear), None)
