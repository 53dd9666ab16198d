"""Files are opened and decoded in the process that trains, and the GPU waits for them.

With `num_workers=0` a loader decodes each batch between two steps, one image after the other, while the GPU does
nothing. Workers do it ahead of time, on the other cores. Batches in pinned memory are copied to the GPU directly, and
with `non_blocking=True` beside other work.

The tip: train on a CUDA GPU with cuDNN; it is fast only if the data keeps up.

What to do: `DataLoader(data, num_workers=4, pin_memory=True)`, with as many workers as there are cores to spare, and
`persistent_workers=True` where epochs are short.

What it costs: memory for the data set's Python objects and two batches (`prefetch_factor`) for every worker, and the
time to start the workers in each epoch.

What is known today: workers are still off by default. The tuning guide of torch names both settings; pinned memory
only matters where batches go to a GPU.

Quiet when: no accelerator is used; the data set holds its samples in memory, or it is not known what it does for a
sample; the number of workers, or pinning, is given but cannot be read; a framework owns the loop.
"""

from collections.abc import Iterator

from nnlint.finding import Finding
from nnlint.recipe import Loader, Recipe
from nnlint.rule import bad, good, recipe_rule


@bad(input="3x128x128")
def no_workers() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets
    from torchvision.transforms import v2

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.benchmark = True
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    ).to(device)
    transform = v2.Compose([v2.RandomResizedCrop(128), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    data = datasets.ImageFolder("images", transform)
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@bad(input="3x128x128")
def no_pinned_memory() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets
    from torchvision.transforms import v2

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.benchmark = True
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    ).to(device)
    transform = v2.Compose([v2.RandomResizedCrop(128), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    data = datasets.ImageFolder("images", transform)
    loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=4)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@bad(input="3x64x64")
def a_data_set_of_one_s_own() -> None:
    import torch
    from PIL import Image
    from torch import nn
    from torch.utils.data import DataLoader, Dataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.benchmark = True
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    ).to(device)

    class Photos(Dataset[tuple[torch.Tensor, int]]):
        def __init__(self, files: list[str]) -> None:
            self.files = files

        def __len__(self) -> int:
            return len(self.files)

        def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
            image = Image.open(self.files[index]).convert("RGB").resize((64, 64))
            return torch.tensor(list(image.getdata())).view(64, 64, 3).permute(2, 0, 1) / 255, index % 10

    data = Photos([f"{index}.jpg" for index in range(512)])
    loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=0)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="3x128x128")
def workers_and_pinned_memory() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets
    from torchvision.transforms import v2

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.benchmark = True
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    ).to(device)
    transform = v2.Compose([v2.RandomResizedCrop(128), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    data = datasets.ImageFolder("images", transform)
    loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=4, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="3x128x128")
def as_many_as_asked_for() -> None:
    import os

    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets
    from torchvision.transforms import v2

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.benchmark = True
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    ).to(device)
    transform = v2.Compose([v2.RandomResizedCrop(128), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    data = datasets.ImageFolder("images", transform)
    workers, pinned = os.cpu_count() or 1, torch.cuda.is_available()
    loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=workers, pin_memory=pinned)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="3x32x32")
def in_memory() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.benchmark = True
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    ).to(device)
    data = TensorDataset(torch.randn(512, 3, 32, 32), torch.randint(10, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="3x16x16")
def on_the_processor() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets
    from torchvision.transforms import v2

    net = nn.Sequential(
        nn.Conv2d(3, 16, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 16, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )
    transform = v2.Compose([v2.RandomResizedCrop(16), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    data = datasets.ImageFolder("images", transform)
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images), labels)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@recipe_rule(category="cuda", level="info", since="0.1", tips=("gpu-and-cudnn",))
def check(recipe: Recipe) -> Iterator[Finding]:
    """Looks at the training loaders that decode files for a GPU."""
    if not recipe.uses_accelerator() or not recipe.is_own_loop():
        return
    for loader in recipe.training_loaders():
        decode = loader.data.value.decode if loader.data is not None else None
        if decode is None or "**" in loader.unread:
            continue
        missing = missing_settings(loader)
        if missing:
            yield Finding.about(
                loader.num_workers if loader.num_workers is not None and not loader.num_workers.value else loader.site,
                f"every sample is decoded by {decode.value} {why(missing)}: {' and '.join(missing)}",
                ("decoded", decode.site),
            )


def missing_settings(loader: Loader) -> list[str]:
    """The settings that would keep a GPU supplied and that a loader certainly does not have."""
    missing = []
    if "num_workers" not in loader.unread and (loader.num_workers is None or loader.num_workers.value == 0):
        missing.append("num_workers=4")
    if "pin_memory" not in loader.unread and (loader.pin_memory is None or not loader.pin_memory.value):
        missing.append("pin_memory=True")
    return missing


def why(missing: list[str]) -> str:
    """What the missing settings make slow."""
    if "num_workers=4" in missing:
        return "in the process that trains, while the GPU waits"
    return "and copied to the GPU from memory that is not pinned"
