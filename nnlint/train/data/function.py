"""Data that a function of the user's makes: ``module:function`` or ``file.py:function``, called without arguments.

It returns ``(train, val)``, ``(train, val, test)``, a dict with these keys (and ``classes``, the names), or one data
set, which is split. Each is a `Dataset`, a `DataLoader`, a tensor pair ``(inputs, targets)``, or a pair of arrays. What
lies in memory is taken out of its data set and becomes `Arrays`; everything else hands out its samples as it likes.
"""

from __future__ import annotations

import importlib
import importlib.util
import random
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

from nnlint.errors import NnlintError, UsageError
from nnlint.train.data.assemble import Raw, assemble
from nnlint.train.data.files import near
from nnlint.train.data.model import Data, Task
from nnlint.train.data.parts import Part
from nnlint.train.data.streams import streamed

_KEYS = ("train", "val", "test", "classes")
_EXPECTED = (
    "expected (train, val), (train, val, test), a dict with these keys, or one data set; each a Dataset, a DataLoader"
    " or a pair (inputs, targets) of tensors or arrays"
)


def load_function(spec: str, place: str, name: str, task: Task | None, seed: int) -> Data:
    """What a function returns, as data.

    Args:
        spec: how the user wrote it.
        place: a module, or a file that ends in ``.py``.
        name: the function.
        task: what the targets are, if it was said.
        seed: torch's, numpy's and Python's random numbers start from it while the file and the function run, so that
            a random split in them is the same in every run; they are put back afterwards.

    Raises:
        UsageError: if there is no such function, it fails, or what it returns is nothing of the above.
    """
    numpy_state, python_state = np.random.get_state(), random.getstate()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)
        random.seed(seed)
        try:
            made = _called(spec, _function(spec, place, name))
            parts, classes = _parts(spec, made)
            arrays = {part: _arrays(spec, part, one) for part, one in parts.items()}
            if all(one is not None for one in arrays.values()):
                found = {part: one for part, one in arrays.items() if one is not None}
                return assemble(Raw(spec, f"made by {spec}", found, classes=classes), task)
            return streamed(spec, _standing(spec, parts), classes, task)
        finally:
            np.random.set_state(numpy_state)
            random.setstate(python_state)


# ------------------------------------------------------------------------------------------------- the function


def _function(spec: str, place: str, name: str) -> Callable[[], Any]:
    module = _file(spec, Path(place)) if place.endswith(".py") else _module(spec, place)
    found = getattr(module, name, None)
    if found is None:
        functions = _functions(module)
        advice = near(name, functions) or f"it has: {', '.join(functions[:8]) or 'no functions'}"
        raise UsageError(f"there is no function {name!r}", where=place, help=advice)
    if not callable(found):
        raise UsageError(f"{name!r} is no function but {type(found).__name__}", where=place, help="wrap it in one")
    return found  # type: ignore[no-any-return]


def _functions(module: Any) -> list[str]:
    """What can be called in a module: first what was written in it, then what it imports."""
    found = {name: value for name, value in vars(module).items() if callable(value) and not name.startswith("_")}
    # classes last: data are seldom what calling one gives; sorting keeps their order otherwise
    return sorted(
        found,
        key=lambda name: (
            getattr(found[name], "__module__", None) != module.__name__,
            isinstance(found[name], type),
        ),
    )


def _module(spec: str, place: str) -> Any:
    # the user's modules lie where they run nnlint, as for ``python -m``
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name is not None and (place == error.name or place.startswith(f"{error.name}.")):
            raise UsageError(
                f"there is no module {error.name!r}", where=spec, help="file.py:function names a file"
            ) from None
        raise _failed(spec, error, "importing it failed") from error
    except Exception as error:
        raise _failed(spec, error, "importing it failed") from error
    finally:
        sys.path.remove(str(Path.cwd()))


