"""Which modules are one operation, and which are entered."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import nn

#: where torch keeps modules whose forward is one operation
_LAYERS = ("torch.nn.modules.", "torch.ao.nn.", "torch.nn.quantized", "torch.nn.intrinsic")
#: files of torch.nn.modules whose modules are made of other modules
_COMPOSITE = frozenset({"torch.nn.modules.container", "torch.nn.modules.transformer", "torch.nn.modules.module"})


def is_leaf(module: nn.Module) -> bool:
    """Whether a module is recorded as one operation: a plain torch layer, or a subclass that computes what it does.

    A forward of the user's own (in the class or set on the instance) is entered, and so are torch's containers and
    transformer layers. A scripted or traced module runs in C++, where nothing can be recorded.
    """
    cls: Any = type(module)
    if issubclass(cls, torch.jit.ScriptModule):
        return True
    return "forward" not in module.__dict__ and _is_layer(cls)


@functools.cache
def _is_layer(cls: Any) -> bool:
    for method in ("forward", "_conv_forward"):
        home = getattr(getattr(cls, method, None), "__module__", None)
        if home is None:
            continue
        if home in _COMPOSITE or not f"{home}.".startswith(_LAYERS):
            return False
    return True


def unwrapped(module: nn.Module) -> nn.Module:
    """The network inside data-parallel and compiled wrappers."""
    while True:
        if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
            module = module.module
        elif type(module).__name__ == "OptimizedModule" and isinstance(module._modules.get("_orig_mod"), nn.Module):
            module = module._orig_mod  # type: ignore[assignment]
        else:
            return module
