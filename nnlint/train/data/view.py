"""`viewed`: images with the channels and the size that a network takes, made once, ahead of training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from nnlint.errors import UsageError
from nnlint.train.data.assemble import tensor
from nnlint.train.data.memory import free_memory
from nnlint.train.data.model import Arrays, Data, Split, Stream
from nnlint.train.data.statistics import mean_and_std, places

#: red, green and blue as the eye weighs them (ITU-R BT.601, what Pillow's "L" is made of too)
LUMINANCE = (0.299, 0.587, 0.114)
#: images are changed in pieces of about so many numbers
_PIECE = 8 << 20
#: so many training samples stand for all where these are only changed when they are used
_SAMPLE = 2048
Change = Callable[[Tensor], Tensor]


def viewed(data: Data, channels: int | None, size: tuple[int, int] | None, *, flat: bool = False) -> Data:
    """Data whose images have so many channels and pixels: (N, C, H, W) becomes (N, ``channels``, *``size``).

    Grey is repeated, colours become luminance; sizes are changed bilinearly, averaging when they shrink (the shape is
    not kept: sides are stretched). uint8 stays uint8. Samples in memory are changed now, once; those of a stream, and
    those that would not fit into half of the free memory, whenever they are used. Nothing is copied if nothing
    changes.

    Args:
        data: images or vectors.
        channels: 1 or 3; None: as they are.
        size: height and width; None: as they are.
        flat: images become vectors of their pixels then, (N, C * H * W), channel after channel as `flatten` does it;
            the statistics of a pixel are those of its channel. Vectors stay as they are.

    Returns:
        The data with ``shape``, ``mean`` and ``std`` as they then are; where samples are changed when they are used,
        the statistics are those of at most 2,048 of them.

    Raises:
        UsageError: if the data are vectors, or have channels that the network's cannot be made of.
    """
    if flat and len(data.shape) == 3:
        return flattened(viewed(data, channels, size))
    if len(data.shape) != 3:
        if channels is None and size is None:
            return data
        raise UsageError(f"samples have shape {data.shape}, and the network takes images", where=data.name)
    if size is not None and min(size) < 1:
        raise UsageError(f"images cannot be {size[0]} × {size[1]} pixels", where=data.name)
    have, *pixels = data.shape
    shape = (have if channels is None else channels, *(pixels if size is None else size))
    if shape == data.shape:
        return data
    if shape[0] != have and (have, shape[0]) not in ((1, 3), (3, 1)):
        raise UsageError(
            f"images have {have} channels and the network takes {shape[0]}",
            where=data.name,
            help="1 can be shown as 3 and 3 as 1, and nothing else: build the network for the images' channels",
        )

    def change(images: Tensor) -> Tensor:
        return shown(images, shape)

    eager = _fits(data, shape)
    train, val = (_changed(split, shape, change, eager=eager) for split in (data.train, data.val))
    test = None if data.test is None else _changed(data.test, shape, change, eager=eager)
    mean, std = _statistics(data, train, shape, change)
    return replace(data, shape=shape, train=train, val=val, test=test, mean=mean, std=std)


def flattened(data: Data) -> Data:
    """Images (N, C, H, W) as vectors (N, C * H * W) of the same type; nothing is copied where they lie in memory."""
    channels, height, width = data.shape
    train, val = _flat(data.train), _flat(data.val)
    test = None if data.test is None else _flat(data.test)
    mean, std = (None if one is None else one.repeat_interleave(height * width) for one in (data.mean, data.std))
    return replace(data, shape=(channels * height * width,), train=train, val=val, test=test, mean=mean, std=std)


def _flat(split: Split) -> Split:
    if isinstance(split, Arrays):
        return Arrays(split.inputs.flatten(1), split.targets)
    if split.loader is not None:
        return replace(split, loader=ShownLoader(split.loader, _rows))  # type: ignore[arg-type]
    return replace(split, dataset=Flat(split.dataset))


def _rows(images: Tensor) -> Tensor:
    return images.flatten(1)


def shown(images: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Images (N, C, H, W) as (N, *shape), of the same type, in pieces that need little memory beside them."""
    if images.shape[1:] == shape:
        return images
    result = torch.empty((len(images), *shape), dtype=images.dtype)
    largest = max(images[:1].numel(), result[:1].numel(), 1)
    rows = max(1, _PIECE // largest)
    for start in range(0, len(images), rows):
        piece = images[start : start + rows]
        values = piece.to(torch.float32)
        if shape[0] == 1 and values.shape[1] == 3:
            values = (values * torch.tensor(LUMINANCE).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
        if values.shape[2:] != shape[1:]:
            values = interpolate(values, size=shape[1:], mode="bilinear", antialias=True)
        if not images.is_floating_point():
            values = values.round_().clamp_(0, 255)
        # one channel spreads over three here
        result[start : start + rows] = values.to(images.dtype)
    return result


def _fits(data: Data, shape: tuple[int, ...]) -> bool:
    """Whether all samples, changed, take at most half of the free memory."""
    splits = [split for split in (data.train, data.val, data.test) if isinstance(split, Arrays)]
    needed = sum(len(split) * split.inputs.element_size() for split in splits) * shape[0] * shape[1] * shape[2]
    free = free_memory()
    return free is None or needed <= free // 2


def _changed(split: Split, shape: tuple[int, ...], change: Change, *, eager: bool) -> Split:
    if isinstance(split, Arrays):
        if eager:
            return Arrays(change(split.inputs), split.targets)
        return Stream(dataset=Shown(_Rows(split), shape), samples=len(split), targets=split.targets)
    if split.loader is not None:
        return replace(split, loader=ShownLoader(split.loader, change))  # type: ignore[arg-type]
    return replace(split, dataset=Shown(split.dataset, shape))


def _statistics(
    data: Data, train: Split, shape: tuple[int, ...], change: Change
) -> tuple[Tensor | None, Tensor | None]:
    """Mean and standard deviation of the training images as they now are."""
    if data.mean is None or data.std is None:
        return None, None
    if shape[1:] == data.shape[1:] and shape[0] > data.shape[0]:
        return data.mean.expand(shape[0]).clone(), data.std.expand(shape[0]).clone()
    if isinstance(train, Arrays):
        images = train.inputs
    elif isinstance(data.train, Arrays):
        images = change(data.train.inputs[places(len(data.train), _SAMPLE)])
    else:
        images = sample(train, _SAMPLE)
    mean, std = mean_and_std(images.numpy())
    return tensor(mean.astype("float32")), tensor(std.astype("float32"))


def sample(split: Stream, count: int) -> Tensor:
    """The inputs of some samples from all over a data set, or of the first batches of a loader."""
    if split.dataset is not None:
        total = len(split.dataset)  # type: ignore[arg-type]
        return torch.stack([torch.as_tensor(split.dataset[index][0]) for index in places(total, count)])
    batches: list[Tensor] = []
    assert split.loader is not None
    for inputs, _ in split.loader:
        batches.append(inputs)
        if sum(map(len, batches)) >= count:
            break
    return torch.cat(batches)[:count]


class _Rows:
    """The samples of arrays, as a data set."""

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays

    def __len__(self) -> int:
        return len(self.arrays)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.arrays.inputs[index], self.arrays.targets[index]


class Shown(torch.utils.data.Dataset[Any]):
    """A data set whose images are changed whenever they are used. It can be pickled, for the processes that load."""

    def __init__(self, dataset: Any, shape: tuple[int, ...]) -> None:
        self.dataset = dataset
        self.shape = shape

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Tensor, Any]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: list[int]) -> list[tuple[Tensor, Any]]:
        """The samples of a batch, as `DataLoader` asks for them: changed together, which costs less."""
        items = [self.dataset[index] for index in indices]
        images = shown(torch.stack([torch.as_tensor(image) for image, _ in items]), self.shape)
        return [(image, target) for image, (_, target) in zip(images, items, strict=True)]


class Flat(torch.utils.data.Dataset[Any]):
    """A data set whose images are vectors of their pixels."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Tensor, Any]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: list[int]) -> list[tuple[Tensor, Any]]:
        """The samples of a batch: as the data set gives several at once, if it does."""
        several = getattr(self.dataset, "__getitems__", None)
        items = several(indices) if several is not None else [self.dataset[index] for index in indices]
        return [(torch.as_tensor(image).flatten(), target) for image, target in items]


class ShownLoader:
    """A loader whose batches are changed as they come; else it is the loader."""

    def __init__(self, loader: Any, change: Change) -> None:
        self.loader = loader
        self.change = change

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[tuple[Tensor, Any]]:
        for images, targets in self.loader:
            yield self.change(images), targets

    def __getattr__(self, name: str) -> Any:
        if name in ("loader", "change"):
            raise AttributeError(name)  # while it is unpickled
        return getattr(self.loader, name)
