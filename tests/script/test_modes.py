"""In which mode networks are trained and evaluated: followed through branches, loops and functions."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

HEAD = """
import torch
from torch import nn
from torch.utils.data import DataLoader
net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2))
optimizer = torch.optim.Adam(net.parameters())
train_loader, test_loader = DataLoader(train_data), DataLoader(test_data)
def step(model, loader):
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
@torch.no_grad()
def measure(model, loader):
    for x, y in loader:
        print((model(x).argmax(1) == y).sum())
"""


def modes(source: Callable, text: str) -> dict[str, str | None]:
    """Purpose → mode of the passes of a script, several of one purpose joined by commas."""
    found: dict[str, list[str]] = {}
    for run in source(HEAD + textwrap.dedent(text)).recipe.passes:
        found.setdefault(run.purpose, []).append(str(run.mode))
    return {purpose: ",".join(values) for purpose, values in found.items()}


@pytest.mark.parametrize(
    ("loop", "training", "evaluation"),
    [
        ("net.train(); step(net, train_loader); net.eval(); measure(net, test_loader)", "None", "None"),
        ("step(net, train_loader); measure(net, test_loader)", "None", "train"),
        ("net.train(); step(net, train_loader); measure(net, test_loader)", "None", "train"),
        ("step(net, train_loader); net.eval(); measure(net, test_loader)", "eval", "None"),
        ("step(net, train_loader); net.eval(); measure(net, test_loader); net.train()", "None", "None"),
        ("step(net, train_loader); net.train(False); measure(net, test_loader)", "eval", "None"),
        ("step(net, train_loader); net.train(flag); measure(net, test_loader)", "None", "None"),
        ("step(net, train_loader); other(net); measure(net, test_loader)", "None", "None"),
        ("step(net, train_loader); print(net); measure(net, test_loader)", "None", "train"),
        ("net.train() if flag else net.eval(); step(net, train_loader); measure(net, test_loader)", "None", "None"),
        ("step(net, train_loader)\n    if epoch % 5 == 0: net.eval(); measure(net, test_loader)", "eval", "None"),
        (
            "net.train()\n    step(net, train_loader)\n    if epoch % 5 == 0: net.eval(); measure(net, test_loader)",
            "None",
            "None",
        ),
    ],
)
def test_loops_over_epochs(source: Callable, loop: str, training: str, evaluation: str) -> None:
    assert modes(source, f"for epoch in range(9):\n    {loop}") == {"train": training, "evaluate": evaluation}


def test_a_mode_that_serves_no_evaluation_is_on_purpose(source: Callable) -> None:
    assert modes(source, "net.eval()\nfor epoch in range(9): step(net, train_loader)")["train"] == "None"


def test_training_mode_that_serves_no_training_is_on_purpose(source: Callable) -> None:
    text = """
    for epoch in range(9):
        step(net, train_loader)
    net.train()
    measure(net, test_loader)
    """
    assert modes(source, text)["evaluate"] == "None"


@pytest.mark.parametrize(
    ("made", "mode"),
    [("net.load_state_dict(torch.load('x'))", "train"), ("net = Other.from_pretrained('x')", "None"), ("", "None")],
)
def test_networks_that_are_not_trained(source: Callable, made: str, mode: str) -> None:
    assert modes(source, f"{made}\nmeasure(net, test_loader)")["evaluate"] == mode


def test_functions_that_nobody_calls_know_no_mode(source: Callable) -> None:
    assert modes(source, "") == {"train": "None", "evaluate": "None"}


@pytest.mark.parametrize(
    ("text", "purpose"),
    [
        ("for x, y in test_loader: net(x)", "evaluate"),
        ("for x, y in train_loader: net(x)", None),
        ("for x, y in unknown: net(x)", None),
        ("with torch.no_grad():\n    for x, y in loader: net(x)", "evaluate"),
        ("with torch.no_grad():\n    for x, y in train_loader: net(x)", None),
        ("with torch.no_grad(): net(x_test)", "evaluate"),
        ("with torch.no_grad(): net(noise)", None),
        ("for x, y in train_loader:\n    with torch.no_grad(): net(x)\n    net(x).sum().backward()", "train"),
    ],
)
def test_purposes(source: Callable, text: str, purpose: str | None) -> None:
    head = HEAD[: HEAD.index("def step")]
    found = [run.purpose for run in source(head + text).recipe.passes]
    assert found == ([] if purpose is None else [purpose])


def test_where_the_training_would_go_on(source: Callable) -> None:
    read = source(HEAD + "for epoch in range(9):\n    step(net, train_loader)\n    measure(net, test_loader)")
    run = next(run for run in read.recipe.passes if run.purpose == "evaluate")
    assert run.resumes is not None
    assert (run.resumes.target, read.text(run.resumes.site)) == ("model", "for x, y in loader")
    assert (run.expression, run.grad, read.text(run.loop)) == ("model", False, "for x, y in loader")


def test_within_a_batch_the_training_goes_on_at_the_call(source: Callable) -> None:
    read = source(
        HEAD
        + textwrap.dedent("""
        net.train()
        for x, y in train_loader:
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            net.eval()
            measure(net, test_loader)
        """)
    )
    run = next(run for run in read.recipe.passes if run.purpose == "train" and run.mode == "eval")
    assert run.resumes is not None and run.set_by is not None
    assert (read.text(run.resumes.site), read.text(run.set_by)) == ("net(x)", "net.eval()")


def test_a_network_of_unknown_make_that_is_handed_on(source: Callable) -> None:
    read = source("""
    import torch
    from tools import eval_mode
    class Fitting:
        def __init__(self, model, loader):
            self.model, self.loader = model, loader
        def fit(self, loader, test_loader):
            optimizer = torch.optim.Adam(self.model.parameters())
            self.model.train()
            for x, y in loader:
                self.model(x).sum().backward()
                optimizer.step()
            with eval_mode(self.model):
                for x, y in test_loader:
                    print(self.model(x))
    """)
    assert [(run.purpose, run.mode) for run in read.recipe.passes] == [("train", None), ("evaluate", None)]
