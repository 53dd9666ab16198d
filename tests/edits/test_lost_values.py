"""`lost`: what becomes of the value of an expression."""

import ast
import textwrap
from pathlib import Path

import pytest

from nnlint.edits.usage import lost
from nnlint.site import of_node


def _lost(tmp_path: Path, body: str) -> str | None:
    file = tmp_path / "net.py"
    file.write_text("def forward(self, x):\n" + textwrap.indent(textwrap.dedent(body), "    "))
    lines = file.read_text().splitlines(keepends=True)
    calls = [node for node in ast.walk(ast.parse("".join(lines))) if isinstance(node, ast.Call)]
    made = next(node for node in calls if ast.unparse(node.func) == "made")
    return lost(of_node(str(file), lines, made))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("made(x)\nreturn x", "discarded"),
        ("y = made(x)\nreturn x", "unread"),
        ("y: Tensor = made(x)\nreturn x", "unread"),
        ("y = made(x)\ny = self.other(x)\nreturn y", "overwritten"),
        ("if self.wide:\n    y = made(x)\nreturn x", "unread"),
        ("if self.wide:\n    y = made(x)\ny = self.other(x)\nreturn y", "overwritten"),
        ("for layer in self.layers:\n    y = made(x)\nreturn x", "unread"),
    ],
)
def test_lost(tmp_path: Path, body: str, expected: str) -> None:
    assert _lost(tmp_path, body) == expected


@pytest.mark.parametrize(
    "body",
    [
        "return made(x)",
        "y = made(x)\nreturn y",
        "y = made(x)\ny = self.other(y)\nreturn y",
        "y = made(x)\nif self.wide:\n    return x, y\nreturn x",
        "self.seen = made(x)\nreturn x",
        "y, z = made(x)\nreturn x",
        "y = self.other(made(x))\nreturn x",
        "y = x\nfor layer in self.layers:\n    x = layer(x, y)\n    y = made(x)\nreturn x",
        "y = made(x)\ndef inner():\n    return y\nreturn inner()",
        "y = made(x)\nreturn locals()",
        "y = made(x)\ny += 1\nreturn x",
    ],
)
def test_not_lost_for_certain(tmp_path: Path, body: str) -> None:
    assert _lost(tmp_path, body) is None


def test_what_is_installed_is_not_looked_into() -> None:
    node = ast.parse("made(x)").body[0]
    assert lost(of_node(ast.__file__, ["made(x)"], node)) is None
