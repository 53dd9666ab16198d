"""Edits of the order of operations: text in, text out, in every style networks are written in."""

from __future__ import annotations

import difflib

import pytest

from nnlint import edits

IMPORTS = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"

SEQUENCE = f"""{IMPORTS}
net = nn.Sequential(
    nn.Conv2d(3, 8, 3, padding=1),  # first
    nn.Dropout(0.2),   # regularise
    nn.BatchNorm2d(8),
    nn.ReLU(),
    nn.Flatten(), nn.Dropout(0.5), nn.Linear(512, 10)
)
"""

ATTRIBUTES = f"""{IMPORTS}

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.drop = nn.Dropout(0.5)  # weak
        self.norm = nn.BatchNorm2d(8)
        self.act = nn.ReLU()
        self.head = nn.Linear(512, 10)

    def forward(self, x):
        # the stem
        x = self.conv(x)
        x = self.drop(x)
        x = self.norm(x)  # twice?
        x = F.relu(x)
        x = self.act(self.head(F.dropout(x.flatten(1), 0.5, self.training)))
        return x.tanh()


net = Net()
"""


def changes(before: str, after: str | None) -> list[str] | None:
    """The lines that went and came."""
    if after is None:
        return None
    diff = difflib.unified_diff(before.split("\n"), after.split("\n"), n=0, lineterm="")
    return [line for line in diff if not line.startswith(("---", "+++", "@@"))]


def sequence(*lines: str) -> str:
    """`net` made by these lines."""
    return IMPORTS + "\n".join(lines) + "\n"


