"""Whether the sizes a network was recorded with are anybody's statement, or nnlint's choice."""

from torch import nn

from nnlint.examine.network import Subject, Traced, graph_of, trace_network
from nnlint.inputs.search import Proposal
from nnlint.inputs.template import to_template
from nnlint.script.inputs import parse_inputs


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
