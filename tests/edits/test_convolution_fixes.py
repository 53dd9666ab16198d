"""What the fixes of the convolution rules make of a network: text in, text out, and the fault is gone."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from edited_networks import graph_of

from nnlint import edits
from nnlint.finding import Edit
from nnlint.registry import load_rules

HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
VIEWED = (
    HEAD
    + """x = torch.zeros(2, 1, 28, 28)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, {width}, 3, 1{first})
        self.conv2 = nn.Conv2d({width}, 64, 3, 1{second})
        self.fc1 = nn.Linear({features}, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(-1, {features})
        return self.fc2(F.relu(self.fc1(x)))
net = Net()
"""
)
POOLED = (
    HEAD
    + """x = torch.zeros(2, 3, 64, 64)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 64, 3, padding=1)
        self.fc1 = nn.Linear({features}, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv(x)), 4)
{pool}        x = {flat}
        return self.fc2(F.relu(self.fc1(x)))
net = Net()
"""
)


@pytest.fixture
def mended(tmp_path: Path):
    """Applies a rule's fix to its first finding; the second graph shows that the network still runs."""
    number = count()

    def run(rule: str, text: str, findings_left: int) -> str | None:
        loaded = next(one for one in load_rules() if one.name == rule)
        found = list(loaded.check.function(graph_of(tmp_path / f"before{next(number)}.py", text)))
        assert found and loaded.fix is not None
        made = loaded.fix.function(found[0])
        if made is None:
            return None
        after = edits.applied(text, (made,) if isinstance(made, Edit) else made)
        left = list(loaded.check.function(graph_of(tmp_path / f"after{next(number)}.py", after)))
        assert len(left) == findings_left
        return after

    return run


def sequence(*layers: str) -> str:
    return (
        HEAD + "x = torch.zeros(2, 3, 32, 32)\nnet = nn.Sequential(\n" + "".join(f"    {x},\n" for x in layers) + ")\n"
    )


def test_padding_and_the_features_that_follow(mended) -> None:
    before = VIEWED.format(width=32, first="", second="", features="64 * 12 * 12")
    assert mended("conv-without-padding", before, 1) == VIEWED.format(
        width=32, first=", padding=1", second="", features="64 * 13 * 13"
    )
    before = VIEWED.format(width=32, first=", padding=1", second="", features="10816")
    assert mended("conv-without-padding", before, 0) == VIEWED.format(
        width=32, first=", padding=1", second=", padding=1", features="12544"
    )


def test_padding_in_a_sequence_with_a_global_average(mended) -> None:
    before = sequence("nn.Conv2d(3, 8, 5)", "nn.ReLU()", "nn.AdaptiveAvgPool2d(1)", "nn.Flatten()", "nn.Linear(8, 2)")
    assert mended("conv-without-padding", before, 0) == before.replace("8, 5)", "8, 5, padding=2)")


def test_padding_is_left_where_the_features_are_computed(mended) -> None:
    before = VIEWED.format(width=32, first="", second="", features="64 * 12 * 12")
    computed = before.replace("nn.Linear(64 * 12 * 12", "nn.Linear(torch.ones(9216).numel()")
    assert mended("conv-without-padding", computed, 1) is None


@pytest.mark.parametrize(
    ("layers", "wanted"),
    [
        (
            ["nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)", "nn.BatchNorm2d(64)", "nn.LeakyReLU(0.1)"],
            [
                "nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False)",
                "nn.BatchNorm2d(32)",
                "nn.LeakyReLU(0.1)",
                "nn.Conv2d(32, 64, 3, padding=1, bias=False)",
            ],
        ),
        (
            ["nn.Conv2d(3, 8, kernel_size=5, padding=2)", "nn.MaxPool2d(2)"],
            ["nn.Conv2d(3, 4, 3, padding=1)", "nn.ReLU(inplace=True)", "nn.Conv2d(4, 8, 3, padding=1)"],
        ),
        (
            ["nn.Conv2d(in_channels=3, out_channels=3, kernel_size=5, padding='same')", "nn.ELU()"],
            ["nn.Conv2d(3, 3, 3, padding=1)", "nn.ELU()", "nn.Conv2d(3, 3, 3, padding=1)"],
        ),
    ],
)
def test_a_stack_of_small_kernels(mended, layers: list[str], wanted: list[str]) -> None:
    before = sequence(*layers)
    assert mended("conv-kernel-not-3x3", before, 0) == before.replace(layers[0], ",\n    ".join(wanted))


