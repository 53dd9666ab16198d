"""Batches: what the loop iterates over, whatever the samples come from.

The order of an epoch is a function of seed and epoch, so that it is the same on every machine, in every process, for
both networks of a comparison, and after a resume.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, RandomSampler, Sampler, SequentialSampler
from torch.utils.data.distributed import DistributedSampler

from nnlint.errors import NnlintError, UsageError
from nnlint.train.augment import augmented
from nnlint.train.config import TrainConfig
from nnlint.train.data.model import Arrays, Data, Split
from nnlint.train.distributed import World
from nnlint.train.hardware import Hardware
from nnlint.train.normalise import Normaliser
from nnlint.train.rng import seeded_worker

#: inputs that take less than this as floats are normalised once, ahead of training
AHEAD = 512 << 20
#: samples of a batch that is only looked at, not learnt from: nothing is kept for a backward pass
EVALUATED = 512

#: inputs, targets, and how much of the global batch this process has, times the number of processes (1 for one)
Batch = tuple[Tensor, Tensor, float]


class Batches(Protocol):
    """The batches of this process; `samples` and `steps` are those of an epoch, over all processes and of each."""

    samples: int
    steps: int

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of one epoch, on the device that computes."""


def training(data: Data, config: TrainConfig, hardware: Hardware, world: World) -> Batches:
    """Shuffled, augmented, and without a last batch of one: batch norm has nothing to normalise in it.

    Raises:
        NnlintError: if there are too few samples for a batch.
        UsageError: if the processes cannot divide a batch equally, or a loader's samples are to be augmented.
    """
    world.share(config.batch_size)
    if isinstance(data.train, Arrays):
        return _ArrayBatches(data, data.train, config, hardware, world, learning=True)
    return _StreamBatches(data, data.train, config, hardware, world, learning=True)


def judging(data: Data, split: Split, config: TrainConfig, hardware: Hardware, world: World) -> Batches:
    """Every sample once, in order; several processes take every so-manieth, so that none is counted twice."""
    if isinstance(split, Arrays):
        return _ArrayBatches(data, split, config, hardware, world, learning=False)
    return _StreamBatches(data, split, config, hardware, world, learning=False)


def order_of(samples: int, seed: int, epoch: int) -> Tensor:
    """The order of an epoch's samples, an int64 permutation of (samples,)."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    return torch.randperm(samples, generator=generator)


def _sizes(samples: int, batch_size: int, world: World) -> list[int]:
    """The sizes of an epoch's global batches."""
    least = 2 * world.size
    full, rest = divmod(samples, batch_size)
    sizes = [batch_size] * full + ([rest] if rest >= least else [])
    if not sizes:
        raise NnlintError(f"{samples} training samples make no batch", help=f"at least {least} are needed")
    return sizes


class _ArrayBatches:
    """Batches of samples in memory: picked by index, which costs less than any loader."""

    def __init__(
        self, data: Data, split: Arrays, config: TrainConfig, hardware: Hardware, world: World, *, learning: bool
    ) -> None:
        self.config, self.hardware, self.world, self.learning = config, hardware, world, learning
        self.normalise = Normaliser(data)
        inputs, targets = split.inputs, self.normalise.targets(split.targets)
        self.ahead = inputs.numel() * 4 <= AHEAD
        if self.ahead:
            inputs = self.normalise.inputs(inputs)
        if self.ahead and hardware.fits(inputs.nbytes + targets.nbytes):
            inputs, targets = inputs.to(hardware.device), targets.to(hardware.device)
        self.inputs, self.targets = inputs, targets
        if learning:
            self.sizes = _sizes(len(split), config.batch_size, world)
        else:
            # of a few samples, one of many processes may have none
            self.parts = [part for part in world.part(torch.arange(len(split))).split(EVALUATED) if len(part)]
            self.sizes = [len(part) for part in self.parts]
        self.samples, self.steps = sum(self.sizes), len(self.sizes)

    def epoch(self, number: int) -> Iterator[Batch]:
        if not self.learning:
            for part in self.parts:
                inputs, targets = self._picked(part)
                yield _laid_out(inputs, self.hardware), targets, 1.0
            return
        order = order_of(len(self.targets), self.config.seed, number)
        start = 0
        for size in self.sizes:
            # every process takes its part of the same global batch
            part = self.world.part(order[start : start + size])
            start += size
            inputs, targets = self._picked(part)
            inputs = _changed(inputs, part, self.config, number)
            yield _laid_out(inputs, self.hardware), targets, len(part) * self.world.size / size

    def _picked(self, part: Tensor) -> tuple[Tensor, Tensor]:
        part = part.to(self.targets.device)
        inputs, targets = _to(self.inputs[part], self.hardware), _to(self.targets[part], self.hardware)
        return (inputs if self.ahead else self.normalise.inputs(inputs)), targets


