"""Every epoch decodes and resizes the same images again.

Reading a file, decoding it and bringing it to size gives the same pixels in every epoch, and costs far more than what
follows. With large photographs it is what the GPU waits for.

The tip: preprocess ahead of time, not while training.

What to do: decode and resize once, and train on the result: small files, an array that is mapped into memory, or a
format made for it (`nnlint prepare photos/ packed/ --size 72` does it for a folder of pictures). Leave in the loop what
is drawn anew in every epoch (crops, flips, colours), and keep the images as much larger than the crop as the crops
need.

What it costs: decoding a photograph of four megapixels takes some 50 milliseconds on one core (PIL, measured); a step
on a GPU may take no longer for the whole batch. What is prepared needs space on the disk: 150 KB for 224x224 pixels as
plain bytes.

What is known today: Mohan et al. 2020 (arXiv:2007.06775) measured how much of their time trainings wait for data to be
fetched and prepared; FFCV (Leclerc et al. 2023, arXiv:2306.12517) removes most of it by a format of its own and faster
loading. More `num_workers` hide the work as long as there are cores for it.

Quiet when: nothing brings the images to one size, or a random crop does; they are not decoded sample by sample, or kept
once they are (a cache, an array); the loader is for validation or testing; what is done with a sample is not known.
"""

import re
from collections.abc import Iterator

from nnlint.finding import Finding
from nnlint.recipe import DataSet, Recipe, Step
from nnlint.rule import bad, good, recipe_rule

#: what brings a sample to one size without chance
sizing = re.compile(r"(^|\.)(resize|Resize|thumbnail|LongestMaxSize|SmallestMaxSize|Resampl\w+|resample)$")


@bad(input="3x64x64")
def photographs_in_folders() -> None:
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
    prepare = transforms.Compose(
        [transforms.Resize(72), transforms.RandomCrop(64), transforms.RandomHorizontalFlip(), transforms.ToTensor()]
    )
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


@bad(input="3x64x64")
def a_data_set_of_the_file() -> None:
    from pathlib import Path

    import torch
    from PIL import Image
    from torch import Tensor, nn
    from torch.utils.data import DataLoader, Dataset
    from torchvision.transforms.functional import to_tensor

    class Photos(Dataset[tuple[Tensor, int]]):
        def __init__(self, folder: Path) -> None:
            self.paths = sorted(folder.glob("*/*.jpg"))
            self.names = sorted({path.parent.name for path in self.paths})

        def __len__(self) -> int:
            return len(self.paths)

        def __getitem__(self, index: int) -> tuple[Tensor, int]:
            path = self.paths[index]
            return to_tensor(self.load(path)), self.names.index(path.parent.name)

        def load(self, path: Path) -> Image.Image:
            return Image.open(path).convert("RGB").resize((64, 64))

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
    train_data = Photos(Path("images/train"))
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


@bad(input="3x64x64")
def a_chain_held_by_the_data_set() -> None:
    from pathlib import Path

    import torch
    from PIL import Image
    from torch import Tensor, nn
    from torch.utils.data import DataLoader, Dataset
    from torchvision import transforms

    class Photos(Dataset[tuple[Tensor, int]]):
        def __init__(self, folder: Path) -> None:
            self.paths = sorted(folder.glob("*/*.jpg"))
            self.prepare = transforms.Compose([transforms.Resize((64, 64)), transforms.ToTensor()])
            self.names = sorted({path.parent.name for path in self.paths})

        def __len__(self) -> int:
            return len(self.paths)

        def __getitem__(self, index: int) -> tuple[Tensor, int]:
            path = self.paths[index]
            return self.prepare(self.load(path)), self.names.index(path.parent.name)

        def load(self, path: Path) -> Image.Image:
            return Image.open(path).convert("RGB")

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
    train_data = Photos(Path("images/train"))
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
def random_crops() -> None:
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
    prepare = transforms.Compose(
        [transforms.RandomResizedCrop(64), transforms.RandomHorizontalFlip(), transforms.ToTensor()]
    )
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


@good(input="3x32x32")
def images_in_memory() -> None:
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
    prepare = transforms.Compose([transforms.RandomCrop(32, padding=4), transforms.ToTensor()])
    train_data = datasets.CIFAR10("data", transform=prepare)
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
def prepared_ahead() -> None:
    import numpy as np
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

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
    images = torch.from_numpy(np.load("images.npy", mmap_mode="r")).float().div(255)
    train_data = TensorDataset(images, torch.from_numpy(np.load("labels.npy")))
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
def kept_once_decoded() -> None:
    from pathlib import Path

    import torch
    from PIL import Image
    from torch import Tensor, nn
    from torch.utils.data import DataLoader, Dataset
    from torchvision.transforms.functional import to_tensor

    class Photos(Dataset[tuple[Tensor, int]]):
        def __init__(self, folder: Path) -> None:
            self.paths = sorted(folder.glob("*/*.jpg"))
            self.cache: dict[Path, Image.Image] = {}
            self.names = sorted({path.parent.name for path in self.paths})

        def __len__(self) -> int:
            return len(self.paths)

        def __getitem__(self, index: int) -> tuple[Tensor, int]:
            path = self.paths[index]
            return to_tensor(self.load(path)), self.names.index(path.parent.name)

        def load(self, path: Path) -> Image.Image:
            if path not in self.cache:
                self.cache[path] = Image.open(path).convert("RGB").resize((64, 64))
            return self.cache[path]

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
    train_data = Photos(Path("images/train"))
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
def test_images() -> None:
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


@recipe_rule(category="data", level="info", since="0.1", tips=("preprocess-ahead",))
def check(recipe: Recipe) -> Iterator[Finding]:
    """Looks at what the data sets behind training loaders do for every sample."""
    for loader in recipe.training_loaders():
        data = loader.data.value if loader.data is not None else None
        step = resizing(data) if data is not None else None
        if data is None or data.decode is None or step is None:
            continue
        yield Finding.about(
            step.site,
            f"every epoch decodes each image ({data.decode.value}) and resizes it ({step.name.rpartition('.')[2]}) "
            "again: do both once, ahead of the training",
            ("decoded here", data.decode.site),
        )


def resizing(data: DataSet) -> Step | None:
    """The first step that brings every sample to size, the same way in every epoch."""
    return next((step for step in data.transforms if sizing.search(step.name)), None)
