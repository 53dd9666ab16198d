"""Small data for the tests, and the message of what goes wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nnlint.errors import UsageError
from nnlint.train.data.load import load_data


def problem(spec: str | Path, **options: Any) -> str:
    """The error that loading ends in, as the user reads it."""
    with pytest.raises(UsageError) as caught:
        load_data(str(spec), **options)
    return str(caught.value)


def numbers(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def picture(path: Path, pixels: np.ndarray | None = None, seed: int = 0, **options: Any) -> Path:
    """A picture, of noise unless pixels are given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = numbers(seed).integers(0, 256, (10, 12, 3), dtype=np.uint8) if pixels is None else pixels
    Image.fromarray(pixels).save(path, **options)
    return path


def pictures(root: Path, parts: dict[str, int], classes: tuple[str, ...] = ("cat", "dog")) -> Path:
    """``root/PART/CLASS/*.png``, so many of each class; the part "" has its classes in the root."""
    seed = 0
    for part, count in parts.items():
        for name in classes:
            for index in range(count):
                seed += 1
                picture(root / part / name / f"{index:02}.png", seed=seed)
    return root