class TestSequence:
    @pytest.mark.parametrize(
        ("name", "wanted"),
        [
            ("0", ["-    nn.Conv2d(3, 8, 3, padding=1),  # first"]),
            ("1", ["-    nn.Dropout(0.2),   # regularise"]),
            (
                "5",
                [
                    "-    nn.Flatten(), nn.Dropout(0.5), nn.Linear(512, 10)",
                    "+    nn.Flatten(), nn.Linear(512, 10)",
                ],
            ),
            (
                "6",
                [
                    "-    nn.Flatten(), nn.Dropout(0.5), nn.Linear(512, 10)",
                    "+    nn.Flatten(), nn.Dropout(0.5)",
                ],
            ),
        ],
    )
    def test_removing(self, edited, name: str, wanted: list[str]) -> None:
        assert changes(SEQUENCE, edited(SEQUENCE, lambda op: edits.remove_op(op(name)))) == wanted

    def test_inserting(self, edited) -> None:
        result = edited(SEQUENCE, lambda op: edits.insert_after(op("2")))
        assert changes(SEQUENCE, result) == ["+    nn.ReLU(inplace=True),"]
        result = edited(SEQUENCE, lambda op: edits.insert_after(op("6"), op("3")))
        assert changes(SEQUENCE, result) == [
            "-    nn.Flatten(), nn.Dropout(0.5), nn.Linear(512, 10)",
            "+    nn.Flatten(), nn.Dropout(0.5), nn.Linear(512, 10), nn.ReLU()",
        ]
        result = edited(SEQUENCE, lambda op: edits.insert_after(op("0"), module="nn.BatchNorm2d(8)"))
        assert changes(SEQUENCE, result) == ["+    nn.BatchNorm2d(8),"]

    def test_swapping_takes_the_comments_along(self, edited) -> None:
        result = edited(SEQUENCE, lambda op: edits.swap(op("1"), op("2")))
        assert changes(SEQUENCE, result) == ["+    nn.BatchNorm2d(8),", "-    nn.BatchNorm2d(8),"]

    def test_moving_takes_the_comment_along(self, edited) -> None:
        result = edited(SEQUENCE, lambda op: edits.move_after(op("1"), op("3")))
        line = "    nn.Dropout(0.2),   # regularise"
        assert changes(SEQUENCE, result) == [f"-{line}", f"+{line}"]
        assert result is not None
        assert f"nn.ReLU(),\n{line}\n    nn.Flatten()" in result

    def test_moving_forwards_and_backwards_in_a_line(self, edited) -> None:
        text = sequence("net = nn.Sequential(nn.Conv2d(3, 8, 1), nn.Dropout(), nn.BatchNorm2d(8), nn.ReLU())")
        assert edited(text, lambda op: edits.move_after(op("1"), op("3"))) == sequence(
            "net = nn.Sequential(nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout())"
        )
        assert edited(text, lambda op: edits.move_after(op("3"), op("0"))) == sequence(
            "net = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Dropout(), nn.BatchNorm2d(8))"
        )

    def test_a_loss_is_no_other_reader(self, edited) -> None:
        text = sequence("judged = True", "net = nn.Sequential(nn.Conv2d(3, 8, 1), nn.Dropout(), nn.ReLU())")
        assert edited(text, lambda op: edits.swap(op("1"), op("2"))) == text.replace(
            "nn.Dropout(), nn.ReLU()", "nn.ReLU(), nn.Dropout()"
        )
        assert edited(text, lambda op: edits.insert_after(op("2"), module="nn.Tanh()")) == text.replace(
            "nn.ReLU()", "nn.ReLU(), nn.Tanh()"
        )

    def test_the_last_without_a_comma(self, edited) -> None:
        text = sequence("net = nn.Sequential(", "    nn.Conv2d(3, 8, 1),", "    nn.ReLU()  # last", ")")
        assert edited(text, lambda op: edits.insert_after(op("1"), module="nn.Dropout(0.2)")) == sequence(
            "net = nn.Sequential(", "    nn.Conv2d(3, 8, 1),", "    nn.ReLU(),  # last", "    nn.Dropout(0.2)", ")"
        )
        assert edited(text, lambda op: edits.remove_op(op("1"))) == sequence(
            "net = nn.Sequential(", "    nn.Conv2d(3, 8, 1),", ")"
        )
        assert edited(text, lambda op: edits.swap(op("0"), op("1"))) == sequence(
            "net = nn.Sequential(", "    nn.ReLU(),  # last", "    nn.Conv2d(3, 8, 1)", ")"
        )

    def test_the_only_one(self, edited) -> None:
        text = sequence("net = nn.Sequential(nn.Sequential(nn.ReLU()), nn.Sigmoid())")
        assert edited(text, lambda op: edits.remove_op(op("0"))) == text.replace("nn.ReLU()", "")

    def test_names_kept(self, edited) -> None:
        text = sequence("net = nn.Sequential(nn.ReLU(), nn.Conv2d(3, 8, 1), nn.Tanh())")
        assert edited(text, lambda op: edits.remove_op(op("0"), keep_names=True)) == text.replace(
            "nn.ReLU()", "nn.Identity()"
        )
        assert edited(text, lambda op: edits.remove_op(op("2"), keep_names=True)) == text.replace(", nn.Tanh()", "")

    def test_over_two_lines_with_a_comment_between(self, edited) -> None:
        text = sequence("net = nn.Sequential(nn.Dropout(),  # drop", "    nn.Conv2d(3, 8, 1), nn.ReLU())")
        assert edited(text, lambda op: edits.remove_op(op("0"))) == text.replace("nn.Dropout(),", "")

    def test_a_star(self, edited) -> None:
        text = sequence("net = nn.Sequential(*[nn.Conv2d(3, 8, 1), nn.ReLU()], nn.Tanh())")
        assert edited(text, lambda op: edits.remove_op(op("1"))) == text.replace(", nn.ReLU()", "")
        assert edited(text, lambda op: edits.insert_after(op("0"))) == text.replace(
            ", nn.ReLU()", ", nn.ReLU(inplace=True), nn.ReLU()"
        )
        assert edited(text, lambda op: edits.remove_op(op("2"))) == text.replace(", nn.Tanh()", "")

    def test_a_list_that_grows(self, edited) -> None:
        text = sequence(
            "layers = [nn.Conv2d(3, 8, 1)]",
            "layers += [nn.Dropout()]  # some",
            "layers += [nn.BatchNorm2d(8), nn.ReLU()]",
            "net = nn.Sequential(*layers)",
        )
        assert edited(text, lambda op: edits.remove_op(op("1"))) == text.replace(
            "layers += [nn.Dropout()]  # some\n", ""
        )
        assert edited(text, lambda op: edits.move_after(op("1"), op("3"))) is not None

    def test_lines_that_append(self, edited) -> None:
        lines = [
            "layers.append(nn.Conv2d(3, 8, 1))",
            "layers.append(nn.Dropout(0.1))  # why",
            "layers.append(nn.ReLU())",
        ]
        text = sequence("layers = []", *lines, "net = nn.Sequential(*layers)")
        assert edited(text, lambda op: edits.remove_op(op("1"))) == text.replace(f"{lines[1]}\n", "")
        assert edited(text, lambda op: edits.insert_after(op("0"), module="nn.BatchNorm2d(8)")) == text.replace(
            lines[0], f"{lines[0]}\nlayers.append(nn.BatchNorm2d(8))"
        )
        swapped = ["layers.append(nn.ReLU())", "layers.append(nn.Dropout(0.1))  # why"]
        assert edited(text, lambda op: edits.swap(op("1"), op("2"))) == text.replace(
            "\n".join(lines[1:]), "\n".join(swapped)
        )
        assert edited(text, lambda op: edits.move_after(op("1"), op("2"))) == text.replace(
            "\n".join(lines[1:]), "\n".join(swapped)
        )

    def test_modules_that_are_added_by_name(self, edited) -> None:
        text = sequence(
            "net = nn.Sequential()",
            "net.add_module('conv', nn.Conv2d(3, 8, 1))",
            "net.add_module('relu', nn.ReLU())",
        )
        assert edited(text, lambda op: edits.insert_after(op("conv"), op("relu"))) == text.replace(
            "8, 1))\n", "8, 1))\nnet.add_module('relu2', nn.ReLU())\n"
        )
        assert edited(text, lambda op: edits.remove_op(op("relu"))) == text.replace(
            "net.add_module('relu', nn.ReLU())\n", ""
        )
        assert edited(text, lambda op: edits.swap(op("conv"), op("relu"))) == sequence(
            "net = nn.Sequential()",
            "net.add_module('relu', nn.ReLU())",
            "net.add_module('conv', nn.Conv2d(3, 8, 1))",
        )

    def test_pairs_with_names(self, edited) -> None:
        text = sequence(
            "from collections import OrderedDict",
            "net = nn.Sequential(OrderedDict([",
            "    ('conv', nn.Conv2d(3, 8, 1)),",
            "    ('drop', nn.Dropout()),",
            "    ('norm', nn.BatchNorm2d(8)),",
            "]))",
        )
        assert edited(text, lambda op: edits.remove_op(op("drop"))) == text.replace("    ('drop', nn.Dropout()),\n", "")
        assert edited(text, lambda op: edits.insert_after(op("norm"))) == text.replace(
            "2d(8)),\n", "2d(8)),\n    ('relu', nn.ReLU(inplace=True)),\n"
        )
        swapped = edited(text, lambda op: edits.swap(op("drop"), op("norm")))
        assert changes(text, swapped) == ["+    ('norm', nn.BatchNorm2d(8)),", "-    ('norm', nn.BatchNorm2d(8)),"]

    def test_a_dict(self, edited) -> None:
        text = sequence(
            "from collections import OrderedDict",
            'net = nn.Sequential(OrderedDict({"conv": nn.Conv2d(3, 8, 1), "drop": nn.Dropout(), "relu": nn.ReLU()}))',
        )
        assert edited(text, lambda op: edits.remove_op(op("drop"))) == text.replace('"drop": nn.Dropout(), ', "")
        assert edited(text, lambda op: edits.insert_after(op("relu"), op("relu"))) == text.replace(
            "nn.ReLU()}", 'nn.ReLU(), "relu2": nn.ReLU()}'
        )

    def test_a_wrapped_module(self, edited) -> None:
        text = sequence(
            "from torch.nn.utils import weight_norm",
            "net = nn.Sequential(weight_norm(nn.Conv2d(3, 8, 1)), nn.Tanh())",
        )
        assert edited(text, lambda op: edits.insert_after(op("0"))) == text.replace(
            ", nn.Tanh", ", nn.ReLU(inplace=True), nn.Tanh"
        )

    def test_a_subclass_of_sequential(self, edited) -> None:
        text = sequence(
            "class Block(nn.Sequential):",
            "    def __init__(self, width):",
            "        super().__init__(",
            "            nn.Conv2d(3, width, 1),",
            "            nn.Dropout(),",
            "        )",
            "net = Block(8)",
        )
        assert edited(text, lambda op: edits.remove_op(op("1"))) == text.replace("            nn.Dropout(),\n", "")

    @pytest.mark.parametrize(
        "lines",
        [
            ("act = nn.ReLU()", "net = nn.Sequential(nn.Conv2d(3, 8, 1), act)"),
            ("def act():", "    return nn.ReLU()", "net = nn.Sequential(nn.Conv2d(3, 8, 1), act())"),
            ("net = nn.Sequential(*[nn.ReLU() for _ in range(2)])",),
            ("net = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU() if 1 else nn.Tanh())",),
            ("net = nn.Sequential(nn.Conv2d(3, 8, 1), (nn.ReLU()))",),
        ],
    )
    def test_what_is_not_understood(self, edited, lines: tuple[str, ...]) -> None:
        assert edited(sequence(*lines), lambda op: edits.remove_op(op("1"))) is None

    def test_modules_called_by_their_number_stay(self, edited) -> None:
        text = sequence(
            "class Net(nn.Module):",
            "    def __init__(self):",
            "        super().__init__()",
            "        self.layers = nn.ModuleList([nn.Conv2d(3, 8, 1), nn.Dropout(), nn.ReLU()])",
            "    def forward(self, x):",
            "        return self.layers[2](self.layers[1](self.layers[0](x)))",
            "net = Net()",
        )
        assert edited(text, lambda op: edits.remove_op(op("1"))) is None
        assert edited(text, lambda op: edits.insert_after(op("0"))) is None


