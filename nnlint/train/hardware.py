"""The device a training runs on, and torch's switches: set for it, and every one put back afterwards.

Three ways to run (`nnlint.train.config.Mode`): as torch does by default; as fast as it goes; so that it can be repeated
bit for bit. What each of them does is in `_default`, `_speed` and `_repro`, with the reasons.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from packaging.version import Version
from torch import nn

from nnlint.errors import UsageError
from nnlint.train.config import TrainConfig
from nnlint.train.switches import TORCH, kept, set_switch, set_tf32, switches

#: so many input shapes are a few: cuDNN tries every kernel once for each, and a search that is never used again is lost
FEW_SHAPES = 6
#: the data may take so much of the GPU's free memory: the rest is for weights, activations and cuDNN's workspaces
RESIDENT_SHARE = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Hardware:
    """The device of a training and how it is used.

    Attributes:
        device: where weights and batches go.
        autocast: a fresh context for the forward pass: bfloat16 where that is faster; one that does nothing elsewhere.
        memory_format: of weights and batches of four dimensions: channels last, or as they are.
        fused: whether the optimiser updates all parameters in one kernel.
        pin: whether batches on their way to the GPU are page-locked, so that copying overlaps with work.
        resident: whether arrays may be kept on the GPU, if they fit: see `fits`.
        said: what was decided, in sentences.
    """

    device: torch.device
    autocast: Callable[[], AbstractContextManager[Any]] = nullcontext
    memory_format: torch.memory_format = torch.preserve_format
    fused: bool = False
    pin: bool = False
    resident: bool = False
    said: tuple[str, ...] = ()
    _shapes: set[tuple[int, ...]] = field(default_factory=set, repr=False)

    def moved(self, net: nn.Module) -> None:
        """Take a network to the device, laid out in memory as it is used there."""
        net.to(self.device)
        # kernels over volumes have five axes, and no layout of four
        if all(tensor.dim() != 5 for tensor in net.state_dict().values() if isinstance(tensor, torch.Tensor)):
            net.to(memory_format=self.memory_format)  # type: ignore[call-overload]

    def fits(self, size: int) -> bool:
        """Whether arrays of so many bytes are to be kept on the GPU."""
        if not self.resident:
            return False
        free, _ = torch.cuda.mem_get_info(self.device)
        return size <= RESIDENT_SHARE * free

    def saw(self, shape: tuple[int, ...]) -> str:
        """Note the shape of a batch: too many of them, and cuDNN stops searching. A sentence then, else nothing."""
        if shape in self._shapes:
            return ""
        self._shapes.add(shape)
        if len(self._shapes) <= FEW_SHAPES or not torch.backends.cudnn.benchmark:
            return ""
        torch.backends.cudnn.benchmark = False
        return f"{len(self._shapes)} input shapes so far: cuDNN no longer searches the fastest kernel for each."

    def synchronize(self) -> None:
        """Wait until the GPU has done what it was given, so that a clock can be read."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.device.type == "mps":
            torch.mps.synchronize()

    def peak_bytes(self) -> int | None:
        """The most memory that tensors took on the GPU since `prepared`; None elsewhere."""
        return torch.cuda.max_memory_allocated(self.device) if self.device.type == "cuda" else None

    def facts(self) -> dict[str, str]:
        """What has to be known to repeat a run: see `facts`."""
        return facts(self.device)


@contextmanager
def prepared(config: TrainConfig, *, image_like: bool, local_rank: int = 0) -> Iterator[Hardware]:
    """Set the switches for a training; afterwards each of them is as it was, whatever happened.

    Args:
        config: the device, the mode, the threads and the optimiser are read.
        image_like: whether the network takes batches of four dimensions, (N, C, H, W).
        local_rank: the number of this process on this machine, which is that of its GPU.

    Raises:
        UsageError: the device is not there.
    """
    device = chosen(config.device, local_rank)
    with kept():
        said = [_threads(config)]
        if config.mode == "speed":
            hardware = _speed(config, device, image_like, said)
        else:
            hardware = _repro(device, said) if config.mode == "repro" else _default(device)
        if device.type == "cuda":
            torch.cuda.init()  # resetting does not start CUDA, and raises an error before
            torch.cuda.reset_peak_memory_stats(device)
        if config.compile:
            said.append("The network goes through torch.compile; the first batch pays for it.")
        yield replace(hardware, said=tuple(said))


