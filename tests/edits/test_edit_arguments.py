"""Edits of one call: text in, text out."""

from __future__ import annotations

import pytest

from nnlint import edits
from nnlint.finding import Edit
from nnlint.site import Site

HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"


def one(layer: str) -> str:
    return f"{HEAD}net = nn.Sequential({layer})\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("nn.ReLU()", "nn.ReLU(inplace=True)"),
        ("nn.ReLU(False)", "nn.ReLU(True)"),
        ("nn.ReLU(inplace = False)", "nn.ReLU(inplace = True)"),
        ("torch.nn.ReLU( )", "torch.nn.ReLU( inplace=True)"),
    ],
)
def test_setting(edited, before: str, after: str) -> None:
    assert edited(one(before), lambda op: edits.set_argument(op("0"), "inplace", "True", position=0)) == one(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("nn.Conv2d(3, 8, 3)", "nn.Conv2d(3, 8, 3, bias=False)"),
        ("nn.Conv2d(3, 8, 3, 1, 1, 1, 1, True)", "nn.Conv2d(3, 8, 3, 1, 1, 1, 1, False)"),
        ("nn.Conv2d(3, 8, 3,)", "nn.Conv2d(3, 8, 3, bias=False,)"),
        ("nn.Conv2d(3, 8, kernel_size=(3, 3))  # big", "nn.Conv2d(3, 8, kernel_size=(3, 3), bias=False)  # big"),
        ("nn.Conv2d(\n    3,  # in\n    8,\n    3\n)", "nn.Conv2d(\n    3,  # in\n    8,\n    3,\n    bias=False\n)"),
        (
            "nn.Conv2d(\n    3,\n    8,\n    3,  # kernel\n)",
            "nn.Conv2d(\n    3,\n    8,\n    3,  # kernel\n    bias=False,\n)",
        ),
        (
            "nn.Conv2d(\n    3,\n    8,\n    3  # kernel\n)",
            "nn.Conv2d(\n    3,\n    8,\n    3,  # kernel\n    bias=False\n)",
        ),
        ("nn.Conv2d(*(3, 8, 3))", None),  # the star may hand the bias over
        ("nn.Conv2d(3, 8, **dict(kernel_size=3))", None),
    ],
)
def test_adding(edited, before: str, after: str | None) -> None:
    text = f"{HEAD}conv = {before}\nnet = conv\n"
    wanted = None if after is None else f"{HEAD}conv = {after}\nnet = conv\n"
    assert edited(text, lambda op: edits.set_argument(op("conv2d"), "bias", "False", position=7)) == wanted


def test_setting_in_a_functional_call(edited) -> None:
    text = f"""{HEAD}
class Net(nn.Module):
    def forward(self, x):
        return F.dropout(x, 0.5)

net = Net()
"""
    result = edited(text, lambda op: edits.set_argument(op("dropout"), "training", "self.training", position=2))
    assert result == text.replace("0.5)", "0.5, training=self.training)")


def test_a_callee_that_names_no_class_is_left_alone(edited) -> None:
    text = f"{HEAD}act = nn.ReLU if 1 else nn.GELU\nnet = nn.Sequential(act())\n"
    assert edited(text, lambda op: edits.set_argument(op("0"), "inplace", "True")) is None


def test_an_alias_of_the_class_is_the_class(edited) -> None:
    text = "from torch.nn import ReLU as Act, Sequential\nnet = Sequential(Act())\n"
    result = edited(text, lambda op: edits.set_argument(op("0"), "inplace", "True"))
    assert result == text.replace("Act())", "Act(inplace=True))")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("nn.Conv2d(3, 8, 3, padding=1, bias=False)", "nn.Conv2d(3, 8, 3, bias=False)"),
        ("nn.Conv2d(3, 8, 3, bias=False, padding=1)", "nn.Conv2d(3, 8, 3, bias=False)"),
        ("nn.Conv2d(3, 8, 3, 1, 1)", "nn.Conv2d(3, 8, 3, 1)"),
        ("nn.Conv2d(3, 8, 3, 1, 1, bias=False)", "nn.Conv2d(3, 8, 3, 1, bias=False)"),
        ("nn.Conv2d(3, 8, 3, 1, 1, 1)", None),  # what follows has no name
        ("nn.Conv2d(3, 8, 3)", None),
        (
            "nn.Conv2d(\n    3, 8, 3,\n    padding=1,  # same size\n    bias=False,\n)",
            "nn.Conv2d(\n    3, 8, 3,\n    bias=False,\n)",
        ),
    ],
)
def test_removing(edited, before: str, after: str | None) -> None:
    text = f"{HEAD}net = {before}\n"
    wanted = None if after is None else f"{HEAD}net = {after}\n"
    assert edited(text, lambda op: edits.remove_argument(op("conv2d"), "padding", position=4)) == wanted


@pytest.mark.parametrize(
    ("imports", "before", "after"),
    [
        ("from torch import nn", "nn.ReLU()", "nn.ELU()"),
        ("import torch", "torch.nn.ReLU()", "torch.nn.ELU()"),
        ("from torch.nn import ELU, ReLU", "ReLU()", "ELU()"),
        ("from torch import nn\nfrom torch.nn import ReLU", "ReLU()", "nn.ELU()"),
        ("import torch\nfrom torch.nn import ReLU", "ReLU()", "torch.nn.ELU()"),
        ("from torch.nn import ReLU", "ReLU()", None),
    ],
)
def test_replacing_the_callee(edited, imports: str, before: str, after: str | None) -> None:
    text = f"{imports}\nnet = {before}\n"
    wanted = None if after is None else f"{imports}\nnet = {after}\n"
    assert edited(text, lambda op: edits.replace_callee(op("relu"), "ELU")) == wanted


