"""The layers of a script in the order in which they are computed, as far as the text shows it.

A chain is what follows one after the other with nothing between: the elements of an nn.Sequential, the layers in a list
that is made into one, the calls in a forward method. Each step knows how it is written, so that one mutation fits all
styles: an element, an attribute that forward calls, or a function.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from editing import Change, Source, callee

KINDS = {
    "Conv2d": "conv",
    "ConvTranspose2d": "deconv",
    "Linear": "linear",
    "BatchNorm1d": "norm",
    "BatchNorm2d": "norm",
    "LayerNorm": "layer_norm",
    "ReLU": "activation",
    "LeakyReLU": "activation",
    "GELU": "activation",
    "relu": "activation",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Dropout": "dropout",
    "dropout": "dropout",
    "MaxPool2d": "pool",
    "max_pool2d": "pool",
    "AdaptiveAvgPool2d": "global_pool",
    "adaptive_avg_pool2d": "global_pool",
    "mean": "global_pool",
    "Flatten": "flatten",
    "flatten": "flatten",
    "LSTM": "recurrent",
    "Embedding": "embedding",
}
WEIGHTED = {"conv", "deconv", "linear"}


@dataclass(eq=False)
class Step:
    """One layer: ``maker`` is the expression that made it, ``use`` the call in forward (None in an nn.Sequential)."""

    kind: str
    maker: ast.Call
    use: ast.Call | None = None
    attribute: str = ""
    chain: Chain = field(default_factory=lambda: Chain())  # noqa: PLW0108 - defined below
    #: it is called more than once
    shared: bool = False

    @property
    def name(self) -> str:
        return callee(self.maker)

    @property
    def index(self) -> int:
        return self.chain.steps.index(self)

    def next(self, *kinds: str) -> Step | None:
        """The first step after this one that is of one of the kinds, or of any."""
        return next((step for step in self.chain.steps[self.index + 1 :] if not kinds or step.kind in kinds), None)

    def previous(self, *kinds: str) -> Step | None:
        before = reversed(self.chain.steps[: self.index])
        return next((step for step in before if not kinds or step.kind in kinds), None)


@dataclass(eq=False)
class Chain:
    """Steps in order. ``outermost``: of a network that the script trains, not of a block. ``returned``: its last step
    is what the network returns. ``repeated``: built by a loop or by a function that is called several times."""

    steps: list[Step] = field(default_factory=list)
    outermost: bool = False
    returned: bool = False
    repeated: bool = False
    #: the class whose forward it is, if it is one's
    owner: ast.ClassDef | None = None

    def add(self, step: Step) -> None:
        step.chain = self
        self.steps.append(step)

    @property
    def output(self) -> Step | None:
        """The last weighted layer, where nothing follows that has weights."""
        if not (self.outermost and self.returned):
            return None
        return next((step for step in reversed(self.steps) if step.kind in WEIGHTED), None)


def chains(source: Source) -> list[Chain]:
    """All chains of a script."""
    found: list[Chain] = []
    taken: set[ast.AST] = set()
    for node in source.find(ast.ClassDef):
        for chain in _of_class(source, node, taken):  # type: ignore[arg-type]
            found.append(chain)
    for call in source.calls("Sequential"):
        if call not in taken and len(call.args) > 1:
            found.append(_of_elements(source, call, call.args))
    for node in source.find(ast.List):
        if len(node.elts) > 1 and all(callee(item) in KINDS for item in node.elts):  # type: ignore[attr-defined]
            found.append(_of_elements(source, node, node.elts))  # type: ignore[attr-defined]
            found[-1].repeated = True
    return [chain for chain in found if chain.steps]


def steps(source: Source, *kinds: str) -> Iterator[Step]:
    """All steps of some kinds."""
    for chain in chains(source):
        yield from (step for step in chain.steps if step.kind in kinds)


def outputs(source: Source) -> Iterator[Step]:
    """The output layer of every network."""
    for chain in chains(source):
        if chain.output is not None:
            yield chain.output


def _of_elements(source: Source, node: ast.AST, elements: list[ast.expr]) -> Chain:
    chain = Chain()
    for element in elements:
        if isinstance(element, ast.Call):
            chain.add(Step(KINDS.get(callee(element), "opaque"), element))
    function = source.inside(node, ast.FunctionDef)
    chain.repeated = function is not None and source.inside(node, ast.ClassDef) is None
    chain.outermost = chain.returned = function is None
    return chain


def _of_class(source: Source, node: ast.ClassDef, taken: set[ast.AST]) -> Iterator[Chain]:
    methods = {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}
    if "forward" not in methods:
        return
    made = {
        item.targets[0].attr: item.value
        for item in ast.walk(node)
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Attribute)
    }
    outermost = any(not isinstance(source.inside(call, ast.ClassDef), ast.ClassDef) for call in source.calls(node.name))
    counts: dict[str, int] = {}
    for call in ast.walk(methods["forward"]):
        if isinstance(call, ast.Call) and _is_self(call.func):
            counts[callee(call)] = counts.get(callee(call), 0) + 1
    yield from _of_forward(source, methods["forward"], node, made, counts, taken, outermost)


def _of_forward(
    source: Source,
    forward: ast.FunctionDef,
    owner: ast.ClassDef,
    made: dict[str, ast.expr],
    counts: dict[str, int],
    taken: set[ast.AST],
    outermost: bool,
) -> Iterator[Chain]:
    chain, variable = Chain(outermost=outermost, owner=owner), forward.args.args[1].arg
    for position, statement in enumerate(forward.body):
        value = getattr(statement, "value", None)
        if not isinstance(statement, ast.Assign | ast.Return) or value is None:
            continue
        calls, base = _unrolled(value)
        continues = isinstance(base, ast.Name) and base.id == variable
        if not continues or _reads(forward, position, variable) > 1:
            yield chain
            chain = Chain(outermost=outermost, owner=owner)
        for call in calls:
            for step in _steps_of(call, made, counts, taken):
                chain.add(step)
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        variable = target.id if isinstance(target, ast.Name) else ""
        chain.returned = isinstance(statement, ast.Return)
    yield chain


def _reads(forward: ast.FunctionDef, position: int, variable: str) -> int:
    """How often a variable is read from a statement on, until it is bound anew."""
    count = 0
    for statement in forward.body[position:]:
        names = [node for node in ast.walk(statement) if isinstance(node, ast.Name) and node.id == variable]
        count += sum(isinstance(node.ctx, ast.Load) for node in names)
        if any(isinstance(node.ctx, ast.Store) for node in names):
            break
    return count


def _unrolled(value: ast.expr) -> tuple[list[ast.Call], ast.expr]:
    """The calls of a nested expression, innermost first, and what the innermost is given."""
    calls: list[ast.Call] = []
    while isinstance(value, ast.Call):
        inner = given(value)
        if inner is None:
            break
        calls.append(value)
        value = inner
    return calls[::-1], value


def given(call: ast.Call) -> ast.expr | None:
    """The tensor that a call works on; None where there may be several."""
    function = call.func
    if _is_self(function):
        return call.args[0] if len(call.args) == 1 else None
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        if function.value.id in {"F", "torch"}:
            known = KINDS.get(function.attr) is not None
            return call.args[0] if call.args and known else None
        return function.value if function.attr in {"mean", "flatten"} else None
    if isinstance(function, ast.Attribute) and function.attr in {"mean", "flatten"}:
        return function.value
    return None


def _steps_of(call: ast.Call, made: dict[str, ast.expr], counts: dict[str, int], taken: set[ast.AST]) -> Iterator[Step]:
    if not _is_self(call.func):
        yield Step(KINDS.get(callee(call), "opaque"), call, call)
        return
    name = callee(call)
    maker = made.get(name)
    if not isinstance(maker, ast.Call):
        return
    if callee(maker) == "Sequential" and maker.args and not isinstance(maker.args[0], ast.Starred):
        taken.add(maker)
        for element in maker.args:
            if isinstance(element, ast.Call):
                yield Step(KINDS.get(callee(element), "opaque"), element)
        return
    yield Step(KINDS.get(callee(maker), "opaque"), maker, call, name, shared=counts.get(name, 0) > 1)


def _is_self(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and getattr(function.value, "id", "") == "self"


# -- changing


def insert_after(source: Source, step: Step, module: str, function: str, marked: bool = True) -> list[Change]:
    """Puts a layer behind a step, in the style the step is written in; ``function`` has ``{}`` for its input."""
    new = f"«{module}»" if marked else module
    if step.use is None:
        return [(source.end(step.maker), source.end(step.maker), f", {new}")]
    if step.attribute:
        return [
            source.after(step.maker, f"self.added = {new}"),
            *source.wrap(step.use, "self.added(", ")"),
        ]
    before, after = function.split("{}")
    left, right = ("«", "»") if marked else ("", "")
    return source.wrap(step.use, left + before, after + right)


def insert_before(source: Source, step: Step, module: str, marked: bool = True) -> list[Change]:
    """Puts a module in front of a step."""
    new = f"«{module}»" if marked else module
    if step.use is None:
        return [(source.start(step.maker), source.start(step.maker), f"{new}, ")]
    inner = given(step.use)
    assert inner is not None
    anchor = step.maker
    if not step.attribute:
        init = next(item for item in step.chain.owner.body if getattr(item, "name", "") == "__init__")  # type: ignore[union-attr]
        anchor = init.body[-1]  # type: ignore[attr-defined]
    return [source.after(anchor, f"self.added = {new}"), *source.wrap(inner, "self.added(", ")")]


def drop(source: Source, step: Step) -> list[Change]:
    """Takes a step out."""
    if step.use is None:
        start, end = source.start(step.maker), source.end(step.maker)
        rest = source.text[end:]
        if rest.startswith(","):
            end += 1
            end += len(source.text[end:]) - len(source.text[end:].lstrip(" \n"))
        return [(start, end, "")]
    inner = given(step.use)
    assert inner is not None
    changes = [
        (source.start(step.use), source.start(inner), ""),
        (source.end(inner), source.end(step.use), ""),
    ]
    if step.attribute and not step.shared:
        changes.append(source.remove(step.maker))
    return changes


def call_with(source: Source, step: Step, text: str) -> str:
    """The use of a step with another input."""
    assert step.use is not None
    inner = given(step.use)
    assert inner is not None
    return (
        source.text[source.start(step.use) : source.start(inner)]
        + text
        + source.text[source.end(inner) : source.end(step.use)]
    )


def swap(source: Source, first: Step, second: Step) -> list[Change]:
    """Changes the order of two steps that follow each other."""
    if first.use is None and second.use is None:
        return [
            source.replace(first.maker, source.of(second.maker)),
            source.replace(second.maker, source.of(first.maker)),
        ]
    if first.use is None or second.use is None:
        return []
    inner = given(first.use)
    assert inner is not None
    if given(second.use) is first.use:
        return [source.replace(second.use, call_with(source, first, call_with(source, second, source.of(inner))))]
    outer = given(second.use)
    assert outer is not None
    return [
        source.replace(first.use, call_with(source, second, source.of(inner))),
        source.replace(second.use, call_with(source, first, source.of(outer))),
    ]
