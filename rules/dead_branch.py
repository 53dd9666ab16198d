"""A part of the network is computed and nothing reads the result.

A layer runs on the way, and what it makes reaches neither the output nor a loss. Two slips make most of these: two
calls in a row read the same variable (`out = conv1(x)`, then `out = conv2(x)`), so that the first layer is skipped; and
a method that returns a new tensor is called as if it changed the one it is called on (`x.clamp(0, 1)` alone on its
line). The network runs, and is not the one that was written down.

What to do: read the result where it was meant to be read, or delete the call. If it is computed for a mode or for a
setting that this network does not use, compute it there.

What it costs: the multiply-accumulates of the part in every pass, and in training the parameters that no gradient
reaches; the message says how many.

What is known today: torch's tensors are changed in place by methods whose name ends in an underscore, by assignment to
their elements and by `+=` and the like; other methods of arithmetic return a new tensor (documentation of
`torch.Tensor`). In eager mode nothing removes what is not used; `torch.compile` does.

Quiet when: anything may read it: another branch of the same function, an attribute, a list, a hook, plain Python that
asks for its shape or its values; when the module takes another way in training; in library code; and where the part
costs nothing and was not thrown away on the spot.
"""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from nnlint.edits.usage import lost
from nnlint.finding import Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import ALL, boundary, creation, loss, random, readout, writing
from nnlint.rule import bad, good, graph_rule
from nnlint.structure import is_after_output, is_modal

#: what is run for its effect, or makes something small that a setting may ask for
_OTHER = boundary | loss | creation | readout | writing | random
_WHY = {
    "discarded": "its result is thrown away where it is called",
    "overwritten": "its result is replaced before anything reads it",
    "unread": "nothing reads its result",
}


@graph_rule(category="network", level="warning", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    dead = _dead(graph)
    for op in dead:
        if op.users or is_modal(graph, op) or is_after_output(graph, op):
            continue
        part = _only_for(op, dead)
        macs = sum(other.macs or 0 for other in part)
        params = sum({param.key: param.numel for other in part for param in other.params}.values())
        site = op.call_site or op.site
        why = lost(site)
        if why is not None and (macs or params or why == "discarded"):
            cost = f" ({params:,} parameters, {macs:,} multiply-accumulates)" if macs or params else ""
            message = f"{op} is computed and {_WHY[why]}: use it or delete it{cost}"
            yield replace(op.finding(message, params=params, macs=macs), site=site)


def _dead(graph: Graph) -> dict[Op, None]:
    """The ops none of whose readers leads to a result."""
    found: dict[Op, None] = {}
    for op in reversed(graph.ops):
        named = op.name in ALL and op not in _OTHER and not op.inplace and not op.observed
        if named and len(op.values) == 1 and all(user in found for user in op.users):
            found[op] = None
    return found


def _only_for(op: Op, dead: dict[Op, None]) -> list[Op]:
    """The op and what is computed for it alone."""
    part = {op: None}
    waiting = [op]
    while waiting:
        for source in waiting.pop().inputs:
            if source in dead and source not in part and all(user in part for user in source.users):
                part[source] = None
                waiting.append(source)
    return list(part)


@bad(input="3x16x16")
def both_layers_read_the_input() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
            self.conv2 = nn.Conv2d(3, 16, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            out = self.conv1(x)
            out = self.conv2(x)
            return torch.relu(out)

    return Net()


@bad(input="16")
def a_branch_that_is_not_added() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Linear(16, 16)
            self.shortcut = nn.Linear(16, 16)

        def forward(self, x: Tensor) -> Tensor:
            skip = self.shortcut(x).tanh()  # noqa: F841
            return torch.relu(self.body(x))

    return Net()


@bad(input="16")
def called_as_if_it_were_in_place() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(16, 4)

        def forward(self, x: Tensor) -> Tensor:
            x.clamp(0, 1)
            out: Tensor = self.layer(x)
            return out

    return Net()


@good(input="3x16x16")
def one_after_the_other() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
            self.conv2 = nn.Conv2d(16, 16, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            out = nn.functional.relu(self.conv1(x), inplace=True)
            out = self.conv2(out)
            return nn.functional.relu(out, inplace=True)

    return Net()


@good(input="16")
def changed_in_place() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(16, 4)

        def forward(self, x: Tensor) -> Tensor:
            x = x + 0.5
            x.clamp_(0, 1)
            out: Tensor = self.layer(x)
            return out

    return Net()


@good(input="16")
def another_branch_reads_it() -> nn.Module:
    class Net(nn.Module):
        def __init__(self, both: bool = False) -> None:
            super().__init__()
            self.layer = nn.Linear(16, 4)
            self.second = nn.Linear(16, 4)
            self.both = both

        def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
            first = self.layer(x)
            second = self.second(x)
            if self.both:
                return first, second
            out: Tensor = first
            return out

    return Net()


@good(input="16")
def kept_for_later() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(16, 4)
            self.balance = nn.Linear(16, 1)

        def forward(self, x: Tensor) -> Tensor:
            extra = self.balance(x).mean()
            self.extra = extra
            out: Tensor = self.layer(x)
            return out

    return Net()


@good(input="16")
def asked_for_its_shape() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(16, 4)
            self.narrow = nn.Linear(16, 8)

        def forward(self, x: Tensor) -> Tensor:
            width = self.narrow(x).shape[1]
            out: Tensor = self.layer(x) * width
            return out

    return Net()


@good(input="16")
def read_by_a_hook() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(16, 4)
            self.probe = nn.Linear(16, 4)
            self.probe.register_forward_hook(lambda *given: print(given[-1].device))

        def forward(self, x: Tensor) -> Tensor:
            self.probe(x)
            out: Tensor = self.layer(x)
            return out

    return Net()


@good(input="16")
def used_in_training_alone() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(16, 4)
            self.auxiliary = nn.Linear(16, 4)

        def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
            scores = self.layer(x)
            extra = self.auxiliary(x)
            if self.training:
                return scores, extra
            out: Tensor = scores
            return out

    return Net().eval()


@good(input="8x16")
def a_view_that_costs_nothing() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(16, 4)

        def forward(self, x: Tensor) -> Tensor:
            turned = x.transpose(1, 2)  # noqa: F841
            out: Tensor = self.layer(x)
            return out

    return Net()
