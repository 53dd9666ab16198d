"""Which statements of a file give which names their values: what a network's construction can be followed through.

A block (a module, a function's body) is flattened into `Step`s: simple statements with the conditions they stand
under. Nothing is decided about what runs: `nnlint.load.execute` runs a step when a name it gives a value to is asked
for, and no other. Statements that could only train, print or write are no steps at all.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

_N = TypeVar("_N", bound=ast.AST)

#: methods that change the object they are called on: a bare call of one belongs to whoever needs the object
CHANGING = frozenset(
    {"append", "appendleft", "extend", "insert", "add", "update", "setdefault", "pop", "popitem", "remove", "discard"}
    | {"clear", "sort", "reverse", "freeze", "defrost", "requires_grad_", "mark_as_parsed"}
)
CHANGING_PREFIXES = ("add_", "set_", "register", "merge_from", "DEFINE_", "apply_defaults", "insert_")
#: calls that only training makes: a loop or function body with one of them is never run while loading
TRAINING = frozenset({"backward", "zero_grad", "step", "manual_backward", "train_on_batch"})


@dataclass(frozen=True, slots=True, eq=False)
class Guard:
    """A condition a step stands under: it runs only where ``test`` gives ``wanted``."""

    test: ast.expr
    wanted: bool


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One statement that gives names a value.

    Attributes:
        index: its place in the block.
        node: the statement to run; for a loop only what builds something is left in its body.
        binds: names it gives a value to; attributes of ``self`` are names too (``self.width``).
        changes: names whose object it alters (``layers.append(...)``, ``args.width = 3``).
        loads: names it reads.
        guards: the conditions it stands under, outermost first.
        original: the statement as it stands in the file.
    """

    index: int
    node: ast.stmt
    binds: frozenset[str]
    changes: frozenset[str]
    loads: frozenset[str]
    guards: tuple[Guard, ...]
    original: ast.stmt

    @property
    def defines(self) -> bool:
        """Whether it is a function or a class."""
        return isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)

    @property
    def searches(self) -> bool:
        """Whether it says where imports are searched: ``sys.path.append("..")``."""
        return SEARCH in self.binds

    @property
    def imports(self) -> bool:
        """Whether it is an import."""
        return isinstance(self.node, ast.Import | ast.ImportFrom)

    @property
    def registers(self) -> frozenset[str]:
        """The functions by which it registers something, and does nothing else: ``register("net", Net)``."""
        return frozenset() if self.guards else frozenset(_registering(self.node))

    @property
    def stays(self) -> bool:
        """Whether what it does is done once for all networks that are built."""
        return self.defines or self.imports or self.searches or bool(self.registers)


#: the name that statements about `sys.path` count as giving a value to
SEARCH = "sys.path"


def steps(body: Sequence[ast.stmt]) -> tuple[Step, ...]:
    """The steps of a block, in order."""
    found: list[Step] = []
    for node, original, guards in _flatten(body, ()):
        binds, changes = set(_binds(node)), set(_changes(node))
        if binds or changes:
            found.append(
                Step(len(found), node, frozenset(binds), frozenset(changes), frozenset(loads(node)), guards, original)
            )
    return _with_aliases(found)


def aliases_of(block: Iterable[Step]) -> frozenset[Step]:
    """The steps of a block that only give a definition, an import or a part of one another name: ``A = nn.B``."""
    known: set[str] = set()
    found: set[Step] = set()
    for step in block:
        if step.defines or step.imports:
            known |= step.binds
        elif isinstance(step.node, ast.Assign | ast.AnnAssign) and not step.guards and not step.changes:
            head = dotted(step.node.value).partition(".")[0] if step.node.value is not None else ""
            if head in known:
                known |= step.binds
                found.add(step)
    return frozenset(found)


def reads_own_names(body: Sequence[ast.stmt]) -> bool:
    """Whether code looks names up in its module's own table, past the look-up of names: ``globals()["Net"]``."""
    return any(_is_own_table(node) for statement in body for node in ast.walk(statement))


