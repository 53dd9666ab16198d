"""Comparing what two runs returned, and a model before and after it was handed over."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import torch
from torch import nn

_PLAIN = (torch.Tensor, int, float, complex, bool, str, bytes, type(None), torch.dtype, torch.device)


def leaves(value: Any) -> Iterator[tuple[str, Any]]:
    """Every tensor and plain value inside a result with the path to it; a container gives its type."""
    yield from _leaves(value, "", set())


def _leaves(value: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, _PLAIN):
        yield path, value
        return
    if id(value) in seen:
        return
    seen.add(id(value))
    yield path, type(value)
    for key, part in _parts(value):
        yield from _leaves(part, f"{path}.{key}", seen)


def _parts(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from enumerate(value)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from ((field.name, getattr(value, field.name, None)) for field in fields(value))
    elif (
        not isinstance(value, nn.Module | type) and not callable(value) and not type(value).__name__.endswith("Config")
    ):
        yield from vars(value).items() if hasattr(value, "__dict__") else ()


def difference(got: Any, expected: Any) -> tuple[float, str | None]:
    """The largest absolute difference between two results, and the first thing that is not equal (None: equal)."""
    largest = 0.0
    mine, theirs = list(leaves(got)), list(leaves(expected))
    if [path for path, _ in mine] != [path for path, _ in theirs]:
        return float("inf"), f"structure: {_first_unlike(mine, theirs)}"
    for (path, a), (_, b) in zip(mine, theirs, strict=True):
        if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
            try:
                torch.testing.assert_close(a, b, equal_nan=True)
            except AssertionError as error:
                return float("inf"), f"result{path}: {' '.join(str(error).split())[:160]}"
            if a.numel() and a.is_floating_point():
                largest = max(largest, (a - b).nan_to_num().abs().max().item())
        elif type(a) is not type(b) or (a != b and not _both_nan(a, b)):
            return float("inf"), f"result{path}: {a!r} instead of {b!r}"
    return largest, None


def _both_nan(a: Any, b: Any) -> bool:
    return isinstance(a, float) and math.isnan(a) and math.isnan(b)


def _first_unlike(mine: list[tuple[str, Any]], theirs: list[tuple[str, Any]]) -> str:
    for (path, a), (other, b) in zip(mine, theirs, strict=False):
        if path != other or type(a) is not type(b):
            return f"result{path} ({type(a).__name__}) instead of result{other} ({type(b).__name__})"
    return f"{len(mine)} parts instead of {len(theirs)}"


@dataclass(frozen=True)
class State:
    """Everything of a model (and of the random generators) that recording must leave alone."""

    tensors: dict[str, torch.Tensor]
    modules: dict[str, tuple[Any, ...]]
    generators: tuple[Any, ...]

    @classmethod
    def of(cls, model: nn.Module) -> State:
        """A copy of the state of now."""
        import numpy

        tensors = dict(model.named_parameters(remove_duplicate=False)) | dict(
            model.named_buffers(remove_duplicate=False)
        )
        return cls(
            {name: tensor.detach().clone() for name, tensor in tensors.items()},
            {name: _facts(module) for name, module in model.named_modules(remove_duplicate=False)},
            (torch.get_rng_state(), random.getstate(), repr(numpy.random.get_state())),
        )

    def changed(self, later: State) -> str | None:
        """What is not as it was, or None."""
        if self.tensors.keys() != later.tensors.keys():
            return f"parameters or buffers: {sorted(self.tensors.keys() ^ later.tensors.keys())[:3]}"
        for name, tensor in self.tensors.items():
            if not torch.equal(tensor.nan_to_num(), later.tensors[name].nan_to_num()):
                return f"the values of {name}"
        for name, facts in self.modules.items():
            if facts != later.modules.get(name):
                return f"module {name or '(root)'}: {facts} is now {later.modules.get(name)}"
        if not torch.equal(self.generators[0], later.generators[0]) or self.generators[1:] != later.generators[1:]:
            return "a random generator"
        return None


def _facts(module: nn.Module) -> tuple[Any, ...]:
    hooks = tuple(len(value) for name, value in sorted(vars(module).items()) if name.endswith("_hooks"))
    grads = tuple((p.requires_grad, p.grad is None) for p in module.parameters(recurse=False))
    return type(module).__name__, module.training, hooks, grads, tuple(sorted(vars(module)))
