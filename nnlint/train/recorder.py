"""`Recorder`: writes down a training while it goes on, so that nothing is lost whatever happens to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from nnlint.train.checkpoint import save
from nnlint.train.log import RunFolder
from nnlint.train.results import Epoch, Trained
from nnlint.train.watch import Watch
from nnlint.train.weights import save_weights

#: saving may take so much of the time: a checkpoint after each epoch of a few milliseconds would be most of the work
SHARE = 0.05


class Recorder(Watch):
    """Metrics of every epoch, checkpoints to go on from, and the weights of the best and the last epoch.

    A checkpoint holds the weights of the best epoch too: the file of the best weights may be of a later epoch than the
    checkpoint that a run goes on from.

    Args:
        folder: of the run.
        net: the network that is trained.
        metric: what decides which epoch is the best; higher is better.
        epochs: that are asked for: the last one is always saved.
        metadata: what the weights' files say of themselves.
        resume: the checkpoint that the run goes on from.
    """

    def __init__(
        self,
        folder: RunFolder,
        net: nn.Module,
        metric: str,
        epochs: int,
        metadata: Mapping[str, Any],
        resume: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder, self.net, self.metric, self.epochs, self.metadata = folder, net, metric, epochs, metadata
        self.best = -float("inf")
        self.best_epoch = 0
        self.best_state: Mapping[str, Any] = {}
        self.best_is_written = True
        self.saved_at = 0.0
        self.cost = 0.0
        self.history: list[Epoch] | None = None
        if resume is not None:
            self._go_on(resume)

    def _go_on(self, state: Mapping[str, Any]) -> None:
        self.history = [Epoch(**epoch) for epoch in state["history"]]
        for epoch in self.history:
            self._better(epoch)
        self.best_state = state["net"] if self.best_epoch == state["epoch"] else state["best"]

    def begin(self, facts: Mapping[str, str], epochs: int, steps: int) -> None:  # noqa: ARG002
        """Make the folder as it was after the epochs behind it, where a run goes on."""
        if self.history is None:
            return
        self.folder.go_on(self.history)
        if self.best_epoch:
            self._weights("best", self.best_state, self.best_epoch)

    def epoch(self, epoch: Epoch, state: Callable[[], dict[str, Any]]) -> None:
        """Write the epoch's metrics; keep the weights if they are the best; save what is due."""
        self.folder.append(epoch)
        if self._better(epoch):
            self.best_state, self.best_is_written = _copied(self.net), False
        now = time.perf_counter()
        if epoch.number == self.epochs or now - self.saved_at >= self.cost / SHARE:
            self._save(epoch, state())
            self.saved_at = time.perf_counter()
            self.cost = self.saved_at - now

    def _save(self, epoch: Epoch, state: Mapping[str, Any]) -> None:
        self._save_best()
        # those of this epoch are in it anyway
        save(self.folder.path, {**state, "best": {} if self.best_epoch == epoch.number else self.best_state})

    def _save_best(self) -> None:
        if not self.best_is_written:
            self._weights("best", self.best_state, self.best_epoch)
            self.best_is_written = True

    def _better(self, epoch: Epoch) -> bool:
        """Whether an epoch is the best so far, which it then counts as."""
        value = epoch.metrics[self.metric]
        if not value > self.best:
            return False
        self.best, self.best_epoch = value, epoch.number
        return True

    def end(self, trained: Trained) -> None:
        """The best weights and the last, whatever they are worth: where the user stopped it they are what there is."""
        self._save_best()
        if trained.ending != "failed":
            self._weights("last", self.net, len(trained.epochs))

    def _weights(self, name: str, net: nn.Module | Mapping[str, Any], epoch: int) -> None:
        save_weights(self.folder.path / f"{name}.safetensors", net, {**self.metadata, "epoch": epoch})


def _copied(net: nn.Module) -> dict[str, Any]:
    """The state of a network as it is now, on the CPU; tied weights stay one tensor."""
    copies: dict[tuple[Any, ...], torch.Tensor] = {}
    state: dict[str, Any] = {}
    for name, value in net.state_dict().items():
        if not isinstance(value, torch.Tensor):
            state[name] = value
            continue
        key = (value.data_ptr(), value.dtype, value.shape, value.stride()) if value.numel() else (name,)
        if key not in copies:
            copies[key] = value.detach().cpu().clone()
        state[name] = copies[key]
    return state
