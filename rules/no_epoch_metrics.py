"""The training reports neither loss nor accuracy in the course of its epochs.

Whether a network learns, has stopped learning or has begun to overfit shows in the numbers of its epochs. Without them
a rate that is too large, labels that do not belong to their samples and a loss that is NaN since the second epoch all
look the same: a network that is bad at the end.

The tip: look at the metrics of every epoch.

What to do: print, log or keep the mean training loss of every epoch, and with it the loss and the accuracy on data that
the network is not trained on.

What it costs: a line an epoch, and one pass without gradients over the validation data. A number is best read from the
GPU once an epoch: every `item()` waits for it.

What is known today: the gap between both curves is what early stopping is decided by (Prechelt 1998, Early Stopping -
But When?), and a training log the first thing to look at when a training fails.

Quiet when: anything in the loop, or in a function that it calls, might tell somebody a number: a print, a logger, a
tracker, a progress bar with a postfix, a list or attribute that keeps it, a comparison that acts on it, or a call that
nnlint knows nothing about; a framework owns the loop; the loop over epochs has none over batches in it, so that an
epoch is one step.
"""

from collections.abc import Iterator

from nnlint.finding import Finding
from nnlint.recipe import Recipe
from nnlint.rule import bad, good, recipe_rule


@bad(input="16")
def nothing_at_all() -> None:
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
    for _epoch in range(30):
        net.train()
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()


@bad(input="16")
def the_number_of_the_epoch_alone() -> None:
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
    for epoch in range(30):
        net.train()
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} done")


@bad(input="16")
def a_sum_that_nobody_reads() -> None:
    import torch
    from torch import Tensor, nn
    from torch.utils.data import DataLoader, TensorDataset
    from tqdm import tqdm

    def train_epoch(net: nn.Module, loader: DataLoader[tuple[Tensor, ...]], optimizer: torch.optim.Optimizer) -> float:
        net.train()
        total = 0.0
        for features, labels in tqdm(loader):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features), labels)
            loss.backward()
            optimizer.step()
            total += loss.item()
        return total / len(loader)

    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2))
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    for _epoch in range(30):
        train_epoch(net, loader, optimizer)
    torch.save(net.state_dict(), "net.pt")


@good(input="16")
def printed() -> None:
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
    for epoch in range(30):
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
def kept_for_a_plot() -> None:
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
    losses = []
    for _epoch in range(30):
        net.train()
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            losses.append(loss.item())


@good(input="16")
def on_the_progress_bar() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset
    from tqdm import tqdm

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for _epoch in range(30):
        net.train()
        bar = tqdm(train_loader)
        for features, labels in bar:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            bar.set_postfix(loss=loss.item())


@good(input="16")
def written_by_a_callback() -> None:
    import json
    from pathlib import Path

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
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item()
        Path("log.json").write_text(json.dumps({"epoch": epoch, "loss": total}))


@good(input="16")
def stopped_when_it_gets_no_better() -> None:
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
    for _epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item()
        if total > best:
            break
        best = total


@good(input="16")
def a_logger() -> None:
    import logging

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
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item()
        logging.info("epoch %d: loss %.3f", epoch, total)


@recipe_rule(category="data", level="info", since="0.1", tips=("metrics-each-epoch",))
def check(recipe: Recipe) -> Iterator[Finding]:
    """Looks for loops over epochs that nothing leaves."""
    if recipe.framework is not None:
        return
    for loop in recipe.epoch_loops:
        if loop.silent and loop.batches is not None:
            yield Finding.about(
                loop.site,
                "nothing in this loop tells how the training goes: report the loss of every epoch, and the accuracy on "
                "data that are not trained on",
            )
