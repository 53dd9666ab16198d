"""How images may be shown to a network: with how many channels, how large."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from torch import Tensor, nn

from nnlint.adapt.arguments import Use
from nnlint.adapt.model import View
from nnlint.inputs.search import Proposal
from nnlint.inputs.template import Template, leaves

#: sides tried, smallest first: small images cost little, and networks were made for these
SIDES = (16, 28, 32, 48, 64, 96, 128, 224, 299)
#: a network that cuts images into patches is to see so many along a side
PATCHES = 4
#: the largest side that a file's own word is preferred to a smaller one for
PREFERRED = 64


def shape_of(view: View, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a sample in a view."""
    if len(shape) != 3:
        return shape
    shown = (view.channels or shape[0], *(view.size or shape[1:]))
    return (math.prod(shown),) if view.flat else shown


def sizes(
    shape: tuple[int, ...],
    *,
    asked: tuple[int, int] | None,
    chooses: bool,
    stated: Sequence[tuple[int, int]],
    patch: int = 1,
) -> tuple[tuple[int, int], ...]:
    """The sizes to try images of a shape in, in order.

    Args:
        asked: the size the user wants.
        chooses: whether a network is built for the size it is given; ``patch``: the side of the patches it cuts.
        stated: sizes that the files state.
    """
    if asked is not None:
        return (asked,)
    own = (shape[1], shape[2])
    small = min(own) < SIDES[0]
    first = [] if small else [own]
    if chooses:
        side = max(SIDES[0], PATCHES * patch)
        first = [(side, side)] if min(own) < side else [own]
    else:
        first = [size for size in stated if max(size) <= PREFERRED] + first
    usual = [(side, side) for side in SIDES if small or side > min(own)]
    smaller = [] if small else [(side, side) for side in reversed(SIDES) if side <= min(own)]
    rest = sorted({*usual, *(size for size in stated if max(size) > PREFERRED)})
    # a network may be made for images as small as these
    return tuple(dict.fromkeys((*first, *rest, *smaller, own)))


def channels(own: int, networks: Iterable[tuple[nn.Module, Use]]) -> tuple[int, ...]:
    """The numbers of channels to try images of ``own`` channels with, in order: what all networks can take first."""
    fixed = []
    for net, use in networks:
        first = next((one.in_channels for one in net.modules() if isinstance(one, nn.Conv2d)), None)
        if "channels" not in use.roles() and first:  # one that is made in the first pass has none yet
            fixed.append(first)
    usual = (*fixed, own, 3, 1) if fixed else (own, 3, 1)
    return tuple(dict.fromkeys(count for count in usual if count == own or {count, own} == {1, 3}))


def stated_sizes(proposals: Iterable[Proposal]) -> Iterator[tuple[int, int]]:
    """The sizes of images that a file states: in an example input, a data set, a transform, a comment."""
    for proposal in proposals:
        for leaf in leaves((proposal.args, proposal.kwargs)):
            axes = leaf.axes if isinstance(leaf, Template) else tuple(leaf.shape) if isinstance(leaf, Tensor) else ()
            if len(axes) == 4 and isinstance(axes[2], int) and isinstance(axes[3], int) and min(axes[2], axes[3]) > 1:
                yield axes[2], axes[3]
