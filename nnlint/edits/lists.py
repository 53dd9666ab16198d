"""What stands between commas: the arguments of a call, the elements of a list, tuple or dict."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from nnlint.edits.source import Source
from nnlint.finding import Edit


@dataclass(frozen=True, slots=True)
class Items:
    """The things between a pair of brackets, by their offsets.

    Attributes:
        spans: beginning and end of each.
        close: the offset of the closing bracket.
    """

    source: Source
    spans: tuple[tuple[int, int], ...]
    close: int

    def after(self, index: int) -> int | None:
        """The offset after the comma that follows an item, its own end if none does; None if it is in parentheses."""
        end = self.spans[index][1]
        at = self.source.skip(end)
        if at == self.close:
            return end
        return at + 1 if self.source.text[at] == "," else None

    def own_lines(self, index: int) -> bool:
        """Whether an item has its lines to itself: only its comma and a comment stand after it."""
        start, end = self.spans[index]
        after = self.after(index)
        if after is None or not self.source.starts_line(start):
            return False
        following = self.source.skip(after)
        return following > self.source.line_end(max(end, after))

    def comment(self, index: int) -> tuple[int, int]:
        """Where the comment behind an item's comma stands; nothing, at the end of its line, if there is none."""
        after = self.after(index)
        at = self.spans[index][1] if after is None else after
        return at, self.source.line_end(at)


def arguments(source: Source, call: ast.Call) -> Items | None:
    """The arguments of a call, in the order they are written; None for a lone generator, which has no brackets."""
    nodes: list[ast.AST] = [*call.args, *call.keywords]
    if any(isinstance(node, ast.GeneratorExp) for node in call.args) and len(nodes) == 1:
        return None
    nodes.sort(key=lambda node: (node.lineno, node.col_offset))  # type: ignore[attr-defined]
    return Items(source, tuple((source.start(node), source.end(node)) for node in nodes), source.end(call) - 1)


def elements(source: Source, node: ast.List | ast.Tuple | ast.Dict) -> Items | None:
    """The elements of a list, of a tuple in parentheses, or of a dict (a key with its value)."""
    if isinstance(node, ast.Dict):
        firsts = [key if key is not None else value for key, value in zip(node.keys, node.values, strict=True)]
        if None in node.keys:
            return None
        pairs = zip(firsts, node.values, strict=True)
        return Items(source, tuple((source.start(a), source.end(b)) for a, b in pairs), source.end(node) - 1)
    if source.text[source.end(node) - 1] not in "])":
        return None
    return Items(source, tuple((source.start(n), source.end(n)) for n in node.elts), source.end(node) - 1)


def insert(items: Items, index: int, text: str, comment: str = "") -> tuple[Edit, ...] | None:
    """Put a new item behind one, in the layout of the others. ``index`` -1 is the last.

    Args:
        comment: what stands behind the item, if it gets a line of its own.
    """
    source = items.source
    if not items.spans:
        return (source.edit(items.close, items.close, text),)
    index %= len(items.spans)
    start, end = items.spans[index]
    after = items.after(index)
    if after is None:
        return None
    if not items.own_lines(index):
        return (source.edit(end, end, f", {text}"),)
    indent = source.indent(start)
    line_end = source.line_end(after)
    if after == end:  # the last, without a comma
        if line_end == end:
            return (source.edit(end, end, f",\n{indent}{text}{comment}"),)
        return source.edit(end, end, ","), source.edit(line_end, line_end, f"\n{indent}{text}{comment}")
    return (source.edit(line_end, line_end, f"\n{indent}{text},{comment}"),)


def remove(items: Items, index: int) -> Edit | None:
    """Take an item out, with its comma, and with its lines and their comment if it has them to itself."""
    source = items.source
    start, end = items.spans[index]
    after = items.after(index)
    if after is None:
        return None
    if items.own_lines(index):
        return source.edit(source.line_start(start), source.line_end(after) + 1, "")
    last = index == len(items.spans) - 1
    if not last:
        following = items.spans[index + 1][0]
        kept = "#" in source.text[after:following]  # a comment stays where it is
        return source.edit(start, after if kept else following, "")
    if index == 0:
        return source.edit(start, after, "")
    before = items.spans[index - 1][1]
    if "#" in source.text[before:start]:
        return _before_the_comment(items, before, start, after) or source.edit(start, after, "")
    return source.edit(before, end, "")


def _before_the_comment(items: Items, before: int, start: int, after: int) -> Edit | None:
    """The last item taken out, and what closes the brackets moved up before the comment of the item before it."""
    source = items.source
    line_end = source.line_end(after)
    closing = source.text[after:line_end]
    between = source.text[before:start]
    if between.count("\n") != 1 or not closing.startswith(")") or set(closing) - set(")]"):
        return None
    comment = between.removeprefix(",").rstrip()
    return source.edit(before, line_end, f"{closing}{comment}") if comment.lstrip().startswith("#") else None
