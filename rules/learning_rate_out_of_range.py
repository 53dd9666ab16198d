"""The learning rate is far outside the range in which its optimiser works.

Too large a rate makes the loss jump or become NaN, or kills ReLUs in the first steps; too small a one leaves the
weights where the initialisation put them. A rate of zero never changes anything, and torch refuses a negative one.

What to do: about 0.1 for SGD on normalised networks, 0.01 without normalisation, 1e-3 for Adam and 3e-4 to 1e-3 for
AdamW; a range test (one run with a rising rate, Smith 2015, arXiv:1506.01186) finds the rate for a network.

What it costs: a run that does not learn. Adam moves a weight by about its rate in every step, whatever the size of the
gradient: at 0.1, ten steps move it by 1, where a weight of a layer with 256 inputs starts at about 0.09 (He
initialisation).

What is known today: the ranges are those of common practice, wide on purpose. Large batches take larger rates with a
warm-up (Goyal et al. 2017, arXiv:1706.02677).

Quiet when: a schedule sets or raises the rate (one-cycle, cyclic, a function of the step, warm-up), or the file sets
it itself; gradients are clipped, which bounds the steps; the network is a single layer, for which large rates are
fine, has no layers with weights (the few numbers of a Gaussian process), or could not be looked at, and the rate is a
large one; a rate of zero belongs to one of several groups, which holds it fixed; it is not known whose parameters are
optimised.
"""

from collections.abc import Iterator
from dataclasses import replace

from nnlint.finding import Finding
from nnlint.kinds import weighted
from nnlint.recipe import Optimizer, Recipe
from nnlint.rule import bad, good, recipe_rule

#: optimiser → the rates at which it is sure to take too large or too small steps
_RANGES = {"sgd": (1e-6, 1.0)} | dict.fromkeys(("adam", "adamw", "nadam", "radam", "adamax"), (1e-7, 0.05))


@bad(input="16")
def adam_at_a_tenth() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@bad(input="16")
def sgd_from_the_command_line() -> None:
    import argparse

    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=1.5)
    args = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=0.9)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@bad(input="16")
def a_slip_of_the_exponent() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    config = {"lr": 1e-9}
    optimizer = torch.optim.AdamW(net.parameters(), lr=config["lr"])
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@bad(input="16")
def zero() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.0)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@bad(input="16")
def one_of_two_groups() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    slow, fast = list(net[0].parameters()), list(net[2].parameters())
    optimizer = torch.optim.SGD([{"params": slow}, {"params": fast, "lr": 10.0}], lr=0.1)  # type: ignore[arg-type]
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def usual() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def one_cycle() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-8, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=30 * len(loader))
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def a_function_of_the_step() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.01 * min(1.0, (step + 1) / 1000))
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def clipped() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=5.0)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 0.1)
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def a_single_layer() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Linear(16, 2).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def no_layers() -> None:
    import torch
    from torch import Tensor, nn
    from torch.utils.data import DataLoader, TensorDataset

    class Decay(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.height = nn.Parameter(torch.zeros(()))
            self.rate = nn.Parameter(torch.zeros(()))

        def forward(self, times: Tensor) -> Tensor:
            return self.height * torch.exp(-self.rate * times)

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = Decay().to(device)
    data = TensorDataset(torch.rand(512, 16), torch.rand(512, 16))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    for epoch in range(30):
        total = 0.0
        for times, heights in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(times.to(device)), heights.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(heights)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def a_group_held_fixed() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    fixed, free = list(net[0].parameters()), list(net[2].parameters())
    optimizer = torch.optim.SGD([{"params": fixed, "lr": 0.0}, {"params": free}], lr=0.1)  # type: ignore[arg-type]
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@recipe_rule(category="optimisation", level="warning", since="0.1")
def check(recipe: Recipe) -> Iterator[Finding]:
    """Compares every stated rate with the range of its optimiser."""
    for optimizer in recipe.optimizers:
        if optimizer.name not in _RANGES or not optimizer.networks or recipe.raises_rate(optimizer):
            continue
        low, high = _RANGES[optimizer.name]
        for rate in optimizer.stated("lr"):
            value = rate.value
            if not isinstance(value, int | float) or low < value < high or (value == 0 and optimizer.groups):
                continue
            if value >= high and (recipe.clips or not has_layers(recipe, optimizer)):
                continue
            found = Finding.about(rate, said(optimizer, value, high), ("the optimiser", optimizer.site), lr=value)
            yield replace(found, level="error") if value <= 0 else found


def said(optimizer: Optimizer, rate: float, high: float) -> str:
    """The message about one rate."""
    name = optimizer.path.rpartition(".")[2] or optimizer.name
    if rate < 0:
        return f"{name} refuses a learning rate of {rate:g}: it must be positive"
    if rate == 0:
        return f"{name} with a learning rate of 0 never changes a weight"
    usual = "0.01 to 0.1" if optimizer.name == "sgd" else "1e-4 to 1e-3"
    if rate >= high:
        return f"a learning rate of {rate:g} is too large for {name}: {usual} is usual"
    return f"a learning rate of {rate:g} is too small for {name}: {usual} is usual, and the weights hardly move"


def has_layers(recipe: Recipe, optimizer: Optimizer) -> bool:
    """Whether one of the networks is known to have several layers with weights."""
    graphs = [graph for name in optimizer.networks if (graph := recipe.graph_of(name)) is not None]
    return any(len(list(graph.find(weighted))) > 1 for graph in graphs)
