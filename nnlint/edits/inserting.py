"""A new op, written as its neighbours are."""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence

from nnlint.edits import lists, names, statements
from nnlint.edits.forms import Applied, Element, Statement, form_of
from nnlint.edits.source import Source, call_at, located
from nnlint.finding import Edit
from nnlint.graph import Op


def beside(form: Element | Statement, like: Op | None, module: str) -> tuple[Edit, ...] | None:
    """A module added to a sequence of modules."""
    source = form.source
    text = _constructor(form, like) or names.in_scope(source, module)
    if text is None:
        return None
    if isinstance(form, Statement):
        return _statement(form, text)
    if form.key is not None:
        name = _fresh_key(form.keys, text)
        if name is None:
            return None
        quoted = _quoted(source.text_of(form.key), name)
        text = f"{quoted}: {text}" if isinstance(form.holder, ast.Dict) else f"({quoted}, {text})"
    return lists.insert(form.items, form.index, text)


#: lines are not made longer than the longest of the file, within these bounds
_LINE = (88, 120)


def in_place_of(op: Op, modules: Sequence[str]) -> Edit | None:
    """Put several modules in the place of one: as elements of its sequence, or in an `nn.Sequential` of their own."""
    found = call_at(op)
    if found is None:
        return None
    source, call = found
    start, end = source.start(call), source.end(call)
    form = form_of(op)
    if isinstance(form, Element) and form.key is None and form.items.spans[form.index] == (start, end):
        apart = f",\n{source.indent(start)}" if form.items.own_lines(form.index) else ", "
        return source.edit(start, end, apart.join(modules))
    name = names.in_scope(source, "nn.Sequential")
    if name is None:
        return None
    text = f"{name}({', '.join(modules)})"
    longest = min(max(_LINE[0], *(len(line.rstrip()) for line in source.lines)), _LINE[1])
    if start - source.line_start(start) + len(text) > longest:
        indent = source.indent(start)
        deeper = indent + ("\t" if indent.startswith("\t") else "    ")
        text = f"{name}(\n" + "".join(f"{deeper}{module},\n" for module in modules) + f"{indent})"
    return source.edit(start, end, text)


def _constructor(form: Element | Statement | Applied, like: Op | None) -> str | None:
    """The constructor call of another module, if it can be repeated here: same function, no variables of its own."""
    if like is None or like.module is None or (found := located(like)) is None:
        return None
    source, call = found
    if source is not form.source or not isinstance(call, ast.Call) or "\n" in source.text_of(call):
        return None
    named = {n.id for part in [*call.args, *call.keywords] for n in ast.walk(part) if isinstance(n, ast.Name)}
    func = names.dotted(call.func)
    known = func is not None and func.partition(".")[0] in names.imported(source)
    same = source.function_of(call) is source.function_of(form.node)
    return source.text_of(call) if not named and (known or same) else None


def _statement(form: Statement, text: str) -> tuple[Edit, ...] | None:
    source, outer = form.source, form.outer
    start, end = source.start(outer.args[-1]), source.end(outer)
    head = source.text[source.start(form.statement) : start]
    if "\n" in head:
        return None
    if form.key is not None:
        if not isinstance(form.key, ast.Constant):
            return None
        used = _calls_named(source, "add_module")
        name = _fresh_key(tuple(call.args[0] for call in used if call.args), text)
        if name is None:
            return None
        key_start = source.start(outer.args[0]) - source.start(form.statement)
        head = f"{head[:key_start]}{_quoted(source.text_of(form.key), name)}, "
    span = source.edit(source.start(outer), end, "").site
    edit = statements.after_statement(span, f"{head}{text})")
    return None if edit is None else (edit,)


def _calls_named(source: Source, name: str) -> list[ast.Call]:
    calls = [node for node in ast.walk(source.tree) if isinstance(node, ast.Call)]
    return [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == name]


