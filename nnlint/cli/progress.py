"""`Progress`: a training as a terminal shows it: a line an epoch on stdout, a bar below them on a terminal's stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nnlint.train.watch import Watch
from nnlint.train.wording import SPACE, score

if TYPE_CHECKING:
    from nnlint.train.results import Epoch

#: seconds between two looks of the bar: drawing it at every step would cost more than a small step does
_PATIENCE = 0.1


class Progress(Watch):
    """Prints epochs as they are done.

    Args:
        show: prints a line.
        done: epochs that an earlier run has done already.
    """

    def __init__(self, show: Callable[[str], object], done: int = 0) -> None:
        self.show = show
        self.done = done
        self.epochs = self.steps = 0
        self.headed = False
        self.drawn_at = 0.0
        self.bar: Any = None
        self.task: Any = None

    def begin(self, facts: Mapping[str, str], epochs: int, steps: int) -> None:
        """Start the bar, where somebody can see it."""
        self.epochs, self.steps = epochs, steps
        threads = "1 thread" if facts["threads"] == "1" else f"{facts['threads']} threads"
        self.show(f"machine: {facts['device']} ({facts['device name']}), {threads}")
        if not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("steps,"), TimeRemainingColumn(), TextColumn("left"))
        # lines on the same terminal go above the bar; those in a file or a pipe stay there
        on_screen = sys.stdout.isatty()
        self.bar = Bar(*columns, console=Console(stderr=True), transient=True, redirect_stdout=on_screen)
        self.task = self.bar.add_task("", total=epochs * steps, completed=self.done * steps)
        self.bar.start()

    def say(self, sentence: str) -> None:
        """Print it."""
        self.show(f"  {sentence}")

    def step(self, done: int) -> None:
        """Move the bar on."""
        if self.bar is not None and time.monotonic() - self.drawn_at > _PATIENCE:
            self.drawn_at = time.monotonic()
            self.bar.update(self.task, completed=self.done * self.steps + done)

    def epoch(self, epoch: Epoch, state: Callable[[], dict[str, Any]]) -> None:  # noqa: ARG002
        """Print a line; the heads of the columns before the first one."""
        if not self.headed:
            self.headed = True
            names = "".join(f"{name:>11}" for name in epoch.metrics)
            self.show(f"\n{'epoch':>7}  {'train loss':>10}  {'val loss':>9}{names}  {'lr':>9}  {'seconds':>7}")
        self.show(_row(epoch, self.epochs))
        self.done = epoch.number

    def close(self) -> None:
        """Take the bar away, and give the terminal its cursor back."""
        if self.bar is not None:
            self.bar.stop()


def _row(epoch: Epoch, epochs: int) -> str:
    metrics = "".join(f"{metric(name, value):>11}" for name, value in epoch.metrics.items())
    number = f"{epoch.number}/{epochs}"
    return (
        f"{number:>7}  {epoch.train_loss:10.4f}  {epoch.val_loss:9.4f}{metrics}  {epoch.lr:9.2g}"
        f"  {epoch.seconds + epoch.val_seconds:7.2f}"
    )


def metric(name: str, value: float) -> str:
    """A metric as everywhere else, for a terminal, where a line is not broken anyway."""
    return score(name, value).replace(SPACE, " ")
