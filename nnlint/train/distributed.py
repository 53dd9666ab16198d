"""Several processes that train one network together: torchrun's environment, and the sums over all of them.

Every process has the whole network and a part of each batch; gradients are averaged over the processes. So N processes
at a global batch of B take the same steps as one process at B, but for the order in which floats are added, and but for
batch norm, whose statistics are those of each process's own part unless ``sync_batch_norm`` is on.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from nnlint.errors import NnlintError, UsageError, first_line
from nnlint.train.hardware import chosen

T = TypeVar("T")

#: a process that waits longer than this for the others gives up: one of them is gone
PATIENCE = timedelta(minutes=5)


class ToldElsewhereError(NnlintError):
    """An error that another process raises too, and tells the user: this one has only to end."""


@dataclass(frozen=True, slots=True)
class World:
    """The processes of a training, seen from one of them.

    Attributes:
        rank: the number of this process, from 0; process 0 alone prints and writes.
        size: how many there are.
        local_rank: the number of this process on its machine, which is that of its GPU.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def is_writer(self) -> bool:
        """Whether this process prints and writes files."""
        return self.rank == 0

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum of a tensor over the processes, float64 for floats, on the tensor's device; the same on each."""
        total = tensor.detach().to(_precise(tensor), copy=True)  # the caller's own is left as it is
        if self.size > 1:
            dist.all_reduce(total)
        return total

    def mean(self, tensor: Tensor) -> Tensor:
        """The mean of a tensor over the processes, as `sum`."""
        return self.sum(tensor) / self.size

    def gathered(self, value: T) -> list[T]:
        """The value of every process, in order of their ranks; the same on each."""
        if self.size == 1:
            return [value]
        values = [value] * self.size
        dist.all_gather_object(values, value)
        return values

    def first(self, text: str) -> str:
        """The text of the first process that has one, the same on each."""
        return next((one for one in self.gathered(text) if one), "")

    def together(self, work: Callable[[], T]) -> T:
        """What ``work`` returns, which every process does; where it fails in one, none goes on to wait for that one.

        Args:
            work: waits for no other process.

        Raises:
            Exception: what ``work`` raises, in the first process where it does.
            ToldElsewhereError: in the others.
        """
        if self.size == 1:
            return work()
        error: Exception | None = None
        done: list[T] = []
        try:
            done.append(work())
        except Exception as raised:  # whatever it is: it is raised again below
            error = raised
        errors = self.gathered("" if error is None else str(error) or type(error).__name__)
        rank = next((rank for rank, text in enumerate(errors) if text), None)
        if rank is None:
            return done[0]
        raise error if error is not None and rank == self.rank else ToldElsewhereError(errors[rank])

    def part(self, indices: Tensor) -> Tensor:
        """This process's part of a batch that all know: every ``size``-th, from ``rank``. Parts differ by at most one.

        Over a whole data set this is a part of the validation: nothing is padded, so no sample counts twice.
        """
        return indices[self.rank :: self.size]

    def share(self, batch_size: int) -> int:
        """How many samples of a batch of ``batch_size`` are one process's.

        Raises:
            UsageError: the batch cannot be divided equally: a mean over processes would not be one over samples.
        """
        if batch_size % self.size:
            nearest = max(batch_size // self.size, 1) * self.size
            raise UsageError(
                f"a batch of {batch_size} samples cannot be divided equally among {self.size} processes",
                where="--batch-size",
                help=f"it counts the samples of all processes together: try {nearest}",
            )
        return batch_size // self.size

    def says(self, batch_size: int) -> str:
        """The batch in one sentence; nothing for a single process."""
        if self.size == 1:
            return ""
        return f"{self.size} processes: {self.share(batch_size)} samples each, {batch_size} a step together."


#: a training in one process
ALONE = World()


@contextmanager
def joined(device: str | None = None) -> Iterator[World]:
    """The processes torchrun started, `ALONE` without it. The process group is closed at the end.

    If one process fails, torchrun ends the others; a process that waits for one that is gone gives up by itself after
    `PATIENCE`.

    Args:
        device: as the user asked for it; NCCL connects GPUs, gloo anything else.

    Raises:
        UsageError: the environment is incomplete, or a process has no GPU of its own.
    """
    size = _number("WORLD_SIZE", 1)
    if size == 1:
        yield ALONE
        return
    missing = [name for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT") if not os.environ.get(name)]
    if missing:
        raise UsageError(
            f"WORLD_SIZE is {size}, but {', '.join(missing)} is not set",
            where="the environment",
            help="start it with torchrun --nproc-per-node N -m nnlint train …, which sets them all",
        )
    world = World(_number("RANK", 0), size, _number("LOCAL_RANK", 0))
    place = _own_device(device, world, _number("LOCAL_WORLD_SIZE", size))
    on_gpu = place.type == "cuda"
    if on_gpu:
        torch.cuda.set_device(place)
    dist.init_process_group("nccl" if on_gpu else "gloo", timeout=PATIENCE, device_id=place if on_gpu else None)
    well = False
    try:
        yield world
        well = True
    finally:
        # the wrapper is part of a cycle and holds the group, whose threads must end before the process does
        gc.collect()
        if on_gpu and not well:
            _abort()
        else:
            dist.destroy_process_group()


def _own_device(device: str | None, world: World, here: int) -> torch.device:
    """The device of this process.

    Args:
        here: the number of processes on this machine, which share its GPUs.

    Raises:
        UsageError: they have not one each. It is the same in all of them, and the first one tells it.
    """
    try:
        if device is not None and device.startswith("cuda:") and here > 1:
            raise UsageError(
                f"{device} is one GPU, and {here} processes need one each",
                where="--device",
                help="--device cuda gives each its own; CUDA_VISIBLE_DEVICES says which may be used",
            )
        chosen(device, here - 1)  # whether there are enough
        return chosen(device, world.local_rank)
    except UsageError as error:
        if world.local_rank:
            raise ToldElsewhereError(str(error)) from error
        raise


def _abort() -> None:
    """Give the group up after an error: closing it would wait, under NCCL, for what the others still have under way.

    torch has no public function for that. Where it has none at all, the group stays until the process ends.
    """
    abort = getattr(dist.distributed_c10d, "_abort_process_group", None)
    if abort is not None:
        with suppress(Exception):  # the error that ended the training is the one to tell
            abort()


def synchronised(net: nn.Module, world: World, device: torch.device) -> nn.Module:
    """The network with batch norms that take their statistics over all processes.

    Raises:
        UsageError: without CUDA, where torch has no such batch norm.
    """
    if device.type != "cuda":
        raise UsageError(
            f"batch norm cannot be synchronised on {device.type}: torch has it for CUDA alone",
            where="--sync-batch-norm",
            help="leave it out; each process then takes the statistics of its own part of the batch",
        )
    return nn.SyncBatchNorm.convert_sync_batchnorm(net) if world.size > 1 else net


def wrapped(net: nn.Module, world: World, device: torch.device) -> nn.Module:
    """The network as all processes train it: their gradients are averaged. A single process's is itself.

    Weights and buffers become those of process 0, and buffers do again before every forward pass. Parameters that a
    step does not use are found, since any network may have them.

    Args:
        net: on its device already.
        world: the processes.
        device: where the network is.
    """
    if world.size == 1 or not any(parameter.requires_grad for parameter in net.parameters()):
        return net
    ids = [device.index] if device.type == "cuda" else None
    # parameters may go unused in some steps (stochastic depth); torch warns once where none do, and goes on
    return DistributedDataParallel(net, device_ids=ids, find_unused_parameters=True)


def share_buffers(net: nn.Module, world: World) -> None:
    """Give every process the buffers of process 0: batch norm has gathered other statistics in each."""
    if world.size > 1:
        for buffer in net.buffers():
            dist.broadcast(buffer, src=0)


def failed(error: Exception, world: World, where: str) -> NnlintError:
    """The error that ends one of several processes, and with it all of them."""
    text = str(error)
    if isinstance(error, RuntimeError) and ("gloo" in text.lower() or "NCCL" in text):
        return NnlintError(
            f"process {world.rank}, {where}: another process is gone ({first_line(error)})",
            help="its own message says why",
        )
    return NnlintError(f"process {world.rank}, {where}: {type(error).__name__}: {error}")


def _precise(tensor: Tensor) -> torch.dtype:
    if not tensor.is_floating_point():
        return torch.int64
    # mps has no float64
    return torch.float32 if tensor.device.type == "mps" else torch.float64


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    try:
        return int(text) if text else default
    except ValueError:
        raise UsageError(f"{name} is {text!r}, no number", where="the environment", help="unset it") from None
