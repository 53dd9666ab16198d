"""torch's global switches that a training sets: read, set, and put back, every one."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, reduce
from typing import Any

import torch
from packaging.version import Version

#: torch without what stands behind the number: 2.13.0+cpu is 2.13
TORCH = Version(Version(torch.__version__).base_version)

#: since torch 2.9 each backend and operation has a precision of float32 of its own, beside the older switches
_HAS_PRECISIONS = Version("2.9") <= TORCH
#: those precisions; one that is "none" is that of its backend, and a backend's that of all: the general ones come first
_PRECISIONS = (
    *(("generic", "all"), ("cuda", "all"), ("mkldnn", "all")),
    *((backend, operation) for backend in ("cuda", "mkldnn") for operation in ("matmul", "conv", "rnn")),
)
#: what a run is told to depend on, under torch.backends
_SHOWN = ("cudnn.benchmark", "cuda.matmul.allow_tf32", "cudnn.allow_tf32")
_SHOWN_SINCE = (
    *("cudnn.fp32_precision", "cuda.matmul.fp32_precision", "cudnn.conv.fp32_precision", "cudnn.rnn.fp32_precision"),
)


def set_switch(name: str, value: Any) -> None:
    """Set the switch ``torch.backends.<name>``."""
    path, _, last = name.rpartition(".")
    setattr(_backends(path), last, value)


def set_tf32(on: bool) -> None:
    """TF32 in matrix products, convolutions and recurrent layers, or nowhere.

    Since torch 2.9 ``fp32_precision`` decides. Parts of torch still read the old switches, `torch.compile` and
    ``cudnn.flags`` among them, and reading them raises an error where they contradict the new ones: both are told.
    """
    with _quiet():
        torch.set_float32_matmul_precision("high" if on else "highest")
        torch.backends.cudnn.allow_tf32 = on
        if _HAS_PRECISIONS:  # where the old switch says no, it leaves the precision of the backend in force
            others = [(backend, operation) for backend in ("cuda", "mkldnn") for operation in ("conv", "rnn")]
            _set_precisions(dict.fromkeys(others, "tf32" if on else "ieee"))


def switches() -> dict[str, Any]:
    """Every switch that this module may set, as torch reads it now. A contradictory one is None: it cannot be read."""
    shown = (*_SHOWN, *(_SHOWN_SINCE if _HAS_PRECISIONS else ()))
    now = {name: _read(partial(_backends, name)) for name in shown}
    now["float32_matmul_precision"] = _read(torch.get_float32_matmul_precision)
    now["deterministic"] = torch.are_deterministic_algorithms_enabled()
    now["warn_only"] = torch.is_deterministic_algorithms_warn_only_enabled()
    now["threads"] = torch.get_num_threads()
    now["CUBLAS_WORKSPACE_CONFIG"] = os.environ.get("CUBLAS_WORKSPACE_CONFIG")
    return now


@contextmanager
def kept() -> Iterator[None]:
    """Whatever is switched inside is switched back, by whichever of the switches the caller had set it."""
    before = switches()
    float32 = _float32()
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before["cudnn.benchmark"]
        torch.use_deterministic_algorithms(before["deterministic"], warn_only=before["warn_only"])
        if torch.get_num_threads() != before["threads"]:
            torch.set_num_threads(before["threads"])
        if before["CUBLAS_WORKSPACE_CONFIG"] is None:
            os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)
        else:
            os.environ["CUBLAS_WORKSPACE_CONFIG"] = before["CUBLAS_WORKSPACE_CONFIG"]
        _set_float32(*float32)


#: the old switch of matrix products, that of cuDNN, and the new precisions
_Float32 = tuple[str, bool, dict[tuple[str, str], str]]


def _float32() -> _Float32:
    """What was said of the precision of float32, not what follows from it: a precision that was left open is "none".

    torch lets neither be read as long as something else is set that contradicts or hides it: that is set aside, and
    afterwards put back.
    """
    precisions = {}
    with _quiet():
        if _HAS_PRECISIONS:
            for place in _PRECISIONS:
                precisions[place] = torch._C._get_fp32_precision_getter(*place)
                _set_precisions({place: "none"})
        matmul = torch.get_float32_matmul_precision()
        if _HAS_PRECISIONS:
            _set_precisions({("cuda", "conv"): "ieee", ("cuda", "rnn"): "ieee"})
        # an old switch that is on contradicts what was set last, and raises
        cudnn = _read(lambda: torch.backends.cudnn.allow_tf32)
        if _HAS_PRECISIONS:
            _set_precisions(precisions)
    return matmul, cudnn is not False, precisions


def _set_float32(matmul: str, cudnn: bool, precisions: dict[tuple[str, str], str]) -> None:
    """The old ones first: each of them sets some of the new."""
    with _quiet():
        torch.set_float32_matmul_precision(matmul)
        torch.backends.cudnn.allow_tf32 = cudnn
        _set_precisions(precisions)


def _set_precisions(precisions: dict[tuple[str, str], str]) -> None:
    # by torch's own function: torch.backends.mkldnn.fp32_precision sets that of all backends
    for place, precision in precisions.items():
        torch._C._set_fp32_precision_setter(*place, precision)


def _backends(name: str) -> Any:
    return reduce(getattr, name.split("."), torch.backends)


def _read(switch: Callable[[], Any]) -> Any:
    with contextlib.suppress(RuntimeError), _quiet():
        return switch()
    return None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without torch's warnings that the old switches are old."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*TF32", category=UserWarning)
        yield
