"""The targets are not of the output's shape, and the loss compares every sample with every other.

A network with one output unit gives a column, (N, 1), and the targets of a batch are often a row of numbers, (N,). A
loss that works element by element broadcasts the two to (N, N): each prediction is compared with the targets of all
samples, and the best the network can do is to predict their mean. It trains without an error, only a warning.
`BCELoss` and its version with logits raise instead.

What to do: bring both to one shape: `targets.unsqueeze(1)`, or `output.squeeze(1)` (with the axis: a bare `squeeze()`
also takes the batch away where it has one sample).

What it costs: everything the network was to learn, and N times the memory of the loss.

What is known today: torch warns that a target size that is different to the input size will likely lead to incorrect
results due to broadcasting.

Quiet when: the shape of the output or of the targets is not known for certain; the target is a single number for the
whole batch.

The fix is unsafe: it adds the axis to the targets, or takes it away; the loss is another one then, which is the point.
"""

import ast
from collections.abc import Iterator

from nnlint.edits import replace, text_of
from nnlint.finding import Edit, Finding
from nnlint.graph import Shape
from nnlint.kinds import Kind
from nnlint.recipe import Loss, Recipe
from nnlint.rule import bad, fix, good, recipe_rule
from nnlint.structure import applied_loss

broadcasting = Kind.of("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
raising = Kind.of("binary_cross_entropy", "binary_cross_entropy_with_logits")


@bad(input="8")
def numbers_of_a_batch() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 1))
    loader = DataLoader(TensorDataset(torch.randn(512, 8), torch.randn(512)), batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for features, targets in loader:
        loss = nn.functional.mse_loss(net(features), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@bad(input="8")
def all_the_data_at_once() -> None:
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.out = nn.Linear(8, 32), nn.Linear(32, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.out(torch.relu(self.hidden(x)))
            return out

    features, targets = torch.randn(100, 8), torch.randn(100)
    net, criterion = Net(), nn.SmoothL1Loss()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for _ in range(100):
        optimizer.zero_grad()
        criterion(net(features), targets).backward()
        optimizer.step()


@bad(input="8")
def column_of_targets() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 1))
    loader = DataLoader(TensorDataset(torch.randn(512, 8), torch.randn(512, 1)), batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for features, targets in loader:
        loss = nn.functional.l1_loss(net(features).squeeze(1), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@bad(input="8")
def classes_of_a_batch() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 1))
    loader = DataLoader(TensorDataset(torch.randn(512, 8), torch.ones(512)), batch_size=64, shuffle=True)
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for features, targets in loader:
        loss = criterion(net(features), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@good(input="8")
def axis_added_to_the_targets() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 1)).to(device)
    data = TensorDataset(torch.randn(512, 8), torch.randn(512))
    train_loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, targets in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(features.to(device)), targets.to(device).unsqueeze(1))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(targets)
        print(f"epoch {epoch}: loss {total / len(data):.4f}")


@good(input="8")
def axis_taken_from_the_output() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 1)).to(device)
    data = TensorDataset(torch.randn(512, 8), torch.randn(512))
    train_loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, targets in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(features.to(device)).squeeze(1), targets.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(targets)
        print(f"epoch {epoch}: loss {total / len(data):.4f}")


@good(input="8")
def one_number_for_the_batch() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 1)).to(device)
    data = TensorDataset(torch.randn(512, 8), torch.randn(512))
    train_loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, targets in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(features.to(device)), torch.zeros(1, device=device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(targets)
        print(f"epoch {epoch}: loss {total / len(data):.4f}")


@good(input="8")
def a_shape_that_is_not_known() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 1)).to(device)
    data = TensorDataset(torch.randn(512, 8), torch.randn(512))
    train_loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, targets in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(features.to(device)).view(len(targets)), targets.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(targets)
        print(f"epoch {epoch}: loss {total / len(data):.4f}")


@recipe_rule(category="loss", level="error", since="0.1")
def check(recipe: Recipe) -> Iterator[Finding]:
    """Compares the shapes of the output and of the targets of every loss that works element by element."""
    for loss in recipe.losses:
        op = applied_loss(recipe, loss) if loss.name in broadcasting | raising else None
        targets = sample_shape(recipe, loss)
        if op is None or targets is None or loss.targets is None:
            continue
        output = op.in_shape[1:]
        if len(op.in_shape) not in (1, 2) or {output, targets} != {(), (1,)}:
            continue
        become = "raises" if op in raising else "compares every sample with every other, (N, N)"
        yield Finding.about(
            loss.targets,
            f"targets of shape {written(targets)} against an output of shape {written(output)}: {loss.name} {become}",
            ("loss", loss.call_site),
            add=targets == (),
        )


def written(sample: Shape) -> str:
    """The shape of a batch of samples, in words."""
    return "(N,)" if sample == () else f"(N, {', '.join(map(str, sample))})"


def sample_shape(recipe: Recipe, loss: Loss) -> Shape | None:
    """The shape of the target of one sample, where it is certain."""
    if loss.target_shape is not None:
        return loss.target_shape[1:] if loss.target_shape and loss.target_shape[0] > 1 else None
    found = {of_loader(recipe, number, loss.target_part) for number in loss.loaders}
    return found.pop() if len(found) == 1 else None


def of_loader(recipe: Recipe, number: int, part: tuple[int | str, ...] | None) -> Shape | None:
    """The shape of a part of one sample of a loader's `TensorDataset`."""
    loader = recipe.loaders[number]
    if loader.data is None or loader.collate is not None or part is None or len(part) != 1:
        return None
    key, tensors = part[0], loader.data.value.tensors
    shape = tensors[key] if isinstance(key, int) and -len(tensors) <= key < len(tensors) else None
    return shape[1:] if shape else None


@fix(safe=False)
def same_shape(finding: Finding) -> Edit | None:
    """Adds the axis to the targets, or takes it away."""
    text = text_of(finding.site) if finding.site is not None else None
    if finding.site is None or text is None or not is_primary(text):
        return None
    return replace(finding.site, f"{text}.{'unsqueeze' if finding.facts['add'] else 'squeeze'}(1)")


def is_primary(text: str) -> bool:
    """Whether a method can be called on an expression as it is written."""
    return isinstance(ast.parse(f"({text})", mode="eval").body, ast.Name | ast.Attribute | ast.Subscript | ast.Call)
