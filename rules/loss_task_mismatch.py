"""The loss does not fit the task: squared error on probabilities of classes, or BCE on a softmax.

The gradient of the squared error of a probability passes through the slope of the sigmoid or softmax before it. That is
almost zero exactly where the network is certain and wrong, so that it stays there; cross-entropy cancels the slope. And
binary cross-entropy on a softmax of several classes asks each class a yes-or-no question, while the softmax lets them
have only one yes between them: wrong classes are punished twice.

The tip: cross-entropy for classes, binary cross-entropy for yes or no, squared error for numbers.

What to do: for classes of which one is right use `CrossEntropyLoss` on the raw scores; for independent labels
`BCEWithLogitsLoss` on the raw scores, without the softmax.

What it costs: nothing.

What is known today: Hui and Belkin 2020 (arXiv:2006.07322) found the squared error about as good as cross-entropy on
many tasks, but on the raw scores, with no softmax before it.

Quiet when: nothing says that the targets are classes (they are not called labels, one-hot or classes, and are not those
of a data set of classes; beside a sigmoid the name alone does not count, since it may be a number in [0, 1]); the
targets are another network's probabilities, as in distillation and consistency training; the output has as many numbers
as the input, as in autoencoders; one class was picked from the softmax before the loss; the network takes another way
in training than in evaluation (`if self.training`).
"""

import re
from collections.abc import Iterator

from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import Kind, dropout, value_preserving
from nnlint.recipe import Loss, Recipe
from nnlint.rule import bad, good, recipe_rule
from nnlint.structure import applied_loss, class_axis, is_as_large_as_input, is_made_by_mode, judged, softmax_axis

by_distance = Kind.of("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
past = value_preserving | dropout
_CLASSES = re.compile(r"(?i)label|one_?hot|class")
#: labels that have to be made floats were whole numbers; a sigmoid alone may well be a number between 0 and 1
_CAST = re.compile(r"(?i)one_?hot|class|label.*(\.float\(|\.to\(torch\.float)")
_SOFT = re.compile(r"(?i)teacher|student|(^|_)ema|soft|prob|pseudo|smooth|logit|guess|mix|score|predict")


@bad(input="16")
def squared_error_of_a_softmax() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 4), nn.Softmax(dim=1))
    loader = DataLoader(TensorDataset(torch.randn(512, 16), torch.randint(4, (512,))), batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for features, labels in loader:
        loss = nn.functional.mse_loss(net(features), nn.functional.one_hot(labels, 4).float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@bad(input="16")
def squared_error_of_a_sigmoid() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.out = nn.Linear(16, 32), nn.Linear(32, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.sigmoid(self.out(torch.relu(self.hidden(x))))

    net, criterion = Net(), nn.MSELoss()
    loader = DataLoader(TensorDataset(torch.randn(512, 16), torch.randint(2, (512, 1))), batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for features, labels in loader:
        optimizer.zero_grad()
        criterion(net(features), labels.float()).backward()
        optimizer.step()


@bad(input="16")
def binary_cross_entropy_of_a_softmax() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 4))
    loader = DataLoader(TensorDataset(torch.randn(512, 16), torch.ones(512, 4)), batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for features, targets in loader:
        loss = nn.functional.binary_cross_entropy(torch.softmax(net(features), dim=1), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@good(input="16")
def cross_entropy_for_classes() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 4)).to(device)
    data = TensorDataset(torch.randn(512, 16), torch.randint(4, (512,)))
    train_loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(features)
        print(f"epoch {epoch}: loss {total / len(data):.4f}")


@good(input="16")
def squared_error_on_raw_scores() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 4)).to(device)
    data = TensorDataset(torch.randn(512, 16), torch.randint(4, (512,)))
    train_loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(features.to(device)), nn.functional.one_hot(labels.to(device), 4).float())
            loss.backward()
            optimizer.step()
            total += loss.item() * len(features)
        print(f"epoch {epoch}: loss {total / len(data):.4f}")


@good(input="16")
def a_fraction_called_label() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 1), nn.Sigmoid()).to(device)
    data = TensorDataset(torch.randn(512, 16), torch.rand(512, 1))
    train_loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(features)
        print(f"epoch {epoch}: loss {total / len(data):.4f}")


@good(input="16")
def probabilities_of_a_teacher() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 4), nn.Softmax(dim=1)).to(device)
    data = TensorDataset(torch.randn(512, 16), torch.rand(512, 4))
    train_loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, teacher_labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(features.to(device)), teacher_labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(features)
        print(f"epoch {epoch}: loss {total / len(data):.4f}")


