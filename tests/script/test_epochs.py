"""Loops over epochs: how often, over what, and whether anything in them tells how the training goes."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

HEAD = """
import logging, time, json
import torch
from torch import nn
from torch.utils.data import DataLoader
from tqdm import tqdm
net = nn.Linear(4, 2)
optimizer = torch.optim.Adam(net.parameters())
loader = DataLoader(data, shuffle=True)
logger = logging.getLogger()
losses, history = [], {}
def compute(x, y):
    return nn.functional.cross_entropy(net(x), y)
"""
LOOP = """
for epoch in range(9):
    total = 0.0
    for i, (x, y) in enumerate(loader):
        optimizer.zero_grad()
        loss = compute(x, y)
        loss.backward()
        optimizer.step()
        total += loss.item()
        {inner}
    {outer}
"""


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        ("pass", "pass"),
        ("pass", "print(f'epoch {epoch}')"),
        ("pass", "print('epoch', epoch + 1, time.time())"),
        ("pass", "logger.info('epoch %d', epoch)"),
        ("pass", "torch.save(net.state_dict(), f'{epoch}.pt')"),
        ("pass", "mean = total / len(loader)"),
        ("x.max().sqrt()", "net.eval()"),
        ("if i % 100 == 0: print(i, len(loader))", "pass"),
    ],
)
def test_silent(source: Callable, inner: str, outer: str) -> None:
    (loop,) = source(HEAD + LOOP.format(inner=inner, outer=outer)).recipe.epoch_loops
    assert loop.silent


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        ("pass", "print(total)"),
        ("pass", "print(f'{epoch}: {total / len(loader):.3f}')"),
        ("pass", "print(net.accuracy)"),
        ("pass", "print(compute(x, y))"),
        ("pass", "logger.info('%f', total)"),
        ("pass", "history[epoch] = total"),
        ("losses.append(loss.item())", "pass"),
        ("pass", "report(total)"),
        ("pass", "callback.on_epoch_end()"),
        ("if loss.item() < 0.1: done = True", "pass"),
        ("pass", "self.total = total"),
        ("pass", "json.dump(total, open('x'))"),
    ],
)
def test_not_silent(source: Callable, inner: str, outer: str) -> None:
    (loop,) = source(HEAD + LOOP.format(inner=inner, outer=outer)).recipe.epoch_loops
    assert not loop.silent


def test_trackers_may_hook_themselves_in(source: Callable) -> None:
    (loop,) = source("import mlflow\n" + HEAD + LOOP.format(inner="pass", outer="pass")).recipe.epoch_loops
    assert not loop.silent


@pytest.mark.parametrize(
    ("header", "epochs", "batches"),
    [
        ("for epoch in range(9):\n    for x, y in loader:", 9, "for x, y in loader"),
        ("for ep in tqdm(range(1, 10)):\n    for x, y in tqdm(loader):", 9, "for x, y in tqdm(loader)"),
        ("for fold in folds:\n  for epoch in range(9):\n    for x, y in loader:", 9, "for x, y in loader"),
        ("for _ in range(9):\n    for x, y in loader:", 9, "for x, y in loader"),
        ("for epoch in range(count):\n    for x, y in loader:", None, "for x, y in loader"),
        ("for epoch in range(9):", 9, None),
    ],
)
def test_epochs_and_batches(source: Callable, header: str, epochs: int | None, batches: str | None) -> None:
    read = source(HEAD + f"{header}\n        compute(x, y).backward()")
    (loop,) = read.recipe.epoch_loops
    assert (loop.epochs.value if loop.epochs else None) == epochs
    assert (read.text(loop.batches) if loop.batches else None) == batches


@pytest.mark.parametrize("header", ["for x, y in loader:", "for step in range(9):", "while True:"])
def test_other_loops_are_none_over_epochs(source: Callable, header: str) -> None:
    assert source(HEAD + f"{header}\n    compute(x, y).backward()").recipe.epoch_loops == ()


@pytest.mark.parametrize(
    ("line", "early"),
    [
        ("if total > best: break", True),
        ("for z in other:\n        break", False),
        ("def f(): return 1", False),
        ("pass", False),
    ],
)
def test_loops_that_can_be_left(source: Callable, line: str, early: bool) -> None:
    (loop,) = source(HEAD + LOOP.format(inner="pass", outer=line)).recipe.epoch_loops
    assert loop.stops_early is early


@pytest.mark.parametrize(
    ("before", "call", "samples"),
    [
        ("x = torch.rand(5000, 4)", "net(x)", 5000),
        ("x = torch.rand(5000, 4)", "net(x[batch])", None),
        ("", "net(torch.rand(5000, 4))", None),
        ("x = load()", "net(x)", None),
        ("graph, edges = torch.rand(5000, 4), torch.rand(2, 9)", "net(graph, edges)", None),
    ],
)
def test_steps_that_see_all_samples(source: Callable, before: str, call: str, samples: int | None) -> None:
    text = textwrap.dedent(f"""
    {before}
    for epoch in range(9):
        loss = nn.functional.cross_entropy({call}, y)
        loss.backward()
    """)
    (loop,) = source(HEAD + text).recipe.epoch_loops
    assert (loop.samples.value if loop.samples else None) == samples
