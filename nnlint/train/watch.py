"""`Watch`: who looks on while a network is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nnlint.train.results import Epoch, Trained


class Watch:
    """Told of everything that happens in a training; this one does nothing. Subclasses print, draw and save.

    What a method raises ends the training and reaches the caller of `nnlint.train.loop.train`.
    """

    def begin(self, facts: Mapping[str, str], epochs: int, steps: int) -> None:
        """Before the first step, with what has to be known to repeat the training; ``steps`` of one epoch."""

    def say(self, sentence: str) -> None:
        """What the user should know: how the hardware is used, what could not be had."""

    def step(self, done: int) -> None:
        """After each step; ``done`` of this epoch. It is called often: do little."""

    def epoch(self, epoch: Epoch, state: Callable[[], dict[str, Any]]) -> None:
        """After each epoch; ``state()`` is all that is needed to go on from here, as plain tensors and numbers."""

    def end(self, trained: Trained) -> None:
        """After the last epoch, however it ended."""


class Watches(Watch):
    """Several that look on, told in this order."""

    def __init__(self, *watches: Watch) -> None:
        self.watches = watches

    def begin(self, facts: Mapping[str, str], epochs: int, steps: int) -> None:
        """Tell all of them."""
        for watch in self.watches:
            watch.begin(facts, epochs, steps)

    def say(self, sentence: str) -> None:
        """Tell all of them."""
        for watch in self.watches:
            watch.say(sentence)

    def step(self, done: int) -> None:
        """Tell all of them."""
        for watch in self.watches:
            watch.step(done)

    def epoch(self, epoch: Epoch, state: Callable[[], dict[str, Any]]) -> None:
        """Tell all of them."""
        for watch in self.watches:
            watch.epoch(epoch, state)

    def end(self, trained: Trained) -> None:
        """Tell all of them."""
        for watch in self.watches:
            watch.end(trained)