def _fresh_key(keys: tuple[ast.expr | None, ...], text: str) -> str | None:
    """A name for a module that none of the others has: ``relu``, ``relu2`` …; None if the others' are not literal."""
    used = {key.value for key in keys if isinstance(key, ast.Constant)}
    return _fresh(used, _word(text)) if all(isinstance(key, ast.Constant) for key in keys) else None


def _fresh(used: Collection[object], word: str) -> str:
    number = 2
    name = word
    while name in used:
        name, number = f"{word}{number}", number + 1
    return name


def _word(text: str) -> str:
    """``nn.LeakyReLU(0.2)`` → ``leakyrelu``."""
    return text.partition("(")[0].rpartition(".")[2].lower()


def _quoted(example: str, name: str) -> str:
    quote = example[-1] if example and example[-1] in "\"'" else '"'
    return f"{quote}{name}{quote}"


def around(form: Applied, op: Op, like: Op | None, module: str, function: str) -> tuple[Edit, ...] | None:
    """A call wrapped by another."""
    source = form.source
    wrap = _wrapping(form, op, like)
    extra: tuple[Edit, ...] = ()
    if wrap is None and function:
        text = names.in_scope(source, function)
        wrap = None if text is None else _cut(text)
    elif wrap is None:
        made = _new_attribute(form, _constructor(form, like) or names.in_scope(source, module))
        if made is not None:
            wrap, extra = made
    if wrap is None:
        return None
    parent = source.parent(form.call)
    if isinstance(parent, ast.Expr) or not isinstance(form.call, ast.expr):
        return None
    start, end = source.start(form.call), source.end(form.call)
    return (*extra, source.edit(start, start, wrap[0]), source.edit(end, end, wrap[1]))


def _cut(text: str) -> tuple[str, str] | None:
    before, brackets, after = text.partition("{}")
    return (before, after) if brackets else None


def _wrapping(form: Applied, op: Op, like: Op | None) -> tuple[str, str] | None:
    """How another op's call stands around its data, if that can be repeated here."""
    other = form_of(like) if like is not None else None
    if not isinstance(other, Applied) or other.data is None or other.source is not form.source or like is None:
        return None
    source = form.source
    before, behind = source.text[slice(*other.before)], source.text[slice(*other.behind)]
    if "\n" in before + behind:
        return None
    if other.attribute:
        # the same object's attribute, which has no parameters of its own to share
        same = like.path.rpartition(".")[0] == op.path.rpartition(".")[0] and not like.params
        return (before, behind) if same and source.class_of(other.call) is source.class_of(form.call) else None
    rest = [n for n in ast.walk(other.call) if isinstance(n, ast.Name) and n not in set(ast.walk(other.data))]
    known = names.imported(source)
    if any(name.id not in known and name.id != "self" for name in rest):
        return None
    if behind.startswith("."):  # x.relu()
        simple = isinstance(form.call, ast.Call | ast.Name | ast.Attribute | ast.Subscript)
        return (before, behind) if simple and not before else ("(", f"){behind}")
    return before, behind


def _new_attribute(form: Applied, text: str | None) -> tuple[tuple[str, str], tuple[Edit, ...]] | None:
    """A module as a new attribute, made behind the one that is called, and how it is called."""
    cls = form.source.class_of(form.call)
    if cls is None or not form.attribute or text is None:
        return None
    uses = [n for n in ast.walk(cls) if isinstance(n, ast.Attribute)]
    stores = [use for use in uses if use.attr == form.attribute and isinstance(use.ctx, ast.Store)]
    if len(stores) != 1 or (owner := names.dotted(stores[0].value)) is None:
        return None
    name = _fresh({use.attr for use in uses}, _word(text))
    span = form.source.edit(form.source.start(stores[0]), form.source.end(stores[0]), "").site
    edit = statements.after_statement(span, f"{owner}.{name} = {text}")
    return None if edit is None else ((f"{owner}.{name}(", ")"), (edit,))
