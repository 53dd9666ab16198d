"""The loss is summed over the batch: the step of gradient descent grows with the batch size.

With `reduction="sum"` the gradient of a batch of 128 is 128 times that of one sample. The learning rate that works is
then a property of the batch size, the last and smaller batch of an epoch makes a smaller step, and nobody else's
settings can be compared.

What to do: keep the default, `reduction="mean"`, or divide by the number of samples; multiply the learning rate by the
batch size to get the steps you have now.

What it costs: nothing.

What is known today: how the learning rate should follow the batch size is a rule of its own (Goyal et al. 2017,
arXiv:1706.02677, scale it linearly), and it is stated for losses that are means.

Quiet when: the optimiser scales by the size of the gradients itself (Adam and its variants); something is calculated
with the loss before `backward()`: a term is added, as in variational autoencoders, or it is divided; the sum is for
reports only.
"""

from collections.abc import Iterator

from nnlint.finding import Finding
from nnlint.recipe import Loss, Recipe
from nnlint.rule import bad, good, recipe_rule

#: optimisers whose step is proportional to the gradient
PROPORTIONAL = ("sgd", "asgd")


@bad(input="8")
def loss_object() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 2))
    criterion = nn.CrossEntropyLoss(reduction="sum")
    loader = DataLoader(TensorDataset(torch.randn(512, 8), torch.randint(2, (512,))), batch_size=64, shuffle=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
    for features, labels in loader:
        optimizer.zero_grad()
        criterion(net(features), labels).backward()
        optimizer.step()


@bad(input="8")
def function() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.out = nn.Linear(8, 32), nn.Linear(32, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.out(torch.relu(self.hidden(x)))
            return out

    net = Net()
    loader = DataLoader(TensorDataset(torch.randn(512, 8), torch.randn(512, 1)), batch_size=64, shuffle=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9)
    for features, targets in loader:
        loss = nn.functional.mse_loss(net(features), targets, reduction="sum")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@bad(input="8")
def an_option_of_the_command_line() -> None:
    import argparse

    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    parser = argparse.ArgumentParser()
    parser.add_argument("--reduction", default="sum")
    args = parser.parse_args()
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 2))
    loader = DataLoader(TensorDataset(torch.randn(512, 8), torch.randint(2, (512,))), batch_size=64, shuffle=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
    for features, labels in loader:
        loss = nn.functional.cross_entropy(net(features), labels, reduction=args.reduction)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@good(input="8")
def mean_of_the_batch() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.randn(512, 8), torch.randint(2, (512,)))
    train_loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            scores, right = net(features.to(device)), labels.to(device)
            loss = nn.functional.cross_entropy(scores, right)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.4f}")


@good(input="8")
def divided_by_the_batch() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.randn(512, 8), torch.randint(2, (512,)))
    train_loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            scores, right = net(features.to(device)), labels.to(device)
            loss = nn.functional.cross_entropy(scores, right, reduction="sum") / len(labels)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.4f}")


@good(input="8")
def with_a_term_added() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.randn(512, 8), torch.randint(2, (512,)))
    train_loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            scores, right = net(features.to(device)), labels.to(device)
            loss = nn.functional.cross_entropy(scores, right, reduction="sum") + 1e-2 * scores.square().sum()
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch}: loss {total / len(data):.4f}")


@good(input="8")
def an_optimiser_that_scales_by_itself() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.randn(512, 8), torch.randint(2, (512,)))
    train_loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            scores, right = net(features.to(device)), labels.to(device)
            loss = nn.functional.cross_entropy(scores, right, reduction="sum")
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch}: loss {total / len(data):.4f}")


@good(input="8")
def sum_for_the_report() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.randn(512, 8), torch.randint(2, (512,)))
    train_loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            scores, right = net(features.to(device)), labels.to(device)
            loss = nn.functional.cross_entropy(scores, right)
            loss.backward()
            optimizer.step()
            total += nn.functional.cross_entropy(scores.detach(), right, reduction="sum").item()
        print(f"epoch {epoch}: loss {total / len(data):.4f}")


@recipe_rule(category="loss", level="info", since="0.1")
def check(recipe: Recipe) -> Iterator[Finding]:
    """Looks for sums that go straight into the steps of gradient descent."""
    for loss in recipe.losses:
        reduction = loss.arguments.get("reduction")
        if reduction is None or reduction.value != "sum" or not loss.backward or loss.combined:
            continue
        if steps_grow(recipe, loss):
            yield Finding.about(
                reduction,
                f"{loss.name} sums over the batch, and so the steps grow with the batch size; take the mean",
                ("loss", loss.call_site),
            )


def steps_grow(recipe: Recipe, loss: Loss) -> bool:
    """Whether what trains the network makes steps in proportion to its gradients."""
    own = [optimizer for optimizer in recipe.optimizers if loss.network in optimizer.networks]
    return bool(own) and all(optimizer.name in PROPORTIONAL for optimizer in own)
