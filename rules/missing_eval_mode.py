"""A network is evaluated in training mode, or with gradients recorded.

In training mode dropout goes on dropping and batch norm normalises by the batch at hand: what the network answers
depends on chance and on what else is in the batch, and the evaluation changes the running statistics by data that are
not for training. Recording the graph for gradients that nobody computes costs memory; that much is a note.

The tip: switch to evaluation mode to evaluate, and back to train.

What to do: `net.eval()` before the loop over the validation or test data and `with torch.no_grad():` around it; and
`net.train()` before the training goes on.

What it costs: accuracies and losses that are noisy and mostly too bad, and running statistics that have seen the test
data. The graph keeps the activations of a batch until the next: without it a larger batch fits.

What is known today: the two switches are independent: `eval()` leaves gradients on, `no_grad()` leaves dropout on
(torch's notes on autograd mechanics). `torch.inference_mode` is a stricter and slightly faster `no_grad`.

Quiet when: the network has neither dropout nor batch norm that works otherwise in training; it cannot be told for sure
in which mode it is; `train()` is called on purpose for passes without gradients (Monte Carlo dropout, statistics
estimated anew); the batches are those of the training; a loop computes gradients itself; a framework owns the loop.

The fix is safe: it inserts the missing calls; the training, and the weights, stay the same.
"""

from collections.abc import Iterator
from dataclasses import replace

from nnlint.edits import before_statement
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph
from nnlint.kinds import dropout
from nnlint.recipe import Recipe
from nnlint.rule import bad, fix, good, recipe_rule
from nnlint.structure import batch_norms_in_training


@bad(input="16")
def never_switched() -> None:
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
        right = 0
        with torch.no_grad():
            for features, labels in test_loader:
                right += (net(features.to(device)).argmax(1) == labels.to(device)).sum().item()
        print(f"epoch {epoch}: loss {total / 4096:.3f}, accuracy {right / 512:.3f}")


@bad(input="16")
def a_function_that_forgets_it() -> None:
    import torch
    from torch import Tensor, nn
    from torch.utils.data import DataLoader, TensorDataset

    def train(model: nn.Module, loader: DataLoader[tuple[Tensor, ...]], optimizer: torch.optim.Optimizer) -> float:
        model.train()
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        return total

    def evaluate(model: nn.Module, loader: DataLoader[tuple[Tensor, ...]]) -> int:
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


@bad(input="16")
def a_network_that_was_loaded() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2))
    net.load_state_dict(torch.load("net.pt"))
    test_loader = DataLoader(TensorDataset(torch.randn(512, 16), torch.randint(2, (512,))), batch_size=256)
    right = 0
    with torch.no_grad():
        for features, labels in test_loader:
            right += int((net(features).argmax(1) == labels).sum())
    print(right / 512)


@bad(input="16")
def with_gradients() -> None:
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
        for features, labels in test_loader:
            right += (net(features.to(device)).argmax(1) == labels.to(device)).sum().item()
        print(f"epoch {epoch}: loss {total / 4096:.3f}, accuracy {right / 512:.3f}")


@good(input="16")
def both_switches() -> None:
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
def in_functions() -> None:
    import torch
    from torch import Tensor, nn
    from torch.utils.data import DataLoader, TensorDataset

    def train(model: nn.Module, loader: DataLoader[tuple[Tensor, ...]], optimizer: torch.optim.Optimizer) -> float:
        model.train()
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
def set_by_the_caller() -> None:
    import torch
    from torch import Tensor, nn
    from torch.utils.data import DataLoader, TensorDataset

    def train(model: nn.Module, loader: DataLoader[tuple[Tensor, ...]], optimizer: torch.optim.Optimizer) -> float:
        model.train()
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        return total

    def evaluate(model: nn.Module, loader: DataLoader[tuple[Tensor, ...]]) -> int:
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
        net.eval()
        print(f"epoch {epoch}: loss {total / 4096:.3f}, accuracy {evaluate(net, test_loader) / 512:.3f}")


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
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        right = 0
        with torch.no_grad():
            for features, labels in test_loader:
                right += (net(features.to(device)).argmax(1) == labels.to(device)).sum().item()
        print(f"epoch {epoch}: loss {total / 4096:.3f}, accuracy {right / 512:.3f}")


