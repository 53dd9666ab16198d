"""The spans of the recorded operations are exactly the expressions that made them."""

# ruff: noqa: PLC2401

import collections
import linecache
import textwrap

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from nnlint.load.constructors import constructors, take_sites
from nnlint.site import Site
from nnlint.trace.record import record
from nnlint.trace.run import META


def text(site):
    """What a site spans."""
    if site is None:
        return None
    lines = linecache.getlines(site.file)[site.line - 1 : site.end_line]
    lines[-1] = lines[-1].rstrip("\n")[: site.end_column - 1]
    lines[0] = lines[0][site.column - 1 :]
    return " ".join("".join(lines).split())


def spans(model, *args, **options):
    """What is written where, for every operation: constructor or call, and the call of a module."""
    module = record(model, args, **options)
    runs = [node.meta[META] for node in module.graph.nodes if node.meta[META].role == "op"]
    return [(text(run.site), text(run.call_site)) if run.module is not None else text(run.site) for run in runs]


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 1)
        self.act = nn.ReLU() if width > 1 else nn.Identity()

    def forward(self, x):
        return (
            self.act(
                self.conv(x),
            )
            + x
        )


class Head(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.LazyLinear(2) if False else nn.Linear(8, 2))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(Block(2), nn.Sequential(collections.OrderedDict([("norm", nn.BatchNorm2d(2))])))
        self.many = nn.ModuleList([Block(2) for _ in range(2)])
        self.more = nn.ModuleList()
        for _ in range(2):
            self.more.append(nn.Dropout(0.1))
        self.named = nn.ModuleDict({"tanh": nn.Tanh()})
        self.add_module("gelu", nn.GELU())
        layers = [nn.Sigmoid()]
        self.unsure = nn.Sequential(*layers)
        self.head = Head()
        self.out = weight_norm(nn.Linear(2, 2)).eval()

    def forward(self, x):
        x = self.body(x)
        é = x
        x = é.relu() * 2
        for block in self.many:
            x = block(x)
        for drop in self.more:
            x = drop(x)
        x = self.gelu(self.named["tanh"](x))
        return self.out(self.head(self.unsure(x)))


IMAGE = torch.rand(3, 2, 2, 2)
BLOCK = [
    ("nn.Conv2d(width, width, 1)", "self.conv(x)"), ("nn.ReLU()", "self.act( self.conv(x), )"),
    "self.act( self.conv(x), ) + x",
]  # fmt: skip
AFTER = [
    ("nn.Tanh()", 'self.named["tanh"](x)'), ("nn.GELU()", 'self.gelu(self.named["tanh"](x))'),
    (None, "self.unsure(x)"), ("nn.Flatten()", "self.head(self.unsure(x))"),
    ("nn.Linear(8, 2)", "self.head(self.unsure(x))"), ("nn.Linear(2, 2)", "self.out(self.head(self.unsure(x)))"),
]  # fmt: skip
EXPECTED = [
    *BLOCK, ("nn.BatchNorm2d(2)", "self.body(x)"), "é.relu()", "é.relu() * 2", *BLOCK, *BLOCK,
    *[("nn.Dropout(0.1)", "drop(x)")] * 2, *AFTER,
]  # fmt: skip


def test_a_live_model_is_read_from_its_classes():
    assert spans(Net(), IMAGE) == EXPECTED


def test_constructor_calls_that_were_seen():
    before = nn.Module.__init__
    with constructors():
        net = Net()
    sites = {id(module): site for module, site in take_sites(net)}
    assert nn.Module.__init__ is before
    expected = [("nn.Sigmoid()", "self.unsure(x)") if pair == (None, "self.unsure(x)") else pair for pair in EXPECTED]
    assert spans(net, IMAGE, sites=sites) == expected
    assert text(sites[id(net)]) == "Net()"


def test_a_constructor_call_is_not_looked_for_in_the_objects_own_methods():
    class Base(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.build(width)

        def build(self, width):
            self.inner = nn.Linear(width, width)

    class Derived(Base):
        def __init__(self):
            super().__init__(3)

    with constructors():
        nets = [Derived() for _ in range(2)]
    for net in nets:
        sites = {id(module): site for module, site in take_sites(net)}
        assert text(sites[id(net)]) == "Derived()"
        assert text(sites[id(net.inner)]) == "nn.Linear(width, width)"


def test_two_branches_of_one_class_are_not_guessed():
    class Choice(nn.Module):
        def __init__(self, wide):
            super().__init__()
            if wide:
                self.l = nn.Linear(2, 8)
            else:
                self.l = nn.Linear(2, 3)

        def forward(self, x):
            return self.l(x)

    assert spans(Choice(True), torch.rand(1, 2)) == [(None, "self.l(x)")]


def test_code_without_a_file_has_no_site():
    space = {"nn": nn}
    exec(
        textwrap.dedent("""
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.l = nn.ReLU()
            def forward(self, x):
                return self.l(x)
    """),
        space,
    )
    [(site, call)] = spans(space["Net"](), torch.rand(2))
    assert site is None
    assert call != "self.l(x)"


def test_given_sites_come_first():
    model = nn.Sequential(nn.ReLU())
    site = Site("net.py", 3, 5, 3, 14)
    module = record(model, torch.rand(2), sites={id(model[0]): site})
    assert [node.meta[META].site for node in module.graph.nodes if node.meta[META].role == "op"] == [site]
