"""Determinism is asked for, and an operation of the network has no deterministic form on CUDA.

After `torch.use_deterministic_algorithms(True)` such an operation raises a RuntimeError, most of them in the backward
pass: on the CPU everything works, and the first step on a GPU ends the run.

The tip: ask for deterministic algorithms where a run has to be repeated exactly. Not every operation has one.

What to do: another operation for the same purpose (pool to 1x1, or by a fixed kernel; zeros rather than reflections as
padding; bilinear rather than bicubic); or `warn_only=True`, if small differences between runs are bearable.

What it costs: nothing where another operation serves; with `warn_only=True` the exact repetition.

What is known today: the list is that of `torch.use_deterministic_algorithms` in torch 2.13. Pooling to 1x1 is a mean
and raises nothing, and bilinear and trilinear resizing, though still on the list, have a deterministic form, built from
indexing (`torch.nn.functional.interpolate`).

Quiet when: determinism is not asked for by that function, or with `warn_only`; the file uses no accelerator; the
backward pass does not come to the operation, because nothing before it is trained.
"""

from collections.abc import Iterator
from dataclasses import replace

from nnlint.finding import Finding, Related
from nnlint.graph import Graph, Op
from nnlint.recipe import Recipe
from nnlint.rule import bad, good, recipe_rule

#: operations that raise as they run, and those that raise when they are differentiated, whatever their arguments
_FORWARD = frozenset({"max_unpool1d", "max_unpool2d", "max_unpool3d"})
_BACKWARD = frozenset(
    {"avg_pool3d", "adaptive_max_pool2d", "fractional_max_pool2d", "fractional_max_pool3d", "grid_sample", "ctc_loss"}
)


@bad(input="3x32x32")
def adaptive_pooling() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True)
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(128, 10),
    ).to(device)
    data = TensorDataset(torch.randn(512, 3, 32, 32), torch.randint(10, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@bad(input="3x32x32")
def reflection() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True)
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.ReflectionPad2d(1),
        nn.Conv2d(16, 32, 3, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    ).to(device)
    data = TensorDataset(torch.randn(512, 3, 32, 32), torch.randint(10, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@bad(input="3x32x32")
def bicubic_resizing() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True)
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.Upsample(scale_factor=2, mode="bicubic"),
        nn.Conv2d(32, 10, 1),
    ).to(device)
    data = TensorDataset(torch.randn(512, 3, 32, 32), torch.rand(512, 10, 32, 32))
    loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.binary_cross_entropy_with_logits(net(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="3x32x32")
def pooled_to_one() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True)
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    ).to(device)
    data = TensorDataset(torch.randn(512, 3, 32, 32), torch.randint(10, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="3x32x32")
def bilinear_resizing() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True)
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.Conv2d(32, 10, 1),
    ).to(device)
    data = TensorDataset(torch.randn(512, 3, 32, 32), torch.rand(512, 10, 32, 32))
    loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.binary_cross_entropy_with_logits(net(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="3x32x32")
def warned_only() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(128, 10),
    ).to(device)
    data = TensorDataset(torch.randn(512, 3, 32, 32), torch.randint(10, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="3x32x32")
def not_asked_for() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.benchmark = True
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(128, 10),
    ).to(device)
    data = TensorDataset(torch.randn(512, 3, 32, 32), torch.randint(10, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="3x32x32")
def nothing_trained_before_it() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True)
    net = nn.Sequential(
        nn.ReflectionPad2d(1),
        nn.Conv2d(3, 16, 3, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    ).to(device)
    data = TensorDataset(torch.randn(512, 3, 32, 32), torch.randint(10, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@recipe_rule(category="cuda", level="info", since="0.1", tips=("deterministic-mode",))
def check(recipe: Recipe) -> Iterator[Finding]:
    """Looks through the graphs of a file that asks for deterministic algorithms on a GPU."""
    asked = recipe.flag("torch.use_deterministic_algorithms")
    warned = recipe.may_set("torch.use_deterministic_algorithms.warn_only")
    if asked is None or asked.value is not True or warned or recipe.accelerator is None:
        return
    for graph in recipe.trained_graphs():
        for op in raising(graph):
            here = op.site is not None and op.site.file == recipe.file
            found = op.finding(
                f"{op} ({op.name}) has no deterministic form on CUDA: as that is asked for, training raises here",
                op_name=op.name,
            )
            where = (Related("determinism is asked for", asked.site),)
            yield replace(found, site=found.site if here else asked.site, related=where if here else ())


def raising(graph: Graph) -> Iterator[Op]:
    """The ops that raise when the network is trained, in order."""
    differentiated: set[int] = set()
    for op in graph.ops:
        if any(source.index in differentiated for source in op.inputs) and op.grad:
            differentiated.add(op.index)
            if op.name in _BACKWARD or raises_with_its_arguments(op):
                yield op
        elif any(param.trainable for param in op.params):
            differentiated.add(op.index)
        if op.name in _FORWARD or (op.name == "cumsum" and op.values and op.values[0].dtype.startswith("float")):
            yield op


def raises_with_its_arguments(op: Op) -> bool:
    """Whether an op is of a form that raises when it is differentiated; other forms of it do not."""
    mode = op.hyper.mode
    if op.name in {"adaptive_avg_pool2d", "adaptive_avg_pool3d"}:
        return bool(op.shape) and any(size != 1 for size in op.shape[2 if len(op.shape) > 3 else 1 :])
    if op.name == "interpolate":
        return mode in {"linear", "bicubic"}
    if op.name == "pad":
        return mode == "reflect"
    return op.hyper.padding_mode == "reflect" or (op.name == "embedding_bag" and mode == "max")