def _file(spec: str, path: Path) -> Any:
    if not path.is_file():
        beside = [one.name for one in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise UsageError("there is no such file", where=str(path), help=near(path.name, beside) or None)
    name = f"nnlint_data_{path.stem}"
    loader = importlib.util.spec_from_file_location(name, path)
    assert loader is not None and loader.loader is not None
    module = importlib.util.module_from_spec(loader)
    # its own folder comes first, as for ``python file.py``; it stays, for what is imported when samples are loaded
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    sys.modules[name] = module  # processes that load samples look their classes up there
    try:
        loader.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise _failed(spec, error, "running it failed") from error
    return module


def _called(spec: str, function: Callable[[], Any]) -> Any:
    try:
        return function()
    except NnlintError:
        raise
    except Exception as error:
        raise _failed(spec, error, "it is called without arguments, and failed") from error


def _failed(spec: str, error: Exception, what: str) -> UsageError:
    """An error of the user's code, with the line it was raised at."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename != __file__ and "importlib" not in frame.filename]
    at = f" ({own[-1].filename}:{own[-1].lineno})" if own else ""
    return UsageError(f"{what}: {type(error).__name__}: {error}{at}", where=spec)


# ----------------------------------------------------------------------------------------------- what it returns


def _parts(spec: str, made: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The parts of what was returned, and the names of the classes if they are among it."""
    if isinstance(made, Mapping):
        if unknown := [key for key in made if key not in _KEYS]:
            advice = near(str(unknown[0]), _KEYS) or f"keys: {', '.join(_KEYS)}"
            raise UsageError(f"it returned a dict with the key {unknown[0]!r}", where=spec, help=advice)
        if "train" not in made:
            raise UsageError("it returned a dict without 'train'", where=spec, help=_EXPECTED)
        parts = {key: made[key] for key in _KEYS[:3] if made.get(key) is not None}
        return parts, tuple(str(one) for one in made.get("classes") or ())
    if isinstance(made, (tuple, list)) and not _is_pair(made):
        # `random_split` gives a list
        split = isinstance(made, tuple) or all(isinstance(one, (Dataset, DataLoader)) for one in made)
        if split and len(made) in (2, 3):
            return dict(zip(_KEYS, made, strict=False)), ()
        if isinstance(made, list) and made and all(isinstance(one, (tuple, list)) and len(one) == 2 for one in made):
            return {"all": made}, ()
        if len(made) == 4 and all(_is_array(one) for one in made):
            raise UsageError(
                "it returned four arrays, and their order is not known",
                where=spec,
                help='return {"train": (x, y), "val": (x, y)}',
            )
        raise UsageError(f"it returned a {type(made).__name__} of {len(made)}", where=spec, help=_EXPECTED)
    if isinstance(made, IterableDataset):
        raise _no_numbers(spec, "it returned an iterable data set", "(train loader, val loader), a DataLoader of each")
    if made is None or not (_is_pair(made) or _is_dataset(made) or isinstance(made, DataLoader)):
        raise UsageError(f"it returned {_kind(made)}", where=spec, help=_EXPECTED)
    return {"all": made}, ()


def _is_array(one: Any) -> bool:
    return isinstance(one, (torch.Tensor, np.ndarray))


def _is_pair(one: Any) -> bool:
    return isinstance(one, (tuple, list)) and len(one) == 2 and all(map(_is_array, one))


def _is_dataset(one: Any) -> bool:
    """A map-style data set: samples by number, and how many there are."""
    return hasattr(one, "__getitem__") and hasattr(one, "__len__") and not isinstance(one, (str, bytes, Mapping))


def _kind(one: Any) -> str:
    return "nothing (None)" if one is None else f"a {type(one).__name__}"


def _no_numbers(spec: str, what: str, instead: str) -> UsageError:
    """An iterable data set where samples are asked for by number."""
    message = f"{what}, which has no length and whose samples have no numbers"
    return UsageError(message, where=spec, help=f"return {instead}")


def _arrays(spec: str, part: str, one: Any) -> Part | None:
    """What lies in memory, taken out of its data set; None for what hands its samples out one by one."""
    where = spec if part == "all" else f"{spec}, {part}"
    if _is_pair(one):
        tensors = all(isinstance(array, torch.Tensor) for array in one)
        return Part(_plain(one[0]), _plain(one[1]), where, tensors=tensors)
    if type(one) is TensorDataset:
        if len(one.tensors) != 2:
            raise UsageError(f"samples are {len(one.tensors)} tensors, expected inputs and targets", where=where)
        return Part(_plain(one.tensors[0]), _plain(one.tensors[1]), where, tensors=True)
    if type(one) is Subset and (whole := _arrays(spec, part, one.dataset)) is not None:
        return whole.take(np.asarray(one.indices, dtype=np.int64))
    return None


def _plain(one: Any) -> Any:
    return one.detach().cpu().numpy() if isinstance(one, torch.Tensor) else one


def _standing(spec: str, parts: Mapping[str, Any]) -> dict[str, Any]:
    """Data sets and loaders, with a part to judge by."""
    for part, one in parts.items():
        if isinstance(one, IterableDataset):
            raise _no_numbers(spec, f"{part} is an iterable data set", "a DataLoader of it, which makes its batches")
        if isinstance(one, DataLoader) or _is_dataset(one):
            continue
        if _is_pair(one):
            continue
        raise UsageError(f"{part} is {_kind(one)}", where=spec, help=_EXPECTED)
    return {
        part: TensorDataset(*(torch.as_tensor(array) for array in one)) if _is_pair(one) else one
        for part, one in parts.items()
    }
