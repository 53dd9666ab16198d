"""The training itself, from the first weights to the last, top to bottom.

What it does, and why, is in the order it happens: set up, then for every epoch learn from each batch and look at the
validation data, then judge once on the test data. The pieces it needs have modules of their own, which know nothing of
it.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from nnlint.errors import NnlintError, UsageError
from nnlint.train import batches, optimizer
from nnlint.train.config import TrainConfig
from nnlint.train.data.model import Data
from nnlint.train.diagnose import where_it_began
from nnlint.train.digests import digest_of_losses, digest_of_state
from nnlint.train.distributed import ALONE, World, failed, share_buffers, synchronised, wrapped
from nnlint.train.evaluate import baseline_of, evaluate
from nnlint.train.hardware import Hardware, full, prepared
from nnlint.train.objective import Objective
from nnlint.train.results import Ending, Epoch, Trained
from nnlint.train.rng import rng_state, seed_everything, set_rng_state
from nnlint.train.trial import tried
from nnlint.train.watch import Watch

#: steps after which a GPU is asked for the losses: each question makes it wait
GPU_PATIENCE = 50


class DivergedError(Exception):
    """The loss of a step is no number."""


def train(
    net: nn.Module,
    data: Data,
    objective: Objective,
    config: TrainConfig,
    *,
    watch: Watch | None = None,
    resume: Mapping[str, Any] | None = None,
    world: World = ALONE,
) -> Trained:
    """Train a network, which is changed in place, and say what came of it.

    Args:
        net: with its first weights. ``data`` are shown as it takes them, and ``objective`` fits it.
        watch: told of every step and epoch.
        resume: the state after an epoch, as `Watch.epoch` was given it: it goes on from there to the same bits.
        world: the processes that train together, each of which calls this.

    Returns:
        what it came to. A loss that is no number, an error in the network and Ctrl-C end the training, not the program.

    Raises:
        NnlintError: if it cannot begin: no such device, no batch, nothing to train.
    """
    watch = watch or Watch()
    with prepared(config, image_like=len(data.shape) == 3, local_rank=world.local_rank) as hardware:
        training = _Training(net, data, objective, config, watch, hardware, world)
        try:
            ending, reason = training.run(resume)
        except KeyboardInterrupt:  # also while an error is handled: Ctrl-C takes the other processes away at once
            where = f"in epoch {training.epoch + 1}" if training.epoch < config.epochs else "after the last epoch"
            ending, reason = "interrupted", f"stopped by the user {where}"
        trained = training.result(ending, reason)
        watch.end(trained)
        return trained


@dataclass(eq=False)
class _Training:
    """A training that is under way.

    Attributes:
        doing: what the network is in use for: ``training``, ``validation``, ``test``, or nothing.
        unread: the losses of the last steps, as long as nobody has asked the device for them.
        generators: the random generators of every process after the last epoch.
        first_epochs: those that a process began with, by their numbers: they take longer, to compile and to warm up.
    """

    net: nn.Module
    data: Data
    objective: Objective
    config: TrainConfig
    watch: Watch
    hardware: Hardware
    world: World
    epoch: int = 0
    step: int = 0
    history: list[Epoch] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    unread: list[Tensor] = field(default_factory=list)
    generators: list[dict[str, Any]] = field(default_factory=list)
    first_epochs: list[int] = field(default_factory=list)
    final: Mapping[str, float] = field(default_factory=dict)
    doing: str = ""
    tried: bool = False

    def run(self, resume: Mapping[str, Any] | None) -> tuple[Ending, str]:
        """All of it. How it ended, and why, where that was too early."""
        try:
            self.begin(resume)
            while self.epoch < self.config.epochs:
                self.one_epoch()
            self.judge()
        except DivergedError as error:
            return "diverged", str(error)
        except Exception as error:
            # what the network or the data raise is a result; what nnlint raises, or one of several processes, is not
            if isinstance(error, NnlintError):
                raise
            if self.world.size > 1:
                raise failed(error, self.world, f"step {self.step + 1}") from error
            if not self.doing:
                raise
            # a network may fail in evaluation mode alone
            learning = self.doing == "training"
            where = f"step {self.step + 1}" if learning else f"{self.doing} after step {self.step}"
            return "failed", f"{where}: {type(error).__name__}: {error}"
        return "finished", ""

    def begin(self, resume: Mapping[str, Any] | None) -> None:
        """Everything that is done once, ahead of the first step."""
        config, hardware = self.config, self.hardware
        net = self.world.together(lambda: self._made(resume))
        self.model = wrapped(net, self.world, hardware.device)
        # dropout draws from here on; not from where building the network has left the generator, because networks
        # that are compared draw different numbers for their weights
        seed_everything(config.seed + self.world.rank)
        said = [*hardware.said, self.world.says(config.batch_size)]
        if resume is not None:
            said.append(self._go_on(resume))
        self.first_epochs.append(self.epoch + 1)
        for sentence in said:
            if sentence:
                self.watch.say(sentence)
        self.watch.begin(hardware.facts(), config.epochs, self.train_batches.steps)

    def _made(self, resume: Mapping[str, Any] | None) -> nn.Module:
        """What can be made without the other processes; the network, as it is wrapped for them."""
        config, hardware = self.config, self.hardware
        hardware.moved(self.net)
        self.train_batches = batches.training(self.data, config, hardware, self.world)
        self.val_batches = batches.judging(self.data, self.data.val, config, hardware, self.world)
        if resume is not None:
            self._check_steps(resume)
        self.optimizer = optimizer.make_optimizer(self.net, config, fused=hardware.fused)
        self.scheduler = optimizer.make_scheduler(self.optimizer, config, config.epochs * self.train_batches.steps)
        return synchronised(self.net, self.world, hardware.device) if config.sync_batch_norm else self.net

    def one_epoch(self) -> None:
        """Learn from every training sample once, then look at the validation data."""
        before, started = len(self.losses), time.perf_counter()
        weighed, lr = self._learn()
        self.hardware.synchronize()  # a GPU works on while Python goes ahead: the clock is read when it is done
        learnt = time.perf_counter()
        val_loss, metrics = self._look(self.val_batches, "validation")
        looked = time.perf_counter()

        samples = sum(weighed)
        train_loss = sum(loss * n for loss, n in zip(self.losses[before:], weighed, strict=True)) / samples
        self.epoch += 1
        times = learnt - started, looked - learnt
        self.history.append(Epoch(self.epoch, train_loss, val_loss, metrics, lr, *times, samples=round(samples)))
        self.generators = self.world.gathered(rng_state())
        self.watch.epoch(self.history[-1], self.state)

    def _learn(self) -> tuple[list[float], float]:
        """A step for each batch. How many samples each had, over all processes, and the rate of the last one."""
        config, hardware = self.config, self.hardware
        parameters = list(self.model.parameters())
        patience = GPU_PATIENCE if hardware.device.type == "cuda" else 1
        weighed: list[float] = []
        lr = 0.0
        self.model.train()
        self.doing = "training"
        for inputs, targets, share in self.train_batches.epoch(self.epoch):
            if not self.tried:
                self._try(inputs, targets)
            if sentence := hardware.saw(inputs.shape):
                self.watch.say(sentence)
            self.optimizer.zero_grad()
            loss = self._loss(self.model, inputs, targets)
            # gradients are averaged over the processes, so each loss counts as much as it has of the batch
            loss = loss if share == 1.0 else loss * share
            self.unread.append(loss.detach())
            weighed.append(len(targets) * self.world.size / share)
            if len(self.unread) == patience:
                self._read_losses(inputs, targets)
            loss.backward()
            if config.clip is not None:
                nn.utils.clip_grad_norm_(parameters, config.clip)
            lr = float(self.optimizer.param_groups[0]["lr"])
            self.optimizer.step()
            self.scheduler.step()
            self.step += 1
            self.watch.step(len(weighed))
        self._read_losses(inputs, targets)
        share_buffers(self.net, self.world)
        self.doing = ""
        return weighed, lr

    def _look(self, samples: batches.Batches, why: str) -> tuple[float, Mapping[str, float]]:
        """Loss and metrics of the network as it is now."""
        self.doing = why
        # several processes judge different numbers of batches, and the wrapper would wait for all of them at each
        net = self.model if self.world.size == 1 else self.net
        found = evaluate(net, samples, self.data, self.objective, self.hardware, self.world)
        self.doing = ""
        return found

    def _loss(self, model: Callable[..., Any], inputs: Tensor, targets: Tensor) -> Tensor:
        with self.hardware.autocast():
            outputs = model(inputs)
        return self.objective.loss(full(outputs), targets)

    def _try(self, inputs: Tensor, targets: Tensor) -> None:
        """Before the first step: what of `--compile` and `--repro` can be had with this network."""
        self.tried = True
        if not self.config.compile and self.config.mode != "repro":
            return
        compiled, said = tried(self.net, lambda model: self._loss(model, inputs, targets), self.config, self.world)
        for sentence in said:
            self.watch.say(sentence)
        if compiled:
            self.model = torch.compile(self.model)  # type: ignore[assignment]

    def _read_losses(self, inputs: Tensor, targets: Tensor) -> None:
        """Take the losses of the last steps over, and stop where one is no number: every later step would be lost."""
        if not self.unread:
            return
        own = torch.stack(self.unread)
        # over all processes, so that all of them see the same and stop at the same step
        read = self.world.mean(own).tolist()
        first = next((i for i, loss in enumerate(read) if not math.isfinite(loss)), None)
        done = len(self.losses)
        self.losses += read if first is None else read[: first + 1]
        self.unread.clear()
        if first is not None:
            here = not math.isfinite(own[first].item())
            where = self.world.first(self._where(inputs, targets, self.step - done - first) if here else "")
            raise DivergedError(
                f"the loss of step {done + first + 1} (epoch {self.epoch + 1}) is {read[first]}: {where}"
            )

    def _where(self, inputs: Tensor, targets: Tensor, later: int) -> str:
        """Where it began, as far as that can still be seen: the step after already learns from what is no number."""
        if later:
            noticed = f"noticed {later} {'step' if later == 1 else 'steps'} later, when the weights had taken it over"
            return f"{noticed} (a GPU is asked every {GPU_PATIENCE} steps); with --device cpu it is told where it began"
        autocast, size = self.hardware.autocast, self.world.size
        return where_it_began(self.net, inputs, targets, self.objective, autocast=autocast, processes=size)

    def judge(self) -> None:
        """Once, at the end: on the test data; without any, the last look at the validation data has judged."""
        if self.data.test is None and self.history:
            self.final = self.history[-1].metrics
            return
        split = self.data.test if self.data.test is not None else self.data.val
        _, self.final = self._look(batches.judging(self.data, split, self.config, self.hardware, self.world), "test")

    def result(self, ending: Ending, reason: str) -> Trained:
        """What came of it."""
        metric = self.objective.metric
        numbers = (epoch for epoch in self.history if math.isfinite(epoch.metrics[metric]))
        best = max(numbers, key=lambda epoch: epoch.metrics[metric], default=None)
        seconds = [epoch.seconds for epoch in self.history]
        settled = [epoch.seconds for epoch in self.history if epoch.number not in self.first_epochs]
        return Trained(
            ending=ending,
            epochs=tuple(self.history),
            metric=metric,
            final=self.final,
            judged_on="val" if self.data.test is None else "test",
            best_epoch=best.number if best else 0,
            first_loss=self.losses[0] if self.losses else math.nan,
            expected_first_loss=self.objective.expected_first_loss,
            baseline=baseline_of(self.data, self.data.val if self.data.test is None else self.data.test),
            steps=self.step,
            losses_digest=digest_of_losses(self.losses),
            state_digest=digest_of_state(self.net),
            seconds=sum(seconds),
            settled_seconds=statistics.median(settled or seconds or [math.nan]),
            peak_bytes=self.hardware.peak_bytes(),
            reason=reason,
            facts=self.hardware.facts(),
        )

    def state(self) -> dict[str, Any]:
        """All that is needed to go on after the epoch that was done last; plain tensors and numbers."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            "steps": self.train_batches.steps,
            "first_epochs": list(self.first_epochs),
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "rng": self.generators,
            "history": [asdict(epoch) for epoch in self.history],
            "losses": torch.tensor(self.losses, dtype=torch.float32),
        }

    def _check_steps(self, state: Mapping[str, Any]) -> None:
        """Whether an epoch has as many steps as in the run that goes on: the learning rate's course counts them.

        Raises:
            UsageError: it has not.
        """
        before, now = state["steps"], self.train_batches.steps
        if before == now:
            return
        processes = len(state["rng"])
        advice = "give the data and the options it was begun with"
        if processes != self.world.size:
            advice = f"it was begun by {_processes(processes)}, and goes on by {self.world.size}: start as many as then"
        raise UsageError(
            f"an epoch of this run had {before} steps, and has {now} now",
            where="--resume",
            help=f"{advice}, or start anew without `--resume`",
        )

    def _go_on(self, state: Mapping[str, Any]) -> str:
        """Take over the state of a run; what the user should know of it, if anything."""
        self.epoch, self.step = state["epoch"], state["step"]
        self.first_epochs = list(state["first_epochs"])
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.history = [Epoch(**epoch) for epoch in state["history"]]
        self.losses = state["losses"].tolist()
        before, now = len(state["rng"]), self.world.size
        if before == now:
            set_rng_state(state["rng"][self.world.rank])
            return ""
        # each must only draw something else than the others
        seed_everything(self.config.seed + self.world.rank + 1_000_003 * self.step)
        return (
            f"Begun by {_processes(before)}, going on by {now}: from here on what is drawn at random is other numbers, "
            "and batch norm sees parts of another size."
        )


def _processes(number: int) -> str:
    return f"{number} process{'' if number == 1 else 'es'}"
