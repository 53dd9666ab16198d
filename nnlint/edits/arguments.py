"""Edits of one call: its arguments and its callee."""

from __future__ import annotations

import ast

from nnlint.edits import lists, names
from nnlint.edits.source import Source, call_at
from nnlint.finding import Edit
from nnlint.graph import Op
from nnlint.site import Site


def set_argument(target: Op | Site, name: str, value: str, *, position: int | None = None) -> Edit | None:
    """Set ``name=value`` in the call that made an op, or at a site; it is added if it is not given.

    Args:
        position: the index at which it may have been given without its name; None if it never is.
    """
    found = _call(target)
    if found is None:
        return None
    source, call = found
    given = _given(call, name, position)
    if given is not None:
        return source.edit(source.start(given), source.end(given), value)
    if _hidden(call, position):
        return None
    items = lists.arguments(source, call)
    edits = lists.insert(items, -1, f"{name}={value}") if items is not None else None
    return _joined(source, edits) if edits else None


def remove_argument(target: Op | Site, name: str, *, position: int | None = None) -> Edit | None:
    """Take an argument out of a call; None if it is not given, or others that follow it have no names."""
    found = _call(target)
    if found is None:
        return None
    source, call = found
    given = _given(call, name, position)
    if given is None or (given in call.args and given is not call.args[-1]):
        return None
    node: ast.AST = next((word for word in call.keywords if word.value is given), given)
    items = lists.arguments(source, call)
    if items is None:
        return None
    return lists.remove(items, items.spans.index((source.start(node), source.end(node))))


def replace_callee(target: Op | Site, name: str) -> Edit | None:
    """Call something else of the same module with the same arguments: ``nn.BCELoss`` → ``nn.BCEWithLogitsLoss``.

    A name that is imported by itself becomes one that is in scope, with the module's name if need be.
    """
    found = _call(target)
    if found is None:
        return None
    source, call = found
    if isinstance(call.func, ast.Attribute):
        end = source.end(call.func)
        return source.edit(end - len(call.func.attr), end, name)
    full = names.meaning(source, call.func)
    module = names.module_of(full) if full else None
    spelling = names.spelt(source, f"{module}.{name}") if module else None
    return None if spelling is None else source.edit(source.start(call.func), source.end(call.func), spelling)


def argument(target: Op | Site, name: str, *, position: int | None = None) -> str | None:
    """The text of an argument of the call that made an op, or at a site; None if it is not given."""
    found = _call(target)
    given = _given(found[1], name, position) if found else None
    return None if found is None or given is None else found[0].text_of(given)


def _call(target: Op | Site) -> tuple[Source, ast.Call] | None:
    found = call_at(target)
    if found is None:
        return None
    source, call = found
    if isinstance(target, Op) and target.module is not None and not _constructs(source, call, target.module):
        return None
    return source, call


def _constructs(source: Source, call: ast.Call, module: object) -> bool:
    """Whether a call names the class of the module it made: ``norm_layer(64)`` may make another one elsewhere."""
    full = names.meaning(source, call.func)
    return full is not None and full.rpartition(".")[2] in {cls.__name__ for cls in type(module).__mro__}


def _given(call: ast.Call, name: str, position: int | None) -> ast.expr | None:
    for word in call.keywords:
        if word.arg == name:
            return word.value
    if position is None or len(call.args) <= position:
        return None
    given = call.args[: position + 1]
    return None if any(isinstance(arg, ast.Starred) for arg in given) else given[-1]


def _hidden(call: ast.Call, position: int | None) -> bool:
    """Whether an argument may be among those that stars hand over."""
    starred = any(isinstance(arg, ast.Starred) for arg in call.args)
    return any(word.arg is None for word in call.keywords) or (starred and position is not None)


def _joined(source: Source, edits: tuple[Edit, ...]) -> Edit:
    """Edits beside each other as one."""
    if len(edits) == 1:
        return edits[0]
    first, last = edits[0].site, edits[-1].site
    start = source.offset(first.line, first.column)
    end = source.offset(last.end_line, last.end_column)
    text, at = "", start
    for edit in edits:
        text += source.text[at : source.offset(edit.site.line, edit.site.column)] + edit.text
        at = source.offset(edit.site.end_line, edit.site.end_column)
    return source.edit(start, end, text)
