"""``summary.json``: a run in one object, from which it can be repeated, compared, resumed and drawn again."""

from __future__ import annotations

import platform
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import nn

from nnlint import __version__
from nnlint.errors import UsageError
from nnlint.train.checkpoint import digest
from nnlint.train.config import TrainConfig
from nnlint.train.data.model import Arrays, Data, Split
from nnlint.train.log import jsonable
from nnlint.train.objective import Objective
from nnlint.train.results import Trained

#: knobs that may be others when a run goes on: where it runs and how long, not what it computes
_MAY_CHANGE = {"epochs", "device", "threads", "workers", "compile"}
#: knobs that several options turn
_OPTIONS = {"mode": "--speed or --repro: the mode"}
_MUST_STAY = {
    "data": ("name", "task", "shape", "outputs", "classes", "samples", "digest"),
    "network": ("target", "name", "outputs", "parameters", "layout"),
    "objective": ("loss",),
}
#: what it means that a digest is another one
_DIGESTS = {"digest": "other values by the same name", "layout": "its parameters have other names or shapes"}


def summary_of(
    config: TrainConfig,
    data: Data,
    objective: Objective,
    network: Mapping[str, Any],
    trained: Trained | None = None,
    *,
    asked: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """A run as plain values.

    Args:
        network: what is to be known of it: target, name, outputs, parameters, notes.
        trained: what came of it; None while it is under way.
        asked: which data were asked for, and how: a run that goes on asks for the same.
    """
    return {
        "nnlint": __version__,
        "ending": trained.ending if trained else "under way",
        "reason": trained.reason if trained else "",
        "config": asdict(config) | {"lr": config.rate, "weight_decay": config.decay, "schedule": config.course},
        "asked": dict(asked),
        "network": dict(network),
        "data": described(data),
        "objective": {"loss": objective.loss_name, "why": objective.why, "metric": objective.metric},
        "results": _results(trained) if trained else None,
        "facts": dict(trained.facts) if trained else {},
        "versions": {
            "nnlint": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "platform": platform.platform(),
        },
    }


def described(data: Data) -> dict[str, Any]:
    """What the data are, with a digest that tells other data by the same name apart."""
    return {
        "name": data.name,
        "source": data.source,
        "task": data.task,
        "shape": list(data.shape),
        "outputs": data.outputs,
        "classes": list(data.classes),
        "samples": {"train": _count(data.train), "val": _count(data.val), "test": _count(data.test)},
        "digest": digest([data.mean, data.std, data.target_mean, data.target_std]),
        "notes": list(data.notes),
    }


def layout(net: nn.Module) -> str:
    """A digest of the names and shapes of parameters and buffers: what a checkpoint fits."""
    return digest([(name, getattr(value, "shape", ())) for name, value in net.state_dict().items()])


def check_same(
    before: Mapping[str, Any], config: TrainConfig, data: Data, objective: Objective, network: Mapping[str, Any]
) -> None:
    """Whether a run can go on with what is asked for now.

    Args:
        before: the summary of the run as it was begun; the rest as for `summary_of`.

    Raises:
        UsageError: recipe, data, loss or network are others; each difference is named.
    """
    now = jsonable(summary_of(config, data, objective, network))
    differences = [
        f"{_OPTIONS.get(knob) or '--' + knob.replace('_', '-')} {_was(then, value)}"
        for knob, then, value in _other(before, now, "config", set(now["config"]) - _MAY_CHANGE)
    ]
    epochs = before.get("config", {}).get("epochs")
    if config.course == "one-cycle" and epochs != config.epochs:
        differences.append(f"--epochs {_was(epochs, config.epochs)}: the cycle of the learning rate had that many")
    for part, keys in _MUST_STAY.items():
        for key, then, value in _other(before, now, part, keys):
            differences.append(f"{part}: {_DIGESTS.get(key) or f'{key} {_was(then, value)}'}")
    if differences:
        raise UsageError(
            f"this run was begun otherwise: {'; '.join(differences)}",
            where="--resume",
            help="give the options it was begun with, or start anew without `--resume`",
        )


def _other(
    before: Mapping[str, Any], now: Mapping[str, Any], part: str, keys: Collection[str]
) -> Iterator[tuple[str, Any, Any]]:
    """The keys of a part whose values differ, in the order they are written, with both values."""
    then = before.get(part) or {}
    return ((key, then.get(key), value) for key, value in now[part].items() if key in keys and then.get(key) != value)


def _results(trained: Trained) -> dict[str, Any]:
    plain = asdict(trained)
    return {key: value for key, value in plain.items() if key not in {"ending", "reason", "facts"}}


def _count(split: Split | None) -> int | None:
    if split is None:
        return None
    return len(split) if isinstance(split, Arrays) else split.samples


def _was(then: Any, now: Any) -> str:
    return f"was {_shown(then)} and is {_shown(now)}"


def _shown(value: Any) -> str:
    if value in (None, [], ""):
        return "not given"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