class TestAttributes:
    def test_removing(self, edited) -> None:
        assert changes(ATTRIBUTES, edited(ATTRIBUTES, lambda op: edits.remove_op(op("drop")))) == [
            "-        self.drop = nn.Dropout(0.5)  # weak",
            "-        x = self.drop(x)",
        ]
        assert changes(ATTRIBUTES, edited(ATTRIBUTES, lambda op: edits.remove_op(op("act")))) == [
            "-        self.act = nn.ReLU()",
            "-        x = self.act(self.head(F.dropout(x.flatten(1), 0.5, self.training)))",
            "+        x = self.head(F.dropout(x.flatten(1), 0.5, self.training))",
        ]

    def test_inserting(self, edited) -> None:
        for like, wanted in (
            (None, "torch.relu(self.conv(x))"),
            ("relu", "F.relu(self.conv(x))"),
            ("act", "self.act(self.conv(x))"),
            ("tanh", "self.conv(x).tanh()"),
            ("norm", "torch.relu(self.conv(x))"),  # it has parameters: it is not to be shared
        ):
            result = edited(
                ATTRIBUTES, lambda op, like=like: edits.insert_after(op("conv"), op(like) if like else None)
            )
            assert changes(ATTRIBUTES, result) == ["-        x = self.conv(x)", f"+        x = {wanted}"]

    def test_inserting_a_new_attribute(self, edited) -> None:
        result = edited(ATTRIBUTES, lambda op: edits.insert_after(op("conv"), module="nn.GroupNorm(2, 8)", function=""))
        assert changes(ATTRIBUTES, result) == [
            "+        self.groupnorm = nn.GroupNorm(2, 8)",
            "-        x = self.conv(x)",
            "+        x = self.groupnorm(self.conv(x))",
        ]

    def test_swapping(self, edited) -> None:
        result = edited(ATTRIBUTES, lambda op: edits.swap(op("drop"), op("norm")))
        assert changes(ATTRIBUTES, result) == [
            "+        x = self.norm(x)  # twice?",
            "-        x = self.norm(x)  # twice?",
        ]
        result = edited(ATTRIBUTES, lambda op: edits.swap(op("norm"), op("relu")))
        assert changes(ATTRIBUTES, result) == ["+        x = F.relu(x)", "-        x = F.relu(x)"]

    def test_swapping_one_around_the_other(self, edited) -> None:
        result = edited(ATTRIBUTES, lambda op: edits.swap(op("head"), op("act")))
        assert changes(ATTRIBUTES, result) == [
            "-        x = self.act(self.head(F.dropout(x.flatten(1), 0.5, self.training)))",
            "+        x = self.head(self.act(F.dropout(x.flatten(1), 0.5, self.training)))",
        ]

    def test_moving(self, edited) -> None:
        result = edited(ATTRIBUTES, lambda op: edits.move_after(op("drop"), op("relu")))
        assert changes(ATTRIBUTES, result) == ["-        x = self.drop(x)", "+        x = self.drop(x)"]
        assert result is not None
        assert "F.relu(x)\n        x = self.drop(x)\n" in result
        result = edited(ATTRIBUTES, lambda op: edits.move_after(op("drop"), op("flatten")))
        assert changes(ATTRIBUTES, result) == [
            "-        x = self.drop(x)",
            "-        x = self.act(self.head(F.dropout(x.flatten(1), 0.5, self.training)))",
            "+        x = self.act(self.head(F.dropout(self.drop(x.flatten(1)), 0.5, self.training)))",
        ]

    def test_what_is_called_twice_stays(self, edited) -> None:
        text = ATTRIBUTES.replace("return x.tanh()", "return self.act(x)")
        assert edited(text, lambda op: edits.remove_op(op("act"))) is None

    def test_what_another_reads_as_well_stays(self, edited) -> None:
        text = ATTRIBUTES.replace("x = self.drop(x)", "x = x + self.drop(x)")
        assert edited(text, lambda op: edits.insert_after(op("conv"))) is None
        assert edited(text, lambda op: edits.move_after(op("conv"), op("drop"))) is None
        assert edited(text, lambda op: edits.swap(op("conv"), op("drop"))) is None

    def test_a_constructor_behind_a_helper(self, edited) -> None:
        text = ATTRIBUTES.replace("nn.Conv2d(3, 8, 3, padding=1)", "conv(8)").replace(
            "class Net", "def conv(width):\n    return nn.Conv2d(3, width, 3, padding=1)\n\n\nclass Net"
        )
        result = edited(text, lambda op: edits.insert_after(op("conv")))
        assert changes(text, result) == ["-        x = self.conv(x)", "+        x = torch.relu(self.conv(x))"]

    def test_alone_in_its_block(self, edited) -> None:
        text = ATTRIBUTES.replace("x = self.drop(x)", "if self.training is False:\n            x = self.drop(x)")
        assert changes(text, edited(text, lambda op: edits.remove_op(op("drop")))) == [
            "-        self.drop = nn.Dropout(0.5)  # weak",
            "-            x = self.drop(x)",
            "+            pass",
        ]


