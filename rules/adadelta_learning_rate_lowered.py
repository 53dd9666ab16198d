"""Adadelta is given the small learning rate of another optimiser, and barely moves.

Adadelta computes its steps from the ratio of earlier steps to earlier gradients. Its learning rate only scales them,
and is 1 in torch; the paper has none. The 1e-3 that fits Adam makes every step a thousand times smaller than the method
chose it; the loss falls so slowly that the network seems unable to learn.

The tip: start with ADADELTA, since it needs no tuning. That holds for the rate it was made for.

What to do: leave the argument out: `torch.optim.Adadelta(net.parameters())`.

What it costs: with the defaults of torch (rho 0.9, eps 1e-6) a weight's first step is about 0.003 times the learning
rate for every gradient above 0.01 or so: 3e-6 at a rate of 1e-3.

What is known today: Zeiler 2012 (arXiv:1212.5701) takes the steps as they are, which is the rate of 1, the default of
`torch.optim.Adadelta`. A rate that a schedule brings up is another matter.

Quiet when: the rate is above `highest` (0.01; a team that lowers it on purpose sets that to its own lowest rate); a
schedule sets or raises it; it is set by hand while training.

The fix is unsafe: the network learns in other steps.
"""

from collections.abc import Iterator

from nnlint.edits import replace, text_of
from nnlint.finding import Edit, Finding
from nnlint.recipe import Recipe
from nnlint.rule import bad, fix, good, recipe_rule


@bad()
def the_rate_of_adam() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.Adadelta(net.parameters(), lr=1e-3)
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
def a_default_of_the_command_line() -> None:
    import argparse

    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.01)
    args = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.Adadelta(net.parameters(), args.lr)
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
def a_group_of_its_own() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    slow, free = list(net[0].parameters()), list(net[2].parameters())
    optimizer = torch.optim.Adadelta([{"params": slow, "lr": 1e-3}, {"params": free}])  # type: ignore[arg-type]
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
def its_own_rate() -> None:
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
def one_cycle() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.Adadelta(net.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=30 * len(loader))
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


@good()
def set_by_hand() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.Adadelta(net.parameters(), lr=0.01)
    for epoch in range(30):
        total = 0.0
        for group in optimizer.param_groups:
            group["lr"] = min(1.0, 0.1 * (epoch + 1))
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@recipe_rule(category="optimisation", level="warning", since="0.1", tips=("adadelta-first",))
def check(recipe: Recipe, *, highest: float = 0.01) -> Iterator[Finding]:
    """Reads the learning rates that Adadelta is given."""
    for optimizer in recipe.optimizers:
        if optimizer.name != "adadelta" or recipe.raises_rate(optimizer):
            continue
        for rate in optimizer.stated("lr"):
            if isinstance(rate.value, int | float) and 0 < rate.value <= highest:
                yield Finding.about(
                    rate,
                    f"Adadelta with a learning rate of {rate.value:g} takes steps {1 / rate.value:,.0f} times "
                    "smaller than it chooses: leave the rate at its default of 1",
                    ("the optimiser", optimizer.site),
                    lr=rate.value,
                )


@fix(safe=False)
def mend(finding: Finding) -> Edit | None:
    """Writes the rate of 1 where the number stands."""
    return replace(finding.site, "1.0") if finding.site is not None and text_of(finding.site) is not None else None
