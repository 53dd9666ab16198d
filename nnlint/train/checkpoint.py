"""Checkpoints: the whole state of a training in one file that is sound or known not to be."""

from __future__ import annotations

import hashlib
import re
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nnlint.errors import first_line
from nnlint.train import atomic
from nnlint.train.atomic import CheckpointError
from nnlint.train.weights import load_weights, save_weights

__all__ = [
    "FORMAT",
    "CheckpointError",
    "checkpoints",
    "digest",
    "load_last",
    "load_weights",
    "read",
    "save",
    "save_weights",
]

#: raised when the files change so that an older nnlint could not read them
FORMAT = 2
_NAME = re.compile(r"checkpoint-(\d+)\.pt")


def save(folder: Path, state: Mapping[str, Any], *, keep: int = 2) -> Path:
    """Write the state of a training as ``checkpoint-<epoch>.pt``, whole or not at all, and remove old ones.

    The file can be read by ``torch.load(path, weights_only=True)``: it holds no code. It carries a checksum of its
    content. An epoch that is done again replaces the file it had, so that a damaged one does not stay.

    Args:
        folder: of the run.
        state: nested dicts and lists of tensors, numbers and strings, with ``state["epoch"]``, the epochs done.
            Tensors may be on any device; they are written as CPU tensors, and those that share memory still do.
        keep: so many stay, this one counted.

    Raises:
        CheckpointError: it cannot be written (the one before is kept), or holds what is none of these.
    """
    plain = _plain(state, "state", {})
    path = folder / f"checkpoint-{int(state['epoch']):06d}.pt"
    try:
        with atomic.written(path) as file:
            torch.save({"format": FORMAT, "sha256": digest(plain), "state": plain}, file)
    except (atomic.WriteError, RuntimeError) as error:
        raise _not_written(path, error) from error
    older = [other for other in checkpoints(folder) if _epoch(other) < _epoch(path)]
    for old in older[max(keep - 1, 0) :]:
        with suppress(OSError):  # in use by another program: the next save tries again
            old.unlink()
    return path


