"""Edits of the order of operations: taking one out, putting one in, moving, swapping."""

from __future__ import annotations

import ast
from itertools import pairwise

from nnlint.edits import inserting, lists, statements, usage
from nnlint.edits.forms import Applied, Element, Form, Statement, form_of, readers
from nnlint.edits.names import in_scope
from nnlint.edits.source import Source
from nnlint.finding import Edit
from nnlint.graph import Op

#: so many operations may lie between two that are moved
_FAR = 12


def remove_op(op: Op, *, keep_names: bool = False) -> tuple[Edit, ...] | None:
    """Take an op out of its network: what it read goes on to where its result went.

    An element of a sequence goes with its comma and, if it has it to itself, its line; a module that is an attribute
    with its assignment; around the data of a call the call goes, and a statement that is left with nothing to do.

    Args:
        keep_names: leave ``nn.Identity()`` in the place of a module where the names of those behind it, in the
            ``state_dict``, are their numbers.
    """
    form = form_of(op)
    if keep_names and isinstance(form, Element | Statement) and form.key is None and not _is_last(form):
        text = in_scope(form.source, "nn.Identity()")
        source, call = form.source, form.call
        return None if text is None else (source.edit(source.start(call), source.end(call), text),)
    if isinstance(form, Element):
        return _element_out(form)
    if isinstance(form, Statement):
        edit = statements.delete(form.source, form.statement)
        return None if edit is None else (edit,)
    if form is None or form.data is None or _is_read_elsewhere(op, form):
        return None
    if not form.attribute:
        return unwrapped(form)
    assigned = assignment_of(form)
    edit = statements.delete(form.source, assigned) if assigned is not None else None
    rest = unwrapped(form)
    return None if edit is None or rest is None else (edit, *rest)


def _is_read_elsewhere(op: Op, form: Applied) -> bool:
    """Whether the source reads an op's result in more places than the network does: a metric of probabilities, say."""
    statement = form.statement
    if statement is None or form.source.class_of(form.call) is not None:
        return False
    found = usage.readers(form.source, statement)
    return found is not None and len(found) > len(op.users)


def _is_last(form: Element | Statement) -> bool:
    """Whether nothing comes behind it, for certain."""
    if isinstance(form, Statement) or not isinstance(form.holder, ast.Call):
        return False
    return form.index == len(form.items.spans) - 1


def _element_out(form: Element) -> tuple[Edit, ...] | None:
    if len(form.items.spans) == 1 and isinstance(form.holder, ast.List | ast.Tuple):
        parent = form.source.parent(form.holder)
        if isinstance(parent, ast.AugAssign):  # layers += [nn.Dropout()]
            edit = statements.delete(form.source, parent)
            return None if edit is None else (edit,)
    edit = lists.remove(form.items, form.index)
    return None if edit is None else (edit,)


def assignment_of(form: Applied) -> ast.stmt | None:
    """The one statement that makes the attribute a call uses, if the attribute is used nowhere else in its class."""
    cls = form.source.class_of(form.call)
    if cls is None:
        return None
    uses = [n for n in ast.walk(cls) if isinstance(n, ast.Attribute) and n.attr == form.attribute]
    stores = [use for use in uses if isinstance(use.ctx, ast.Store)]
    if len(uses) != 2 or len(stores) != 1:
        return None
    statement = form.source.parent(stores[0])
    if isinstance(statement, ast.Assign) and statement.targets == [stores[0]]:
        return statement
    return statement if isinstance(statement, ast.AnnAssign) and statement.value is not None else None


def unwrapped(form: Applied) -> tuple[Edit, ...] | None:
    """A call replaced by its data."""
    source, call, data = form.source, form.call, form.data
    if data is None:
        return None
    statement = form.statement
    if statement is not None and form.in_place:
        edit = statements.delete(source, statement)
        return None if edit is None else (edit,)
    renamed = _renamed(form) if statement is not None else None
    if renamed is not None:
        return renamed
    text = source.text_of(data)
    simple = isinstance(data, ast.Name | ast.Attribute | ast.Subscript | ast.Call | ast.Constant)
    around = source.text[slice(*form.before)] + source.text[slice(*form.behind)]
    if simple and "\n" not in text and "#" not in around:
        return (source.edit(source.start(call), source.end(call), text),)
    return _without_callee(form)


