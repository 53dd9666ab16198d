"""Which modules of a network take another way in training than in evaluation, told from their code."""

from __future__ import annotations

import ast
import dis
import inspect
import textwrap
from collections.abc import Iterator
from types import CodeType, FunctionType
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


def modal_results(model: nn.Module, modal: tuple[str, ...]) -> tuple[str, ...]:
    """Of the modal modules those whose *result* may be another thing in training.

    A variational autoencoder draws its code in training alone, and then decodes it either way: what it returns is made
    in the same way. A network that returns scores in training and probabilities in evaluation does not. Where the
    source cannot be read, it is taken for one of the latter.
    """
    modules = dict(model.named_modules())
    return tuple(path for path in modal if _returns_by_mode(type(modules[path]), "forward", set()))


def _returns_by_mode(cls: type[nn.Module], name: str, seen: set[str]) -> bool:
    """Whether a method has a condition on the mode itself, or returns what such a method of its class returns."""
    function = getattr(cls, name, None)
    if name in seen or not _is_own(cls, name) or not isinstance(function, FunctionType):
        return False
    seen.add(name)
    if _decides_by_mode(function.__code__):
        return True
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return True
    return any(_returns_by_mode(cls, method, seen) for method in _returned_methods(tree))


def _returned_methods(tree: ast.Module) -> Iterator[str]:
    """The methods whose results a function returns, as they are or through a variable."""
    returned = [part for node in ast.walk(tree) if isinstance(node, ast.Return) for part in _parts(node.value)]
    names = {part.id for part in returned if isinstance(part, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            targets = {name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)}
            returned += [node.value] if targets & names else []
    for part in returned:
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and _is_self(part.func.value):
            yield part.func.attr


def _parts(value: ast.expr | None) -> list[ast.expr]:
    """What is returned: the elements of a tuple or dict, else the value itself."""
    if isinstance(value, ast.Tuple | ast.List):
        return list(value.elts)
    if isinstance(value, ast.Dict):
        return list(value.values)
    return [value] if value is not None else []


def _is_self(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id == "self"