class _StreamBatches:
    """Batches that somebody else's data set or loader hands out."""

    def __init__(
        self, data: Data, split: Split, config: TrainConfig, hardware: Hardware, world: World, *, learning: bool
    ) -> None:
        assert not isinstance(split, Arrays)
        self.name, self.config, self.hardware, self.world, self.learning = data.name, config, hardware, world, learning
        self.normalise = Normaliser(data)
        self.sizes: list[int] = []
        if split.loader is not None:
            self.loader: DataLoader[Any] = split.loader
            self.sampler: Any = _of_its_own(split.loader.sampler)
            if learning:
                _check_own(data, self.sampler, config, world)
            self.samples = split.samples or 0
        else:
            assert split.dataset is not None
            count = len(split.dataset)  # type: ignore[arg-type]  # map-style: it has a length
            self.sizes = _sizes(count, config.batch_size, world) if learning else []
            self.samples = sum(self.sizes) if learning else count
            self.sampler = _Order(self.samples, count, config.seed, world, shuffled=learning)
            self.loader = _loader(split.dataset, self.sampler, config, hardware, world, learning=learning)
        try:
            self.steps = len(self.loader)
        except TypeError:
            raise NnlintError(
                "the training loader does not say how many batches it has",
                where=data.name,
                help="give its data set a `__len__`: the learning rate's course is planned over all steps",
            ) from None

    def epoch(self, number: int) -> Iterator[Batch]:
        if hasattr(self.sampler, "set_epoch"):
            self.sampler.set_epoch(number)
        for one in (self.loader, self.sampler):
            if (generator := getattr(one, "generator", None)) is not None:
                generator.manual_seed(self.config.seed * 1_000_003 + number)
        augment = self.learning and bool(self.config.augment)
        order = torch.tensor(list(self.sampler)) if augment else torch.empty(0)
        left = sys.maxsize if self.learning else _unpadded(self.sampler)
        given = 0
        for step, batch in enumerate(self.loader):
            inputs, targets = batch[0][:left], batch[1][:left]
            left -= len(targets)
            if len(targets) < (2 if self.learning else 1):
                continue
            share = len(targets) * self.world.size / self.sizes[step] if self.sizes else 1.0
            inputs = self.normalise.inputs(_to(inputs, self.hardware))
            if augment:
                inputs = _changed(inputs, order[given : given + len(targets)], self.config, number)
            given += len(targets)
            yield _laid_out(inputs, self.hardware), self.normalise.targets(_to(targets, self.hardware)), share
        if self.learning and not given:
            raise NnlintError(
                f"the training data gave no batch in epoch {number + 1}",
                where=self.name,
                help="a loader is asked anew for each epoch, and has to begin again, with 2 samples or more in a batch",
            )


def _of_its_own(sampler: Any) -> Any:
    """A sampler with a generator: it would draw from the one dropout draws from, and so hang on the network."""
    if getattr(sampler, "generator", ...) is None:
        sampler.generator = torch.Generator()
    return sampler


def _check_own(data: Data, sampler: Any, config: TrainConfig, world: World) -> None:
    """What a loader of the user's cannot do.

    Raises:
        UsageError: its samples are to be augmented, and their numbers are not known; or it goes through all of its data
            set in each of several processes, which would gain nothing.
    """
    if config.augment:
        raise UsageError(
            "the samples of a loader have no numbers, by which each is changed in its own way",
            where="--augment",
            help=f"change them in the data set of {data.name}, or return the data set instead of a loader",
        )
    if world.size > 1 and isinstance(sampler, (RandomSampler, SequentialSampler)):
        raise UsageError(
            "the training loader hands every process the same samples",
            where=data.name,
            help="give it a `DistributedSampler`, or return the data set instead of a loader",
        )


def _unpadded(sampler: Any) -> int:
    """How many of a sampler's samples to judge by.

    A `DistributedSampler` repeats samples until all processes have equally many; the repeated ones come last, and would
    count twice.
    """
    if not isinstance(sampler, DistributedSampler):
        return sys.maxsize
    count = len(sampler.dataset)  # type: ignore[arg-type]  # the sampler needs its length, too
    return len(range(sampler.rank, count, sampler.num_replicas))


def _loader(
    dataset: Dataset[Any],
    sampler: Sampler[int],
    config: TrainConfig,
    hardware: Hardware,
    world: World,
    *,
    learning: bool,
) -> DataLoader[Any]:
    return DataLoader(
        dataset,
        batch_size=max(config.batch_size // world.size, 1) if learning else config.batch_size,
        sampler=sampler,
        num_workers=config.workers,
        pin_memory=hardware.pin,
        # each worker starts from a seed of its own, so that random changes repeat with the run and differ in it; what
        # goes on after some epochs starts new ones, which must not draw anything else than the old ones would have
        persistent_workers=config.workers > 0 and config.mode != "repro",
        generator=torch.Generator().manual_seed(config.seed),
        worker_init_fn=seeded_worker,
    )


class _Order(Sampler[int]):
    """The order of a data set's samples in this process, as for arrays."""

    def __init__(self, samples: int, of: int, seed: int, world: World, *, shuffled: bool) -> None:
        self.samples, self.of, self.seed, self.world, self.shuffled = samples, of, seed, world, shuffled
        self.number = 0

    def set_epoch(self, number: int) -> None:
        self.number = number

    def __iter__(self) -> Iterator[int]:
        order = order_of(self.of, self.seed, self.number) if self.shuffled else torch.arange(self.of)
        yield from self.world.part(order[: self.samples]).tolist()

    def __len__(self) -> int:
        return len(range(self.world.rank, self.samples, self.world.size))


def _changed(inputs: Tensor, samples: Tensor, config: TrainConfig, epoch: int) -> Tensor:
    """Images changed at random, as far as that is asked for."""
    if not config.augment:
        return inputs
    return augmented(inputs, samples.to(inputs.device), config.augment, config.seed, epoch)


def _laid_out(inputs: Tensor, hardware: Hardware) -> Tensor:
    if inputs.dim() != 4 or hardware.memory_format == torch.preserve_format:
        return inputs
    return inputs.contiguous(memory_format=hardware.memory_format)


def _to(tensor: Tensor, hardware: Hardware) -> Tensor:
    if tensor.device == hardware.device:
        return tensor
    if hardware.pin and not tensor.is_pinned():
        tensor = tensor.pin_memory()
    return tensor.to(hardware.device, non_blocking=hardware.pin)
