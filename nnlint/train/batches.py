"""Batches: what the loop iterates over, whatever the samples come from.

The order of an epoch is a function of seed and epoch, so that it is the same on every machine, in every process, for
both networks of a comparison, and after a resume. What a data set draws at random in making its samples is a function
of seed, epoch and process: it draws from generators of its own, which dropout does not move.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
)
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

T = TypeVar("T")
#: inputs, targets, and how much of the global batch this process has, times the number of processes (1 for one)
Batch = tuple[Tensor, Tensor, float]


class Batches(Protocol):
    """The batches of this process.

    Attributes:
        samples: of an epoch, over all processes.
        steps: batches of an epoch, of each process; 0 where that is not known, which only judging allows.
    """

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


def _at_once(config: TrainConfig, world: World) -> int:
    """How many samples a process takes together, in learning and in judging.

    Judging keeps nothing for a backward pass, so at this size it never takes more memory than a step does: a smaller
    batch cures running out of it, and what a GPU counts is the step's.
    """
    return max(config.batch_size // world.size, 1)


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
        # as they are, bytes of pixels are normalised where they lie, a batch at a time
        if hardware.fits(inputs.nbytes + targets.nbytes):
            inputs, targets = inputs.to(hardware.device), targets.to(hardware.device)
        self.inputs, self.targets = inputs, targets
        if learning:
            self.sizes = _sizes(len(split), config.batch_size, world)
        else:
            own = world.part(torch.arange(len(split), device=targets.device))
            # of a few samples, one of many processes may have none
            self.parts = [part for part in own.split(_at_once(config, world)) if len(part)]
            self.sizes = [len(part) for part in self.parts]
        self.samples, self.steps = sum(self.sizes), len(self.sizes)

    def epoch(self, number: int) -> Iterator[Batch]:
        if not self.learning:
            for part in self.parts:
                inputs, targets = self._picked(part)
                yield _laid_out(inputs, self.hardware), targets, 1.0
            return
        # taken once to where the samples lie, and to where they are changed: a copy at each step makes a GPU wait
        order = order_of(len(self.targets), self.config.seed, number).to(self.targets.device)
        numbers = order.to(self.hardware.device) if self.config.augment else order
        start = 0
        for size in self.sizes:
            # every process takes its part of the same global batch
            part, numbered = (self.world.part(one[start : start + size]) for one in (order, numbers))
            start += size
            inputs, targets = self._picked(part)
            inputs = _changed(inputs, numbered, self.config, number)
            yield _laid_out(inputs, self.hardware), targets, len(part) * self.world.size / size

    def _picked(self, part: Tensor) -> tuple[Tensor, Tensor]:
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
        self.classes = {"numbers": 0, "binary": 2, "classes": data.outputs}[data.task]
        self.sizes: list[int] = []
        self.order: _Order | None = None
        if split.loader is not None:
            self.loader: DataLoader[Any] = split.loader
            self.samples = split.samples or 0
        else:
            assert split.dataset is not None
            count = len(split.dataset)  # type: ignore[arg-type]  # map-style: it has a length
            self.sizes = _sizes(count, config.batch_size, world) if learning else []
            self.samples = sum(self.sizes) if learning else count
            self.order = _Order(self.samples, count, config.seed, world, shuffled=learning)
            self.loader = _loader(split.dataset, self.order, config, hardware, world)
        self.samplers = _samplers(self.loader)
        if learning and split.loader is not None:
            _check_own(data, self.samplers, config, world)
        self.steps = _steps(self.loader, data.name) if learning else 0

    def epoch(self, number: int) -> Iterator[Batch]:
        self._seed(number)
        augment = self.learning and bool(self.config.augment)
        order = torch.empty(0)
        if augment and self.order is not None:
            order = torch.tensor(list(self.order)).to(self.hardware.device)
        left = sys.maxsize if self.learning else _unpadded(self.samplers)
        # a last batch of one that nnlint makes itself is left out by `_sizes`
        least = 2 if self.learning and not self.sizes else 1
        given = 0
        for step, batch in enumerate(self._drawn(number)):
            inputs, targets = batch[0][:left], batch[1][:left]
            left -= len(targets)
            if len(targets) < least:
                continue
            if self.classes:
                what = f"batch {step + 1} of epoch {number + 1}" if self.learning else "the samples to judge by"
                targets = self._numbered(targets, what)
            share = len(targets) * self.world.size / self.sizes[step] if self.sizes else 1.0
            inputs = self.normalise.inputs(_to(inputs, self.hardware))
            if augment:
                inputs = _changed(inputs, order[given : given + len(targets)], self.config, number)
            given += len(targets)
            targets = _to(targets, self.hardware)
            yield _laid_out(inputs, self.hardware), targets if self.classes else self.normalise.targets(targets), share
        if self.learning and not given:
            raise NnlintError(
                f"the training data gave no batch in epoch {number + 1}",
                where=self.name,
                help="a loader is asked anew for each epoch, and has to begin again, with 2 samples or more in a batch",
            )

    def _numbered(self, targets: Tensor, what: str) -> Tensor:
        """Targets as class numbers, (N,); not all of them were read before training began.

        Raises:
            NnlintError: there is no class of such a number.
        """
        numbers = self.normalise.targets(targets)
        if numbers.device.type != "cpu":
            return numbers  # asking a GPU makes it wait
        low, high = map(int, torch.aminmax(numbers))
        wrong: float | None = low if low < 0 else high if high >= self.classes else None
        if wrong is None and targets.is_floating_point():
            wrong = next(iter(targets.reshape(-1)[targets.reshape(-1) != numbers].tolist()), None)
        if wrong is None:
            return numbers
        advice = "give the data set an attribute `classes`, the names of all"
        if wrong < self.classes:
            advice = "leave such samples out"
        raise NnlintError(
            f"a target in {what} is {wrong}, expected class numbers from 0 to {self.classes - 1}",
            where=self.name,
            help=f"{advice}; or --task numbers, if it is a number",
        )

    def _seed(self, number: int) -> None:
        """Tell the samplers the epoch. Processes share the order, and nothing that a data set draws."""
        loader, common = self.loader, self.config.seed * 1_000_003 + number
        own = _mixed(self.config.seed, number, self.world.rank, int(self.learning))
        # a loader's generator seeds its workers; it may be the sampler's too, which is seeded last
        for one, seed in ((loader, own), *((sampler, common) for sampler in self.samplers)):
            if isinstance(generator := getattr(one, "generator", None), torch.Generator):
                generator.manual_seed(seed)
            if hasattr(one, "set_epoch"):
                one.set_epoch(number)

    def _drawn(self, number: int) -> Iterator[Any]:
        """The loader's batches, made with the generators of the data."""
        generators = _Generators(_mixed(self.config.seed, number, self.world.rank, int(self.learning)))
        batches = generators.used(lambda: iter(self.loader))
        while (batch := generators.used(lambda: next(batches, _END))) is not _END:
            yield batch


