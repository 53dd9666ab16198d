"""Where an expression stands in its file: in which function, under which conditions, in which loops. `ast` only."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nnlint.load.slicing import Guard, dotted, known

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


#: what opens a block of a test that is to raise
_EXPECTING = frozenset({"raises", "assertRaises", "assertRaisesRegex"})


class Places:
    """The tree of a file, upwards."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self._parent = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """What a node stands in, innermost first."""
        while (parent := self._parent.get(node)) is not None:
            yield parent
            node = parent

    def function(self, node: ast.AST) -> FunctionNode | None:
        """The function a node stands in (a method counts)."""
        return next((above for above in self.above(node) if isinstance(above, FunctionNode)), None)

    def owner(self, function: FunctionNode) -> ast.ClassDef | None:
        """The class a function is a method of."""
        parent = self._parent.get(function)
        return parent if isinstance(parent, ast.ClassDef) else None

    def in_lambda(self, node: ast.AST) -> bool:
        """Whether a node stands in a lambda, whose parameters nobody knows."""
        for above in self.above(node):
            if isinstance(above, ast.stmt):
                return False
            if isinstance(above, ast.Lambda):
                return True
        return False

    def bound_inside(self, node: ast.expr) -> set[str]:
        """The names that the comprehensions and lambdas around a node, in its statement, give their values."""
        found: set[str] = set()
        for above in self.above(node):
            if isinstance(above, ast.stmt):
                break
            if isinstance(above, ast.Lambda):
                found |= {argument.arg for argument in ast.walk(above.args) if isinstance(argument, ast.arg)}
            elif isinstance(above, Comprehension) and not _contains(above.generators[0].iter, node):
                found |= {name for generator in above.generators for name in _names(generator.target)}
        return found

    def bound_by_loops(self, node: ast.expr) -> set[str]:
        """The names that the loops around a node, in its block, give their values in every round."""
        loops = self.loops(self.statement(node))
        return {name for loop in loops if isinstance(loop, ast.For) for name in _names(loop.target)}

    def is_to_fail(self, node: ast.AST) -> bool:
        """Whether a test expects a node to raise: ``with pytest.raises(ValueError):``."""
        contexts = (
            item.context_expr for above in self.above(node) if isinstance(above, ast.With) for item in above.items
        )
        return any(
            isinstance(context, ast.Call) and dotted(context.func).rpartition(".")[2] in _EXPECTING
            for context in contexts
        )

    def guards(self, statement: ast.stmt) -> tuple[Guard, ...]:
        """The conditions a statement stands under in its block, outermost first."""
        found: list[Guard] = []
        inner: ast.AST = statement
        for above in self._block(statement):
            if isinstance(above, ast.If) and known(above.test) is None:
                found.insert(0, Guard(above.test, inner in above.body))
            inner = above
        return tuple(found)

    def loops(self, statement: ast.stmt) -> tuple[ast.For | ast.While, ...]:
        """The loops a statement stands in, outermost first."""
        found = [above for above in self._block(statement) if isinstance(above, ast.For | ast.While)]
        return tuple(reversed(found))

    def _block(self, statement: ast.stmt) -> Iterator[ast.AST]:
        for above in self.above(statement):
            if isinstance(above, FunctionNode | ast.ClassDef | ast.Lambda):
                return
            yield above

    def first_of(self, node: ast.expr) -> ast.expr:
        """An expression in comprehensions as the first one they would make: ``next(Net(i) for i in sizes)``."""
        for above in self.above(node):
            if isinstance(above, ast.stmt):
                break
            if isinstance(above, Comprehension):
                generator = ast.GeneratorExp(node, above.generators)
                call = ast.Call(ast.Name("next", ast.Load()), [generator], [])
                node = ast.fix_missing_locations(ast.copy_location(call, node))
        return node

    def is_part(self, node: ast.expr) -> bool:
        """Whether an expression only fills something larger: an element of a list, an argument of a call."""
        for above in self.above(node):
            if isinstance(above, ast.List | ast.Tuple | ast.Dict | ast.Set | Comprehension | ast.Call):
                return True
            if isinstance(above, ast.stmt):
                return False
        return False

    def calls(self, name: str, *, method: bool = False) -> Iterator[ast.Call]:
        """The calls of a function (or of a method of any object) by its name."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                callee = dotted(node.func)
                if callee == name or (method and isinstance(node.func, ast.Attribute) and node.func.attr == name):
                    yield node

    def statement(self, node: ast.AST) -> ast.stmt:
        """The statement an expression stands in."""
        if isinstance(node, ast.stmt):
            return node
        return next(above for above in self.above(node) if isinstance(above, ast.stmt))


def _contains(outer: ast.AST, node: ast.AST) -> bool:
    return any(part is node for part in ast.walk(outer))


def _names(target: ast.expr) -> set[str]:
    return {part.id for part in ast.walk(target) if isinstance(part, ast.Name)}
