"""The data as the experiments on data want them: in another order, or not prepared. The trainer itself does neither."""

from __future__ import annotations

import zlib
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset

from nnlint.train.batches import order_of
from nnlint.train.data.model import Arrays, Data, Stream

BATCH = 64
#: pixels a side that `prepared` brings images to
SIDE = 16


def some(data: Data, count: int | None, seed: int) -> Data:
    """So many of the training samples, others for each seed; None: all."""
    if count is None:
        return data
    inputs, targets = _train(data)
    chosen = torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed))[:count]
    return replace(data, train=Arrays(inputs[chosen], targets[chosen]))


def streamed(data: Data, _seed: int) -> Data:
    """Samples handed out one by one, in a new order every epoch, which is the trainer's."""
    return replace(data, train=Stream(dataset=TensorDataset(*_train(data)), samples=len(_train(data)[1])))


def grouped(data: Data, _seed: int) -> Data:
    """All of the first class, then all of the second, and so on, in every epoch."""
    return _in_order(data, torch.argsort(_train(data)[1], stable=True))


def one_order(data: Data, seed: int) -> Data:
    """Shuffled once, and then in that order in every epoch."""
    return _in_order(data, order_of(len(_train(data)[1]), seed, 0))


def _in_order(data: Data, order: Tensor) -> Data:
    inputs, targets = _train(data)
    loader = DataLoader(TensorDataset(inputs[order], targets[order]), batch_size=BATCH, shuffle=False)
    return replace(data, train=Stream(loader=loader, samples=len(targets)))


def _train(data: Data) -> tuple[Tensor, Tensor]:
    assert isinstance(data.train, Arrays)
    return data.train.inputs, data.train.targets


class Packed(Dataset):
    """Images that are kept compressed, as in files, and unpacked, enlarged and normalised whenever one is asked for."""

    def __init__(self, arrays: Arrays, mean: Tensor, std: Tensor) -> None:
        self.shape = arrays.inputs.shape[1:]
        self.packed = [zlib.compress(image.contiguous().numpy().tobytes()) for image in arrays.inputs]
        self.targets, self.mean, self.std = arrays.targets, mean, std

    def __len__(self) -> int:
        return len(self.packed)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image = torch.frombuffer(bytearray(zlib.decompress(self.packed[index])), dtype=torch.uint8).view(self.shape)
        larger = F.interpolate(image[None].float(), (SIDE, SIDE), mode="bilinear", align_corners=False)[0]
        return (larger - self.mean.view(-1, 1, 1)) / self.std.view(-1, 1, 1), self.targets[index]


def unprepared(data: Data, seed: int) -> Data:
    """Training images are unpacked anew in every epoch; those that judge once, ahead."""
    packed = _packed(data, data.train)
    return replace(prepared(data, seed), train=Stream(dataset=packed, samples=len(packed)))


def prepared(data: Data, seed: int) -> Data:
    """The same numbers, all made once, ahead of training; handed out one by one, as those that are not."""
    shape = (data.shape[0], SIDE, SIDE)
    splits = {
        name: _unpacked(_packed(data, split)) for name in ("train", "val", "test") if (split := getattr(data, name))
    }
    return streamed(replace(data, shape=shape, mean=None, std=None, **splits), seed)


def _packed(data: Data, split: object) -> Packed:
    assert isinstance(split, Arrays) and data.mean is not None and data.std is not None
    return Packed(split, data.mean, data.std)


def _unpacked(packed: Packed) -> Arrays:
    images = [packed[i][0] for i in range(len(packed))]
    return Arrays(torch.stack(images), packed.targets)
