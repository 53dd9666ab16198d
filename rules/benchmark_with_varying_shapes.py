"""cuDNN measures its algorithms, but the sizes of the inputs change from batch to batch.

The measuring is done anew for every shape that was not seen before. Where sizes are drawn at random, or batches are
padded to their longest sample, that is most batches at first, each of which then takes longer than without the
measuring.

The tip: let cuDNN measure its algorithms where speed matters; it holds for inputs of one size.

What to do: leave `torch.backends.cudnn.benchmark` off; or draw from a few sizes, and pad to multiples of 32 or so, so
that shapes come back.

What it costs: without the measuring each convolution may be somewhat slower; with it, every new shape tries up to ten
algorithms for each convolution (`torch.backends.cudnn.benchmark_limit`).

What is known today: the notes of torch on reproducibility describe the measuring, which is done once for every set of
sizes (notes/randomness).

Quiet when: the benchmark is off or its setting is not known; the network has no convolutions; nothing in the file
draws sizes at random or pads to the longest sample.

The fix is unsafe: another algorithm may compute other last digits. It switches the benchmark off.
"""

from collections.abc import Iterator

from nnlint.edits import replace, text_of
from nnlint.finding import Edit, Finding
from nnlint.kinds import convolution
from nnlint.recipe import Recipe
from nnlint.rule import bad, fix, good, recipe_rule


@bad(input="3x32x32")
def sizes_drawn_at_random() -> None:
    import random

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
    loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    random.seed(0)
    torch.manual_seed(0)
    for epoch in range(30):
        total = 0.0
        for images, labels in loader:
            resized = nn.functional.interpolate(images, size=random.choice([24, 32, 40]))
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(resized.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@bad(input="3x32x32")
def a_size_in_a_variable() -> None:
    import random

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
    loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    random.seed(0)
    torch.manual_seed(0)
    for epoch in range(30):
        total = 0.0
        for images, labels in loader:
            size = random.randrange(24, 48)
            resized = nn.functional.interpolate(images, size=(size, size))
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(resized.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@bad(input="3x32x32")
def padded_to_the_longest() -> None:
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

    def collate(samples: list[tuple[torch.Tensor, int]]) -> tuple[torch.Tensor, torch.Tensor]:
        images = nn.utils.rnn.pad_sequence([image.transpose(0, 2) for image, _ in samples], batch_first=True)
        return images.transpose(1, 3), torch.tensor([label for _, label in samples])

    loader = DataLoader(data, batch_size=64, collate_fn=collate, shuffle=True, num_workers=2, pin_memory=True)
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
def one_size() -> None:
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
    loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
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
def resized_to_one_size() -> None:
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
    loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for images, labels in loader:
            resized = nn.functional.interpolate(images, size=32)
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(resized.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="3x32x32")
def benchmark_off() -> None:
    import random

    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.benchmark = False
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
    loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    random.seed(0)
    torch.manual_seed(0)
    for epoch in range(30):
        total = 0.0
        for images, labels in loader:
            resized = nn.functional.interpolate(images, size=random.choice([24, 32, 40]))
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(resized.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="3x32x32")
def no_convolutions() -> None:
    import random

    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.benchmark = True
    net = nn.Sequential(
        nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 32), nn.ReLU(inplace=True), nn.Linear(32, 10)
    ).to(device)
    data = TensorDataset(torch.randn(512, 3, 32, 32), torch.randint(10, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    random.seed(0)
    torch.manual_seed(0)
    for epoch in range(30):
        total = 0.0
        for images, labels in loader:
            resized = nn.functional.interpolate(images, size=random.choice([24, 32, 40]))
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(resized.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@recipe_rule(category="cuda", level="info", since="0.1", tips=("benchmark-mode",))
def check(recipe: Recipe) -> Iterator[Finding]:
    """Looks for what makes sizes differ in a file that has the benchmark on."""
    benchmark = recipe.flag("cudnn.benchmark")
    on = benchmark is not None and benchmark.value is True
    if benchmark is None or not on or not recipe.varying_sizes:
        return
    if any(True for graph in recipe.trained_graphs() for _ in graph.find(convolution)):
        yield Finding.about(
            benchmark,
            "cudnn.benchmark measures every convolution anew for each size of input, and here sizes change from batch "
            "to batch: leave it off, or keep to a few sizes",
            ("sizes change", recipe.varying_sizes[0].site),
        )


@fix(safe=False)
def mend(finding: Finding) -> Edit | None:
    """Switches the benchmark off where it is switched on."""
    return replace(finding.site, "False") if finding.site is not None and text_of(finding.site) == "True" else None