@good(input="16")
def a_decorator() -> None:
    import torch
    from torch import Tensor, nn
    from torch.utils.data import DataLoader, TensorDataset

    def train(model: nn.Module, loader: DataLoader[tuple[Tensor, ...]], optimizer: torch.optim.Optimizer) -> float:
        model.train()
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        return total

    @torch.no_grad()
    def evaluate(model: nn.Module, loader: DataLoader[tuple[Tensor, ...]]) -> int:
        model.eval()
        right = 0
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
def phases() -> None:
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
        for phase, loader in (("train", train_loader), ("test", test_loader)):
            training = phase == "train"
            net.train(training)
            total = 0.0
            for features, labels in loader:
                with torch.set_grad_enabled(training):
                    loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
                if training:
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                total += loss.item() * len(labels)
            print(f"epoch {epoch}, {phase}: loss {total:.1f}")


@good(input="16")
def monte_carlo_dropout() -> None:
    import torch
    from torch import Tensor, nn
    from torch.utils.data import DataLoader, TensorDataset

    def train(model: nn.Module, loader: DataLoader[tuple[Tensor, ...]], optimizer: torch.optim.Optimizer) -> float:
        model.train()
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
    net.train()
    with torch.no_grad():
        for features, _ in test_loader:
            answers = torch.stack([net(features.to(device)).softmax(1) for _ in range(20)])
            print(answers.std(0).mean().item())


@recipe_rule(category="dropout", level="warning", since="0.1", tips=("train-and-eval-mode",))
def check(recipe: Recipe) -> Iterator[Finding]:
    """Looks at the passes that evaluate a network which works otherwise in training."""
    everywhere = any("lines" not in call.arguments for call in recipe.no_grads)
    for run in recipe.passes:
        graph = recipe.graph_of(run.network)
        if run.purpose != "evaluate" or graph is None or recipe.framework is not None:
            continue
        changing = works_otherwise(graph)
        if not changing:
            continue
        if run.mode == "train":
            related = [("the training goes on here", run.resumes.site)] if run.resumes is not None else []
            message = (
                f"`{run.expression}` is evaluated in training mode: {changing}; call `{run.expression}.eval()` before"
            )
            message += ", and evaluate in `with torch.no_grad():`" if run.grad and not everywhere else ""
            yield Finding.about(
                run.loop or run.site,
                message,
                *related,
                network=run.expression,
                resumed=run.resumes and run.resumes.target,
            )
        elif run.grad and run.loop is not None and not everywhere:
            message = "this evaluation records a graph and computes no gradients: put it into `with torch.no_grad():`"
            yield replace(Finding.about(run.loop, message), level="info")


def works_otherwise(graph: Graph) -> str:
    """What a network does otherwise in training, in words; "" if it is nothing."""
    drops = any(op.hyper.p and not op.hyper.training for op in graph.find(dropout))
    said = ["dropout drops"] if drops else []
    said += ["batch norm normalises by the batch"] if batch_norms_in_training(graph) else []
    return " and ".join(said)


@fix(safe=True)
def switch(finding: Finding) -> tuple[Edit, ...] | None:
    """Puts `eval()` before the evaluation, and `train()` before the training that would stay in that mode."""
    name, resumed = finding.facts.get("network"), finding.facts.get("resumed")
    if finding.site is None or not name:
        return None
    edits = [before_statement(finding.site, f"{name}.eval()", outside=True)]
    if resumed:
        edits.append(before_statement(finding.related[0].site, f"{resumed}.train()"))
    whole = tuple(edit for edit in edits if edit is not None)
    return whole if len(whole) == len(edits) else None