class TestFunctions:
    @pytest.mark.parametrize(
        ("body", "wanted"),
        [
            ("x = F.relu(x)\n        return x", "return x"),
            ("x = F.relu(x)  # squash\n        return x", "return x"),
            ("F.relu_(x)\n        return x", "return x"),
            ("return F.relu(x)", "return x"),
            ("return F.relu(input=x)", "return x"),
            ("return F.relu(x + 1) * 2", "return (x + 1) * 2"),
            ("return F.relu(x + 1, inplace=True)", "return (x + 1)"),
            ("return (x + 1).relu()", "return (x + 1)"),
            ("return torch.tanh(x).relu().mean()", "return torch.tanh(x).mean()"),
            ("return torch.relu(\n            x.tanh()  # here\n        ).mean()", None),
            ("x = x; x = F.relu(x); return x", "x = x; return x"),
            ("return F.relu(*[x])", None),
        ],
    )
    def test_removing(self, edited, body: str, wanted: str | None) -> None:
        text = f"{IMPORTS}\nclass Net(nn.Module):\n    def forward(self, x):\n        {{}}\n\nnet = Net()\n"
        result = edited(text.format(body), lambda op: edits.remove_op(op("relu")))
        assert result == (None if wanted is None else text.format(wanted))

    def test_inserting_in_the_words_of_the_file(self, edited) -> None:
        text = "import torch as t\nclass Net(t.nn.Module):\n    def forward(self, x): return x.tanh()\nnet = Net()\n"
        result = edited(text, lambda op: edits.insert_after(op("tanh"), function="F.dropout({}, 0.5, self.training)"))
        assert result == text.replace("x.tanh()", "t.nn.functional.dropout(x.tanh(), 0.5, self.training)")
        lone = text.replace("import torch as t", "from torch.nn import Module").replace("t.nn.Module", "Module")
        assert edited(lone, lambda op: edits.insert_after(op("tanh"))) is None

    def test_inserting_around_an_operator(self, edited) -> None:
        text = f"{IMPORTS}\nclass Net(nn.Module):\n    def forward(self, x):\n        return x * 2\n\nnet = Net()\n"
        assert edited(text, lambda op: edits.insert_after(op("mul"))) == text.replace("x * 2", "torch.relu(x * 2)")

    def test_characters_beyond_ascii(self, edited) -> None:
        text = (
            f"{IMPORTS}\nclass Netz(nn.Module):\n    def forward(self, größe):\n"
            "        größe = größe.tanh(); größe = F.relu(größe)  # Glättung\n        return größe\n\nnet = Netz()\n"
        )
        assert edited(text, lambda op: edits.remove_op(op("relu"))) == text.replace("; größe = F.relu(größe)", "")


def test_in_scope() -> None:
    from nnlint.edits.source import Source

    source = Source("net.py", ["from torch import nn as layers\n", "import torch\n"])
    assert edits.in_scope(source, "nn.ReLU(inplace=True)") == "layers.ReLU(inplace=True)"
    assert edits.in_scope(source, "F.relu({})") == "layers.functional.relu({})"
    assert edits.in_scope(Source("net.py", ["import numpy\n"]), "nn.ReLU()") is None
