"""Adam's epsilon is so small that it does nothing, or so large that Adam is no longer adaptive.

Adam divides by the root of the gradients' running mean square, and adds epsilon so as not to divide by zero. Where it
is larger than that root, as a value above 1e-2 is for most weights, Adam is no more than SGD with momentum and a rate
of lr / epsilon. Where it is far below any gradient it does nothing: below 1e-12 gradients of rounding noise move a
weight by the whole learning rate, and with an epsilon of 0 a weight whose gradient has always been 0 becomes NaN (0
divided by 0).

What to do: leave it at 1e-8, the default; a value up to 1e-3 is sometimes taken for stability in half precision.

What it costs: with too large a value small steps wherever gradients are small; with too small a one, steps that follow
noise.

What is known today: epsilon is a hyper-parameter that can be worth tuning (Choi et al. 2019, arXiv:1910.05446),
together with the rate; TensorFlow's documentation of Adam names 0.1 and 1.0 for an Inception network on ImageNet. A
team that tunes it so raises `highest`.

Quiet when: the value lies between `lowest` (1e-12) and `highest` (1e-2); the optimiser is not of Adam's family (RMSprop
was used with an epsilon of 1).
"""

from collections.abc import Iterator

from nnlint.finding import Finding
from nnlint.recipe import Recipe
from nnlint.rule import bad, good, recipe_rule

_ADAMS = frozenset({"adam", "adamw", "nadam", "radam", "adamax"})


@bad(input="16")
def much_too_small() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, eps=1e-16)
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
def much_too_large() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, eps=0.1)
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
def by_position() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.Adam(net.parameters(), 1e-3, (0.9, 0.999), 1.0)
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
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, eps=1e-6)
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
def rmsprop() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-2, eps=1.0)
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
def check(recipe: Recipe, *, lowest: float = 1e-12, highest: float = 1e-2) -> Iterator[Finding]:
    """Reads the epsilon of every optimiser of Adam's family."""
    for optimizer in recipe.optimizers:
        for eps in optimizer.stated("eps") if optimizer.name in _ADAMS else ():
            if not isinstance(eps.value, int | float) or lowest <= eps.value <= highest:
                continue
            why = "no longer adaptive: it moves as SGD does" if eps.value > highest else "without its guard"
            name = optimizer.path.rpartition(".")[2] or optimizer.name
            yield Finding.about(
                eps,
                f"an epsilon of {eps.value:g} leaves {name} {why}; 1e-8 is usual",
                ("the optimiser", optimizer.site),
                eps=eps.value,
            )
