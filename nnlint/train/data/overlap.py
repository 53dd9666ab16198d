"""The same inputs in training and in what judges: such samples are remembered, not predicted."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlint.errors import UsageError
from nnlint.train.data.memory import size_in_words
from nnlint.train.data.parts import Part, chunks

#: above so many bytes all samples are not read only to compare them
MOST_BYTES = 2 << 30
#: so much of a part may occur in training before nothing can be judged by it
MOST = 0.5


def check_overlap(parts: Mapping[str, Part], notes: list[str], *, given: bool) -> None:
    """Looks for inputs that training shares with the other parts, bit for bit; some are a note, most are an error.

    Samples with few different values (a table of a few yes and no) are often alike without being the same: where
    training repeats itself as much, it is a note.

    Args:
        parts: ``train`` and others, all of them checked.
        notes: what was found is added here.
        given: whether the user made the split; otherwise it is never an error, the data themselves repeat.

    Raises:
        UsageError: if more than half of a part that was given occurs in training.
    """
    size = sum(part.inputs.nbytes for part in parts.values())
    if size > MOST_BYTES:
        notes.append(f"not looked for samples that train and val share: these are {size_in_words(size)}")
        return
    train = parts["train"]
    first = _first_of_each(train.inputs)
    for name in (name for name in ("val", "test") if name in parts):
        part = parts[name]
        shared = [(index, first[key]) for index, key in enumerate(hashes(part.inputs)) if key in first]
        if not shared:
            continue
        index, same = shared[0]
        # the parts of one data set keep its numbers
        of_train = "" if train.numbers is not None and part.numbers is not None else " of train"
        message = (
            f"{len(shared)} of the {len(part)} samples of {name} occur in train, bit for bit: {part.sample(index)}"
            f" is {train.sample(same)}{of_train}"
        )
        repeats = 1 - len(first) / len(train)
        if given and len(shared) > MOST * len(part) and repeats < MOST:
            advice = "judge by samples that were not trained on: split the data before they are written"
            raise UsageError(message, where=part.where, help=advice)
        notes.append(f"{message}; what is remembered counts as predicted")


def hashes(samples: NDArray[Any]) -> list[bytes]:
    """A hash of each sample's bytes, 16 bytes long."""
    found = []
    for piece in chunks(samples):
        rows = np.ascontiguousarray(samples[piece]).reshape(piece.stop - piece.start, -1)
        found += [blake2b(row.data, digest_size=16).digest() for row in rows]
    return found


def _first_of_each(samples: NDArray[Any]) -> dict[bytes, int]:
    first: dict[bytes, int] = {}
    for index, key in enumerate(hashes(samples)):
        first.setdefault(key, index)
    return first
