"""Gradients are computed, but no optimiser of the file ever takes a step.

`backward()` fills the gradients and changes no parameter. Without `step()` the network stays as it was initialised,
and the loss only wavers with the batches.

What to do: `optimizer.step()` after `loss.backward()`.

What it costs: the whole training.

What is known today: nothing in torch steps by itself; only a framework's trainer does.

Quiet when: anything in the file takes a step, an optimiser or an object that is not known; parameters are changed by
hand; the optimiser, the network or the loss is given to a function of a library; a framework owns the loop; gradients
are wanted for their own sake, without an optimiser.
"""

from collections.abc import Iterator

from nnlint.finding import Finding
from nnlint.recipe import Recipe
from nnlint.rule import bad, good, recipe_rule


@bad(input="16")
def forgotten() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@bad(input="16")
def named_but_not_called() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step  # noqa: B018
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@bad(input="16")
def in_a_function() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)

    def train_step(features: torch.Tensor, labels: torch.Tensor) -> float:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(features), labels)
        loss.backward()
        return loss.item()

    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            total += train_step(features.to(device), labels.to(device)) * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def all_three() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
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
def mixed_precision() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    scaler = torch.amp.GradScaler("cuda")
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def by_hand() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            net.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            with torch.no_grad():
                for parameter in net.parameters():
                    parameter.sub_(optimizer.param_groups[0]["lr"] * parameter.grad)
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good()
def saliency_without_an_optimiser() -> None:
    import torch
    from torch import nn

    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).eval()
    for index in range(3):
        features = torch.randn(1, 16, requires_grad=True)
        loss = nn.functional.cross_entropy(net(features), torch.tensor([1]))
        loss.backward()
        print(index, features.grad)


@recipe_rule(category="optimisation", level="error", since="0.1")
def check(recipe: Recipe) -> Iterator[Finding]:
    """Looks for gradients of networks that an optimiser has, in a file without a single step."""
    own = [optimizer for optimizer in recipe.optimizers if optimizer.path.startswith("torch.optim.")]
    names = {name for optimizer in own for name in optimizer.networks}
    if recipe.steps or recipe.handed or not recipe.is_own_loop():
        return
    for loop in recipe.training_loops:
        added = [event for event in loop.of("backward") if event.depth == 0]
        judged = any(event.target in names for event in loop.of("loss"))
        if not added or not judged or loop.of("step", "any_step", "handed", "gradient"):
            continue
        yield Finding.about(
            added[-1].site,
            f"backward() computes gradients that nothing uses: {own[0].variable or 'the optimiser'}.step() is never "
            "called, so that no parameter ever changes",
            ("the optimiser", own[0].site),
            ("the loop", loop.site),
        )
