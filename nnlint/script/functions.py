"""What a function of the file returns: its body is walked with the arguments of the call, a few times each."""

from __future__ import annotations

import ast

from nnlint.script.calls import Caller
from nnlint.script.definitions import signature
from nnlint.script.model import Argument
from nnlint.script.scopes import FunctionNode, Scope
from nnlint.script.state import Frame
from nnlint.script.values import (
    UNKNOWN,
    Function,
    Loaders,
    Net,
    Sequence,
    Space,
    Unknown,
    Value,
    is_none,
    join_all,
    losses_of,
    sources_of,
)

_DEPTH = 12
_RUNS = 6
_NO_GRAD = frozenset({"torch.no_grad", "torch.inference_mode", "torch.autograd.no_grad", "torch.set_grad_enabled"})
_LOADER_METHODS = {
    "train_dataloader": "train",
    "val_dataloader": "val",
    "test_dataloader": "test",
    "predict_dataloader": "test",
}


class Functions(Caller):
    """Enters functions."""

    def body(self, statements: list[ast.stmt]) -> bool:
        """Walks statements in order; whether they end in leaving the block."""
        raise NotImplementedError

    def run(self, function: Function, args: list[Value], kwargs: dict[str, Value], *, spread: bool = False) -> Value:
        """The value a function of the file returns, its body walked with these arguments."""
        scope = function.scope
        key: tuple[object, ...] = (scope, function.bound, *args, *kwargs.items(), spread)
        try:
            if key in self.results:
                self.modes.again(self.effects.get(key, {}))
                return self.results[key]
        except TypeError:  # an unhashable constant among the arguments
            key = (object(),)
        self.runs[scope] = self.runs.get(scope, 0) + 1
        if scope in self.active or len(self.active) >= _DEPTH or self.runs[scope] > _RUNS:
            self.modes.forget_all()
            return Unknown("", sources_of(*args, *kwargs.values()))
        before = dict(self.modes.now)
        self.modes.returns.append([])
        value = self._enter(function, args, kwargs, spread=spread)
        self.effects[key] = self.modes.leave_function(before)
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
        """The frame a function was defined in: that of its class or function, where it is known, or the module."""
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

    def _switches_off(self, node: ast.expr) -> bool:
        func = node.func if isinstance(node, ast.Call) else node
        return self.names.dotted(func, self.frame.scope) in _NO_GRAD
