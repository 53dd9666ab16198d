"""``nnlint new NAME``: a rule file to start from, whose examples pass as they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from nnlint.errors import UsageError

_GRAPH = '''"""A linear layer is wider than this project allows.

Say why the fault is bad, in prose.

What to do: say it.

What it costs: say it, or leave it out.

What is known today: with references.

Quiet when: the layer is the last one.
"""

from collections.abc import Iterator

from torch import nn

from nnlint.finding import Finding
from nnlint.graph import Graph
from nnlint.kinds import linear
from nnlint.rule import bad, good, graph_rule


@bad(input="16")
def too_wide() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 8192), nn.ReLU(inplace=True), nn.Linear(8192, 10))


@good(input="16")
def narrow_enough() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 64), nn.ReLU(inplace=True), nn.Linear(64, 10))


@graph_rule(category="house", level="warning", since="0.1")
def check(graph: Graph, *, most: int = 4096) -> Iterator[Finding]:
    """Compares the width of every linear layer with the option ``most``."""
    for layer in graph.find(linear):
        width = layer.hyper.out_channels
        if width is not None and width > most and list(layer.ahead(past=~linear)):
            yield layer.finding(f"{layer} is {width} wide, more than {most}", width=width)
'''

_RECIPE = '''"""A script trains longer than this project allows.

Say why the fault is bad, in prose.

What to do: say it.

What it costs: say it, or leave it out.

What is known today: with references.

Quiet when: the number of epochs is not stated.
"""

from collections.abc import Iterator

from nnlint.finding import Finding
from nnlint.recipe import Recipe
from nnlint.rule import bad, good, recipe_rule


@bad()
def a_thousand_epochs() -> None:
    import torch
    from torch import nn

    net = nn.Linear(16, 2)
    optimizer = torch.optim.AdamW(net.parameters())
    for epoch in range(1000):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(torch.rand(64, 16)), torch.randint(2, (64,)))
        loss.backward()
        optimizer.step()
        print(epoch, loss.item())


@good()
def thirty_epochs() -> None:
    import torch
    from torch import nn

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Linear(16, 2).to(device)
    optimizer = torch.optim.AdamW(net.parameters())
    for epoch in range(30):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(torch.rand(64, 16, device=device)), torch.zeros(64).long().to(device))
        loss.backward()
        optimizer.step()
        print(epoch, loss.item())


@recipe_rule(category="house", level="warning", since="0.1")
def check(recipe: Recipe, *, most: int = 500) -> Iterator[Finding]:
    """Compares the number of epochs with the option ``most``."""
    if recipe.epochs is not None and recipe.epochs.value > most:
        epochs = recipe.epochs.value
        yield Finding.about(recipe.epochs, f"{epochs} epochs, more than {most}", epochs=epochs)
'''


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The rule's name: states the fault, wide-linear-layer.")],
    folder: Annotated[Path, typer.Option("--in", metavar="FOLDER", help="Where to write it.")] = Path("lint_rules"),
    recipe: Annotated[bool, typer.Option("--recipe", help="A rule on the training, not on the network.")] = False,
) -> int:
    """Write a rule file to start from."""
    from nnlint.registry import list_rules

    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", name):
        advice = "it states the fault and reads well after 'allow': wide-linear-layer"
        raise UsageError(
            f"a rule's name is lower-case words with hyphens, found {name!r}", where="nnlint new", help=advice
        )
    if name in list_rules().by_name():
        raise UsageError(f"there is a rule {name!r} already", where="nnlint new")
    file = folder / f"{name.replace('-', '_')}.py"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as stream:
            stream.write(_RECIPE if recipe else _GRAPH)
    except FileExistsError as error:
        raise UsageError("this file exists already", where=str(file)) from error
    except OSError as error:
        raise UsageError(f"cannot write: {error.strerror}", where=str(file)) from error
    print(f"wrote {file}: change its text, examples and check")
    print(f'use it: local-rules = ["{folder.as_posix()}"] in [tool.nnlint] of pyproject.toml')
    print(f'test it: for case in nnlint.testing.cases("{folder.as_posix()}"): case.check()')
    return 0
