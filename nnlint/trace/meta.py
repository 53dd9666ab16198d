"""Shapes on the meta device without torch's own shape kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


class Rules:
    """Results of layers and functions on meta tensors."""

    def moved(
        self, thing: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], found: list[torch.Tensor]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return args, kwargs

    def layer(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return None

    def function(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return None
