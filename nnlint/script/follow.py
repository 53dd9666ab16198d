"""Follows a script's values from statement to statement, through its own functions and classes.

Branches are joined, loops are walked once with what they change made uncertain, and functions are entered with the
arguments of their calls, a few times each. What was never called is walked at the end with unknown arguments.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import replace

from nnlint.script.calls import Caller
from nnlint.script.definitions import signature
from nnlint.script.hints import tensors_in
from nnlint.script.model import Argument, InputHint
from nnlint.script.scopes import FunctionNode, Scope
from nnlint.script.state import Frame
from nnlint.script.values import (
    UNKNOWN,
    ClassObject,
    Dotted,
    Function,
    Instance,
    Known,
    Loaders,
    LossValue,
    Made,
    Net,
    OptimizerObject,
    Output,
    Sequence,
    Space,
    StepTaken,
    Unknown,
    Value,
    is_none,
    join,
    join_all,
    losses_of,
    sources_of,
    widen,
)
from nnlint.site import Fact

_DEPTH = 12
_RUNS = 6
_EPOCH = re.compile(r"epoch|^ep$", re.IGNORECASE)
_NO_GRAD = frozenset({"torch.no_grad", "torch.inference_mode", "torch.autograd.no_grad", "torch.set_grad_enabled"})
_LOADER_METHODS = {
    "train_dataloader": "train",
    "val_dataloader": "val",
    "test_dataloader": "test",
    "predict_dataloader": "test",
}
_EXAMPLES = frozenset({"example_input_array", "example_inputs", "example_input"})


class Follower(Caller):
    """Walks statements."""

    def follow(self, tree: ast.Module) -> None:
        """Follows a whole file: the module, then every function and method that was not entered on the way."""
        self.body(tree.body)
        for scope in list(self.names.module.walk()):
            if isinstance(scope.node, ast.FunctionDef | ast.AsyncFunctionDef) and scope not in self.entered:
                self._alone(scope)

    def _alone(self, scope: Scope) -> None:
        owner = scope.parent
        if owner is None or not owner.is_class:
            self.run(Function(scope, self.closures.get(scope)), [], {})
            return
        bound = self._object_of(owner)
        if scope in self.entered:  # making the object may have entered it
            return
        self.run(Function(scope, self.closures.get(owner), bound), [], {})

    def _object_of(self, scope: Scope) -> Value:
        """An object of a class, for the methods that the file does not call itself."""
        if self.networks.is_module(scope):
            if scope not in self.network_attributes:
                self.prepare_network(scope, [], {})
            return Net("self", scope)
        made = self.objects.setdefault(scope, [])
        if not made:
            made.append(Instance(scope))
            self.construct(scope, made[0], [], {})
        if len(made) == 1:
            return made[0]
        shared = set(made[0].attributes).intersection(*(set(other.attributes) for other in made))
        return Instance(scope, {name: join_all(other.attributes[name] for other in made) for name in sorted(shared)})

    # -- functions

    def run(self, function: Function, args: list[Value], kwargs: dict[str, Value], *, spread: bool = False) -> Value:
        """The value a function of the file returns, its body walked with these arguments."""
        scope = function.scope
        key: tuple[object, ...] = (scope, function.bound, *args, *kwargs.items(), spread)
        try:
            if key in self.results:
                return self.results[key]
        except TypeError:  # an unhashable constant among the arguments
            key = (object(),)
        self.runs[scope] = self.runs.get(scope, 0) + 1
        if scope in self.active or len(self.active) >= _DEPTH or self.runs[scope] > _RUNS:
            return Unknown("", sources_of(*args, *kwargs.values()))
        value = self._enter(function, args, kwargs, spread=spread)
        self.results[key] = value
        return value

    def _enter(self, function: Function, args: list[Value], kwargs: dict[str, Value], *, spread: bool) -> Value:
        scope = function.scope
        frame = Frame(scope, function.frame or self._home(scope))
        if not isinstance(scope.node, ast.Lambda) and isinstance(scope.node, ast.FunctionDef | ast.AsyncFunctionDef):
            frame.variables = self._bound(function, scope.node, args, kwargs, frame, spread=spread)
        elif isinstance(scope.node, ast.Lambda):
            names = [arg.arg for arg in scope.node.args.args]
            frame.variables = dict(zip(names, args, strict=False)) | kwargs
        self.entered.add(scope)
        self.active.append(scope)
        self.frame, saved = frame, self.frame
        tests, self.tests = self.tests, []
        if isinstance(scope.node, ast.Lambda):
            frame.returned.append(self.evaluate(scope.node.body))
        elif isinstance(scope.node, ast.FunctionDef | ast.AsyncFunctionDef):
            self._body_of(scope.node)
        self.tests = tests
        self.frame = saved
        self.active.pop()
        self._note_returned(scope, frame)
        if frame.yielded:
            return Sequence((join_all(frame.yielded),), open=True)
        return join_all(frame.returned)

    def _body_of(self, node: FunctionNode) -> None:
        off = any(self._switches_off(item) for item in node.decorator_list)
        self.without_grad += off
        self.body(node.body)
        self.without_grad -= off

    def _home(self, scope: Scope) -> Frame:
        """The frame a function was defined in, as far as it is known: that of its class, of its function, or the module."""
        if scope in self.closures:
            return self.closures[scope]
        above = scope.parent
        return self.class_frames.get(above, self.module) if above is not None else self.module

    def _bound(
        self,
        function: Function,
        node: FunctionNode,
        args: list[Value],
        kwargs: dict[str, Value],
        frame: Frame,
        *,
        spread: bool,
    ) -> dict[str, Value]:
        parameters = list(signature(node))
        variables: dict[str, Value] = {}
        given = list(args)
        if parameters and self._takes_self(function, node):
            first = parameters.pop(0)
            variables[first.name] = function.bound if function.bound is not None else Unknown(first.name)
        positional = [parameter for parameter in parameters if parameter.kind == "positional"]
        for parameter in parameters:
            match parameter.kind:
                case "var-positional":
                    variables[parameter.name] = Sequence(tuple(given[len(positional) :]), open=spread)
                case "var-keyword":
                    names = {parameter.name for parameter in parameters}
                    rest = {key: value for key, value in kwargs.items() if key not in names}
                    variables[parameter.name] = Space(dict(rest))
                case _:
                    at = positional.index(parameter) if parameter in positional else len(given)
                    value = given[at] if at < len(given) else kwargs.get(parameter.name)
                    variables[parameter.name] = self._argument(parameter, value, frame, spread=spread)
        return variables

    def _takes_self(self, function: Function, node: FunctionNode) -> bool:
        owner = function.scope.parent
        in_class = owner is not None and owner.is_class
        static = any(isinstance(item, ast.Name) and item.id == "staticmethod" for item in node.decorator_list)
        return in_class and not static and (function.bound is not None or not self._called_on_class(function))

    def _called_on_class(self, function: Function) -> bool:
        return function.bound is None and bool(self.active)

    def _argument(self, parameter: Argument, value: Value | None, frame: Frame, *, spread: bool) -> Value:
        """What a parameter holds: what it was given, else its default, else something known by its name."""
        if value is None:
            if parameter.default is None or spread:
                return Unknown(parameter.name)
            self.frame, saved = frame.above or self.module, self.frame
            default = self.evaluate(parameter.default)
            self.frame = saved
            return Unknown(parameter.name) if is_none(default) else default
        if isinstance(value, Unknown) and not value.name:
            return Unknown(parameter.name, value.sources)
        if isinstance(value, Net) and not value.name:
            return Net(parameter.name, value.scope)
        return value

    def _note_returned(self, scope: Scope, frame: Frame) -> None:
        """What a framework makes of a method's result: the loss of a training step, the loader of a role."""
        if scope.parent is None or not scope.parent.is_class or not isinstance(scope.node, ast.FunctionDef):
            return
        values = frame.returned
        if scope.node.name == "training_step":
            returned = [value.entries.get("loss", UNKNOWN) if isinstance(value, Space) else value for value in values]
            self.record.backward(losses_of(*returned), sources_of(*returned), certain=True)
        role = _LOADER_METHODS.get(scope.node.name)
        for value in values:
            for item in [value, *(value.items if isinstance(value, Sequence) else ())]:
                if role is not None and isinstance(item, Loaders):
                    for index in item.ids:
                        self.record.loaders[index].given = role  # type: ignore[assignment]

    # -- statements

    def body(self, statements: list[ast.stmt]) -> bool:
        """Walks statements in order; whether they end in leaving the block."""
        return any(self.statement(node) for node in statements)

    def statement(self, node: ast.stmt) -> bool:
        """Walks one statement; whether it leaves the block (``return``, ``raise``, ``break``, ``continue``)."""
        method: Callable[[ast.stmt], bool | None] | None = getattr(self, f"_do_{type(node).__name__.lower()}", None)
        if method is None:
            self._children(node)
            return False
        return bool(method(node))

    def _do_expr(self, node: ast.Expr) -> None:
        self.evaluate(node.value)

    def _do_return(self, node: ast.Return) -> bool:
        if node.value is not None:
            self.frame.returned.append(self.evaluate(node.value))
        return True

    def _do_raise(self, node: ast.Raise) -> bool:
        self._children(node)
        return True

    def _do_break(self, node: ast.Break) -> bool:
        del node
        return True

    def _do_continue(self, node: ast.Continue) -> bool:
        del node
        return True

    def _do_import(self, node: ast.Import) -> None:
        del node

    def _do_importfrom(self, node: ast.ImportFrom) -> None:
        del node

    def _do_functiondef(self, node: ast.FunctionDef) -> None:
        self._define(node)

    def _do_asyncfunctiondef(self, node: ast.AsyncFunctionDef) -> None:
        self._define(node)

    def _define(self, node: FunctionNode) -> None:
        scope = self.names.scopes[node]
        self.closures[scope] = self.frame
        self.frame.variables[node.name] = Function(scope, self.frame)
        for item in node.decorator_list:
            if self._switches_off(item):
                args = [self.evaluate(arg) for arg in item.args] if isinstance(item, ast.Call) else []
                self.frame, saved = Frame(scope, self.frame), self.frame
                self.note_no_grad(item, args, (node.lineno, node.end_lineno or node.lineno))
                self.frame = saved
            else:
                self.evaluate(item)

    def _switches_off(self, node: ast.expr) -> bool:
        func = node.func if isinstance(node, ast.Call) else node
        return self.names.dotted(func, self.frame.scope) in _NO_GRAD

    def _do_classdef(self, node: ast.ClassDef) -> None:
        scope = self.names.scopes[node]
        self.closures[scope] = self.frame
        frame = Frame(scope, self.frame)
        self.class_frames[scope] = frame
        for item in node.decorator_list:
            self.evaluate(item)
        self.frame, saved = frame, self.frame
        self.body(node.body)
        self.frame = saved
        self.frame.variables[node.name] = ClassObject(scope)
        if self.record.framework is None and any(
            name.endswith(".LightningModule") for name in self.networks.bases(scope)
        ):
            self.record.framework = self.spans.fact("lightning", node.bases[0])

    def _do_assign(self, node: ast.Assign) -> None:
        value = self.evaluate(node.value)
        for target in node.targets:
            value = self.assign(target, value, node.value)

    def _do_annassign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.assign(node.target, self.evaluate(node.value), node.value)

    def _do_augassign(self, node: ast.AugAssign) -> None:
        old = self.evaluate(node.target)
        new = self.binary(old, self.evaluate(node.value), node)
        if isinstance(node.target, ast.Name):
            self.bind(node.target.id, new)
        elif isinstance(node.target, ast.Attribute | ast.Subscript):
            self.assign(node.target, new if losses_of(new) else Unknown("", sources_of(new)), None)

    def _do_if(self, node: ast.If) -> bool:
        tests: list[tuple[ast.expr, list[ast.stmt]]] = []
        rest: list[ast.stmt] = [node]
        while len(rest) == 1 and isinstance(rest[0], ast.If):  # `elif` chains are nested: no recursion for them
            tests.append((rest[0].test, rest[0].body))
            rest = rest[0].orelse
        for test, _ in tests:
            self.evaluate(test)
        if len(tests) == 1 and not rest and _always(node.test):
            return self.body(node.body)
        return self._branches([(body, test) for test, body in tests] + [(rest, None)])

    def _branches(self, branches: list[tuple[list[ast.stmt], ast.expr | None]]) -> bool:
        """Walks alternatives from the same start, and joins what they leave; whether all of them leave the block."""
        before = dict(self.frame.variables)
        ends: list[dict[str, Value]] = []
        for statements, test in branches:
            self.frame.variables = dict(before)
            if test is not None:
                self.tests.append(test)
            self.branches += 1
            left = self.body(statements)
            self.branches -= 1
            if test is not None:
                self.tests.pop()
            if not left:
                ends.append(self.frame.variables)
        self.frame.variables = _joined(ends) if ends else before
        return not ends

    def _do_for(self, node: ast.For) -> None:
        self._for(node)

    def _do_asyncfor(self, node: ast.AsyncFor) -> None:
        self._for(node)

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        iterated = self.evaluate(node.iter)
        self._widen(node)
        self._note_loop(iterated)
        self.rounds.append((node, iterated, self._count(node, iterated)))
        self.frame.loops.append(node)
        self.assign(node.target, self.element(iterated), None)
        self.body(node.body)
        self.frame.loops.pop()
        self.rounds.pop()
        self.body(node.orelse)

    def _do_while(self, node: ast.While) -> None:
        self.evaluate(node.test)
        self._widen(node)
        self.rounds.append((node, UNKNOWN, None))
        self.frame.loops.append(node)
        self.body(node.body)
        self.frame.loops.pop()
        self.rounds.pop()
        self.body(node.orelse)

    def _widen(self, node: ast.stmt) -> None:
        for name in self.assigned_in(node):
            if name in self.frame.variables:
                self.frame.variables[name] = widen(self.frame.variables[name])

    def assigned_in(self, loop: ast.stmt) -> frozenset[str]:
        """The variables that a loop's body changes."""
        if loop not in self.changed:
            names = {
                item.id for item in ast.walk(loop) if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)
            }
            self.changed[loop] = frozenset(names)
        return self.changed[loop]

    def _note_loop(self, iterated: Value) -> None:
        if isinstance(iterated, Loaders) and self.without_grad:
            for index in iterated.ids:
                self.record.loaders[index].evaluated = True

    def _do_with(self, node: ast.With) -> bool:
        return self._with(node)

    def _do_asyncwith(self, node: ast.AsyncWith) -> bool:
        return self._with(node)

    def _with(self, node: ast.With | ast.AsyncWith) -> bool:
        off = 0
        for item in node.items:
            expr = item.context_expr
            value = self.evaluate(expr)
            if self._switches_off(expr):
                args = [self.evaluate(arg) for arg in expr.args] if isinstance(expr, ast.Call) else []
                self.note_no_grad(expr, args, (node.lineno, node.end_lineno or node.lineno))
                off += not args or args[0] == Known(False, expr)
            elif isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute) and expr.func.attr == "accumulate":
                self.record.accumulation = self.record.accumulation or self.spans.fact(ast.unparse(expr), expr)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value, expr)
        self.without_grad += off
        left = self.body(node.body)
        self.without_grad -= off
        return left

    def _do_try(self, node: ast.Try) -> bool:
        return self._try(node)

    def _do_trystar(self, node: ast.TryStar) -> bool:
        return self._try(node)

    def _try(self, node: ast.Try | ast.TryStar) -> bool:
        left = self.body(node.body) or self.body(node.orelse)
        after = dict(self.frame.variables)
        for handler in node.handlers:
            self._branches([(handler.body, None), ([], None)])
        if not left:
            self.frame.variables = {name: self.frame.variables.get(name, value) for name, value in after.items()}
        return self.body(node.finalbody) or left

    def _do_match(self, node: ast.Match) -> bool:
        self.evaluate(node.subject)
        return self._branches([*((case.body, None) for case in node.cases), ([], None)])

    def _do_delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.frame.variables.pop(target.id, None)

    # -- assignment

    def assign(self, target: ast.expr, value: Value, origin: ast.expr | None) -> Value:
        """Binds a target; the value as it is called from then on."""
        match target:
            case ast.Name():
                return self.bind(target.id, self._named(value, target, origin))
            case ast.Attribute():
                return self._set_attribute(target, self._named(value, target, origin))
            case ast.Subscript():
                self._set_item(target, value)
            case ast.Tuple() | ast.List():
                self._unpack(target.elts, value, target, origin)
            case ast.Starred():
                return self.assign(target.value, Sequence((UNKNOWN,), open=True), None)
        return value

    def bind(self, name: str, value: Value) -> Value:
        """Binds a variable in the frame that owns it."""
        frame = self.frame
        if name in frame.scope.outer:
            owner = self._owner(name)
            owner.variables[name] = join(owner.variables.get(name), value)
            return value
        frame.variables[name] = value
        return value

    def _owner(self, name: str) -> Frame:
        frame = self.frame.above
        while frame is not None and frame.above is not None:
            if name in frame.variables and not frame.scope.is_class:
                return frame
            frame = frame.above
        return self.module

    def _named(self, value: Value, target: ast.Name | ast.Attribute, origin: ast.expr | None) -> Value:
        """The value by the name it is now bound to, if it had none: networks, loaders and optimisers."""
        label = ast.unparse(target)
        if isinstance(value, Net) and not value.name:
            self._name_moves(origin, label)
            return Net(label, value.scope)
        if isinstance(value, OptimizerObject):
            optimizer = self.record.optimizers[value.id]
            optimizer.variable = optimizer.variable or label
        self.named(value, label)
        if isinstance(value, Unknown) and isinstance(target, ast.Attribute):
            return Unknown(label, value.sources)
        if isinstance(value, Unknown | Made) and isinstance(origin, ast.Call) and not sources_of(value):
            key = self.evidence.key(target, self.frame.scope)
            if key is not None and self.evidence.is_network(key):
                return Net(label)
        return value

    def _name_moves(self, origin: ast.expr | None, label: str) -> None:
        """Gives the moves in ``model = Net().to(device)`` the name that the network gets."""
        moves = self.record.calls.get("device_moves", {})
        while isinstance(origin, ast.Call) and isinstance(origin.func, ast.Attribute):
            if id(origin) in moves:
                moves[id(origin)] = replace(moves[id(origin)], target=label)
            origin = origin.func.value

    def _set_attribute(self, target: ast.Attribute, value: Value) -> Value:
        base = self.evaluate(target.value)
        if target.attr == "grad" and is_none(value):
            self.note("zero_grads", target, ast.unparse(target.value))
        if target.attr in _EXAMPLES:
            self._note_example(target, value)
        match base:
            case Dotted() if base.path.startswith("torch.backends."):
                self.note_flag(f"{base.path}.{target.attr}", value)
            case Space():
                self._store(base.entries, target.attr, value, target)
            case Instance():
                self._store(base.attributes, target.attr, value, target, always=True)
            case Net() if base.scope is not None:
                self._store(self.network_attributes.setdefault(base.scope, {}), target.attr, value, target, always=True)
            case ClassObject() if base.scope in self.class_frames:
                self._store(self.class_frames[base.scope].variables, target.attr, value, target, always=True)
        return value

    def _store(
        self, entries: dict[str, Value], name: str, value: Value, node: ast.AST, *, always: bool = False
    ) -> None:
        """Sets an entry that others may have set before: on a branch, or in another method, what is certain remains."""
        writer = (id(entries), name)
        uncertain = self.branches > 0 or always
        if uncertain and name in entries and self.writers.get(writer, node) is not node:
            value = join(entries[name], value)
        entries[name] = value
        self.writers.setdefault(writer, node)

    def _set_item(self, target: ast.Subscript, value: Value) -> None:
        base = self.evaluate(target.value)
        key = self.evaluate(target.slice)
        if isinstance(base, Dotted) and base.path == "os.environ" and isinstance(key, Known):
            self.note_flag(f"os.environ.{key.value}", value)
        if isinstance(base, Space) and not base.parser:
            if isinstance(key, Known) and isinstance(key.value, str | int):
                self._store(base.entries, key.value, self.named(value, str(key.value)), target)  # type: ignore[arg-type]
            else:
                base.entries[(id(target),)] = value

    def _unpack(self, targets: list[ast.expr], value: Value, node: ast.expr, origin: ast.expr | None) -> None:
        star = next((index for index, target in enumerate(targets) if isinstance(target, ast.Starred)), None)
        for index, target in enumerate(targets):
            after = star is not None and index > star
            at = index - len(targets) if after else index
            part = UNKNOWN if index == star else self._part(value, at, len(targets), star is not None, node)
            self.assign(target, part, origin)

    def _part(self, value: Value, index: int, count: int, starred: bool, node: ast.expr) -> Value:
        match value:
            case Sequence() if not value.open:
                fits = len(value.items) == count or (starred and len(value.items) >= count - 1)
                return value.items[index] if fits else UNKNOWN
            case Sequence():
                return join_all(value.items)
            case Output() if not value.steps:
                return Output(value.network, (*value.path, index), (), value.sources)
            case Output():
                step = StepTaken("getitem", node, (("0", index),))
                return Output(value.network, value.path, (*value.steps, step), value.sources)
            case LossValue() | Loaders():
                return value
        return Unknown("", sources_of(value))

    # -- notes

    def _note_example(self, target: ast.Attribute, value: Value) -> None:
        specs = tensors_in(value)
        scope: Scope | None = self.frame.scope
        while scope is not None and not scope.is_class:
            scope = scope.parent
        if specs:
            owner = scope.name if scope is not None else None
            hint = InputHint("example-input", specs, self.spans.of(target), owner)
            self.note_hint(hint)

    def note_epochs(self) -> None:
        """Records how often the loop around the loop over the data runs, where the source states it."""
        over_data = [index for index, (_, value, _) in enumerate(self.rounds) if isinstance(value, Loaders)]
        outer = self.rounds[: over_data[-1]] if over_data else self.rounds
        for node, _, count in reversed(outer):
            named = isinstance(node, ast.For) and isinstance(node.target, ast.Name) and _EPOCH.search(node.target.id)
            if count is not None and (named or over_data):
                self.record.epochs[id(node)] = count
                return

    def _count(self, node: ast.For | ast.AsyncFor, iterated: Value) -> Fact[int] | None:
        """How often a loop over a range runs, with the expression that states it."""
        if not isinstance(iterated, Made) or iterated.path != "range" or len(iterated.args) not in {1, 2}:
            return None
        stop, start = iterated.args[-1], iterated.args[0] if len(iterated.args) == 2 else None
        first = start.value if isinstance(start, Known) else 0
        if not isinstance(stop, Known) or type(stop.value) is not int or type(first) is not int:
            return None
        if start is not None and not isinstance(start, Known):
            return None
        stated = stop.node
        if first == 1 and isinstance(stated, ast.BinOp) and _is_one(stated.right):  # range(1, epochs + 1)
            inner = self.evaluate(stated.left)
            stated = inner.node if isinstance(inner, Known) and inner.value == stop.value - 1 else stated
        return self.spans.fact(stop.value - first, stated)

    def note_accumulation(self) -> None:
        """Records that the optimiser takes a step only every so many batches."""
        for test in self.tests:
            counts = any(isinstance(part, ast.Mod) for part in ast.walk(test))
            if counts and self.record.accumulation is None:
                self.record.accumulation = self.spans.fact(ast.unparse(test), test)


def _joined(ends: list[dict[str, Value]]) -> dict[str, Value]:
    """The variables after several branches."""
    if len(ends) == 1:
        return ends[0]
    names: dict[str, None] = {}
    for end in ends:
        names |= dict.fromkeys(end)
    joined: dict[str, Value] = {}
    for name in names:
        found = [end.get(name) for end in ends]
        value = found[0]
        for other in found[1:]:
            value = join(value, other) if value is not None or other is not None else None
        if value is not None:
            joined[name] = value
    return joined


def _is_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1


def _always(test: ast.expr) -> bool:
    """Whether a condition holds whenever the file is run as a script (or always)."""
    from nnlint.script.builds import is_main_test

    return is_main_test(test) or (isinstance(test, ast.Constant) and bool(test.value))
