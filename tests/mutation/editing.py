"""Source text that is edited by positions, and the spans that a finding is expected at.

A change is a span of the text and its replacement. What stands between ``«`` and ``»`` in a changed text is a span
that a finding may stand at; the marks themselves are taken out. Several changes make one mutant.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

Change = tuple[int, int, str]
Span = tuple[int, int, int, int]
#: how a fault is injected, in words, and the changes that inject it
Injection = tuple[str, list[Change]]

SOUND = Path(__file__).parent / "sound"


@dataclass(frozen=True)
class Mutant:
    """One sound script with one fault in it."""

    rule: str
    script: str
    how: str
    text: str
    spans: tuple[Span, ...]

    def __str__(self) -> str:
        return f"{self.rule} in {self.script}: {self.how}"


class Source:
    """A script, its syntax tree, and the positions of every node in the text."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self.text = path.read_text(encoding="utf-8")
        self.tree = ast.parse(self.text)
        self._starts = [0]
        for line in self.text.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    # -- looking

    def start(self, node: ast.AST) -> int:
        return self._starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]

    def end(self, node: ast.AST) -> int:
        return self._starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]

    def of(self, node: ast.AST) -> str:
        """The text of a node."""
        return self.text[self.start(node) : self.end(node)]

    def calls(self, *names: str, within: ast.AST | None = None) -> list[ast.Call]:
        """The calls whose callee's last part is one of the names, in the order of the text."""
        found = [node for node in ast.walk(within or self.tree) if isinstance(node, ast.Call) and callee(node) in names]
        return sorted(found, key=self.start)

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """What a node stands in, innermost first."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    def statement(self, node: ast.AST) -> ast.stmt:
        return next(one for one in (node, *self.around(node)) if isinstance(one, ast.stmt))

    def inside(self, node: ast.AST, kind: type[ast.AST]) -> ast.AST | None:
        return next((one for one in self.around(node) if isinstance(one, kind)), None)

    def find(self, kind: type, test: Callable[[ast.AST], bool] = lambda _: True) -> list[ast.AST]:
        return [node for node in ast.walk(self.tree) if isinstance(node, kind) and test(node)]

    def indent(self, node: ast.AST) -> str:
        return " " * self.statement(node).col_offset

    # -- changing

    def replace(self, node: ast.AST, text: str) -> Change:
        return self.start(node), self.end(node), text

    def mark(self, node: ast.AST) -> list[Change]:
        """Expects the finding at a node that stays as it is."""
        return [(self.start(node), self.start(node), "«"), (self.end(node), self.end(node), "»")]

    def mark_header(self, loop: ast.For) -> list[Change]:
        """Expects the finding at ``for … in …``."""
        start, end = self.start(loop), self.end(loop.iter)
        return [(start, start, "«"), (end, end, "»")]

    def wrap(self, node: ast.AST, before: str, after: str) -> list[Change]:
        return [(self.start(node), self.start(node), before), (self.end(node), self.end(node), after)]

    def remove(self, node: ast.AST) -> Change:
        """Takes the statement of a node out, with its line."""
        statement = self.statement(node)
        first = self._starts[statement.lineno - 1]
        return first, self._starts[statement.end_lineno or statement.lineno], ""

    def after(self, node: ast.AST, text: str) -> Change:
        """Puts lines behind the statement of a node, at its indentation."""
        position = self.end(self.statement(node))
        lines = "".join(f"\n{self.indent(node)}{line}" for line in text.splitlines())
        return position, position, lines

    def before(self, node: ast.AST, text: str) -> Change:
        position = self.start(self.statement(node))
        lines = "".join(f"{line}\n{self.indent(node)}" for line in text.splitlines())
        return position, position, lines

    def swap_text(self, old: str, new: str) -> Change:
        """Replaces a text that stands in the script exactly once."""
        assert self.text.count(old) == 1, (self.name, old)
        position = self.text.index(old)
        return position, position + len(old), new

    def call(self, node: ast.Call, **arguments: tuple[int | None, str | None]) -> str:
        """The text of a call with other arguments: name → its position and its new text (None: left out)."""
        positional = [self.of(argument) for argument in node.args]
        named = {keyword.arg or "**": self.of(keyword.value) for keyword in node.keywords}
        for name, (position, text) in arguments.items():
            if position is not None and position < len(positional):
                if text is None:
                    del positional[position:]
                else:
                    positional[position] = text
            elif text is None:
                named.pop(name, None)
            else:
                named[name] = text
        return f"{self.of(node.func)}({', '.join([*positional, *(f'{key}={value}' for key, value in named.items())])})"

    def mutant(self, rule: str, injection: Injection) -> Mutant:
        """The script with one fault in it."""
        how, changes = injection
        text, spans = _unmarked(apply(self.text, changes))
        ast.parse(text)
        return Mutant(rule, self.name, how, text, spans)


def apply(text: str, changes: Iterable[Change]) -> str:
    """The text with all changes made; those at one position in the order given."""
    ordered = sorted(enumerate(changes), key=lambda item: (item[1][0], item[1][1], item[0]))
    parts, position = [], 0
    for _, (start, end, new) in ordered:
        assert start >= position, f"changes overlap at {text[start:end]!r}"
        parts += [text[position:start], new]
        position = end
    return "".join(parts) + text[position:]


def _unmarked(text: str) -> tuple[str, tuple[Span, ...]]:
    spans: list[Span] = []
    opened: list[tuple[int, int]] = []
    line = column = 1
    for character in text:
        if character == "«":
            opened.append((line, column))
        elif character == "»":
            spans.append((*opened.pop(), line, column))
        elif character == "\n":
            line, column = line + 1, 1
        else:
            column += 1
    assert spans, "a mutant expects its finding somewhere"
    return text.replace("«", "").replace("»", ""), tuple(spans)


def callee(node: ast.AST) -> str:
    """The last part of the name that is called."""
    function = node.func if isinstance(node, ast.Call) else node
    return getattr(function, "attr", getattr(function, "id", ""))


def argument(node: ast.Call, name: str, position: int | None = None) -> ast.expr | None:
    """An argument of a call by name or position."""
    for keyword in node.keywords:
        if keyword.arg == name:
            return keyword.value
    return node.args[position] if position is not None and position < len(node.args) else None


def constant(node: ast.AST | None) -> object:
    """The value of a constant; None for any other expression."""
    return node.value if isinstance(node, ast.Constant) else None


def sources() -> list[Source]:
    """The sound scripts."""
    return [Source(path) for path in sorted(SOUND.glob("*.py"))]