def chosen(name: str | None, local_rank: int = 0) -> torch.device:
    """The device of that name; without one the first there is of cuda, mps and cpu.

    Args:
        name: ``cpu``, ``mps``, ``cuda`` (that of the local rank) or ``cuda:1``.
        local_rank: the number of this process on this machine.

    Raises:
        UsageError: this machine, or this build of torch, has no such device.
    """
    there = available()
    asked = name or there[0]
    kind, _, number = asked.partition(":")
    if kind == "cuda" and "cuda" in there and not number:
        number = str(local_rank)
    found = kind in there and (not number or number.isdecimal())
    if not found or (kind == "cuda" and int(number) >= torch.cuda.device_count()):
        counted = (f"cuda ({torch.cuda.device_count()} of them)" if name == "cuda" else name for name in there)
        build = "" if torch.version.cuda or kind != "cuda" else f"; torch {torch.__version__} is built without CUDA"
        raise UsageError(
            f"there is no device {f'{kind}:{number}' if number else kind}; there is {', '.join(counted)}{build}",
            where="--device",
            help=f"leave it out to use {there[0]}, or start no more processes than there are GPUs",
        )
    return torch.device(kind, int(number)) if number else torch.device(kind)


def available() -> tuple[str, ...]:
    """The kinds of device here, the fastest first."""
    here = (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available()), ("cpu", True))
    return tuple(name for name, there in here if there)


# ------------------------------------------------------------------------------------------------------- the modes


def _default(device: torch.device) -> Hardware:
    # torch's defaults: TF32 in cuDNN's convolutions, full float32 in matrix products, no search for kernels
    set_switch("cudnn.benchmark", False)
    return Hardware(device, pin=device.type == "cuda")


def _speed(config: TrainConfig, device: torch.device, image_like: bool, said: list[str]) -> Hardware:
    if device.type == "cuda":
        return _speed_on_gpu(config, device, image_like, said)
    said.append(
        f"No CUDA GPU {'here' if device.type == 'cpu' else 'is used'}: with one, --speed would search cuDNN's fastest "
        "kernels, use TF32, bfloat16 autocast, channels last, a fused optimiser, and keep the data on the GPU."
    )
    if device.type == "mps":
        said.append("On mps --speed changes nothing.")
        return Hardware(device)
    return _speed_on_cpu(config, device, image_like, said)


def _speed_on_gpu(config: TrainConfig, device: torch.device, image_like: bool, said: list[str]) -> Hardware:
    # every batch has the same shape, so searching the fastest kernel once pays (`Hardware.saw` watches that)
    set_switch("cudnn.benchmark", True)
    said.append("cuDNN searches the fastest kernel for each shape (cudnn.benchmark).")
    if torch.cuda.get_device_capability(device) >= (8, 0):
        set_tf32(True)
        said.append("TF32: matrix products and convolutions of float32 keep 10 bits of the mantissa.")
    else:
        said.append("No TF32: this GPU is older than Ampere.")
    autocast: Callable[[], AbstractContextManager[Any]] = nullcontext
    if _bf16_on_gpu(device):
        # bfloat16 has float32's range: gradients do not vanish, so no scaler is needed
        autocast = partial(torch.autocast, "cuda", torch.bfloat16)
        said.append("bfloat16 autocast in the forward pass, without a gradient scaler.")
    else:
        said.append("No autocast: this GPU has no bfloat16.")
    if image_like:
        said.append("Weights and images lie in memory with channels last, as tensor cores read them.")
    fused = _can_fuse(config, said)
    return Hardware(device, autocast, _format(image_like), fused=fused, pin=True, resident=True)