def load_last(folder: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The newest sound state in the folder of a run, with its tensors on the CPU.

    Returns:
        The state, and a sentence for each newer file that is damaged and was passed over.

    Raises:
        CheckpointError: there is no such folder, it holds no checkpoint, or none that is sound.
    """
    if not folder.is_dir():
        problem = "is not a folder" if folder.exists() else "does not exist"
        raise CheckpointError(f"{folder} {problem}", help="give the folder of a run, such as runs/net-1")
    paths = checkpoints(folder)
    if not paths:
        raise CheckpointError(
            "no checkpoint is in this folder: it is not that of a run, or the run ended before its first epoch did",
            where=str(folder),
            help="give the folder of a run, such as runs/net-1, or start anew without `--resume`",
        )
    faults: list[str] = []
    for path in paths:
        try:
            state = read(path)
        except CheckpointError as error:
            faults.append(f"{path.name} {error.message}")
            continue
        return state, tuple(f"{fault}: passed over, {path.name} is used" for fault in faults)
    raise CheckpointError(
        f"no checkpoint in this folder is sound: {'; '.join(faults)}",
        where=str(folder),
        help="start anew without `--resume`",
    )


def read(path: Path) -> dict[str, Any]:
    """The state in one file.

    Raises:
        CheckpointError: it is damaged, or no checkpoint of this version; the message goes on from the file's name.
    """
    try:
        with path.open("rb") as file:
            whole = zipfile.is_zipfile(file)  # an archive's list of contents is at its end
    except OSError as error:
        raise CheckpointError(f"cannot be read ({error.strerror or error})", where=str(path)) from error
    except zipfile.BadZipFile:
        whole = False
    if not whole:
        raise CheckpointError("is damaged (it is cut short, or no checkpoint at all)", where=str(path))
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damage can make the reader of archives or of pickles fail in any way
        raise CheckpointError(f"is damaged ({first_line(error).rstrip('.:')})", where=str(path)) from error
    if not isinstance(found, dict) or not {"format", "sha256", "state"} <= found.keys():
        raise CheckpointError("is no checkpoint of `nnlint train`", where=str(path))
    if found["format"] != FORMAT:
        raise CheckpointError(
            f"has format {found['format']}, this nnlint reads format {FORMAT}",
            where=str(path),
            help="resume with the version of nnlint that wrote it",
        )
    state: dict[str, Any] = found["state"]
    if not isinstance(state, dict) or digest(state) != found["sha256"]:
        raise CheckpointError("is damaged (its checksum does not fit its content)", where=str(path))
    return state


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder, the newest first."""
    return sorted((path for path in folder.iterdir() if _NAME.fullmatch(path.name)), key=_epoch, reverse=True)


def digest(state: object) -> str:
    """SHA-256 over the types, keys, numbers and bytes of a nested state, in its order."""
    hashed = hashlib.sha256()
    _feed(hashed, state)
    return hashed.hexdigest()


def _epoch(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    assert match, path
    return int(match[1])


def _not_written(path: Path, error: Exception) -> CheckpointError:
    kept = next((other.name for other in checkpoints(path.parent)), None) if path.parent.is_dir() else None
    after = f"the previous checkpoint, {kept}, is kept" if kept else "there is no earlier one"
    if isinstance(error, atomic.WriteError):
        return CheckpointError(f"{error.message}; {after}", where=error.where, help=error.help)
    message = f"cannot write {path.name} ({first_line(error).rstrip('.:')}); {after}"
    return CheckpointError(message, where=str(path.parent), help="check the disk and the folder")


def _plain(value: Any, where: str, seen: dict[Any, torch.Tensor]) -> Any:
    """The same in types that can be read without running code: NumPy's numbers and enumerations become plain."""
    if isinstance(value, torch.Tensor):
        return _compact(value, where, seen)
    if isinstance(value, Mapping):
        return _plain_mapping(value, where, seen)
    if isinstance(value, list | tuple):
        items = [_plain(item, f"{where}.{index}", seen) for index, item in enumerate(value)]
        return tuple(items) if isinstance(value, tuple) else items
    if isinstance(value, np.generic):
        value = value.item()
    plain = value if value is None or isinstance(value, bool) else _without_subclass(value)
    if plain is None and value is not None:
        raise CheckpointError(
            f"{where.removeprefix('state.')} is of type {type(value).__name__}, which a checkpoint cannot hold",
            help="keep tensors, numbers and strings (`get_extra_state` of a module may return dicts and lists of them)",
        )
    return plain


def _plain_mapping(value: Mapping[Any, Any], where: str, seen: dict[Any, torch.Tensor]) -> dict[Any, Any]:
    pairs = {_plain(key, where, seen): _plain(item, f"{where}.{key}", seen) for key, item in value.items()}
    if not isinstance(value, OrderedDict):
        return pairs
    kept: OrderedDict[Any, Any] = OrderedDict(pairs)
    if hasattr(value, "_metadata"):  # the versions of the modules in a state dict
        kept.__dict__["_metadata"] = _plain(value._metadata, where, seen)
    return kept


def _without_subclass(value: Any) -> Any:
    """A number or string without the class that is built on it; None for all else."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    return bytes(value) if isinstance(value, bytes) else None


def _compact(tensor: torch.Tensor, where: str, seen: dict[Any, torch.Tensor]) -> torch.Tensor:
    """A CPU tensor that owns its memory: torch writes all the memory a tensor is a view of, however large."""
    kept = tensor.detach()
    if type(kept) is not torch.Tensor or kept.layout is not torch.strided or kept.is_meta or kept.is_quantized:
        kind = type(kept).__name__ if type(kept) is not torch.Tensor else f"{kept.layout} {kept.dtype} tensor"
        raise CheckpointError(f"{where.removeprefix('state.')} is a {kind}, which a checkpoint cannot hold")
    key = (kept.device, kept.data_ptr(), kept.dtype, kept.shape, kept.stride())
    if key not in seen or not kept.numel():
        copy = kept.cpu().resolve_conj().resolve_neg()
        if copy.untyped_storage().nbytes() != copy.numel() * copy.element_size():
            copy = copy.clone()
        seen[key] = copy
    return seen[key]


def _feed(hashed: Any, value: Any) -> None:
    """Add a value to a hash, with its kind and length, so that no two states give the same bytes."""
    if isinstance(value, torch.Tensor):
        hashed.update(f"T{value.dtype}{tuple(value.shape)}".encode())
        hashed.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().data if value.numel() else b"")
    elif isinstance(value, dict):
        hashed.update(f"D{len(value)}".encode())
        for key, item in value.items():
            _feed(hashed, key)
            _feed(hashed, item)
        _feed(hashed, getattr(value, "_metadata", None))
    elif isinstance(value, list | tuple):
        hashed.update(f"{'L' if isinstance(value, list) else 'P'}{len(value)}".encode())
        for item in value:
            _feed(hashed, item)
    elif isinstance(value, float):
        hashed.update(b"F" + struct.pack("<d", value))
    else:
        text = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
        hashed.update(f"{type(value).__name__}{len(text)}:".encode() + text)
