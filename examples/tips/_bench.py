"""One pair of trainings: the network that follows a tip and the one that departs from it, from the same seed.

What makes a pair fair is `nnlint compare`'s: first weights that are alike wherever they can be, the same samples in the
same order, random numbers from one seed, alternating turns. Only what an experiment names is different.
"""

from __future__ import annotations

import ast
import hashlib
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from _data import some
from _experiments import EXPERIMENTS, Experiment, Side
from torch import Tensor, nn
from torch.nn import functional as F

from nnlint.adapt.adapt import adapt_all
from nnlint.adapt.model import Adapted, NetworkSource
from nnlint.compare.cost import Bytes, peak_bytes
from nnlint.compare.model import Pair
from nnlint.compare.runs import built, copy_weights
from nnlint.train.batches import training
from nnlint.train.config import TrainConfig
from nnlint.train.data.load import load_data
from nnlint.train.data.model import Data
from nnlint.train.data.view import viewed
from nnlint.train.distributed import ALONE
from nnlint.train.hardware import prepared
from nnlint.train.loop import train
from nnlint.train.objective import Objective, objective_for
from nnlint.train.results import Trained
from nnlint.train.rng import seed_everything

HERE = Path(__file__).parent
BY_NAME = {experiment.name: experiment for experiment in EXPERIMENTS}


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """An experiment, opened: its data and its two networks, departing and following."""

    data: Data
    adapted: tuple[Adapted, Adapted]


@lru_cache(maxsize=1)
def opened(name: str) -> Bench:
    """Load the data and the networks of an experiment.

    Raises:
        NnlintError: if one of them cannot be loaded, or they do not fit.
    """
    experiment = BY_NAME[name]
    size = (experiment.side, experiment.side) if experiment.side else None
    data = load_data(experiment.data, size=size)
    sides = (experiment.departing, experiment.following)
    sources = [NetworkSource(f"{HERE / experiment.file}:{side.network}", label=side.label) for side in sides]
    departing, following = adapt_all(sources, data, size=size)
    view = following.view
    return Bench(viewed(data, view.channels, view.size), (departing, following))


def recipe(experiment: Experiment, side: Side, optimizer: str, seed: int, epochs: int | None = None) -> TrainConfig:
    """The recipe of a side; ``epochs`` cuts it short."""
    settings: dict[str, Any] = {"epochs": experiment.epochs, "optimizer": optimizer} | dict(side.changes)
    if optimizer == "own":
        settings["optimizer"] = side.changes["optimizer"]
    if epochs is not None:
        settings["epochs"] = min(epochs, settings["epochs"])
    return TrainConfig(**settings, seed=seed, device="cpu", threads=1)


def objective(side: Side, adapted: Adapted, data: Data) -> Objective:
    """The loss of a side: what it asks for, or what fits its network.

    Beside the trainer's own there are ``l1_loss``, and ``squared_error`` of classes, summed over them: torch's mean
    would make every gradient smaller by their number, and SGD ten times as slow.
    """
    if side.loss == "l1_loss":
        squared = objective_for(data, adapted.head, adapted.outputs)
        return replace(squared, loss=lambda answers, targets: F.l1_loss(answers.reshape(targets.shape), targets))
    if side.loss == "squared_error":
        mean = objective_for(data, adapted.head, adapted.outputs, asked="mse_loss")
        return replace(mean, loss=lambda answers, targets: adapted.outputs * mean.loss(answers, targets))
    return objective_for(data, adapted.head, adapted.outputs, asked=side.loss)


def pair(name: str, optimizer: str, seed: int, epochs: int | None = None) -> Pair:
    """Train both sides of an experiment from one seed.

    Args:
        optimizer: a key of the experiment's recipes.
        epochs: at most so many, to see whether it works.
    """
    experiment, bench = BY_NAME[name], opened(name)
    sides = (experiment.departing, experiment.following)
    few = some(bench.data, experiment.samples, seed)
    first = built(bench.adapted[0], seed)
    done: dict[int, Trained] = {}
    turns = (0, 1) if seed % 2 == 0 else (1, 0)
    for i in turns:
        net = built(bench.adapted[i], seed)
        if i == 1:
            copy_weights(first, net)
        data = few if (shown := sides[i].shown) is None else shown(few, seed)
        judge = objective(sides[i], bench.adapted[i], data)
        config = recipe(experiment, sides[i], optimizer, seed, epochs)
        seed_everything(seed)
        done[i] = train(net, data, judge, config)
    return Pair(seed, done[0], done[1], "AB" if turns == (0, 1) else "BA")


def described(name: str, optimizer: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What departing and following cost, apart from time.

    Returns:
        for each: ``params``; ``macs`` of a sample; the most bytes of a training step, ``peak_bytes`` (None where a step
        cannot be made), and of a forward pass, ``answer_bytes``.
    """
    experiment, bench = BY_NAME[name], opened(name)
    few = some(bench.data, experiment.samples, 0)
    found = []
    for side, adapted in zip((experiment.departing, experiment.following), bench.adapted, strict=True):
        data = few if side.shown is None else side.shown(few, 0)
        judge = objective(side, adapted, data)
        config = recipe(experiment, side, optimizer, 0)
        with prepared(config, image_like=len(data.shape) == 3) as hardware:
            inputs, targets, _ = next(iter(training(data, config, hardware, ALONE).epoch(0)))
            try:
                peak = peak_bytes(built(adapted, 0), inputs.clone(), targets.clone(), judge.loss, config)
            except RuntimeError:  # an experiment may be on a loss that cannot be computed
                peak = None
            answering = answer_bytes(built(adapted, 0), inputs.clone())
        found.append({"params": adapted.params, "macs": adapted.macs, "peak_bytes": peak, "answer_bytes": answering})
    return found[0], found[1]


def answer_bytes(net: nn.Module, inputs: Tensor) -> int:
    """The most bytes that the tensors of a forward pass in evaluation mode take, weights included."""
    net.eval()
    with torch.no_grad(), Bytes([*net.parameters(), *net.buffers(), inputs]) as count:
        net(inputs)
    return count.peak


def summary(runs: Sequence[Trained], about: Mapping[str, Any]) -> dict[str, Any]:
    """The runs of one side, as they are kept: numbers and words alone."""
    seconds = [run.seconds for run in runs if run.ending == "finished"]
    return {
        "scores": [run.score for run in runs],
        "endings": [run.ending for run in runs],
        "reason": next((run.reason for run in runs if run.ending != "finished"), ""),
        "baseline": next((run.baseline for run in runs), None),
        "steps": max(run.steps for run in runs),
        # of a whole training: the median over the seeds
        "seconds": round(statistics.median(seconds), 4) if seconds else None,
        **about,
    }


def fingerprint(experiment: Experiment, optimizer: str, seeds: int) -> str:
    """Changes when the experiment's code or settings do, so that what was measured before does not stand for it."""
    sides = [
        (side.label, side.network, side.loss, side.shown.__name__ if side.shown else "")
        for side in (experiment.departing, experiment.following)
    ]
    recipes = [recipe(experiment, side, optimizer, 0) for side in (experiment.departing, experiment.following)]
    shown = any(side.shown for side in (experiment.departing, experiment.following))
    code = [_code(HERE / name) for name in (experiment.file, *(["_data.py"] if shown else []))]
    what = repr((code, sides, recipes, experiment.data, experiment.side, experiment.samples, seeds))
    return hashlib.sha256(what.encode()).hexdigest()[:16]


def _code(file: Path) -> str:
    """What a file does, without its docstrings, comments and layout: what they say changes no number."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.unparse(tree)
