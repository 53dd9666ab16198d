"""Edits of the number of features of a flattened map: text in, text out."""

from __future__ import annotations

import pytest
from edited_networks import Edited, Find

from nnlint import edits
from nnlint.finding import Edit

HEAD = "import torch\nfrom torch import nn\n"
CLASS = (
    HEAD
    + """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear({features}, 10)

    def forward(self, x):
        x = {flat}  # as it was
        return self.fc(x)
net = Net()
"""
)


def both(find: Find) -> tuple[Edit, ...] | None:
    flat = find("fc").inputs[0]
    first, second = edits.set_features(flat, 3, 4, 4), edits.set_features(find("fc"), 3, 4, 4)
    return None if first is None or second is None else (*first, *second)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("192", "x.flatten(1)"), ("48", "x.flatten(1)")),
        (("3 * 8 * 8", "x.view(-1, 3 * 8 * 8)"), ("3 * 4 * 4", "x.view(-1, 3 * 4 * 4)")),
        (("in_features=192", "torch.reshape(x, (-1, 192))"), ("in_features=48", "torch.reshape(x, (-1, 48))")),
        (("192", "x.view(x.size(0), -1)"), ("48", "x.view(x.size(0), -1)")),
    ],
)
def test_the_layer_and_the_flattening(edited: Edited, before: tuple[str, str], after: tuple[str, str]) -> None:
    if before[0].startswith("in_features"):
        source, wanted = (CLASS.format(features=f"out_features=10, {f}", flat=g) for f, g in (before, after))
        source, wanted = source.replace(", 10)", ")"), wanted.replace(", 10)", ")")
    else:
        source, wanted = (CLASS.format(features=f, flat=g) for f, g in (before, after))
    assert edited(source, both) == wanted


def test_one_factor_is_a_number(edited: Edited) -> None:
    source = CLASS.format(features="3 * 8 * 8", flat="x.flatten(1)")
    assert edited(source, lambda find: edits.set_features(find("fc"), 3)) == source.replace("3 * 8 * 8", "3")


def test_channels_out_of_a_computed_product(edited: Edited) -> None:
    source = HEAD + "side = 8\n" + CLASS.format(features="3 * side * side", flat="x.flatten(1)").removeprefix(HEAD)
    assert edited(source, lambda find: edits.set_features(find("fc"), 3)) == source.replace("3 * side * side", "3")
    assert edited(source, lambda find: edits.set_features(find("fc"), 3, 4, 4)) is None


def test_a_computed_number_is_left_alone(edited: Edited) -> None:
    source = HEAD + "n = 192\n" + CLASS.format(features="n", flat="x.flatten(1)").removeprefix(HEAD)
    assert edited(source, lambda find: edits.set_features(find("fc"), 3, 4, 4)) is None
