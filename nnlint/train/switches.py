"""torch's global switches that a training sets: read, set, and put back, every one."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from packaging.version import Version

#: torch without what stands behind the number: 2.13.0+cpu is 2.13
TORCH = Version(Version(torch.__version__).base_version)


def set_switch(name: str, value: Any) -> None:
    """Set the switch ``torch.backends.<name>``."""
    *path, last = name.split(".")
    owner: Any = torch.backends
    for part in path:
        owner = getattr(owner, part)
    setattr(owner, last, value)


def _get(name: str) -> Any:
    found: Any = torch.backends
    for part in name.split("."):
        found = getattr(found, part)
    return found


#: the switches that are set here, under torch.backends; the old form of those for TF32 stands before the new one
_OLD = ("cuda.matmul.allow_tf32", "cudnn.allow_tf32")
_NEW = ("cudnn.fp32_precision", "cuda.matmul.fp32_precision", "cudnn.conv.fp32_precision", "cudnn.rnn.fp32_precision")
_SWITCHES = ("cudnn.benchmark", *_OLD, *(_NEW if Version("2.9") <= TORCH else ()))


def set_tf32(on: bool) -> None:
    """TF32 in matrix products, convolutions and recurrent layers, or nowhere.

    Since torch 2.9 ``fp32_precision`` decides. Parts of torch still read the old switches, `torch.compile` and
    ``cudnn.flags`` among them, and reading them raises an error where they contradict the new ones: both are told.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*TF32", category=UserWarning)
        for name in _OLD:
            set_switch(name, on)
        for name in _SWITCHES:
            if name in _NEW[1:]:
                set_switch(name, "tf32" if on else "ieee")


def switches() -> dict[str, Any]:
    """Every switch of torch that this module may set, as it is now. A contradictory one is None: it cannot be read."""
    now: dict[str, Any] = {}
    for name in _SWITCHES:
        now[name] = None
        with contextlib.suppress(RuntimeError), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*TF32", category=UserWarning)
            now[name] = _get(name)
    now["deterministic"] = torch.are_deterministic_algorithms_enabled()
    now["warn_only"] = torch.is_deterministic_algorithms_warn_only_enabled()
    now["threads"] = torch.get_num_threads()
    now["CUBLAS_WORKSPACE_CONFIG"] = os.environ.get("CUBLAS_WORKSPACE_CONFIG")
    return now


@contextmanager
def kept() -> Iterator[None]:
    """Whatever is switched inside is switched back."""
    before = switches()
    try:
        yield
    finally:
        _put_back(before)


def _put_back(before: dict[str, Any]) -> None:
    now = switches()
    torch.use_deterministic_algorithms(before["deterministic"], warn_only=before["warn_only"])
    if now["threads"] != before["threads"]:
        torch.set_num_threads(before["threads"])
    if before["CUBLAS_WORKSPACE_CONFIG"] is None:
        os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)
    else:
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = before["CUBLAS_WORKSPACE_CONFIG"]
    if {name: now[name] for name in _SWITCHES} == {name: before[name] for name in _SWITCHES}:
        return  # setting a switch to what it is could still turn a default into a choice
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*TF32", category=UserWarning)
        for name in _SWITCHES:
            if before[name] is not None:
                set_switch(name, before[name])
