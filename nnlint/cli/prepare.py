"""``nnlint prepare``: pictures decoded, resized and packed once, ahead of training."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class FitChoice(StrEnum):
    """How pictures come to their size."""

    crop = "crop"
    stretch = "stretch"


def prepare(
    source: Annotated[
        Path,
        typer.Argument(metavar="SRC", help="A folder: SRC/train/CLASS/*.png, SRC/val/CLASS/*.png; or SRC/CLASS/*.png."),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to make; `nnlint train --data OUT` reads it.")],
    size: Annotated[str, typer.Option("--size", metavar="N|HxW", help="Pixels a side: 64, or 48x64.")],
    fit: Annotated[
        FitChoice,
        typer.Option("--fit", help="crop: resize the shorter side, cut out the middle; stretch: resize both sides."),
    ] = FitChoice.crop,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Processes that decode (the cores, at most 8).", show_default=False),
    ] = None,
    val: Annotated[
        float | None,
        typer.Option(
            "--val", help="Share of the training pictures to set apart as val, if SRC has none.", show_default=False
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT, if it was prepared before.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print errors alone.")] = False,
) -> int:
    """Decode, resize and pack pictures once, into arrays that training maps into memory.

    What is the same in every epoch is done ahead of training; augmentation is random and stays online. OUT appears
    whole or not at all. Class folders alone are split 70/10/20 into train, val and test, by class; where there is train
    and no val, an eighth of train is set apart as val.
    """
    from nnlint.cli.train import image_size
    from nnlint.train.data.memory import size_in_words
    from nnlint.train.data.pack import Request, pack

    pixels = image_size(size)
    assert pixels is not None  # only where none is given
    height, width = pixels
    count = workers or min(8, os.cpu_count() or 1)
    start = time.perf_counter()
    with _ended_in_order(), _bar(quiet=quiet) as progress:
        done = pack(Request(source, out, pixels, fit.value, count, val, overwrite), progress)
    if quiet:
        return 0
    seconds = time.perf_counter() - start
    for note in done.notes:
        sys.stderr.write(f"nnlint: note: {note}\n")
    total = sum(done.samples.values())
    told = ", ".join(f"{part} {samples:,}" for part, samples in done.samples.items())
    how = {"crop": "shorter side resized, middle cut out", "stretch": "both sides resized"}[fit.value]
    channels = {1: "grey", 3: "colours"}[done.shape[0]]
    print(f"{out}: {told}; {len(done.classes)} classes; {height} × {width}, {channels} ({how})")
    print(
        f"{total:,} pictures in {seconds:.1f} s ({total / seconds:,.0f} a second, {count} process{'es' * (count > 1)});"
        f" {size_in_words(done.bytes)}"
    )
    print(f"Train on it: nnlint train NET.py --data {out}")
    return 0


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """SIGTERM (``kill``, a batch system) unwinds as Ctrl-C does, so that nothing half-done is left; exit code 143."""

    def end(number: int, frame: object) -> None:  # noqa: ARG001
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _bar(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """What shows how far it is, where somebody watches."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None  # noqa: ARG005
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("pictures,"), TimeRemainingColumn(), TextColumn("left"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)