def _is_own_table(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return dotted(node.func) in ("globals", "vars") and not node.args
    return (
        isinstance(node, ast.Subscript)
        and dotted(node.value).rpartition(".")[2] == "modules"
        and dotted(node.slice) == "__name__"
    )


Flat = Iterator[tuple[ast.stmt, ast.stmt, tuple[Guard, ...]]]


def _flatten(body: Sequence[ast.stmt], guards: tuple[Guard, ...]) -> Flat:
    for node in body:
        if isinstance(node, ast.If):
            yield from _flatten_if(node, guards)
        elif isinstance(node, ast.With | ast.AsyncWith):
            yield from _flatten_with(node, guards)
        elif isinstance(node, ast.Try | ast.TryStar):
            yield from _flatten_try(node, guards)
        elif isinstance(node, ast.For | ast.While):
            kept = _loop(node)
            if kept is not None:
                yield kept, node, guards
        elif isinstance(node, ast.AsyncFor | ast.Return | ast.Raise | ast.Assert | ast.Delete):
            continue
        else:
            yield node, node, guards


def _flatten_if(node: ast.If, guards: tuple[Guard, ...]) -> Flat:
    decided = known(node.test)
    if decided is not False:
        yield from _flatten(node.body, guards if decided else (*guards, Guard(node.test, True)))
    if decided is not True:
        yield from _flatten(node.orelse, guards if decided is False else (*guards, Guard(node.test, False)))


def known(test: ast.expr) -> bool | None:
    """The value of the tests every file has: ``__name__ == "__main__"`` and ``TYPE_CHECKING``."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        sides = (test.left, test.comparators[0])
        if any(isinstance(s, ast.Name) and s.id == "__name__" for s in sides):
            return isinstance(test.ops[0], ast.Eq)
    if isinstance(test, ast.Name | ast.Attribute) and dotted(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
        return False
    return None


def _flatten_with(node: ast.With | ast.AsyncWith, guards: tuple[Guard, ...]) -> Flat:
    """The body alone, unless what the context hands over (an opened file) is used in it."""
    handed = {name for item in node.items if item.optional_vars for name in _targets(item.optional_vars)}
    body = [n for n in (_keep(inner) for inner in node.body) if n is not None]
    if not handed or not body or isinstance(node, ast.AsyncWith) or not handed & set().union(*map(loads, body)):
        yield from _flatten(node.body, guards)
        return
    yield _like(ast.With(items=node.items, body=body, type_comment=None), node), node, guards


def _flatten_try(node: ast.Try | ast.TryStar, guards: tuple[Guard, ...]) -> Flat:
    """A whole where the handlers give values too (``except ImportError: x = None``), else its body in place."""
    if any(True for handler in node.handlers for inner in handler.body for _ in _binds(inner)):
        kept = _keep(node)
        if kept is not None:
            yield kept, node, guards
        return
    for part in (node.body, node.orelse, node.finalbody):
        yield from _flatten(part, guards)


def _loop(node: ast.For | ast.While) -> ast.stmt | None:
    return None if trains(node) else _keep(node)


def trains(node: ast.AST) -> bool:
    """Whether a piece of code contains a call that only training makes."""
    return any(
        isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in TRAINING
        for call in ast.walk(node)
    )


def _keep(node: ast.stmt) -> ast.stmt | None:  # noqa: PLR0911  one answer a statement type
    """The statement with nothing but what builds values left in it; None if nothing is left."""
    if isinstance(node, ast.For):
        body = _kept(node.body)
        return _like(ast.For(node.target, node.iter, body, _kept(node.orelse), None), node) if _builds(body) else None
    if isinstance(node, ast.While):
        body = _kept(node.body)
        return _like(ast.While(node.test, body, _kept(node.orelse)), node) if _builds(body) else None
    if isinstance(node, ast.If):
        body, orelse = _kept(node.body), _kept(node.orelse)
        nothing: list[ast.stmt] = [_like(ast.Pass(), node)]
        return _like(ast.If(node.test, body or nothing, orelse), node) if body or orelse else None
    if isinstance(node, ast.With):
        body = _kept(node.body)
        return _like(ast.With(node.items, body, None), node) if body else None
    if isinstance(node, ast.Try | ast.TryStar):
        return _keep_try(node)
    if isinstance(node, ast.Break | ast.Continue | ast.Pass | ast.Raise):
        return node
    return node if any(True for _ in (*_binds(node), *_changes(node))) else None


def _keep_try(node: ast.Try | ast.TryStar) -> ast.stmt | None:
    body = _kept(node.body)
    if not body:
        return None
    handlers = [
        _like(ast.ExceptHandler(h.type, h.name, _kept(h.body) or [_like(ast.Pass(), h)]), h) for h in node.handlers
    ]
    return _like(type(node)(body, handlers, _kept(node.orelse), _kept(node.finalbody)), node)


def _kept(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    return [kept for kept in map(_keep, body) if kept is not None]


def _builds(body: Sequence[ast.stmt]) -> bool:
    return any(True for node in body for _ in (*_binds(node), *_changes(node)))


def _like(new: _N, old: ast.AST) -> _N:
    return ast.fix_missing_locations(ast.copy_location(new, old))


# ---------------------------------------------------------------------------------------------------- names


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of names and attributes, "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""


def root(node: ast.AST) -> str | None:
    """The name an attribute, item or method chain starts at: ``a`` in ``a.b[0].c()``; ``self.b`` for ``self``."""
    while True:
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id == "self":
                return f"self.{node.attr}"
            node = node.value
        elif isinstance(node, ast.Subscript | ast.Starred | ast.Await):
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            return node.id if isinstance(node, ast.Name) else None


def loads(node: ast.AST) -> set[str]:
    """The names a piece of code reads as it runs; of a function only its decorators and defaults."""
    found: set[str] = set()
    for part in _running(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load):
            found.add(part.id)
        elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "self":
            found.add(f"self.{part.attr}")
    return found


def _running(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        inner: Iterable[ast.AST] = [
            *node.decorator_list,
            *node.args.defaults,
            *(default for default in node.args.kw_defaults if default is not None),
        ]
    else:
        inner = ast.iter_child_nodes(node)
    for child in inner:
        yield from _running(child)


def _targets(target: ast.expr) -> Iterator[str]:
    """The names an assignment's target binds."""
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from _targets(element)
    elif isinstance(target, ast.Starred):
        yield from _targets(target.value)
    elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
        yield f"self.{target.attr}"


def _binds(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    if isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or (alias.name.split(".")[0] if isinstance(node, ast.Import) else alias.name)
        return
    if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        return
    if isinstance(node, ast.Call) and dotted(node.func).startswith("sys.path."):
        yield SEARCH
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _targets(target)
    elif isinstance(node, ast.AugAssign | ast.For | ast.NamedExpr) or (isinstance(node, ast.AnnAssign) and node.value):
        yield from _targets(node.target)
    elif isinstance(node, ast.withitem) and node.optional_vars:
        yield from _targets(node.optional_vars)
    for child in ast.iter_child_nodes(node):
        yield from _binds(child)


def _changes(node: ast.AST) -> Iterator[str]:
    """Names whose object a statement alters, an assignment to an attribute or an item among them."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
        return
    if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.For):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            yield from _altered(target)
    if isinstance(node, ast.AugAssign):
        yield from _targets(node.target)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield from _altered_by_call(node.value)
    inner = [name for child in ast.iter_child_nodes(node) for name in _changes(child)]
    yield from inner
    if isinstance(node, ast.For) and set(_targets(node.target)) & set(inner):
        # `for p in model.parameters(): p.requires_grad = False` alters the model
        yield from _roots(node.iter)


def _altered(target: ast.expr) -> Iterator[str]:
    if isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from _altered(element)
    elif isinstance(target, ast.Attribute | ast.Subscript):
        name = root(target)
        if name is not None and name not in set(_targets(target)):
            yield name


def _altered_by_call(call: ast.Call) -> Iterator[str]:
    func = call.func
    name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
    if name not in CHANGING and not name.startswith(CHANGING_PREFIXES):
        return
    if isinstance(func, ast.Attribute):
        changed = root(func.value)
        if changed is not None:
            yield changed
    else:
        if name.startswith("register"):  # an object that is called: `register = Registry()`
            yield name
        for argument in call.args:
            if isinstance(argument, ast.Name):
                yield argument.id


def _registering(node: ast.stmt) -> set[str]:
    """What the functions start at that a statement calls to register something; empty if it does anything else."""
    if isinstance(node, ast.For):
        inner = [_registering(statement) for statement in node.body]
        return set().union(*inner) if all(inner) and not node.orelse else set()
    call = node.value if isinstance(node, ast.Expr) else None
    if not isinstance(call, ast.Call) or not call.args + call.keywords:
        return set()
    name = dotted(call.func)
    return {name.partition(".")[0]} if name.rpartition(".")[2].startswith("register") else set()


def _roots(node: ast.expr) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id


def _with_aliases(found: list[Step]) -> tuple[Step, ...]:
    """``group = parser.add_argument_group()``: what alters the group alters the parser."""
    fixed = {name for step in found if step.defines or step.imports for name in step.binds}
    modules = {name for step in found if isinstance(step.node, ast.Import) for name in step.binds}
    aliases: dict[str, set[str]] = {}
    for step in found:
        origin = _origin(step.node)
        if origin is not None and origin not in fixed:
            for name in step.binds - {origin}:
                aliases.setdefault(name, set()).add(origin)
    # a module is not made by what sets something in it: `torch.cuda.set_device(0)`
    return tuple(replace(step, changes=_closure(step.changes - modules, aliases)) for step in found)


def _origin(node: ast.stmt) -> str | None:
    """The name whose part an assignment hands on: ``a`` in ``b = a.c``, ``b = a[0]``, ``b = a.add_group()``."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Attribute | ast.Subscript | ast.Call):
        return None
    if isinstance(node.value, ast.Call):
        func = node.value.func
        return root(func.value) if isinstance(func, ast.Attribute) and func.attr.startswith("add_") else None
    return root(node.value)


def _closure(names: frozenset[str], aliases: dict[str, set[str]]) -> frozenset[str]:
    found, queue = set(names), list(names)
    while queue:
        fresh = aliases.get(queue.pop(), set()) - found
        found |= fresh
        queue.extend(fresh)
    return frozenset(found)