#: where a loader ends; it may yield anything
_END = object()


class _Generators:
    """Random generators for data, in place of the process's own while a batch is made.

    With them what a network draws does not decide what its data are: two networks that are compared see the same, and
    what is not saved is known again after a resume.
    """

    def __init__(self, seed: int) -> None:
        self.states = (
            torch.Generator().manual_seed(seed).get_state(),
            np.random.RandomState(seed).get_state(),
            random.Random(seed).getstate(),
        )

    def used(self, make: Callable[[], T]) -> T:
        """What ``make`` gives, drawn from these generators."""
        kept = _states()
        _put(self.states)
        try:
            return make()
        finally:
            self.states = _states()
            _put(kept)


def _states() -> tuple[Any, Any, Any]:
    # a GPU's generator is left alone: data sets draw on the CPU, and asking a GPU makes it wait
    return torch.get_rng_state(), np.random.get_state(), random.getstate()


def _put(states: tuple[Any, Any, Any]) -> None:
    torch.set_rng_state(states[0])
    np.random.set_state(states[1])
    random.setstate(states[2])


def _mixed(*numbers: int) -> int:
    """A seed of 32 bits that hangs on all of the numbers."""
    return int(np.random.SeedSequence([number % 2**64 for number in numbers]).generate_state(1)[0])


