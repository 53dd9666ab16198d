"""Which modules of a network take another way in training than in evaluation, told from their code."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from types import CodeType
from weakref import WeakKeyDictionary

from torch import nn

_KNOWN: WeakKeyDictionary[type[nn.Module], bool] = WeakKeyDictionary()
#: what may stand between the reading of the mode and the jump that it decides
_BETWEEN = frozenset({"UNARY_NOT", "TO_BOOL", "COPY", "CACHE", "NOP", "EXTENDED_ARG"})


def modal_modules(model: nn.Module) -> tuple[str, ...]:
    """The paths of the modules, torch's own left out, whose ``forward`` has a condition on ``self.training``.

    ``F.dropout(x, training=self.training)`` is none: the mode is handed on, and the way is the same.
    """
    return tuple(path for path, module in model.named_modules() if _is_modal(type(module)))


def _is_modal(cls: type[nn.Module]) -> bool:
    known = _KNOWN.get(cls)
    if known is None:
        foreign = not cls.__module__.startswith("torch.")
        known = _KNOWN[cls] = foreign and any(_decides_by_mode(code) for code in _codes(cls))
    return known


def _codes(cls: type[nn.Module]) -> Iterator[CodeType]:
    """The code of ``forward`` and of the methods that it names, directly or through others."""
    waiting, seen = ["forward"], {"forward"}
    while waiting:
        code = getattr(getattr(cls, waiting.pop(), None), "__code__", None)
        if not isinstance(code, CodeType):
            continue
        yield code
        called = [name for name in code.co_names if name not in seen and _is_own(cls, name)]
        seen.update(called)
        waiting += called


def _is_own(cls: type[nn.Module], name: str) -> bool:
    home = next((base for base in cls.__mro__ if name in vars(base)), None)
    return home is not None and not home.__module__.startswith(("torch.", "builtins"))


def _decides_by_mode(code: CodeType) -> bool:
    if "training" not in code.co_names:
        return False
    pending = False
    for step in dis.get_instructions(code):
        if step.opname.startswith("LOAD_ATTR") and step.argval == "training":
            pending = True
        elif pending and "JUMP" in step.opname:
            return True
        elif step.opname not in _BETWEEN:
            pending = False
    return False
