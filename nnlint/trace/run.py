"""`Run`: what the recorder notes on every node of the recorded graph, under ``node.meta["nnlint"]``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from nnlint.graph import Value
from nnlint.site import Site

if TYPE_CHECKING:
    from torch import nn

#: input: a tensor of the arguments. parameter, buffer, constant: state that is read. op: an operation.
#: item: one output of the operation before it (``slot`` says which). output: the result. plumbing: whatever else the
#: recorded graph needs to run (unpacking of arguments, rebuilding the result, autocast regions); no operation.
Role = Literal["input", "parameter", "buffer", "constant", "op", "item", "output", "plumbing"]

META = "nnlint"
#: where a recorded module keeps, in its own ``meta``, what had to be assumed of values that were not there
ASSUMED = "nnlint.assumed"
#: ... and the function that finds the constructor call of a module
SITES = "nnlint.sites"


@dataclass(frozen=True, slots=True)
class Run:
    """One node's run in the recorded pass.

    Attributes:
        function: the callable as it was called, for an operation that is no module (``torch.relu``,
            ``torch.Tensor.add_``, ``torch.nn.functional.conv2d``, a custom `autograd.Function` class).
        module: the leaf module, for an operation that is one.
        path: dotted path of that module, or of the module whose ``forward`` called the function ("" for the root).
        site: the constructor call of a module, the call expression of a function.
        call_site: the expression that ran the module (None for a function).
        reads, values: the tensors read and made, in order.
        training, grad: the enclosing module's mode, and whether gradients were recorded.
        inplace: whether it overwrites its first tensor argument.
        slot: for an item, which output of its producer.
        observed, kept: see `Op.observed` and `Op.kept`.
    """

    role: Role
    path: str = ""
    function: Callable[..., Any] | None = None
    module: nn.Module | None = None
    site: Site | None = None
    call_site: Site | None = None
    reads: tuple[Value, ...] = ()
    values: tuple[Value, ...] = ()
    training: bool = False
    grad: bool = True
    inplace: bool = False
    slot: int = 0
    observed: bool = False
    kept: bool = False
