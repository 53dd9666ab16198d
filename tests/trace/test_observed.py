"""`Op.observed`: results that more than ops make use of."""

import pytest
import torch
from torch import Tensor, nn

from nnlint.trace.build import build_graph
from nnlint.trace.record import record


def _observed(model: nn.Module, *args: object) -> set[str]:
    recorded = record(model, args)
    return {op.name for op in build_graph(recorded, model=model).ops if op.observed}


class _Net(nn.Module):
    """Does something with ``x.sin()`` and returns ``x.cos()``."""

    def __init__(self, use: str) -> None:
        super().__init__()
        self.use = use
        self.seen: list[Tensor] = []
        self.layer = nn.Linear(2, 2)

    def forward(self, x: Tensor, cache: list[Tensor] | None = None) -> Tensor:
        y = x.sin()
        if self.use == "shape":
            y.shape[0]
        elif self.use == "value":
            float(y[0])
        elif self.use == "attribute":
            self.auxiliary = y
        elif self.use == "list":
            self.seen.append(y)
        elif self.use == "cache":
            cache.append(y)
        elif self.use == "layer":
            self.layer(y)
        return x.cos()


@pytest.mark.parametrize(
    ("use", "observed"),
    [
        ("", set()),
        ("shape", {"sin"}),
        ("value", {"getitem"}),
        ("attribute", {"sin"}),
        ("list", {"sin"}),
        ("cache", {"sin"}),
        ("layer", set()),
    ],
)
def test_what_is_made_of_a_result(use: str, observed: set[str]) -> None:
    assert _observed(_Net(use), torch.rand(2), []) == observed


def test_a_hook_is_given_it() -> None:
    net = _Net("layer")
    net.layer.register_forward_hook(lambda *_: None)
    assert _observed(net, torch.rand(2)) == {"linear"}


@pytest.mark.parametrize("use", ["shape", "value", "attribute", "list"])
def test_what_is_asked_for_is_not_kept(use: str) -> None:
    model = _Net(use)
    graph = build_graph(record(model, (torch.rand(2),)), model=model)
    assert {op.name for op in graph.ops if op.kept} == ({"sin"} if use in ("attribute", "list") else set())
