"""What went wrong in a recorded pass, and where."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from nnlint.errors import TraceError
from nnlint.site import Site


@dataclass(frozen=True, slots=True)
class Failure:
    """The operation that raised.

    Attributes:
        path: dotted path of the module that raised, or whose forward called the function that did.
        spelling: ``nn.Conv2d``, ``torch.matmul``, ``Tensor.view``; "" if no operation raised but the user's own code.
        shapes: of the tensors it was given, in order.
        site: the constructor call of the module, the call of the function, or the user's line.
        call_site: the expression that ran the module.
        module: the layer, where it is one.
        function: the function, where it is one.
        args: what it was given (tensors as their shapes), for messages.
    """

    path: str
    spelling: str
    shapes: tuple[tuple[int, ...], ...]
    site: Site | None
    call_site: Site | None = None
    module: nn.Module | None = None
    function: Callable[..., Any] | None = None
    args: tuple[Any, ...] = ()


class ForwardError(TraceError):
    """The network's forward raised; the exception it raised is the ``__cause__``.

    Attributes:
        failure: which operation it was.
        needs_values: it asked for the values of a tensor that has none (on the meta device): a run with real tensors
            may well succeed.
    """

    def __init__(self, error: Exception, failure: Failure, *, needs_values: bool) -> None:
        self.failure = failure
        self.needs_values = needs_values
        at = failure.call_site or failure.site
        super().__init__(_message(error, failure), where=str(at) if at else None)


def _message(error: Exception, failure: Failure) -> str:
    text = str(error).strip().split("\n")[0].rstrip(".")
    what = f"{type(error).__name__}: {text}" if text else type(error).__name__
    who = f"`{failure.path}` ({failure.spelling})" if failure.path and failure.spelling else ""
    who = who or (f"`{failure.spelling or failure.path}`" if failure.spelling or failure.path else "forward")
    given = ", ".join(str(list(shape)) for shape in failure.shapes)
    return f"{who} failed on {given}: {what}" if given else f"{who} failed: {what}"


_VALUES = re.compile(
    r"meta tensor|'Meta' backend|with meta|on meta|Meta tensors|no data|does not require grad|"
    r"data[- ]dependent|UndefinedTensor|unallocated data|nonzero",
    re.IGNORECASE,
)


def asks_for_values(error: BaseException) -> bool:
    """Whether an exception raised on the meta device says that a tensor's values were asked for."""
    return isinstance(error, RuntimeError | NotImplementedError | ValueError | TypeError) and bool(
        _VALUES.search(str(error))
    )


def spelling_of(thing: nn.Module | Callable[..., Any]) -> str:
    """How a user would write a callable: ``nn.Conv2d``, ``F.relu``, ``torch.cat``, ``Tensor.view``."""
    if isinstance(thing, nn.Module):
        cls = type(thing)
        return f"nn.{cls.__name__}" if cls.__module__.startswith("torch.nn.modules.") else cls.__qualname__
    name = getattr(thing, "__name__", type(thing).__name__)
    home = getattr(thing, "__objclass__", None)
    qualified = getattr(thing, "__qualname__", name)
    if name in {"__get__", "__set__"}:
        return f"Tensor.{getattr(getattr(thing, '__self__', None), '__name__', name)}"
    if home is not None or qualified.startswith(("Tensor.", "TensorBase.")):
        return f"Tensor.{name}"
    module = str(getattr(thing, "__module__", None) or "torch")
    if module in {"torch.nn.functional", "torch._C._nn"}:
        return f"F.{name}"
    if module.startswith("torch._ops"):
        return f"torch.ops.{thing!s}"
    return f"{module.replace('torch._VF', 'torch')}.{name}"
