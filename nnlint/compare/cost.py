"""What a network costs beside what it is worth: parameters, MACs, time, and the most bytes that a step takes.

On a GPU torch counts bytes itself. On a CPU nothing does: the process's size (``ru_maxrss``) only ever grows, and says
nothing of what was freed and taken again. So every tensor that an operation makes is seen here as it is made, its
storage counted once, and taken off when it is freed. What an operation uses inside and gives back before it returns
(the packed weights of a convolution) is not seen.
"""

from __future__ import annotations

import statistics
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from nnlint.compare.model import Cost
from nnlint.train.config import TrainConfig
from nnlint.train.hardware import Hardware, full
from nnlint.train.optimizer import make_optimizer
from nnlint.train.results import Trained


class Bytes(TorchDispatchMode):
    """Counts the bytes of the tensors that are alive: those made while it is entered, and those told of before.

    Attributes:
        now, peak: of all storages alive, each counted once however many tensors view it.
    """

    def __init__(self, known: Iterable[Tensor] = ()) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = 0
        self.peak = 0
        self._alive: dict[int, int] = {}
        for tensor in known:
            self._count(tensor)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for value in tree_leaves(result):
            if isinstance(value, Tensor):
                self._count(value)
        return result

    def _count(self, tensor: Tensor) -> None:
        if tensor.layout != torch.strided:
            return  # a sparse tensor has no storage of its own; its indices and values are tensors
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._alive:
            # the same storage again, perhaps resized in place
            self._change(size - self._alive[key])
        else:
            self._change(size)
            weakref.finalize(storage, self._freed, key).atexit = False
        self._alive[key] = size

    def _freed(self, key: int) -> None:
        self._change(-self._alive.pop(key, 0))

    def _change(self, size: int) -> None:
        self.now += size
        self.peak = max(self.peak, self.now)


def peak_bytes(
    net: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor],
    config: TrainConfig,
    hardware: Hardware | None = None,
) -> int:
    """The most bytes that the tensors of a training step take on the CPU: batch, weights, gradients, optimiser and all.

    Two steps are taken: the optimiser's state is made in the first, and is there while the second goes forward and
    back, as in every step that follows. ``net`` is trained by that: give a copy. The random numbers of the process stay
    as they are.

    Args:
        inputs: (N, …) as the network takes them; ``targets``: as the loss takes them.
        loss: ``loss(outputs, targets)``.
        hardware: a CPU and how it is used: the types of the activations and the layout of the weights are its own.
    """
    hardware = hardware or Hardware(torch.device("cpu"))
    hardware.moved(net)
    net.train()
    optimizer = make_optimizer(net, config, fused=hardware.fused)
    with torch.random.fork_rng(devices=[]), Bytes([*net.parameters(), *net.buffers(), inputs, targets]) as count:
        for _ in range(2):
            optimizer.zero_grad(set_to_none=True)
            with hardware.autocast():
                outputs = net(inputs)
            loss(full(outputs), targets).backward()
            optimizer.step()
    return int(count.peak)


def cost(runs: Sequence[Trained], params: int, macs: int, peak: int | None) -> Cost | None:
    """The cost of a network by its runs; None where no run got through an epoch.

    Args:
        params, macs: of one sample.
        peak: bytes of a step on the CPU; on a GPU that of the runs counts.
    """
    seconds = [run.settled_seconds for run in runs if run.epochs and run.settled_seconds > 0]
    if not seconds:
        return None
    typical = statistics.median(seconds)
    samples = statistics.median(run.epochs[-1].samples for run in runs if run.epochs)
    measured = max((run.peak_bytes for run in runs if run.peak_bytes is not None), default=None)
    return Cost(params, macs, typical, samples / typical, measured if measured is not None else peak or 0)
