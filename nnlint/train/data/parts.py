"""`Part`: inputs and targets as they were read, checked and brought into the forms that `Arrays` holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlint.errors import UsageError
from nnlint.train.data.memory import free_memory, size_in_words

#: samples are looked at in pieces of about so many bytes: data mapped from a file need not fit the memory
CHUNK_BYTES = 32 << 20
#: so many channels an image has, for certain
_IMAGE_CHANNELS = (1, 2, 3, 4)
_ACCEPTED = "expected images (N, C, H, W) or vectors (N, F)"


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Samples of one part of the data, or of all of them.

    Attributes:
        inputs: (N, …), in any numeric type; may be mapped from a file.
        targets: (N,) or (N, K): numbers, class numbers or texts.
        where: the file, or what else to call them in a message.
        files: the file of each sample, where each has its own.
        tensors: whether they were torch's, whose images have their channels first.
        numbers: (N,) the numbers of the samples in the whole that they were taken from; None: this is the whole.
    """

    inputs: NDArray[Any]
    targets: NDArray[Any]
    where: str
    files: tuple[str, ...] = ()
    tensors: bool = False
    numbers: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def sample(self, index: int) -> str:
        """What to call a sample in a message."""
        return self.files[index] if self.files else f"sample {index if self.numbers is None else self.numbers[index]}"

    def take(self, indices: NDArray[np.int64]) -> Part:
        """Some of the samples, copied.

        Raises:
            UsageError: if they do not fit the memory.
        """
        needed = self.inputs[:1].nbytes * len(indices)
        free = free_memory()
        if isinstance(self.inputs, np.memmap) and free is not None and needed > free // 2:
            raise UsageError(
                f"splitting these data copies {size_in_words(needed)}, and {size_in_words(free)} of memory are free",
                where=self.where,
                help="split them into train_x.npy, train_y.npy, val_x.npy and val_y.npy: they are mapped, not copied",
            )
        files = tuple(self.files[index] for index in indices) if self.files else ()
        numbers = indices if self.numbers is None else self.numbers[indices]
        return Part(self.inputs[indices], self.targets[indices], self.where, files, self.tensors, numbers)


