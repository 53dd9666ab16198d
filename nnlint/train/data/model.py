"""`Data`: what a network is trained and judged on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import torch
    from torch.utils.data import DataLoader, Dataset

#: one of several classes, yes or no, or a number
Task = Literal["classes", "binary", "numbers"]


@dataclass(frozen=True, slots=True, eq=False)
class Arrays:
    """Samples in memory, or mapped into it.

    Attributes:
        inputs: images (N, C, H, W) as uint8 or float32, or vectors (N, F) as float32; may be a view of a mapped file.
        targets: int64 (N,) class numbers (0 and 1 for yes or no), float32 (N,) or (N, K) for numbers.
    """

    inputs: torch.Tensor
    targets: torch.Tensor

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """Samples that somebody else's code hands out: a data set by index, or a loader that makes batches itself.

    Attributes:
        dataset: map-style; batches are made of it. None where there is a loader.
        loader: batches as ``(inputs, targets)``, in the order it likes.
        samples: how many samples there are, as far as known.
        targets: of all samples that are handed out, (N,) or (N, K); None where they are not at hand.
    """

    dataset: Dataset[Any] | None = None
    loader: DataLoader[Any] | None = None
    samples: int | None = None
    targets: torch.Tensor | None = None


Split = Arrays | Stream


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """What a network is trained on, and what it is judged by.

    Attributes:
        name: as the user gave it.
        source: where it comes from, in one sentence: origin, licence, how it was split.
        task: what the targets are.
        shape: of one sample: ``(C, H, W)`` or ``(F,)``.
        classes: the names of the classes, in the order of their numbers; empty for numbers.
        outputs: how many scores or numbers are to be predicted (classes: one each; yes or no: 1 or 2 will do).
        train, val, test: what to train on, to look at after each epoch, and to judge by once at the end; without
            ``test`` the last look at ``val`` judges.
        mean, std: of the training inputs, a number a channel or feature, for normalisation (images: on a scale of 0
            to 255 for uint8); None where the inputs are taken as they come.
        target_mean, target_std: of the training targets, for numbers: a network learns them standardised.
        notes: what the user should know, in sentences: classes that are rare, samples left out.
    """

    name: str
    source: str
    task: Task
    shape: tuple[int, ...]
    outputs: int
    train: Split
    val: Split
    test: Split | None = None
    classes: tuple[str, ...] = ()
    mean: torch.Tensor | None = None
    std: torch.Tensor | None = None
    target_mean: torch.Tensor | None = None
    target_std: torch.Tensor | None = None
    notes: tuple[str, ...] = ()