def test_replacing_a_function(edited) -> None:
    text = f"""{HEAD}from torch.nn.functional import relu

class Net(nn.Module):
    def forward(self, x):
        return relu(x.sigmoid())

net = Net()
"""
    assert edited(text, lambda op: edits.replace_callee(op("relu"), "elu")) == text.replace(
        "return relu", "return F.elu"
    )
    assert edited(text, lambda op: edits.replace_callee(op("sigmoid"), "tanh")) == text.replace("sigmoid", "tanh")


def test_the_text_at_a_site(tmp_path) -> None:
    file = tmp_path / "train.py"
    file.write_text('name = "Größe"; batch = dict(size=4,\n  rest=5)\n', encoding="utf-8")
    site = Site(str(file), 1, 25, 2, 10)
    assert edits.text_of(site) == "dict(size=4,\n  rest=5)"
    assert edits.argument(site, "size") == "4"
    assert edits.replace(site, "None") == Edit(site, "None")
    edit = edits.set_argument(site, "size", "64")
    assert edit is not None
    assert edits.applied(file.read_text("utf-8"), [edit]) == 'name = "Größe"; batch = dict(size=64,\n  rest=5)\n'


def test_what_is_not_the_users_is_left_alone(tmp_path) -> None:
    file = tmp_path / "site-packages" / "net.py"
    file.parent.mkdir()
    file.write_text("layer = dict(p=1)\n", encoding="utf-8")
    site = Site(str(file), 1, 9, 1, 18)
    assert edits.set_argument(site, "p", "2") is None
    assert edits.before_statement(site, "pass") is None
    assert edits.text_of(site) is None


def test_a_method_call_over_several_lines(edited) -> None:
    text = f"""{HEAD}
class Net(nn.Module):
    def forward(self, x):
        return (
            x.sigmoid()
            .softmax(1)
        )

net = Net()
"""
    result = edited(text, lambda op: edits.set_argument(op("softmax"), "dim", "-1", position=0))
    assert result == text.replace("softmax(1)", "softmax(-1)")


class TestStatements:
    TEXT = "def train():\n\tfor batch in data:\n\t\tif a: step(); zero()\n\t\tloss = (\n\t\t\tnet(x)\n\t\t)  # why\n"

    def at(self, tmp_path, what: str) -> Site:
        file = tmp_path / "train.py"
        file.write_text(self.TEXT, encoding="utf-8")
        start = self.TEXT.index(what)
        line = self.TEXT.count("\n", 0, start) + 1
        column = start - self.TEXT.rfind("\n", 0, start)
        return Site(str(file), line, column, line, column + len(what))

    @pytest.mark.parametrize(
        ("what", "before", "after"),
        [
            ("net(x)", "\t\tNEW\n\t\tloss = (", "# why\n\t\tNEW\n"),
            ("zero()", "\t\tNEW\n\t\tif a:", "zero()\n\t\tNEW\n"),
            ("data", "\tNEW\n\tfor batch", "# why\n\tNEW\n"),
        ],
    )
    def test_new_lines(self, tmp_path, what: str, before: str, after: str) -> None:
        site = self.at(tmp_path, what)
        for function, wanted in ((edits.before_statement, before), (edits.after_statement, after)):
            edit = function(site, "NEW")
            assert edit is not None
            result = edits.applied(self.TEXT, [edit])
            assert wanted in result
            assert result.replace(edit.text, "") == self.TEXT

    def test_several_lines(self, tmp_path) -> None:
        edit = edits.before_statement(self.at(tmp_path, "net(x)"), "if a:\n\tb()")
        assert edit is not None
        assert edit.text == "\t\tif a:\n\t\t\tb()\n"

    def test_at_the_beginning_of_a_block(self, tmp_path) -> None:
        edit = edits.begin_block(self.at(tmp_path, "data"), "net.train()")
        assert edit is not None
        assert "in data:\n\t\tnet.train()\n\t\tif a:" in edits.applied(self.TEXT, [edit])
        assert edits.begin_block(self.at(tmp_path, "net(x)"), "net.train()") is None


def test_overlapping_edits_are_refused() -> None:
    first, second = Edit(Site("a", 1, 1, 1, 4), "x"), Edit(Site("a", 1, 3, 1, 5), "y")
    with pytest.raises(edits.OverlappingEditsError):
        edits.applied("abcdef\n", [second, first])
    with pytest.raises(edits.OverlappingEditsError):
        edits.applied("abcdef\n", [Edit(Site("a", 3, 1, 3, 1), "x")])
    with pytest.raises(edits.OverlappingEditsError):
        edits.applied("", [Edit(Site("a", 1, 5, 1, 6), "x")])


def test_insertions_at_one_place_keep_their_order() -> None:
    place = Site("a", 1, 3, 1, 3)
    assert edits.applied("abcdef", [Edit(place, "1"), Edit(place, "2")]) == "ab12cdef"
