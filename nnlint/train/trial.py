"""The first step, tried on the quiet: does the network compile, and is every op deterministic?

Both questions are answered only by a forward and a backward pass. They are asked on the first batch, before anything is
learnt; afterwards weights, buffers, gradients and random generators are what they were.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from nnlint.errors import first_line
from nnlint.train.config import TrainConfig
from nnlint.train.distributed import ALONE, World
from nnlint.train.unchanged import unchanged

#: a forward pass and the loss: ``step(network)``
Step = Callable[[Callable[..., Any]], Tensor]

#: how torch begins the error of an op that has no deterministic kernel
_NO_KERNEL = re.compile(r"(\S+) does not have a deterministic implementation")


def tried(net: nn.Module, step: Step, config: TrainConfig, world: World = ALONE) -> tuple[bool, tuple[str, ...]]:
    """Try a forward and a backward pass, and settle for less where torch cannot do what was asked.

    With ``mode`` "repro", an op without a deterministic kernel is named, and torch goes on with warnings instead of
    errors. Errors of the network itself are left for the training to meet.

    Args:
        net: the network itself, not what `nnlint.train.distributed.wrapped` returns: nothing here waits for gradients.
        step: the loss of the first batch, by what it is given for the network.
        config: ``compile`` and ``mode`` are read.
        world: the processes; all of them settle for the same.

    Returns:
        whether to train the compiled network, and what the user should know, in sentences.
    """
    said: list[str] = []
    if config.mode == "repro":
        said += _deterministic(net, step, world)
    if not config.compile:
        return False, tuple(said)
    error = _attempt(net, lambda: step(torch.compile(net)))
    if not _anywhere(error is not None, net, world):
        return True, tuple(said)
    torch.compiler.reset()
    why = f"{type(error).__name__}: {first_line(error)}" if error else "it failed in another process"
    return False, (*said, f"torch.compile failed on the first batch, so the network runs as it is written: {why}")


def _deterministic(net: nn.Module, step: Step, world: World) -> list[str]:
    with _followed(net) as where:
        error = _attempt(net, lambda: step(net))
    found = _NO_KERNEL.search(str(error)) if isinstance(error, RuntimeError) else None
    if not _anywhere(found is not None, net, world):
        return []
    torch.use_deterministic_algorithms(True, warn_only=True)
    what = f"{found[1]}, in {where[-1] if where else 'the loss'}," if found else "An op of another process"
    return [
        f"{what} has no deterministic kernel on this device: torch warns of such ops from here on and uses them, so a "
        "second run may give other bits."
    ]


def _attempt(net: nn.Module, run: Callable[[], Tensor]) -> Exception | None:
    """What a forward and a backward pass raise, if anything. The network is left as it was."""
    with unchanged(net):
        try:
            run().backward()
        except Exception as error:  # whatever it is: compilers raise everything
            return error
        finally:
            net.zero_grad(set_to_none=True)
    return None


@contextmanager
def _followed(net: nn.Module) -> Iterator[list[str]]:
    """The modules being run, innermost last; in the backward pass, the one whose output was reached last."""
    running: list[str] = []
    with ExitStack() as hooks:
        for name, module in net.named_modules():
            if isinstance(module, torch.jit.ScriptModule):
                continue
            shown = f"`{name}` ({type(module).__name__})" if name else type(module).__name__
            enter, leave = _hooks(shown, running)
            hooks.callback(module.register_forward_pre_hook(enter).remove)
            hooks.callback(module.register_forward_hook(leave).remove)
        yield running


def _hooks(shown: str, running: list[str]) -> tuple[Callable[..., None], Callable[..., None]]:
    def enter(_module: nn.Module, _inputs: Any) -> None:
        running.append(shown)

    def leave(_module: nn.Module, _inputs: Any, outputs: Any) -> None:
        running.pop()
        for tensor in outputs if isinstance(outputs, (tuple, list)) else [outputs]:
            if isinstance(tensor, Tensor) and tensor.grad_fn is not None:
                tensor.grad_fn.register_prehook(lambda _gradients: running.append(shown))

    return enter, leave


def _anywhere(here: bool, net: nn.Module, world: World) -> bool:
    """Whether something is so in any of the processes."""
    if world.size == 1:
        return here
    device = next((parameter.device for parameter in net.parameters()), torch.device("cpu"))
    return bool(world.sum(torch.tensor(int(here), device=device)).item())
