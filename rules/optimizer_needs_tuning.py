"""An optimiser whose learning rate has to be tuned is used while architectures are compared.

A comparison of architectures is only as fair as the tuning of each. With SGD or Adam one network may look worse than
another because the learning rate fits it less.

The tip: start with ADADELTA while architectures are compared, since it finds its step sizes itself (Zeiler 2012,
arXiv:1212.5701), and tune another optimiser once the architecture is settled.

What to do: `torch.optim.Adadelta(net.parameters())` with its own learning rate of 1.0; or the same search over
learning rates for every network that is compared, and say so by leaving this rule off.

What it costs: Adadelta keeps two numbers for every parameter, as Adam does, where SGD with momentum keeps one.

What is known today: the tip is superseded, which is why the rule is off unless it is selected. AdamW (arXiv:1711.05101)
with a warm-up and a falling rate, as in the one-cycle schedule (arXiv:1708.07120), works at its usual rate of about
1e-3 on most networks. For training without a schedule to tune there are Schedule-Free (arXiv:2405.15682) and Prodigy
(arXiv:2306.06101).

Quiet when: the optimiser is Adadelta, or one of those that choose their rate themselves; it is not known whose
parameters it is given.
"""

from collections.abc import Iterator

from nnlint.finding import Finding
from nnlint.recipe import Recipe
from nnlint.rule import bad, good, recipe_rule

#: optimisers that choose their own step sizes
_TUNED = frozenset(
    {"adadelta", "prodigy", "dadaptadam", "dadaptsgd", "dadaptlion", "adamwschedulefree", "sgdschedulefree"}
)


@bad()
def stochastic_gradient_descent() -> None:
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


@bad()
def adam() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@bad()
def rmsprop_of_the_module() -> None:
    import torch
    from torch import nn, optim
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = optim.RMSprop(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good()
def adadelta() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.Adadelta(net.parameters())
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good()
def parameters_of_no_network() -> None:
    import torch

    image = torch.zeros(1, 3, 32, 32, requires_grad=True)
    optimizer = torch.optim.LBFGS([image])
    print(optimizer)


@recipe_rule(category="optimisation", level="info", since="0.1", default=False, tips=("adadelta-first",))
def check(recipe: Recipe) -> Iterator[Finding]:
    """Names every optimiser of networks but those that need no tuning."""
    for optimizer in recipe.optimizers:
        if optimizer.networks and optimizer.name not in _TUNED:
            name = optimizer.path.rpartition(".")[2] or optimizer.name
            yield Finding.about(
                optimizer.site,
                f"{name} has a learning rate to tune for every architecture; "
                "to compare architectures start with torch.optim.Adadelta (or tune each of them alike)",
                optimizer=optimizer.name,
            )