def test_widths_in_a_loop_stay_names(mended) -> None:
    before = HEAD + (
        "x = torch.zeros(2, 3, 32, 32)\n"
        "widths = [(3, 8), (8, 32)]\n"
        "net = nn.Sequential(*[nn.Sequential(nn.Conv2d(a, b, 5, padding=2), nn.ReLU()) for a, b in widths])\n"
    )
    assert mended("conv-kernel-not-3x3", before, 0) == before.replace(
        "nn.Conv2d(a, b, 5, padding=2)",
        "nn.Conv2d(a, b // 2, 3, padding=1), nn.ReLU(), nn.Conv2d(b // 2, b, 3, padding=1)",
    )


@pytest.mark.parametrize(
    "layer",
    [
        "nn.Conv2d(3, 8, k, padding=2)",
        "nn.Conv2d(3, 8, 5, padding=1)",
        "nn.Conv2d(3, 8, 5)",
        "nn.Conv2d(3, 8, (5, 7), padding=(2, 3))",
        "nn.Conv2d(3, 8, 5, padding=2, padding_mode='reflect')",
    ],
)
def test_what_no_stack_replaces(mended, layer: str) -> None:
    assert mended("conv-kernel-not-3x3", "k = 5\n" + sequence(layer, "nn.ReLU()"), 0) is None


@pytest.mark.parametrize(
    ("flat", "after"), [("x.flatten(1)", "x.flatten(1)"), ("x.view(-1, 64 * 16 * 16)", "x.view(-1, 64)")]
)
def test_an_average_before_the_flattening(mended, flat: str, after: str) -> None:
    before = POOLED.format(features="64 * 16 * 16", pool="", flat=flat)
    made = mended("flatten-into-large-linear", before, 0)
    assert made is not None
    assert "nn.Linear(64, 128)" in made
    assert "F.adaptive_avg_pool2d(F.max_pool2d(F.relu(self.conv(x)), 4), 1)" in made
    assert after in made


def test_an_average_in_a_sequence(mended) -> None:
    before = sequence(
        "nn.Conv2d(3, 64, 3, padding=1)", "nn.ReLU()", "nn.Flatten()", "nn.Dropout(0.5)", "nn.Linear(64 * 32 * 32, 20)"
    )
    assert mended("flatten-into-large-linear", before, 0) == before.replace(
        "    nn.Flatten()", "    nn.AdaptiveAvgPool2d(1),\n    nn.Flatten()"
    ).replace("64 * 32 * 32", "64")


def test_the_maximum_of_the_same_window(mended) -> None:
    layers = ["nn.Conv2d(3, 8, 3, padding=1)", "nn.ReLU()", "nn.AvgPool2d(2)", "nn.Conv2d(8, 8, 3, padding=1)"]
    before = sequence(*layers)
    assert mended("average-pool-downsampling", before, 0) == before.replace("AvgPool2d", "MaxPool2d")
    functional = POOLED.format(features="64 * 16 * 16", pool="", flat="F.avg_pool2d(x, 2)").replace(
        "return self.fc2(F.relu(self.fc1(x)))", "return self.conv2(x)"
    )
    functional = functional.replace("self.fc1 = nn.Linear(64 * 16 * 16, 128)", "self.conv2 = nn.Conv2d(64, 8, 3)")
    functional = functional.replace("F.max_pool2d(F.relu(self.conv(x)), 4)", "F.relu(self.conv(x))")
    assert mended("average-pool-downsampling", functional, 0) == functional.replace("F.avg_pool2d", "F.max_pool2d")
