"""The first tip, preprocess ahead of time: an epoch of prepared arrays beside decoding and resizing every epoch."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tables import Row
from torch.utils.data import DataLoader, Dataset

from nnlint.train.data.load import load_data
from nnlint.train.data.model import Arrays
from nnlint.train.data.pack import Request, pack
from nnlint.train.data.pictures import decode

PICTURES, CLASSES, BATCH = 600, 4, 64
#: of the pictures on the disk, and as they are trained on
HEIGHT, WIDTH, SIZE = 240, 320, (64, 64)


def rows(rounds: int) -> list[Row]:
    """Ratios of the time an epoch of loading takes, measured in turns, and what preparing costs once."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        root, out = Path(place, "pictures"), Path(place, "prepared")
        files, labels = _pictures(root)
        start = time.perf_counter()
        pack(Request(root, out, SIZE, workers=2, overwrite=True))
        preparing = time.perf_counter() - start
        arrays = load_data(str(out)).train
        assert isinstance(arrays, Arrays)
        decoding = _Decoding(files, labels)
        epochs: dict[str, Callable[[], Iterator[Any]]] = {
            "prepared": lambda: _batches(arrays),
            "one process": lambda: iter(DataLoader(decoding, BATCH, shuffle=True)),
            "2 workers": lambda: iter(DataLoader(decoding, BATCH, shuffle=True, num_workers=2)),
        }
        seconds: dict[str, list[float]] = {name: [] for name in epochs}
        for turn in range(rounds + 1):
            for name, epoch in epochs.items():
                taken = _taken(epoch)
                if turn:  # the first one warms up
                    seconds[name].append(taken)
    rates = {name: 1 / statistics.median(taken) for name, taken in seconds.items()}
    once = preparing / (len(files) / rates["one process"])
    found = [
        Row(
            f"loading prepared {SIZE[0]} × {SIZE[1]}, % of decoding {WIDTH} × {HEIGHT} every epoch, {name}",
            100 * statistics.median(a / b for a, b in zip(seconds["prepared"], seconds[name], strict=True)),
            5.0,
            f"{rates['prepared']:,.0f} and {rates[name]:,.0f} images a second",
        )
        for name in ("one process", "2 workers")
    ]
    note = f"{PICTURES} JPEG and PNG pictures in {preparing:.1f} s, 2 processes; the unit is an epoch of one process"
    return [*found, Row("nnlint prepare, in epochs of decoding", once, 3.0, note)]


def _taken(epoch: Callable[[], Iterator[Any]]) -> float:
    """Seconds for each image of an epoch."""
    start, seen = time.perf_counter(), 0
    for images, _ in epoch():
        seen += len(images)
    return (time.perf_counter() - start) / seen


def _batches(arrays: Arrays) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """An epoch in random order, picked by index as the trainer does."""
    for part in torch.randperm(len(arrays)).split(BATCH):
        yield arrays.inputs[part], arrays.targets[part]


class _Decoding(Dataset[Any]):
    """What most training scripts do: a picture is opened, decoded and resized whenever it is used."""

    def __init__(self, files: list[Path], labels: list[int]) -> None:
        self.files, self.labels = files, labels

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.from_numpy(decode(self.files[index], 3, SIZE)), self.labels[index]


def _pictures(root: Path) -> tuple[list[Path], list[int]]:
    """Half JPEG, half PNG: smooth shapes and a little noise, which compress about as photographs do.

    Returns:
        The files of the training part and their classes; as many again for validation would measure nothing else.
    """
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    files, labels = [], []
    for index in range(PICTURES):
        label = index % CLASSES
        waves = [np.sin(rows / random.uniform(8, 60) + columns / random.uniform(8, 60)) for _ in range(3)]
        pixels = 127 + 90 * np.stack(waves, axis=2) + random.normal(0, 6, (HEIGHT, WIDTH, 3))
        part = "val" if index % 10 == 9 else "train"
        path = root / part / f"class{label}" / f"{index:04}.{'jpg' if index % 2 else 'png'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
        if part == "train":
            files.append(path)
            labels.append(label)
    return files, labels