def _renamed(form: Applied) -> tuple[Edit, ...] | None:
    """``y = relu(x)`` taken out where one expression reads ``y``: it reads ``x`` then."""
    source, statement, data = form.source, form.statement, form.data
    if not isinstance(statement, ast.Assign) or not isinstance(data, ast.Name):
        return None
    found, block = usage.readers(source, statement), source.block_of(statement)
    reader = found[0] if found is not None and len(found) == 1 else None
    where = source.statement_of(reader) if reader is not None else None
    if reader is None or where is None or block is None or where not in block:
        return None
    between = block[block.index(statement) + 1 : block.index(where)]
    if block.index(where) <= block.index(statement) or any(_stores(step, data.id) for step in between):
        return None
    edit = statements.delete(source, statement)
    if edit is None:
        return None
    return edit, source.edit(source.start(reader), source.end(reader), data.id)


def _stores(step: ast.stmt, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name and not isinstance(n.ctx, ast.Load) for n in ast.walk(step))


def _without_callee(form: Applied) -> tuple[Edit, ...] | None:
    """Only the callee and the other arguments go: the brackets hold together what is longer than a word."""
    source, call, data = form.source, form.call, form.data
    if not isinstance(call, ast.Call) or data is None:
        return None
    if data not in call.args:  # x.relu()
        kept = source.text.rfind(".", source.end(data), source.end(call.func))
        return None if kept < 0 else (source.edit(kept, source.end(call), ""),)
    if source.text[source.end(data) : source.end(call)].count("#"):
        return None
    opening = source.text.find("(", source.end(call.func))
    return (
        source.edit(source.start(call), opening, ""),
        source.edit(source.end(data), source.end(call), ")"),
    )


def insert_after(
    op: Op, like: Op | None = None, *, module: str = "nn.ReLU(inplace=True)", function: str = "torch.relu({})"
) -> tuple[Edit, ...] | None:
    """Put a new op behind one, written in its style. None if something else reads the op's result as well.

    Args:
        like: an op of the same network to do the same as, in the words of its author.
        module: what to add to a sequence of modules otherwise, with the usual names (``nn``, ``torch``).
        function: how to wrap a call otherwise, ``{}`` for the call; "" to add ``module`` as an attribute and call that.
    """
    form = form_of(op)
    if form is None or len(readers(op)) > 1:
        return None
    if isinstance(form, Applied):
        return inserting.around(form, op, like, module, function)
    return inserting.beside(form, like, module)


def move_after(op: Op, other: Op) -> tuple[Edit, ...] | None:
    """Move an op behind another of the same straight line of operations; None if anything else reads on the way."""
    form, goal = form_of(op), form_of(other)
    if form is None or goal is None or form.source is not goal.source or not _in_line(op, other):
        return None
    if form.source.function_of(form.node) is not form.source.function_of(goal.node):
        return None
    if isinstance(form, Applied) and isinstance(goal, Applied):
        return _statement_moved(form, goal) or _call_moved(form, goal)
    if isinstance(form, Element) and isinstance(goal, Element):
        return _element_moved(form, goal)
    if isinstance(form, Statement) and isinstance(goal, Statement):
        return _line_moved(form, form.statement, goal.statement)
    return None


def _element_moved(form: Element, goal: Element) -> tuple[Edit, ...] | None:
    if bool(form.keys) is not bool(goal.keys) or (form.holder is not goal.holder and form.keys):
        return None
    source, items = form.source, form.items
    comment = source.text[slice(*items.comment(form.index))] if items.own_lines(form.index) else ""
    removed = lists.remove(items, form.index)
    added = lists.insert(goal.items, goal.index, source.text[slice(*items.spans[form.index])], comment)
    return None if removed is None or added is None else _apart((removed, *added))


def _apart(edits: tuple[Edit, ...]) -> tuple[Edit, ...] | None:
    """The edits, if none touches another."""
    spans = sorted(((e.site.line, e.site.column), (e.site.end_line, e.site.end_column)) for e in edits)
    return None if any(second[0] < first[1] for first, second in pairwise(spans)) else edits


def _statement_moved(form: Applied, goal: Applied) -> tuple[Edit, ...] | None:
    """``x = self.drop(x)`` moved behind ``x = self.norm(x)``."""
    statement, behind = form.statement, goal.statement
    if statement is None or behind is None or not form.in_place or form.target != goal.target or form.target is None:
        return None
    return _line_moved(form, statement, behind)


