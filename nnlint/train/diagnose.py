"""Where numbers stopped being numbers: asked once, when the loss of a step is NaN or infinite."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from nnlint.train.hardware import full
from nnlint.train.objective import Objective
from nnlint.train.provenance import Call, Provenance, contents, finite
from nnlint.train.unchanged import unchanged

#: what writes infinities on purpose, such as the mask of attention: the fault is what makes NaN of them
_ON_PURPOSE = {
    "masked_fill",
    "masked_fill_",
    "full",
    "full_like",
    "where",
    "fill_",
    "triu",
    "tril",
    "setitem",
    "tensor",
}
#: weights above this were blown up: initialisation makes them about 1, and training hardly ever more than 100
_HUGE = 1e4
_FINE = "it is finite when the step is repeated"


def where_it_began(
    net: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    objective: Objective,
    *,
    autocast: Callable[[], AbstractContextManager[object]] | None = None,
    processes: int = 1,
) -> str:
    """Where NaN or infinite numbers first appear in a step, as the end of a sentence: ``they first appear in …``.

    The forward pass is repeated, in the mode the network is in, and every operation is watched; if the loss is a number
    this time, the backward pass is too. Weights, buffers, their gradients, modes and random generators are afterwards
    as they were.

    Args:
        net: the network itself, not a wrapper of it.
        inputs: of the batch, as the network takes them: (N, C, H, W) or (N, F).
        targets: of the batch: (N,) or (N, K).
        objective: the loss.
        autocast: makes the context that the forward pass ran in.
        processes: that train together. Those whose loss is a number do not ask, and are not waited for.
    """
    for what, tensor in (("inputs", inputs), ("targets", targets)):
        if not finite(tensor):
            return _in_data(what, tensor)
    broken = [name for name, parameter in net.named_parameters() if not finite(parameter)]
    if broken:
        return _in_parameters(net, broken)
    if processes > 1 and any(isinstance(module, nn.SyncBatchNorm) for module in net.modules()):
        return "where they first appear cannot be told: batch norm is synchronised, so no process repeats a step alone"
    with unchanged(net):
        try:
            return _repeated(net, inputs, targets, objective, autocast or nullcontext)
        except Exception as error:  # the loss is lost already; why must not be hidden by a second failure
            return f"where they first appear is not known: repeating the step failed ({type(error).__name__}: {error})"


def _repeated(
    net: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    objective: Objective,
    autocast: Callable[[], AbstractContextManager[object]],
) -> str:
    """Run the step again and see."""
    with torch.enable_grad(), Provenance(net, ignored=_only_written(net)) as provenance:
        with autocast():
            outputs = net(inputs)
        provenance.in_loss = True
        loss = objective.loss(full(outputs), targets)
    return _forward(net, provenance, loss) if not finite(loss) else _backward(net, provenance, loss)


def _forward(net: nn.Module, provenance: Provenance, loss: Tensor) -> str:
    """Follow the loss back to the call that made the first of them."""
    nan = provenance.origin(loss, "NaN") if "NaN" in contents(loss) else None
    began = provenance.origin(loss if nan is None else nan)
    if isinstance(began, Tensor):
        holder = next((f"the buffer {name}{_owner(net, name)}" for name, b in net.named_buffers() if b is began), None)
        return f"{holder or 'a tensor that the network keeps'} holds {contents(began)} already"
    if isinstance(nan, Call) and nan is not began:
        if began.name in _ON_PURPOSE:
            return f"NaN first appears in {_made_by(nan)}, of the infinite numbers that `{began.name}` wrote"
        became = f"they become NaN in {_made_by(nan)}"
        return f"{_first(began.holds)} in {_made_by(began)}, given finite numbers{_because(net, began)}; {became}"
    return f"{_first(began.holds)} in {_made_by(began)}, given finite numbers{_because(net, began)}"


def _backward(net: nn.Module, provenance: Provenance, loss: Tensor) -> str:
    """The loss is a number: look at the gradients, from the loss to the inputs."""
    trainable = {name: parameter for name, parameter in net.named_parameters() if parameter.requires_grad}
    gradients = torch.autograd.grad(loss, list(trainable.values()), allow_unused=True)
    call = provenance.first_in_backward()
    if call is not None:
        return f"{_FINE}, but {_first('NaN or infinite numbers')} in the backward pass of {_place(call)}"
    for name, gradient in reversed(list(zip(trainable, gradients, strict=True))):
        if gradient is not None and not finite(gradient):
            reader = provenance.reader(trainable[name])
            where = f", in the backward pass of {_place(reader)}" if reader else ""
            found = contents(gradient)
            return f"{_FINE}, but {_first(found)} in the gradient of {name}{_owner(net, name)}{where}"
    return f"{_FINE}: it depends on random numbers, such as dropout's"


def _first(holds: str) -> str:
    return f"{holds} first {'appears' if holds == 'NaN' else 'appear'}"


def _made_by(call: Call) -> str:
    return f"the output of {_place(call)}" if call.module is not None else _place(call)


def _place(call: Call) -> str:
    """``features.3 (Conv2d)``, or ``` `log` in features.3 (Block)``` where an author's own forward pass calls it."""
    if call.module is None:
        return f"the loss itself (`{call.name}`)"
    kind = type(call.module)
    again = f", the {_ordinal(call.times)} time it is used" if call.times > 1 else ""
    where = f"{call.path or 'the network itself'} ({kind.__name__}{again})"
    return where if kind.__module__.startswith("torch.nn.") else f"`{call.name}` in {where}"


def _because(net: nn.Module, call: Call) -> str:
    """A reason that the numbers themselves give: weights that were blown up by the steps before."""
    within = call.module if call.module is not None else net
    largest = max((float(p.detach().abs().max()) for p in within.parameters() if p.numel()), default=0.0)
    if largest > _HUGE:
        return f", with weights as large as {largest:.1g}: the learning rate is too high"
    if call.name in {"log", "log2", "log10", "log_"}:
        return ": the logarithm of zero or less"
    return ""


def _in_data(what: str, tensor: Tensor) -> str:
    rows = ~torch.isfinite(tensor.float()).reshape(len(tensor), -1).all(1)
    count = int(rows.sum())
    samples = "sample" if count == 1 else "samples"
    return f"they are in the {what} of the batch: {contents(tensor)} in {count} {samples} of {len(tensor)}"


def _in_parameters(net: nn.Module, broken: list[str]) -> str:
    total = len(list(net.parameters()))
    parameter = net.get_parameter(broken[0])
    many = f" ({len(broken)} of {total} parameters are not finite)" if total > 1 else ""
    return (
        f"the parameter {broken[0]}{_owner(net, broken[0])} holds {contents(parameter)} already{many}: the update of "
        "the step before made it so, by a gradient that overflowed or a learning rate that is too high"
    )


def _owner(net: nn.Module, name: str) -> str:
    path = name.rpartition(".")[0]
    return f" ({type(net.get_submodule(path)).__name__})"


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _only_written(net: nn.Module) -> list[Tensor]:
    """Running statistics that this step only writes: its first run has already put its NaN in them."""
    norms = [module for module in net.modules() if isinstance(module, _NormBase) and module.training]
    return [buffer for norm in norms for buffer in (norm.running_mean, norm.running_var) if buffer is not None]
