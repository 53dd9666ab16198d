"""Weights of a network as a safetensors file, which any program can read and which runs no code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import nn

from nnlint import __version__
from nnlint.train import atomic
from nnlint.train.atomic import CheckpointError

#: the entries of the metadata that nnlint itself needs to load the file again
_TIED, _LEFT_OUT = "nnlint.tied", "nnlint.left_out"


def save_weights(path: Path, net: nn.Module | Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> None:
    """Write the parameters and buffers of a network, whole or not at all.

    Tensors that are one (tied weights) are written once, as ``safetensors.torch.save_model`` does; the metadata say
    which names they stand for. A wrapper's prefix (DDP, `torch.compile`) stays in the names: hand over the network.

    Args:
        path: of the file (``best.safetensors``).
        net: on any device; or its state dict, kept from earlier.
        metadata: what is to be known of it (class, classes, metrics); what is no string is written as JSON.

    Raises:
        CheckpointError: it cannot be written; a file that was there is untouched.
    """
    tensors: dict[str, torch.Tensor] = {}
    tied: dict[str, str] = {}
    left_out: list[str] = []
    first: dict[Any, str] = {}
    for name, value in (net.state_dict() if isinstance(net, nn.Module) else net).items():
        if not isinstance(value, torch.Tensor):  # `get_extra_state` of a module: safetensors hold only tensors
            left_out.append(name)
            continue
        key = (value.device, value.data_ptr(), value.dtype, value.shape, value.stride()) if value.numel() else name
        if key in first:
            tied[name] = first[key]
            continue
        first[key] = name
        tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in (metadata or {}).items()}
    texts |= {"format": "pt", "nnlint": __version__, _TIED: json.dumps(tied), _LEFT_OUT: json.dumps(left_out)}
    try:
        content = to_bytes(tensors, metadata=texts)
        with atomic.written(path) as file:
            file.write(_ordered(content))
    except atomic.WriteError as error:
        raise CheckpointError(error.message, where=error.where, help=error.help) from error
    except (SafetensorError, ValueError, KeyError) as error:
        raise CheckpointError(f"safetensors cannot hold these weights: {error}", where=str(path)) from error


def _ordered(content: bytes) -> bytes:
    """The same file with its metadata in the order of their names, so that equal weights make equal files.

    The library writes them in an order of its own, another one each time. The form is that of
    https://github.com/huggingface/safetensors: eight bytes for the length of a header in JSON, which may be padded by
    spaces, the header, the tensors.
    """
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the tensors stay aligned
    return b"".join((len(text).to_bytes(8, "little"), text, memoryview(content)[end:]))


def load_weights(path: Path, net: nn.Module) -> dict[str, str]:
    """Load what `save_weights` wrote into a network of the same kind.

    Returns:
        The metadata, without those that only loading needs.

    Raises:
        CheckpointError: the file cannot be read, or its names or shapes are not those of the network.
    """
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
    except OSError as error:
        raise CheckpointError(f"cannot read the weights ({error.strerror or error})", where=str(path)) from error
    except SafetensorError as error:
        raise CheckpointError(f"is no sound safetensors file ({error})", where=str(path)) from error
    tied: dict[str, str] = json.loads(metadata.pop(_TIED, "{}"))
    left_out = set(json.loads(metadata.pop(_LEFT_OUT, "[]")))
    tensors |= {name: tensors[kept] for name, kept in tied.items() if kept in tensors}
    differences = _differences(net, tensors, left_out)
    if differences:
        raise CheckpointError(
            f"these weights are not those of {type(net).__name__}: {'; '.join(differences)}",
            where=str(path),
            help="build the network as it was when it was trained: the same file, classes and input size",
        )
    net.load_state_dict(tensors, strict=False)  # strict but for what safetensors cannot hold
    return metadata


def _differences(net: nn.Module, tensors: Mapping[str, torch.Tensor], left_out: set[str]) -> list[str]:
    """Where a file and a network disagree, three of a kind at most."""
    own = net.state_dict()
    missing = [name for name in own if name not in tensors and name not in left_out]
    foreign = [name for name in tensors if name not in own]
    shapes = [
        f"{name} is {tuple(tensors[name].shape)} in the file and {tuple(value.shape)} in the network"
        for name, value in own.items()
        if isinstance(value, torch.Tensor) and name in tensors and tensors[name].shape != value.shape
    ]
    found = shapes[:3] + ([f"{len(shapes) - 3} more shapes differ"] if len(shapes) > 3 else [])
    for names, what in ((missing, "the file lacks"), (foreign, "the network lacks")):
        if names:
            found.append(f"{what} {', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}")
    return found
