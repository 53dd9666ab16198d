"""A network that is worth a GPU is trained where the file never asks for one.

Convolutions and large matrix products run many times faster on a GPU than on the cores of a CPU, and torch uses a GPU
only where it is told to: by moving the network and every batch.

The tip: train on a CUDA GPU with cuDNN.

What to do: `device = torch.device("cuda" if torch.cuda.is_available() else "cpu")`, `net.to(device)` once before the
optimiser is made, and `.to(device)` for every batch; the file then runs with and without a GPU.

What it costs: nothing on a machine without a GPU; a move of each batch on one that has it, hidden by `pin_memory=True`
and `non_blocking=True`.

What is known today: `torch.accelerator` names whatever accelerator a machine has, CUDA, MPS or another
(torch.accelerator, since torch 2.6).

Quiet when: the file names an accelerator or a device that is not certainly the CPU; a framework places the network; the
network takes fewer multiply-accumulates a sample than `minimum` (1,000,000; higher where the machines that train have
no GPU to spare), so that a GPU would mostly wait for its kernels to be launched; nothing is trained.
"""

from collections.abc import Iterator

from nnlint.finding import Finding
from nnlint.graph import Graph
from nnlint.recipe import Recipe
from nnlint.rule import bad, good, recipe_rule

#: devices that are the CPU, as the source may write them
_PROCESSOR = frozenset({"cpu", "'cpu'", "torch.device('cpu')"})


@bad(input="3x32x32")
def never_moved() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

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
    )
    data = TensorDataset(torch.randn(512, 3, 32, 32), torch.randint(10, (512,)))
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


@bad(input="3x32x32")
def moved_to_the_processor() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cpu")
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


@bad(input="3x32x32")
def in_a_function() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

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
    )
    data = TensorDataset(torch.randn(512, 3, 32, 32), torch.randint(10, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)

    def train(epochs: int) -> None:
        for epoch in range(epochs):
            total = 0.0
            for images, labels in loader:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(net(images), labels)
                loss.backward()
                optimizer.step()
                total += loss.item() * len(labels)
            print(f"epoch {epoch}: loss {total / len(data):.3f}")

    train(30)


@good(input="3x32x32")
def moved() -> None:
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
def a_default_device() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.set_default_device("cuda")
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
    )
    data = TensorDataset(torch.randn(512, 3, 32, 32), torch.randint(10, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True, generator=torch.Generator("cuda"))
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


@good(input="16")
def a_small_network() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2))
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features), labels)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good()
def a_framework() -> None:
    import lightning  # type: ignore[import-not-found]
    import torch
    from torch import Tensor, nn
    from torch.utils.data import DataLoader, TensorDataset

    class Classifier(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(
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
            )

        def forward(self, x: Tensor) -> Tensor:
            scores: Tensor = self.net(x)
            return scores

        def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:  # noqa: ARG002
            loss = nn.functional.cross_entropy(self(batch[0]), batch[1])
            self.log("loss", loss)
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.AdamW(self.parameters(), lr=1e-3)

    data = TensorDataset(torch.randn(512, 3, 32, 32), torch.randint(10, (512,)))
    lightning.Trainer(max_epochs=30).fit(Classifier(), DataLoader(data, batch_size=64, shuffle=True))


@recipe_rule(category="cuda", level="info", since="0.1", tips=("gpu-and-cudnn",))
def check(recipe: Recipe, *, minimum: int = 1_000_000) -> Iterator[Finding]:
    """Looks for a training loop in a file that names no accelerator."""
    devices = {str(move.arguments.get("resolved", move.arguments["device"])) for move in recipe.device_moves}
    loops = [loop for loop in recipe.training_loops if loop.of("step")]
    if recipe.accelerator or recipe.framework or not loops or not devices <= _PROCESSOR:
        return
    macs = max((macs_of_sample(graph) for graph in recipe.trained_graphs()), default=0)
    if macs >= minimum:
        moves = recipe.device_moves  # to the CPU, all of them: this is what has to be changed
        yield Finding.about(
            moves[0].site if moves else loops[0].site,
            f"a network of {macs / 1e6:,.0f} million multiply-accumulates a sample trains without a GPU: move it and "
            'its batches to torch.device("cuda" if torch.cuda.is_available() else "cpu")',
            macs=macs,
        )


def macs_of_sample(graph: Graph) -> int:
    """The multiply-accumulates for one sample of the recorded batch."""
    batch = graph.inputs[0].shape[0] if graph.inputs and graph.inputs[0].shape else 1
    return graph.macs // max(batch, 1)