def _speed_on_cpu(config: TrainConfig, device: torch.device, image_like: bool, said: list[str]) -> Hardware:
    # measured with the reference network (16×16, batch 64) on a CPU with AVX512-BF16, as it is = 1: channels last 0.8,
    # bfloat16 0.6, both 0.45; a CPU that has no instructions for bfloat16 emulates it, and loses
    autocast: Callable[[], AbstractContextManager[Any]] = nullcontext
    if image_like:
        said.append("On the CPU, weights and images lie in memory with channels last.")
        if bf16_on_cpu():
            autocast = partial(torch.autocast, "cpu", torch.bfloat16)
            said.append("The CPU has instructions for bfloat16: autocast in the forward pass.")
        else:
            said.append("The CPU has no instructions for bfloat16: the forward pass stays in float32.")
    return Hardware(device, autocast, _format(image_like), fused=_can_fuse(config, said))


def _repro(device: torch.device, said: list[str]) -> Hardware:
    if device.type == "cuda" and Version("2.10") > TORCH:
        said.extend(_cublas_workspace())
    # a search may choose another kernel the next time, and another kernel adds in another order
    set_switch("cudnn.benchmark", False)
    set_tf32(False)
    torch.use_deterministic_algorithms(True)
    said.append(
        "Deterministic algorithms only, no search for kernels, no TF32: on this machine and with these versions, the "
        "same run gives the same bits."
    )
    if device.type != "cuda":
        said.append("No CUDA GPU is used: with one, --repro would choose its deterministic kernels.")
    return Hardware(device, pin=device.type == "cuda")


def _cublas_workspace() -> list[str]:
    """Until torch 2.10, cuBLAS is deterministic only with a workspace that is set before CUDA starts."""
    name = "CUBLAS_WORKSPACE_CONFIG"
    if os.environ.get(name) in (":4096:8", ":16:8"):
        return []
    if torch.cuda.is_initialized():
        return [f"CUDA had started before {name} could be set: set it to :4096:8 in the environment."]
    os.environ[name] = ":4096:8"
    return [f"{name}=:4096:8."]


def _threads(config: TrainConfig) -> str:
    wanted = config.threads or (1 if config.mode == "repro" else torch.get_num_threads())
    if wanted != torch.get_num_threads():
        torch.set_num_threads(wanted)
    return f"{wanted} CPU thread{'s' if wanted > 1 else ''}."


def _can_fuse(config: TrainConfig, said: list[str]) -> bool:
    fused = config.optimizer in ("adamw", "sgd")
    said.append(
        "The optimiser is fused: one kernel updates every parameter." if fused else "Adadelta has no fused form."
    )
    return fused


def _format(image_like: bool) -> torch.memory_format:
    return torch.channels_last if image_like else torch.preserve_format


def _bf16_on_gpu(device: torch.device) -> bool:
    with torch.cuda.device(device):
        # emulated bfloat16 is slower than float32
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def bf16_on_cpu() -> bool:
    """Whether this CPU computes in bfloat16 itself (AVX512-BF16 or AMX)."""
    if hasattr(torch.cpu, "get_capabilities"):
        found = torch.cpu.get_capabilities()
        return bool(found.get("avx512_bf16") or found.get("amx_bf16"))
    asked = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(ask() for ask in asked if ask is not None)


# -------------------------------------------------------------------------------------------- what a run depends on


def full(outputs: torch.Tensor) -> torch.Tensor:
    """What autocast left in 16 bits, in float32: losses and metrics are sums, and need the bits."""
    return outputs.float() if outputs.dtype in (torch.bfloat16, torch.float16) else outputs


def facts(device: torch.device | None = None) -> dict[str, str]:
    """What has to be known to repeat a run: versions, devices, threads, switches."""
    capability = torch.backends.cpu.get_cpu_capability()
    known = {
        "torch": torch.__version__,
        "cuda": torch.version.cuda or "none",
        "cudnn": _cudnn(),
        "device": str(device) if device else available()[0],
        "device name": f"CPU, {capability}",
    }
    if device is not None and device.type == "cuda":
        known["device name"] = torch.cuda.get_device_name(device)
        known["compute capability"] = ".".join(map(str, torch.cuda.get_device_capability(device)))
    known.update({name: str(value) for name, value in switches().items() if value is not None})
    return known


def _cudnn() -> str:
    if not torch.backends.cudnn.is_available():
        return "none"
    try:
        return str(torch.backends.cudnn.version())
    except (
        RuntimeError
    ):  # torch asks every GPU here, and refuses where one is too old: the CPU may be used all the same
        return "none that fits the GPU"