def _samplers(loader: DataLoader[Any]) -> tuple[Any, ...]:
    """What decides a loader's order, from the outside in.

    One that has no generator gets one: it would draw from the process's, and other processes draw something else there.
    """
    found: list[Any] = []
    # of a loader that was given a batch sampler, ``sampler`` is one that nothing uses
    one: Any = loader.batch_sampler if loader.batch_sampler is not None else loader.sampler
    while one is not None and not any(one is known for known in found):
        found.append(one)
        if getattr(one, "generator", ...) is None:
            one.generator = torch.Generator()
        one = getattr(one, "sampler", None)
    return tuple(found)


def _steps(loader: DataLoader[Any], name: str) -> int:
    """How many batches of an epoch are learnt from.

    Raises:
        NnlintError: if the loader does not say how many it has.
    """
    try:
        return len(loader) - _ends_alone(loader)
    except TypeError:
        raise NnlintError(
            "the training loader does not say how many batches it has",
            where=name,
            help="give its data set a `__len__`: the learning rate's course is planned over all steps",
        ) from None


def _ends_alone(loader: DataLoader[Any]) -> bool:
    """Whether the last batch has a single sample, as far as that is known: it is left out."""
    batched = loader.batch_sampler
    if type(batched) is not BatchSampler or batched.drop_last:
        return False
    counted: Any = batched.sampler
    if isinstance(loader.dataset, IterableDataset):
        if loader.num_workers > 1:
            return False  # each worker ends with a batch of its own
        counted = loader.dataset
    if not hasattr(counted, "__len__"):
        return False
    full, rest = divmod(len(counted), batched.batch_size)
    # a loader of another class may have a length of its own
    return rest == 1 and len(loader) == full + 1


def _check_own(data: Data, samplers: tuple[Any, ...], config: TrainConfig, world: World) -> None:
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
    deciding = [one for one in samplers if type(one) is not BatchSampler]
    if world.size > 1 and len(deciding) == 1 and isinstance(deciding[0], (RandomSampler, SequentialSampler)):
        raise UsageError(
            "the training loader hands every process the same samples",
            where=data.name,
            help="give it a `DistributedSampler`, or return the data set instead of a loader",
        )


def _unpadded(samplers: tuple[Any, ...]) -> int:
    """How many of the samples to judge by.

    A `DistributedSampler` repeats samples until all processes have equally many; the repeated ones come last, and would
    count twice.
    """
    sampler = next((one for one in samplers if isinstance(one, DistributedSampler)), None)
    if sampler is None:
        return sys.maxsize
    count = len(sampler.dataset)  # type: ignore[arg-type]  # the sampler needs its length, too
    return len(range(sampler.rank, count, sampler.num_replicas))


def _loader(
    dataset: Dataset[Any], sampler: Sampler[int], config: TrainConfig, hardware: Hardware, world: World
) -> DataLoader[Any]:
    return DataLoader(
        dataset,
        batch_size=_at_once(config, world),
        sampler=sampler,
        num_workers=config.workers,
        pin_memory=hardware.pin,
        # each worker starts from a seed of its own, which the loader draws from the generators of the data, so that
        # random changes repeat with the run and differ in it; what goes on after some epochs starts new ones, which
        # must not draw anything else than the old ones would have
        persistent_workers=config.workers > 0 and config.mode != "repro",
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
    return augmented(inputs, samples, config.augment, config.seed, epoch)


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
