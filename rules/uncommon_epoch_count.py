"""The number of epochs is far from what trainings usually need.

After very few epochs a network trained from scratch has not seen its data often enough, and what it scores says little
of what it can do. After very many it overfits, unless the data are many or augmented; a training that still gets better
there may get there sooner with another learning rate.

The tip: train for 20 to 100 epochs.

What to do: 20 to 100 epochs with a schedule that lowers the learning rate towards the end, and a look at the validation
loss, which says more than any fixed number.

What it costs: time in proportion to the number of epochs.

What is known today: what counts is the number of steps: few epochs suffice on millions of samples (language models see
most of their text once), and small data sets bear many. Hoffer et al. 2017 (arXiv:1705.08741) found that longer
training with large batches closes the gap to small ones. ResNets for ImageNet are trained for 90 to 600 epochs.

Quiet when: the number lies between `fewest` (5) and `most` (300; set both to what is usual for the data at hand) or is
not a constant; it only bounds a training that can stop early; the weights were trained before (fine-tuning); every step
sees all the data, so that epochs are steps; several optimisers work against each other; the network reads tokens; a
framework owns the loop.
"""

from collections.abc import Iterator

from nnlint.finding import Finding
from nnlint.kinds import embedding
from nnlint.recipe import EpochLoop, Recipe
from nnlint.rule import bad, good, recipe_rule


@bad(input="16")
def two() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(2):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / 4096:.3f}")


@bad(input="16")
def thousands() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    epochs = 5000
    for epoch in range(1, epochs + 1):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / 4096:.3f}")


@bad(input="16")
def a_default_of_the_command_line() -> None:
    import argparse

    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=1)
    args = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(args.epochs):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / 4096:.3f}")


@good(input="16")
def thirty() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    test_data = TensorDataset(torch.randn(512, 16), torch.randint(2, (512,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    test_loader = DataLoader(test_data, batch_size=256)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        net.eval()
        right = 0
        with torch.no_grad():
            for features, labels in test_loader:
                right += (net(features.to(device)).argmax(1) == labels.to(device)).sum().item()
        print(f"epoch {epoch}: loss {total / 4096:.3f}, accuracy {right / 512:.3f}")


@good(input="16")
def stopped_early() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    best = float("inf")
    for epoch in range(1000):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / 4096:.3f}")
        if total > best:
            break
        best = total


@good(input="16")
def weights_trained_before() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    net.load_state_dict(torch.load("pretrained.pt"))
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(3):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / 4096:.3f}")


@good(input="1")
def steps_that_see_all_data() -> None:
    import torch
    from torch import nn

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1)).to(device)
    x = torch.linspace(-1, 1, 200, device=device).unsqueeze(1)
    y = torch.sin(3 * x)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(2000):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
        if epoch % 100 == 0:
            print(f"{epoch}: {loss.item():.4f}")


@good(input="16")
def not_a_constant() -> None:
    import sys

    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(int(sys.argv[1])):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / 4096:.3f}")


@good(input="long:12")
def reads_tokens() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(
        nn.Embedding(1000, 32), nn.Flatten(), nn.Linear(384, 64), nn.ReLU(inplace=True), nn.Linear(64, 2)
    ).to(device)
    train_data = TensorDataset(torch.randint(1000, (4096, 12)), torch.randint(2, (4096,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(2):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / 4096:.3f}")


@recipe_rule(category="data", level="info", since="0.1", tips=("twenty-to-hundred-epochs",))
def check(recipe: Recipe, *, fewest: int = 5, most: int = 300) -> Iterator[Finding]:
    """Looks at the loops over epochs that state how often they run."""
    tokens = any(next(graph.find(embedding), None) is not None for graph in recipe.graphs.values())
    if recipe.framework is not None or recipe.pretrained is not None or len(recipe.optimizers) > 1 or tokens:
        return
    for loop in recipe.epoch_loops:
        count = loop.epochs
        if count is None or loop.batches is None or fewest <= count.value <= most or is_bound(loop, most):
            continue
        epochs = "one epoch" if count.value == 1 else f"{count.value} epochs"
        few = f"{epochs} of training are few: 20 to 100 are common for a network trained from scratch"
        many = f"{epochs} of training are many: 20 to 100 are common, or stop when the validation loss no longer falls"
        yield Finding.about(count, few if count.value < fewest else many, epochs=count.value)


def is_bound(loop: EpochLoop, most: int) -> bool:
    """Whether a large number only bounds a training that ends by itself."""
    return loop.stops_early and loop.epochs is not None and loop.epochs.value > most
