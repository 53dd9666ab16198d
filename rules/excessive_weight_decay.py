"""The weight decay is so large that it outweighs the loss.

With SGD and Adam weight decay acts as a term of the loss, `weight_decay / 2` times the sum of the squared weights. At
0.1 and above that term mostly outweighs the rest: the weights shrink towards zero, and the network tends to one answer
for everything.

What to do: 1e-4 to 5e-4 for SGD; for Adam the decoupled form, `torch.optim.AdamW`, where 0.01 to 0.1 is usual.

What it costs: accuracy on the training data as well. SGD at a rate of 0.1 and a decay of 0.1 takes 1 % off every
weight in every step.

What is known today: with Adam the term passes through the division by the gradients' size, which makes it act on the
weights unevenly; decoupled weight decay was made for that (Loshchilov and Hutter, arXiv:1711.05101), and its usual
values are larger because they are multiplied by the rate alone.

Quiet when: the optimiser decouples the decay (AdamW, `decoupled_weight_decay=True`); the value is below `highest` (0.1;
lower where a team keeps to smaller values); the network is a single layer (ridge regression).
"""

from collections.abc import Iterator

from nnlint.finding import Finding
from nnlint.kinds import weighted
from nnlint.recipe import Recipe
from nnlint.rule import bad, good, recipe_rule

#: optimisers that add the decay to the gradient
_COUPLED = frozenset({"sgd", "asgd", "adam", "nadam", "radam", "adamax", "rmsprop", "adagrad", "adadelta"})


@bad(input="16")
def sgd() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=0.5)
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
def adam_with_the_decay_of_adamw() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=0.1)
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
def in_a_group() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    groups = [{"params": net[0].parameters(), "weight_decay": 1.0}, {"params": net[2].parameters()}]
    optimizer = torch.optim.SGD(groups, lr=0.1)  # type: ignore[arg-type]
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
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
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
def decoupled() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.1)
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
def decoupled_by_an_argument() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=0.1, decoupled_weight_decay=True)
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
def ridge_regression() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Linear(16, 2).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, weight_decay=0.1)
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
def check(recipe: Recipe, *, highest: float = 0.1) -> Iterator[Finding]:
    """Reads the weight decay of the optimisers that couple it to the gradient."""
    for optimizer in recipe.optimizers:
        decoupled = optimizer.arguments.get("decoupled_weight_decay")
        graphs = [recipe.graph_of(name) for name in optimizer.networks]
        single = bool(graphs) and all(graph is not None and len(list(graph.find(weighted))) <= 1 for graph in graphs)
        if optimizer.name not in _COUPLED or (decoupled is not None and decoupled.value) or single:
            continue
        for decay in optimizer.stated("weight_decay"):
            if isinstance(decay.value, int | float) and decay.value >= highest:
                name = optimizer.path.rpartition(".")[2] or optimizer.name
                yield Finding.about(
                    decay,
                    f"a weight decay of {decay.value:g} is more than {name} bears, which adds it to the gradient: 1e-4 "
                    "to 5e-4 is usual, or AdamW, which applies it apart",
                    ("the optimiser", optimizer.site),
                    weight_decay=decay.value,
                )
