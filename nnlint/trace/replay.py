"""The functions a recorded graph calls beside the network's own: they take structures apart and build them again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from nnlint.trace.templates import Template, tensors_in

__all__ = ["apply", "call", "delete_item", "rebuild", "set_attribute", "set_item", "tensors_in"]


def rebuild(template: Template, *tensors: torch.Tensor) -> Any:
    """The structure a template was made from, with these tensors in it."""
    return template.build(tensors)


def set_item(target: Any, index: Any, value: Any) -> Any:
    """``target[index] = value``, as an expression: the target."""
    target[index] = value
    return target


def delete_item(target: Any, index: Any) -> Any:
    """``del target[index]``, as an expression: the target."""
    del target[index]
    return target


def set_attribute(target: Any, name: str, value: Any) -> Any:
    """``target.name = value``, as an expression: the target."""
    setattr(target, name, value)
    return target


def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call an object that has no name a generated program could call it by."""
    return function(*args, **kwargs)


def apply(function: type[torch.autograd.Function], *args: Any, **kwargs: Any) -> Any:
    """Apply a custom autograd function."""
    return function.apply(*args, **kwargs)
