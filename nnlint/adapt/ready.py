"""`make_ready`: the data, the networks and the losses that judge them, brought together before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nnlint.adapt.adapt import adapt_all
from nnlint.adapt.model import Adapted, DataChoice, NetworkSource
from nnlint.errors import UsageError
from nnlint.train import augment
from nnlint.train.config import TrainConfig
from nnlint.train.data.load import load_data
from nnlint.train.data.model import Arrays, Data, Split, Stream
from nnlint.train.data.view import viewed
from nnlint.train.objective import Objective, objective_for


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """Networks and data that fit each other.

    Attributes:
        data: as all of the networks are shown them.
        adapted: the networks, in the order they were asked for; ``objectives``: what judges each.
        config: the recipe, with the batch size of a loader that makes its batches itself.
    """

    data: Data
    adapted: tuple[Adapted, ...]
    objectives: tuple[Objective, ...]
    config: TrainConfig


def make_ready(sources: Sequence[NetworkSource], choice: DataChoice, config: TrainConfig) -> Ready:
    """Load the data, and adapt every network to them.

    Raises:
        NnlintError: for data that cannot be loaded, or augmented as asked for; for a network that cannot be built or
            does not fit the data; for a loss that does not.
    """
    augment.check(config.augment)
    data = load_data(choice.spec, target=choice.column, size=choice.size, task=choice.task, seed=config.seed)
    if config.augment and len(data.shape) != 3:
        raise _no_images("")
    adapted = adapt_all(sources, data, size=choice.size)
    view = adapted[0].view  # one view for all: they see the same pixels
    if config.augment and view.flat:
        raise _no_images(f", and {adapted[0].name} takes vectors")
    objectives = tuple(
        objective_for(
            data,
            one.head,
            one.outputs,
            stated=one.stated_loss,
            asked=choice.loss,
            label_smoothing=config.label_smoothing,
        )
        for one in adapted
    )
    if isinstance(data.train, Stream) and data.train.loader is not None:
        # of a loader that was given a batch sampler, the sampler knows
        own = data.train.loader.batch_size or getattr(data.train.loader.batch_sampler, "batch_size", None)
        config = replace(config, batch_size=own) if own else config
    data = replace(data, notes=(_counted(data), *data.notes))
    return Ready(viewed(data, view.channels, view.size, flat=view.flat), adapted, objectives, config)


def _counted(data: Data) -> str:
    parts = {"training": data.train, "validation": data.val, "test": data.test}
    return ", ".join(f"{_count(split)} {name}" for name, split in parts.items() if split is not None) + " samples"


def _count(split: Split) -> str:
    known = len(split) if isinstance(split, Arrays) else split.samples
    return "an unknown number of" if known is None else f"{known:,}"


def _no_images(why: str) -> UsageError:
    return UsageError(f"only images can be shifted or flipped{why}", where="--augment", help="leave it out")
