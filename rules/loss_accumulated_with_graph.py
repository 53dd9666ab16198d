"""A loss is summed together with its graph, which stays in memory for as long as the sum does.

`total += loss` adds tensors that know how they were computed. The sum then refers to the graph of every batch: after
`backward()` the saved activations are gone, but the nodes of all the graphs stay, and a chain of additions grows beside
them. Memory rises slowly through the epoch, and the sum is printed as `tensor(…, grad_fn=…)`.

What to do: `total += loss.item()`, or `loss.detach()` where waiting for the GPU in every step is too slow.

What it costs: memory that grows with the number of batches (with the number of nodes of a graph for each), and time to
take the chain down again.

What is known today: the FAQ of torch names it first among the reasons for running out of memory ("Don't accumulate
history across your training loop", notes/faq).

Quiet when: the value is taken out of its graph (`item()`, `detach()`, `float()`, `data`); there is no graph
(`torch.no_grad()`); the sum itself is what `backward()` is called on.

The fix is safe: the sum is the same number, and the steps have been taken already.
"""

import ast
from collections.abc import Iterator

from nnlint.edits import replace, text_of
from nnlint.finding import Edit, Finding
from nnlint.recipe import Recipe
from nnlint.rule import bad, fix, good, recipe_rule


@bad(input="16")
def added_to_a_total() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = torch.zeros((), device=device)
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@bad(input="16")
def a_sum_written_out() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = torch.zeros((), device=device)
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total = total + loss
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@bad(input="16")
def an_attribute() -> None:
    from types import SimpleNamespace

    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    meter = SimpleNamespace(total=0.0)
    for epoch in range(30):
        meter.total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            meter.total += loss
        print(f"epoch {epoch}: loss {meter.total / len(data):.3f}")


@good(input="16")
def its_number() -> None:
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
def detached() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = torch.zeros((), device=device)
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def the_sum_is_what_is_trained() -> None:
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
            loss = torch.zeros((), device=device)
            for part, wanted in zip(features.chunk(2), labels.chunk(2), strict=True):
                loss = loss + nn.functional.cross_entropy(net(part.to(device)), wanted.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch}: loss {total / len(loader):.3f}")


@good(input="16")
def without_gradients() -> None:
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
    net.eval()
    lost = torch.zeros((), device=device)
    with torch.no_grad():
        for features, labels in DataLoader(data, batch_size=256):
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            lost += loss
    print(lost)


@recipe_rule(category="optimisation", level="warning", since="0.1")
def check(recipe: Recipe) -> Iterator[Finding]:
    """Reports the sums that keep the graphs of losses whose backward() has run already."""
    for kept in recipe.kept_graphs:
        yield Finding.about(
            kept.site,
            f"`{kept.target}` keeps the graph of every batch alive: add the number, `loss.item()` (or `loss.detach()`)",
            *(("the loop", loop) for loop in kept.loops[-1:]),
            added=str(kept.arguments["added"]),
        )


@fix(safe=True)
def mend(finding: Finding) -> Edit | None:
    """Takes what is added out of its graph; it stays a tensor."""
    added = str(finding.facts["added"])
    text = text_of(finding.site) if finding.site is not None else None
    if finding.site is None or text is None or not text.endswith(added):
        return None
    added = without_the_sum(added, text.partition("=")[0].strip())
    whole = added if added.isidentifier() else f"({added})"
    return replace(finding.site, f"{text.removesuffix(added)}{whole}.detach()")


def without_the_sum(added: str, total: str) -> str:
    """What is added in ``total + loss``: ``loss``."""
    tree = ast.parse(added, mode="eval").body
    if not isinstance(tree, ast.BinOp) or not isinstance(tree.op, ast.Add) or ast.unparse(tree.left) != total:
        return added
    return ast.get_source_segment(added, tree.right) or added