def _line_moved(form: Form, statement: ast.stmt, behind: ast.stmt) -> tuple[Edit, ...] | None:
    source = form.source
    if source.block_of(statement) is not source.block_of(behind):
        return None
    start, stop = source.start(statement), source.line_end(source.end(statement))
    removed = statements.delete(source, statement)
    goal = source.line_end(source.end(behind))
    alone = source.starts_line(start) and source.starts_line(source.start(behind))
    if removed is None or not alone or ";" in source.text[source.end(behind) : goal]:
        return None
    moved = source.edit(goal, goal, f"\n{source.indent(start)}{source.text[start:stop]}")
    return removed, moved


def _call_moved(form: Applied, goal: Applied) -> tuple[Edit, ...] | None:
    if form.data is None:
        return None
    source = form.source
    removed = unwrapped(form)
    before, behind = source.text[slice(*form.before)], source.text[slice(*form.behind)]
    if removed is None or "\n" in before + behind:
        return None
    start, end = source.start(goal.call), source.end(goal.call)
    return _apart((source.edit(start, start, before), *removed, source.edit(end, end, behind)))


def swap(first: Op, second: Op) -> tuple[Edit, ...] | None:
    """Let two ops of the same straight line of operations change places; None if anything else reads on the way."""
    one, two = form_of(first), form_of(second)
    if one is None or two is None or one.source is not two.source or not _in_line(first, second):
        return None
    if isinstance(one, Applied) and isinstance(two, Applied):
        return _exchanged(one.source, _calls(one, two))
    if isinstance(one, Statement) and isinstance(two, Statement):
        return _exchanged(one.source, _additions(one, two))
    if isinstance(one, Element) and isinstance(two, Element):
        return _exchanged(one.source, _elements(one, two))
    return None


_Pairs = list[tuple[tuple[int, int], tuple[int, int]]]


def _calls(one: Applied, two: Applied) -> _Pairs:
    """The statements of two calls, if they consist of them; else what stands around their data."""
    source = one.source
    if one.data is None or two.data is None:
        return []
    first, second = one.statement, two.statement
    if first is not None and second is not None and one.in_place and two.in_place and one.target == two.target:
        spans = [(source.start(each), source.line_end(source.end(each))) for each in (first, second)]
        if all(source.starts_line(start) and ";" not in source.text[start:end] for start, end in spans):
            return [(spans[0], spans[1])]
    return [(one.before, two.before), (one.behind, two.behind)]


def _additions(one: Statement, two: Statement) -> _Pairs:
    """What two statements add, with the comments behind them."""
    source = one.source
    if (one.key is None) is not (two.key is None):
        return []
    spans = [(source.start(form.outer.args[0]), source.end(form.outer.args[-1])) for form in (one, two)]
    ends = [(at, source.line_end(at)) for at in (source.end(form.statement) for form in (one, two))]
    comments = all(_is_comment(source.text[slice(*end)]) for end in ends)
    return [(spans[0], spans[1]), *([(ends[0], ends[1])] if comments else [])]


def _elements(one: Element, two: Element) -> _Pairs:
    """Two items, with the comments behind them if they have their lines to themselves."""
    if bool(one.keys) is not bool(two.keys):
        return []
    pairs = [(one.items.spans[one.index], two.items.spans[two.index])]
    if one.items.own_lines(one.index) and two.items.own_lines(two.index):
        pairs.append((one.items.comment(one.index), two.items.comment(two.index)))
    return pairs


def _is_comment(text: str) -> bool:
    return not text.strip() or text.strip().startswith("#")


def _exchanged(source: Source, pairs: _Pairs) -> tuple[Edit, ...] | None:
    """The texts of pairs of spans exchanged."""
    edits: list[Edit] = []
    for one, two in pairs:
        text, other = source.text[slice(*one)], source.text[slice(*two)]
        if text != other:
            edits += [source.edit(*one, other), source.edit(*two, text)]
    return _apart(tuple(edits)) if edits else None


def _in_line(first: Op, second: Op) -> bool:
    """Whether the one leads to the other (either way round) and nothing else reads the values between and after."""
    return _leads(first, second) or _leads(second, first)


def _leads(first: Op, second: Op) -> bool:
    op = first
    for _ in range(_FAR):
        following = readers(op)
        if len(following) != 1:
            return False
        op = following[0]
        if op is second:
            return len(readers(second)) <= 1
    return False
