"""Losses, the network whose output they judge, and what happens in between: exactly, or not at all."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

HEAD = """
import torch
import torch.nn as nn
import torch.nn.functional as F
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(1, 2)
    def forward(self, x): return self.fc(x)
model = Net()
"""


def told(source: Callable, text: str) -> list[tuple[str, str | None, tuple, tuple[str, ...], bool]]:
    """Each loss of a source: name, network, part of its output, steps, backward."""
    losses = source(HEAD + textwrap.dedent(text)).recipe.losses
    return [(x.name, x.network, x.output, tuple(step.name for step in x.steps), x.backward) for x in losses]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("F.cross_entropy(model(x), y).backward()", ("cross_entropy", "model", (), (), True)),
        ("nn.CrossEntropyLoss()(model(x), y)", ("cross_entropy", "model", (), (), False)),
        ("c = nn.BCELoss().cuda()\nc(model(x), y)", ("binary_cross_entropy", "model", (), (), False)),
        ("F.mse_loss(input=model(x), target=y)", ("mse_loss", "model", (), (), False)),
        ("F.mse_loss(y, model(x))", ("mse_loss", "model", (), (), False)),
        ("F.mse_loss(y, z)", ("mse_loss", None, (), (), False)),
        ("torch.nn.functional.nll_loss(model.forward(x), y)", ("nll_loss", "model", (), (), False)),
        ("F.l1_loss(model(x).detach(), y)", ("l1_loss", "model", (), ("detach",), False)),
        ("out, aux = model(x)\nF.l1_loss(aux, y)", ("l1_loss", "model", (1,), (), False)),
        ("*_, last = model(x)\nF.l1_loss(last, y)", ("l1_loss", "model", (-1,), (), False)),
        ("F.l1_loss(model(x)['out'], y)", ("l1_loss", "model", ("out",), (), False)),
        ("F.l1_loss(model(x).logits, y)", ("l1_loss", "model", ("logits",), (), False)),
        ("F.l1_loss(model(x)[0][1], y)", ("l1_loss", "model", (0, 1), (), False)),
        ("F.l1_loss(model(x)[:, 0], y)", ("l1_loss", "model", (), ("getitem",), False)),
        ("F.l1_loss(torch.sigmoid(model(x).squeeze(1)), y)", ("l1_loss", "model", (), ("squeeze", "sigmoid"), False)),
        ("F.l1_loss(F.log_softmax(model(x), dim=1), y)", ("l1_loss", "model", (), ("log_softmax",), False)),
        ("s = nn.Sigmoid()\nF.l1_loss(s(model(x)), y)", ("l1_loss", "model", (), ("sigmoid",), False)),
        ("F.l1_loss(-model(x) * 2, y)", ("l1_loss", "model", (), ("neg", "mul"), False)),
        ("F.l1_loss(1 - model(x), y)", ("l1_loss", "model", (), ("sub",), False)),
        ("o = model(x)\no = o.float()\nF.l1_loss(o, y)", ("l1_loss", "model", (), ("to",), False)),
        ("o = model(x).to('cpu')\nF.l1_loss(o, y)", ("l1_loss", "model", (), (), False)),
        ("from library import post\nF.l1_loss(post(model(x)), y)", ("l1_loss", "model", (), ("library.post",), False)),
        ("net = nn.DataParallel(model)\nF.l1_loss(net(x), y)", ("l1_loss", "model", (), (), False)),
        ("F.l1_loss(model.module(x), y)", ("l1_loss", "model", (), (), False)),
        ("f = F.l1_loss\nf(model(x), y)", ("l1_loss", "model", (), (), False)),
        ("f = lambda a, b: F.l1_loss(a, b)\nf(model(x), y)", ("l1_loss", "model", (), (), False)),
        ("losses = {'a': nn.BCELoss()}\nlosses['a'](model(x), y)", ("binary_cross_entropy", "model", (), (), False)),
        ("def run(net, x): return net(x)\nF.l1_loss(run(model, x), y)", ("l1_loss", "model", (), (), False)),
        ("def act(o): return o.sigmoid()\nF.l1_loss(act(model(x)), y)", ("l1_loss", "model", (), ("sigmoid",), False)),
        ("with torch.autocast('cuda'):\n    o = model(x)\nF.l1_loss(o, y)", ("l1_loss", "model", (), (), False)),
        ("try:\n    o = model(x)\nfinally:\n    pass\nF.l1_loss(o, y)", ("l1_loss", "model", (), (), False)),
        ("for x in data:\n    o = model(x)\n    F.l1_loss(o, y)", ("l1_loss", "model", (), (), False)),
        ("a = b = model(x)\nF.l1_loss(b, y)", ("l1_loss", "model", (), (), False)),
    ],
)
def test_a_loss_is_linked_to_its_network(source: Callable, text: str, expected: tuple) -> None:
    assert told(source, text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "o = model(x)\nif flag:\n    o = torch.sigmoid(o)\nF.l1_loss(o, y)",
        "o = model(x) if flag else torch.sigmoid(model(x))\nF.l1_loss(o, y)",
        "o = model(x)\nfor i in range(3):\n    o = o * 2\nF.l1_loss(o, y)",
        "o = model(x)\nwhile flag:\n    F.l1_loss(o, y)\n    o = torch.tanh(o)",
        "F.l1_loss(model(x) * Net()(x), y)",
        "F.l1_loss(torch.cat([model(x), z]), y)",
        "o = model(x)\no = other\nF.l1_loss(o, y)",
        "o = model(x)\ndel o\nF.l1_loss(o, y)",
        "net = Net() if flag else model\nF.l1_loss(net(x), y)",
        "F.l1_loss(torch.where(m, model(x), z), y)",
        "F.l1_loss(model(x).shape, y)",
        "def act(o):\n    if flag: return o.sigmoid()\n    return o\nF.l1_loss(act(model(x)), y)",
        "match flag:\n    case 1: o = model(x)\n    case _: o = model(x).relu()\nF.l1_loss(o, y)",
    ],
)
def test_what_is_not_certain_is_absent(source: Callable, text: str) -> None:
    assert {(name, network) for name, network, *_ in told(source, text)} == {("l1_loss", None)}


@pytest.mark.parametrize(
    "text",
    [
        "c = nn.BCELoss() if flag else nn.MSELoss()\nc(model(x), y)",
        "if flag: c = nn.BCELoss()\nelse: c = nn.MSELoss()\nc(model(x), y)",
        "c = {'a': nn.BCELoss(), 'b': nn.MSELoss()}[name]\nc(model(x), y)",
        "def train(criterion): criterion(model(x), y).backward()",
        "class F:\n    def l1_loss(a, b): pass\nF.l1_loss(model(x), y)",
    ],
)
def test_a_loss_that_is_not_known_is_no_loss(source: Callable, text: str) -> None:
    assert told(source, text) == []


@pytest.mark.parametrize(
    "after",
    [
        "loss.backward()",
        "(loss / 4).backward()",
        "scaler.scale(loss).backward()",
        "accelerator.backward(loss)",
        "total = 0.5 * loss + other\ntotal.backward()",
        "total = 0\ntotal += loss\ntotal.backward()",
        "parts = {'a': loss}\nsum(parts.values()).backward()",
        "parts = []\nparts.append(loss)\nsum(parts).backward()",
        "torch.stack([loss, other]).mean().backward()",
        "if flag: loss = loss + other\nloss.backward()",
        "def go(v): v.backward()\ngo(loss)",
        "reduce(loss).backward()",
        "parts = {'a': loss, 'b': other}\nfor part in parts.values():\n    pass\nparts['a'].backward()",
    ],
)
def test_a_loss_reaches_backward(source: Callable, after: str) -> None:
    found = told(source, "loss = nn.BCELoss()(model(x), y)\n" + after)
    assert found == [("binary_cross_entropy", "model", (), (), True)]


@pytest.mark.parametrize("after", ["print(loss.item())", "loss.detach().backward()", "other.backward()", "float(loss)"])
def test_a_loss_does_not_reach_backward(source: Callable, after: str) -> None:
    assert told(source, "loss = nn.BCELoss()(model(x), y)\n" + after)[0][-1] is False


def test_the_sites_of_a_loss(source: Callable) -> None:
    read = source(
        HEAD
        + textwrap.dedent("""
        criterion = nn.CrossEntropyLoss(label_smoothing=0.1, reduction="sum", weight=weights)
        def compute(out, labels):
            return criterion(torch.sigmoid(out.view(-1, 10)), labels.long())
        loss = compute(model(x), y)
        """)
    )
    (loss,) = read.recipe.losses
    assert read.text(loss.site).startswith("nn.CrossEntropyLoss(label_smoothing=0.1")
    assert read.text(loss.call_site) == "criterion(torch.sigmoid(out.view(-1, 10)), labels.long())"
    assert read.stated(loss.targets) == ("labels.long()", "labels.long()")
    stated = {name: read.stated(fact) for name, fact in loss.arguments.items()}
    assert stated == {"label_smoothing": (0.1, "0.1"), "reduction": ("sum", '"sum"')}
    steps = [(step.name, read.text(step.site), dict(step.arguments)) for step in loss.steps]
    assert steps == [
        ("view", "out.view(-1, 10)", {"0": -1, "1": 10}),
        ("sigmoid", "torch.sigmoid(out.view(-1, 10))", {}),
    ]


def test_two_networks_and_their_losses(source: Callable) -> None:
    found = told(
        source,
        """
        generator, discriminator = Net(), Net()
        adversarial = nn.BCELoss()
        fakes = generator(z)
        adversarial(discriminator(fakes), valid).backward()
        real = adversarial(discriminator(images), valid)
        fake = adversarial(discriminator(fakes.detach()), zeros)
        ((real + fake) / 2).backward()
        F.l1_loss(fakes, images)
        """,
    )
    assert found == [
        ("binary_cross_entropy", "discriminator", (), (), True),
        ("binary_cross_entropy", "discriminator", (), (), True),
        ("binary_cross_entropy", "discriminator", (), (), True),
        ("l1_loss", "generator", (), (), False),
    ]


def test_one_helper_for_two_networks(source: Callable) -> None:
    found = told(
        source,
        """
        other = Net()
        def judge(net, x): return F.mse_loss(net(x), x)
        judge(model, x).backward()
        judge(other, x)
        """,
    )
    assert sorted((network, backward) for _, network, _, _, backward in found) == [("model", True), ("other", False)]


def test_a_loss_class_of_the_file_is_seen_through(source: Callable) -> None:
    found = told(
        source,
        """
        class FocalLoss(nn.Module):
            def __init__(self):
                super().__init__()
                self.ce = nn.CrossEntropyLoss(reduction="none")
            def forward(self, scores, target):
                ce = self.ce(scores, target)
                return ((1 - ce) ** 2 * ce).mean()
        class MyLoss(nn.Module):
            def forward(self, scores, target):
                return (scores - target).abs().mean()
        FocalLoss()(torch.softmax(model(x), 1), y).backward()
        mine = MyLoss()
        mine(model(x), y).backward()
        """,
    )
    assert found == [
        ("cross_entropy", "model", (), ("softmax",), True),
        ("MyLoss", "model", (), (), True),
    ]


def test_a_copy_is_another_network_and_an_attribute_called_module_is_itself(source: Callable) -> None:
    found = told(
        source,
        """
        import copy
        target = copy.deepcopy(model)
        class Ema(nn.Module):
            def __init__(self, net):
                super().__init__()
                self.module = nn.Linear(1, 2)
            def forward(self, x):
                return F.l1_loss(self.module(x), x)
        F.mse_loss(target(x), y)
        """,
    )
    assert [(name, network) for name, network, *_ in found] == [("l1_loss", "self.module"), ("mse_loss", "target")]


def test_networks_that_are_only_parameters(source: Callable) -> None:
    read = source("""
        import torch.nn.functional as F
        def train(model, net_g, transform, encoder, loader, helper):
            helper.eval()
            for x, y in loader:
                F.l1_loss(model(x), y)
                F.l1_loss(net_g(x), y)
                F.l1_loss(transform(x), y)
                F.l1_loss(helper(x), y)
        """)
    assert [loss.network for loss in read.recipe.losses] == ["model", "net_g", None, "helper"]


@pytest.mark.parametrize(
    ("call", "steps"),
    [
        ("net(x)", ()),
        ("net(x, False)", ()),
        ("net(x, raw=False)", ()),
        ("net(x, raw=True)", ("net with a switch",)),
        ("net(x, True)", ("net with a switch",)),
    ],
)
def test_a_switch_may_change_what_a_network_gives(source: Callable, call: str, steps: tuple[str, ...]) -> None:
    found = told(
        source,
        f"""
        class Switched(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(1, 2)
            def forward(self, x, raw=False):
                return self.fc(x) if raw else self.fc(x).softmax(1)
        net = Switched()
        F.cross_entropy({call}, y)
        """,
    )
    assert found == [("cross_entropy", "net", (), steps, False)]