@good(input="16")
def autoencoder() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 16), nn.Sigmoid()).to(device)
    data = TensorDataset(torch.randn(512, 16), torch.rand(512, 16))
    train_loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, class_images in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(features.to(device)), class_images.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(features)
        print(f"epoch {epoch}: loss {total / len(data):.4f}")


@good(input="16")
def the_second_of_two_classes() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2), nn.Softmax(dim=1)).to(device)
    data = TensorDataset(torch.randn(512, 16), torch.rand(512))
    train_loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, answers in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.binary_cross_entropy(net(features.to(device))[:, 1], answers.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(features)
        print(f"epoch {epoch}: loss {total / len(data):.4f}")


@good(input="16")
def probabilities_in_evaluation_only() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.out = nn.Linear(16, 32), nn.Linear(32, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            scores: torch.Tensor = self.out(torch.relu_(self.hidden(x)))
            return scores if self.training else scores.softmax(dim=1)

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = Net().to(device)
    data = TensorDataset(torch.randn(512, 16), torch.randint(4, (512,)))
    train_loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            one_hot = nn.functional.one_hot(labels, 4).float()
            loss = nn.functional.mse_loss(net(features.to(device)), one_hot.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.4f}")


@recipe_rule(category="loss", level="warning", since="0.1", tips=("loss-fits-task",))
def check(recipe: Recipe) -> Iterator[Finding]:
    """Looks at what makes the numbers that losses by distance and binary cross-entropies judge."""
    for loss in recipe.losses:
        op = applied_loss(recipe, loss) if loss.name in by_distance | Kind.of("binary_cross_entropy") else None
        graph = recipe.graphs.get(loss.network or "")
        if op is None or graph is None:
            continue
        for source in judged(op, past=past):
            message = None if is_made_by_mode(graph, source) else fault(recipe, graph, loss, op, source)
            if message is not None:
                related = [(source.label, source.site)] if source.site else []
                yield Finding.about(loss.site, message, *related)


def fault(recipe: Recipe, graph: Graph, loss: Loss, op: Op, source: Op) -> str | None:
    """What is wrong with a loss on what an op makes, if anything is."""
    if op in by_distance and squeezes_classes(recipe, graph, loss, source):
        return (
            f"{loss.name} on the probabilities of {source}: a certain and wrong answer gets almost no gradient; use "
            f"{better(source)} on the raw scores"
        )
    if op not in by_distance and is_softmax_of_classes(source, op):
        return (
            f"binary cross-entropy takes {source.shape[class_axis(source.shape)]} classes for independent, and "
            f"{source} lets them have one yes between them; use CrossEntropyLoss on the raw scores, or "
            f"BCEWithLogitsLoss for independent labels"
        )
    return None


def better(source: Op) -> str:
    """The loss for what the output was squashed to."""
    return "CrossEntropyLoss" if source.name == "softmax" else "BCEWithLogitsLoss"


def squeezes_classes(recipe: Recipe, graph: Graph, loss: Loss, source: Op) -> bool:
    """Whether an op makes probabilities of classes, as far as the targets of its loss tell."""
    if source.name not in ("softmax", "sigmoid") or is_as_large_as_input(graph, source):
        return False
    if source.name == "softmax" and source.shape[class_axis(source.shape) :][:1] in ((), (1,)):
        return False
    text = loss.targets.value if loss.targets is not None else ""
    if _SOFT.search(text):
        return False
    named = _CLASSES if source.name == "softmax" else _CAST
    return named.search(text) is not None or are_of_classes(recipe, loss)


def are_of_classes(recipe: Recipe, loss: Loss) -> bool:
    """Whether the targets are the labels of a data set of torchvision that has the images in folders of classes."""
    data = [recipe.loaders[number].data for number in loss.loaders] if loss.target_part == (1,) else []
    leaves = [fact.value.name.rpartition(".")[2] for fact in data if fact is not None]
    named = re.compile(r"^(\w*MNIST|CIFAR100?|SVHN|ImageFolder)$")
    return bool(leaves) and len(leaves) == len(data) and all(named.match(leaf) for leaf in leaves)


def is_softmax_of_classes(source: Op, loss: Op) -> bool:
    """Whether a loss judges all the classes of a softmax."""
    if source.name != "softmax" or source.shape != loss.in_shape or not source.shape:
        return False
    axis = class_axis(source.shape)
    return softmax_axis(source) == axis and source.shape[axis] > 1