def chunks(array: NDArray[Any]) -> list[slice]:
    """Slices over the first dimension, of about `CHUNK_BYTES` each."""
    rows = max(1, CHUNK_BYTES // max(1, array[:1].nbytes))
    return [slice(start, min(len(array), start + rows)) for start in range(0, len(array), rows)]


def checked(part: Part, notes: list[str]) -> Part:
    """The part with inputs as uint8 or float32, (N, C, H, W) or (N, F); what was changed is added to ``notes``.

    Raises:
        UsageError: for shapes, types and numbers that cannot be learnt from.
    """
    inputs, targets = part.inputs, part.targets
    for name, array in (("x", inputs), ("y", targets)):
        if array.dtype.hasobject:
            raise UsageError(f"{name} holds Python objects, expected numbers", where=part.where, help=_PLAIN)
        if array.ndim == 0:
            raise UsageError(f"{name} is a single number, expected one row a sample", where=part.where)
    if len(inputs) != len(targets):
        raise UsageError(
            f"{len(inputs)} inputs and {len(targets)} targets: expected one target for each input", where=part.where
        )
    if len(inputs) < 1:
        raise UsageError("no samples: expected at least 2", where=part.where)
    if inputs.size == 0:
        raise UsageError(f"inputs of shape {_shape(inputs)} hold no numbers; {_ACCEPTED}", where=part.where)
    inputs = _numeric(_laid_out(inputs, part, notes), part)
    _finite(inputs, part)
    return replace(part, inputs=inputs, targets=targets)


_PLAIN = "store plain arrays of numbers: np.stack the samples; pickled objects are not read, they can run code"


def _laid_out(inputs: NDArray[Any], part: Part, notes: list[str]) -> NDArray[Any]:
    """Inputs as (N, C, H, W) or (N, F)."""
    if inputs.ndim == 1:
        return inputs[:, None]
    if inputs.ndim == 2:
        return inputs
    if inputs.ndim == 3 and inputs.dtype == np.uint8:
        _say(notes, f"{_shape(inputs)} of uint8 are taken as grey images ({len(inputs)}, 1, …)")
        return inputs[:, None]
    if inputs.ndim == 4:
        return inputs if part.tensors else _channels_first(inputs, part, notes)
    advice = "for grey images add the channel: x[:, None]" if inputs.ndim == 3 else "flatten the samples, or reshape"
    raise UsageError(f"inputs of shape {_shape(inputs)}; {_ACCEPTED}", where=part.where, help=advice)


def _channels_first(inputs: NDArray[Any], part: Part, notes: list[str]) -> NDArray[Any]:
    """Images with their channels first: moved there where they are last for certain."""
    _, first, middle, last = inputs.shape
    if first == middle == last:
        return inputs  # a cube: nothing but the convention can be said of it
    # two signs: images are square, and have few channels
    signs = {"last" if first == middle else "first"} if middle in (first, last) else set()
    if (first in _IMAGE_CHANNELS) != (last in _IMAGE_CHANNELS):
        signs.add("first" if first in _IMAGE_CHANNELS else "last")
    if len(signs) != 1:
        raise UsageError(
            f"images of shape {_shape(inputs)}: which dimension are the channels? Expected (N, C, H, W)",
            where=part.where,
            help="transpose them if they are last: x.transpose(0, 3, 1, 2); or hand them out as torch tensors by"
            " file.py:function, where (N, C, H, W) is taken for granted",
        )
    if signs == {"first"}:
        return inputs
    _say(notes, f"images were (H, W, C) = {tuple(inputs.shape[1:])}: the channels were moved to the front")
    return np.ascontiguousarray(inputs.transpose(0, 3, 1, 2))


def _numeric(inputs: NDArray[Any], part: Part) -> NDArray[Any]:
    """Inputs as uint8 (images) or float32; what is that already stays where it is."""
    if inputs.dtype.kind not in "biuf":
        raise UsageError(f"inputs of type {inputs.dtype}, expected numbers", where=part.where, help=_PLAIN)
    if inputs.ndim == 4 and inputs.dtype == np.uint8:
        return inputs
    if inputs.dtype == np.float32 and inputs.dtype.isnative:
        return inputs
    needed, free = inputs.size * 4, free_memory()
    if free is not None and needed > free // 2:
        raise UsageError(
            f"inputs of type {inputs.dtype} are converted to float32, which takes {size_in_words(needed)};"
            f" {size_in_words(free)} of memory are free",
            where=part.where,
            help="store images as uint8 and other numbers as float32: such files are mapped, not copied",
        )
    with np.errstate(over="ignore"):
        return inputs.astype(np.float32)


def _finite(inputs: NDArray[Any], part: Part) -> None:
    if inputs.dtype.kind != "f":
        return
    for piece in chunks(inputs):
        rows = inputs[piece].reshape(len(inputs[piece]), -1)
        # a sum is finite only if all its numbers are (it may overflow: then each is looked at)
        if np.isfinite(rows.sum(dtype=np.float64)):
            continue
        bad = ~np.isfinite(rows)
        if bad.any():
            row = int(np.flatnonzero(bad.any(axis=1))[0])
            value = rows[row, int(np.flatnonzero(bad[row])[0])]
            raise UsageError(
                f"{value} in the inputs, first in {part.sample(piece.start + row)}, expected finite numbers of float32",
                where=part.where,
                help="leave such samples out or fill them in: one of them makes all weights nan",
            )


def _shape(array: NDArray[Any]) -> str:
    return "(" + ", ".join(map(str, array.shape)) + ("," if array.ndim == 1 else "") + ")"


def _say(notes: list[str], note: str) -> None:
    if note not in notes:
        notes.append(note)
