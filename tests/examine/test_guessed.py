"""Whether the sizes a network was recorded with are anybody's statement, or nnlint's choice."""

from pathlib import Path

import pytest
from torch import nn

from nnlint.examine.file import examine_file
from nnlint.examine.network import Subject, Traced, graph_of, trace_network
from nnlint.inputs.search import Proposal
from nnlint.inputs.template import to_template
from nnlint.script.inputs import parse_inputs
from nnlint.settings import Settings


def _traced(*proposals: Proposal) -> Traced:
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, device="meta"), nn.ReLU(inplace=True))
    found = trace_network(Subject(net), proposals)
    assert isinstance(found, Traced)
    return found


def test_sizes_that_nobody_states_are_guessed() -> None:
    assert graph_of(_traced(), "net", None).guessed


def test_stated_sizes_are_not() -> None:
    stated = tuple(to_template(spec) for spec in parse_inputs("3x40x40", "the test"))
    graph = graph_of(_traced(Proposal(stated, {}, "the test", "explicit")), "net", None)
    assert not graph.guessed
    assert graph.inputs[0].shape == (2, 3, 40, 40)


BLOCK = """
from torch import nn

class Block(nn.Module):
    def __init__(self, in_channels, out_channels, {parameter}):
        super().__init__()
        self.kernel_size = kernel_size
        self.conv = nn.Conv2d(in_channels, out_channels, {argument})
        self.next = nn.Conv2d(out_channels, out_channels, 3)

    def forward(self, x):
        return self.next(self.conv(x).relu())
"""


@pytest.mark.usefixtures("unchanged_process")
@pytest.mark.parametrize(
    ("parameter", "argument", "lines"),
    [
        ("kernel_size", "kernel_size", [9]),
        ("kernel_size", "self.kernel_size", [9]),
        ("kernel_size=3", "kernel_size", [8, 9]),
        ("kernel_size", "3", [8, 9]),
    ],
)
def test_nothing_is_said_of_a_kernel_nobody_states(
    tmp_path: Path, parameter: str, argument: str, lines: list[int]
) -> None:
    file = tmp_path / "block.py"
    file.write_text(BLOCK.format(parameter=parameter, argument=argument))
    report = examine_file(str(file), None, Settings(rules=("conv-without-padding",)))
    assert report.networks[0].guesses
    assert [finding.site.line for finding in report.findings if finding.site] == lines
