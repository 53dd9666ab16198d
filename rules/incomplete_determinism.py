"""Determinism is asked for, but something that a repeated run depends on is left to chance.

Two runs are equal if every generator that is drawn from starts from a seed and every operation is deterministic.
`torch.use_deterministic_algorithms` and `cudnn.deterministic` see to the operations only; without a seed the weights
and the order of the batches differ already. And `cudnn.deterministic` speaks for cuDNN alone: other operations add in
whatever order the GPU has them.

The tip: ask for deterministic algorithms where a run has to be repeated exactly.

What to do: `torch.manual_seed(0)`, which seeds all devices; `random.seed(0)` and `numpy.random.seed(0)` where those are
drawn from; and `torch.use_deterministic_algorithms(True)`, which raises where an operation has no deterministic form.

What it costs: a seed costs nothing; deterministic operations may be slower.

What is known today: the workers of a `DataLoader` derive their seeds, those of `random` and `numpy` included, from
that of torch, so `torch.manual_seed` reaches them. Up to torch 2.9 cuBLAS also wanted the variable
`CUBLAS_WORKSPACE_CONFIG`; the documentation of `torch.use_deterministic_algorithms` in 2.13 no longer names it. Across
versions, machines and devices nothing is promised (notes/randomness).

Quiet when: determinism is not asked for; the file speaks of a seed in any way; only generators that have a seed are
drawn from; the networks have none of the operations that need more than cuDNN.
"""

from collections.abc import Iterator
from typing import Any

from nnlint.finding import Finding
from nnlint.graph import Op
from nnlint.recipe import Recipe
from nnlint.rule import bad, good, recipe_rule
from nnlint.site import Fact

#: functions that seed every generator
_ALL = ("seed_everything", "set_seed", "seed_all", "set_random_seed")
#: generators of one's own, which are given a seed where they are made
_OWN_SEED = frozenset({"default_rng", "Generator", "RandomState", "Random", "SystemRandom", "getstate", "get_state"})
#: ops outside cuDNN that add up in any order, unless torch itself is told to be deterministic
_UNORDERED = frozenset(
    {"scatter_add", "scatter_reduce", "index_add", "grid_sample", "ctc_loss", "fractional_max_pool2d", "max_pool3d"}
)


@bad(input="3x32x32")
def no_seed() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
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


@bad(input="3x32x32")
def cudnn_alone() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
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
def another_generator() -> None:
    import random

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
            flipped = images.flip(3) if random.random() < 0.5 else images
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(flipped.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="3x32x32")
def everything() -> None:
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
def cudnn_for_convolutions() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
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
def every_generator() -> None:
    import random

    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    random.seed(0)
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
            flipped = images.flip(3) if random.random() < 0.5 else images
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(flipped.to(device)), labels.to(device))
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
    """Compares what is asked for with the seeds that are set and the operations that run."""
    algorithms = recipe.flag("torch.use_deterministic_algorithms")
    switches = (algorithms, recipe.flag("cudnn.deterministic"))
    facts = [fact for fact in switches if fact is not None and fact.value is True]
    if not facts or not recipe.optimizers:
        return
    if recipe.seeded is None and recipe.framework is None:
        message = "determinism is asked for without a seed: call torch.manual_seed(0) before anything is built"
        yield Finding.about(facts[0], message)
        return
    yield from unseeded(recipe, facts[0])
    unordered = [op for graph in recipe.trained_graphs() for op in graph.ops if is_unordered(op)]
    if unordered and not recipe.may_set("torch.use_deterministic_algorithms"):
        yield Finding.about(
            facts[0],
            f"cudnn.deterministic speaks for cuDNN alone, and {unordered[0]} ({unordered[0].name}) adds in any order "
            "on CUDA: torch.use_deterministic_algorithms(True) sees to all operations",
            *((("the operation", unordered[0].site),) if unordered[0].site is not None else ()),
            op_name=unordered[0].name,
        )


def unseeded(recipe: Recipe, asked: Fact[Any]) -> Iterator[Finding]:
    """The generators that are drawn from and have no seed, in files that set seeds themselves."""
    seeds = {call.target for call in recipe.seeds}
    if not seeds or any(seed.endswith(_ALL) for seed in seeds):
        return
    for library in ("random", "numpy.random"):
        calls = [call for call in recipe.draws if call.target.rpartition(".")[0] == library]
        drawn = [call for call in calls if call.target.rpartition(".")[2] not in _OWN_SEED]
        if drawn and f"{library}.seed" not in seeds:
            yield Finding.about(
                asked,
                f"determinism is asked for, and {drawn[0].target} draws from a generator without a seed: call "
                f"{library}.seed(0)",
                ("the draw", drawn[0].site),
            )


def is_unordered(op: Op) -> bool:
    """Whether the gradients of an op are added in whatever order the GPU has them, cuDNN having no part in it."""
    if op.name in {"pad", "interpolate"}:
        return op.hyper.mode in {"reflect", "replicate", "linear", "bilinear", "bicubic", "trilinear"}
    return op.name in _UNORDERED
