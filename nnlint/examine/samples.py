"""A live data set: how many samples it has, and in what order their classes come."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from nnlint.recipe import DataSet
from nnlint.site import Fact, Site

#: so few samples can be in any order by chance; so many are enough to see one
_FEW, _MANY = 50, 100_000
#: the share of the changes of class that an order by chance would show
_RARE = 0.1


def data_set(dataset: Any, site: Site) -> DataSet:
    """What a live data set tells by its class, its length and the labels it keeps; no sample is read."""
    from torch.utils.data import IterableDataset, Subset

    name = f"{type(dataset).__module__}.{type(dataset).__qualname__}"
    iterable = isinstance(dataset, IterableDataset) or not hasattr(dataset, "__getitem__")
    grouped = None if iterable else grouped_by_class(labels_of(dataset))
    return DataSet(
        name,
        site,
        id(dataset),
        style="iterable" if iterable else "map",
        part=isinstance(dataset, Subset),
        samples=None if iterable or not hasattr(dataset, "__len__") else Fact(len(dataset), site),
        grouped=Fact(grouped, site) if grouped is not None else None,
    )


def labels_of(dataset: Any) -> Sequence[int]:
    """The labels that a data set keeps in a list or tensor, as those of torchvision do; none where it does not."""
    from torch import Tensor
    from torch.utils.data import TensorDataset

    if isinstance(dataset, TensorDataset):
        found: Any = dataset.tensors[-1]
    else:
        found = next((kept for word in ("targets", "labels") if (kept := getattr(dataset, word, None)) is not None), ())
    if isinstance(found, Tensor):
        whole = found.ndim == 1 and not found.is_floating_point() and not found.is_complex()
        found = found[:_MANY].tolist() if whole else ()
    plain = isinstance(found, list | tuple) and all(type(label) is int for label in found[:_MANY])
    return found[:_MANY] if plain else ()


def grouped_by_class(labels: Sequence[int]) -> str | None:
    """How the classes follow each other, where they change far more seldom than they would by chance."""
    count = len(labels)
    sizes = dict.fromkeys(labels, 0)
    for label in labels:
        sizes[label] += 1
    if count < _FEW or not 2 <= len(sizes) <= count // 5:
        return None
    by_chance = (count - 1) * (1 - sum((size / count) ** 2 for size in sizes.values()))
    changes = sum(one != other for one, other in pairwise(labels))
    if by_chance < 5 or changes > _RARE * by_chance:
        return None
    return f"the class changes {changes} times in {count:,} samples, where chance would make about {by_chance:,.0f}"
