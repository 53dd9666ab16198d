"""The network is given images as numbers from 0 to 255.

Layers are initialised for inputs about zero with a spread of about one. With inputs that are all positive and a hundred
times as large the first outputs are as much too large, and so are the gradients of the first layer: a learning rate
that suits it does not suit the others.

What to do: scale to 0 to 1 (`ToTensor` does, `ToDtype(torch.float32, scale=True)` after `PILToTensor` or `ToImage`),
then subtract the mean and divide by the standard deviation of the training data (`Normalize`).

What it costs: one operation a batch, best done where the batch is converted to floats, on the GPU.

What is known today: LeCun et al. 1998 (Efficient BackProp): convergence is usually faster if the mean of each input
over the training data is near zero and all have about the same spread. A batch norm right behind the input makes up for
the scale; that is a note.

Quiet when: anything in the file scales or normalises (a division, 255, a `Normalize`); the network does it itself; what
makes the tensors, or what is done with them, is not known.
"""

from collections.abc import Iterator
from dataclasses import replace

from nnlint.finding import Finding
from nnlint.kinds import arithmetic, batch_norm, value_preserving, weighted
from nnlint.recipe import Recipe
from nnlint.rule import bad, good, recipe_rule


@bad(input="1x28x28")
def bytes_made_floats() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    torch.backends.cudnn.benchmark = True
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    ).to(device)
    train_data = datasets.MNIST("data", train=True, transform=transforms.PILToTensor())
    test_data = datasets.MNIST("data", train=False, transform=transforms.PILToTensor())
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    test_loader = DataLoader(test_data, batch_size=256)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for images, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images.float().to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        net.eval()
        right = 0
        with torch.no_grad():
            for images, labels in test_loader:
                right += (net(images.float().to(device)).argmax(1) == labels.to(device)).sum().item()
        print(f"epoch {epoch}: loss {total / len(train_data):.3f}, accuracy {right / len(test_data):.3f}")


@bad(input="1x28x28")
def a_cast_without_scale() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets
    from torchvision.transforms import v2

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
    prepare = v2.Compose([v2.ToImage(), v2.RandomCrop(28, padding=2), v2.ToDtype(torch.float32)])
    train_data = datasets.MNIST("data", train=True, transform=prepare)
    test_data = datasets.MNIST("data", train=False, transform=prepare)
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


@bad(input="3x32x32")
def read_by_the_file_itself() -> None:
    from pathlib import Path

    import cv2
    import torch
    from torch import Tensor, nn
    from torch.utils.data import DataLoader, Dataset

    class Photos(Dataset[tuple[Tensor, int]]):
        def __init__(self, folder: Path) -> None:
            self.paths = sorted(folder.glob("*.png"))

        def __len__(self) -> int:
            return len(self.paths)

        def __getitem__(self, index: int) -> tuple[Tensor, int]:
            image = cv2.imread(str(self.paths[index]))
            return torch.from_numpy(image).permute(2, 0, 1).float(), int(self.paths[index].stem[-1])

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
    train_data = Photos(Path("images"))
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


@good(input="1x28x28")
def to_tensor_scales() -> None:
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


@good(input="1x28x28")
def scaled_with_the_type() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets
    from torchvision.transforms import v2

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
    prepare = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    train_data = datasets.MNIST("data", train=True, transform=prepare)
    test_data = datasets.MNIST("data", train=False, transform=prepare)
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


@good(input="1x28x28")
def divided_in_the_loop() -> None:
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
    train_data = datasets.MNIST("data", train=True, transform=transforms.PILToTensor())
    test_data = datasets.MNIST("data", train=False, transform=transforms.PILToTensor())
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    test_loader = DataLoader(test_data, batch_size=256)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for images, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images.to(device).float() / 255), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        net.eval()
        right = 0
        with torch.no_grad():
            for images, labels in test_loader:
                right += (net(images.to(device).float() / 255).argmax(1) == labels.to(device)).sum().item()
        print(f"epoch {epoch}: loss {total / len(train_data):.3f}, accuracy {right / len(test_data):.3f}")


@good(input="1x28x28")
def scaled_by_the_network() -> None:
    import torch
    from torch import Tensor, nn
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 32, 3, padding=1), nn.Conv2d(32, 64, 3, padding=1)
            self.score = nn.Linear(64, 10)

        def forward(self, images: Tensor) -> Tensor:
            x = nn.functional.relu(self.conv1((images - 33.3) / 78.6), inplace=True)
            x = nn.functional.relu(self.conv2(nn.functional.max_pool2d(x, 2)), inplace=True)
            scores: Tensor = self.score(x.mean((2, 3)))
            return scores

    torch.backends.cudnn.benchmark = True
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = Net().to(device)
    train_data = datasets.MNIST("data", train=True, transform=transforms.PILToTensor())
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for images, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images.float().to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(train_data):.3f}")


@recipe_rule(category="data", level="warning", since="0.1")
def check(recipe: Recipe) -> Iterator[Finding]:
    """Looks for training data that stay numbers from 0 to 255."""
    graphs = [recipe.graphs[name] for name in sorted({run.network for run in recipe.passes} & set(recipe.graphs))]
    entered = [op for graph in graphs for enter in graph.inputs for op in enter.ahead(past=value_preserving)]
    if any(op in arithmetic or (op not in weighted and op not in batch_norm) for op in entered):
        return
    for loader in recipe.training_loaders():
        raw = loader.data.value.raw if loader.data is not None else None
        if raw is None:
            continue
        found = Finding.about(
            raw,
            "the network is given images as numbers from 0 to 255: scale them to 0 to 1, then normalise by the mean "
            "and standard deviation of the training data",
        )
        yield replace(found, level="info") if any(op in batch_norm for op in entered) else found
