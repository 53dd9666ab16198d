"""After an evaluation the network stays in evaluation mode while it is trained on.

`eval()` lasts until `train()` is called. From the second epoch on dropout then drops nothing, so that the network
overfits as it would without dropout, and batch norm normalises by the running statistics, which are no longer updated
while the weights move away from them.

The tip: switch to evaluation mode to evaluate, and back to train.

What to do: `net.train()` at the beginning of every epoch, not once before the first.

What it costs: the regularisation that the network was given, and with batch norm often the training itself. No error is
raised, and the first epoch looks as it should.

What is known today: `torch.nn.Module.train` and `eval` set a flag on every module, and nothing resets it.

Quiet when: the network has neither dropout nor batch norm that works otherwise in training; `train()` is called within
the loop around training and evaluation, under a condition or not; the network was put into evaluation mode for its
training (frozen statistics); its mode cannot be told for sure; a framework owns the loop.

The fix is safe: it inserts the call that the evaluation's `eval()` needs as its counterpart.
"""

from collections.abc import Iterator

from nnlint.edits import before_statement
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph
from nnlint.kinds import dropout
from nnlint.recipe import Recipe
from nnlint.rule import bad, fix, good, recipe_rule
from nnlint.structure import batch_norms_in_training


@bad(input="16")
def once_before_the_epochs() -> None:
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
    net.train()
    for epoch in range(30):
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


@bad(input="16")
def never() -> None:
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


@bad(input="16")
def functions() -> None:
    import torch
    from torch import Tensor, nn
    from torch.utils.data import DataLoader, TensorDataset

    def train(model: nn.Module, loader: DataLoader[tuple[Tensor, ...]], optimizer: torch.optim.Optimizer) -> float:
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        return total

    def evaluate(model: nn.Module, loader: DataLoader[tuple[Tensor, ...]]) -> int:
        model.eval()
        right = 0
        with torch.no_grad():
            for features, labels in loader:
                right += int((model(features.to(device)).argmax(1) == labels.to(device)).sum())
        return right

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(32, 2)).to(device)
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    test_data = TensorDataset(torch.randn(512, 16), torch.randint(2, (512,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    test_loader = DataLoader(test_data, batch_size=256)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = train(net, train_loader, optimizer)
        print(f"epoch {epoch}: loss {total / 4096:.3f}, accuracy {evaluate(net, test_loader) / 512:.3f}")


@good(input="16")
def in_every_epoch() -> None:
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
def put_back_by_the_evaluation() -> None:
    import torch
    from torch import Tensor, nn
    from torch.utils.data import DataLoader, TensorDataset

    def train(model: nn.Module, loader: DataLoader[tuple[Tensor, ...]], optimizer: torch.optim.Optimizer) -> float:
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        return total

    def evaluate(model: nn.Module, loader: DataLoader[tuple[Tensor, ...]]) -> int:
        model.eval()
        right = 0
        with torch.no_grad():
            for features, labels in loader:
                right += int((model(features.to(device)).argmax(1) == labels.to(device)).sum())
        model.train()
        return right

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(32, 2)).to(device)
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    test_data = TensorDataset(torch.randn(512, 16), torch.randint(2, (512,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    test_loader = DataLoader(test_data, batch_size=256)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = train(net, train_loader, optimizer)
        print(f"epoch {epoch}: loss {total / 4096:.3f}, accuracy {evaluate(net, test_loader) / 512:.3f}")


@good(input="16")
def evaluated_at_the_end() -> None:
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
        print(f"epoch {epoch}: loss {total / 4096:.3f}")
    net.eval()
    right = 0
    with torch.no_grad():
        for features, labels in test_loader:
            right += (net(features.to(device)).argmax(1) == labels.to(device)).sum().item()
    print(f"accuracy {right / 512:.3f}")


@good(input="16")
def neither_dropout_nor_batch_norm() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    test_data = TensorDataset(torch.randn(512, 16), torch.randint(2, (512,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    test_loader = DataLoader(test_data, batch_size=256)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
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
def frozen_statistics() -> None:
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
        net.eval()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / 4096:.3f}")


@recipe_rule(category="dropout", level="warning", since="0.1", tips=("train-and-eval-mode",))
def check(recipe: Recipe) -> Iterator[Finding]:
    """Looks at the passes that train a network which works otherwise in training."""
    seen = set()
    for run in recipe.passes:
        graph = recipe.graph_of(run.network)
        if run.purpose != "train" or run.mode != "eval" or run.set_by is None or run.resumes is None or graph is None:
            continue
        missed = works_otherwise(graph)
        if not missed or recipe.framework is not None or (run.network, run.set_by) in seen:
            continue
        seen.add((run.network, run.set_by))
        yield Finding.about(
            run.resumes.site,
            f"`{run.expression}` is trained in evaluation mode once it has been evaluated: {missed}; "
            f"call `{run.resumes.target}.train()` here",
            ("put into evaluation mode here", run.set_by),
            network=run.resumes.target,
        )


def works_otherwise(graph: Graph) -> str:
    """What a network should do in training and does not in evaluation, in words; "" if it is nothing."""
    drops = any(op.hyper.p and not op.hyper.training for op in graph.find(dropout))
    said = ["dropout drops nothing"] if drops else []
    said += ["batch norm no longer follows the data"] if batch_norms_in_training(graph) else []
    return " and ".join(said)


@fix(safe=True)
def switch(finding: Finding) -> Edit | None:
    """Puts `train()` before the training."""
    return before_statement(finding.site, f"{finding.facts['network']}.train()") if finding.site is not None else None
