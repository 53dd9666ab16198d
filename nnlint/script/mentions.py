"""What a file's text tells of its training as a whole: the accelerators it names, the rates it sets itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from nnlint.recipe import Call, Recipe, TrainingLoop
from nnlint.script.loops import training_loops
from nnlint.script.record import Record
from nnlint.script.spans import Spans
from nnlint.site import Fact

_ACCELERATOR = re.compile(r"(cuda|(^|[^a-z])(mps|xpu|hpu|tpu|npu|mlu)([^a-z]|$)|gpu|xla|accelerat|nccl)", re.I)
_SEED = re.compile(r"seed|reproducib", re.I)
_RATE = re.compile(r"adjust_(learning_rate|lr)|set_(learning_rate|lr)$|update_(learning_rate|lr)$|lr_finder|LRFinder")
_PADS = frozenset({"pad_sequence", "pad_packed_sequence", "pack_padded_sequence", "pack_sequence"})
_RESIZES = frozenset({"interpolate", "upsample", "resize"})
_RANDOM = re.compile(r"(^|\.)(choice|choices|randint|randrange|uniform|sample|shuffle)$")
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def with_loops(recipe: Recipe, tree: ast.Module, record: Record, spans: Spans) -> Recipe:
    """The recipe with what the file's text tells as a whole: its training loops and what is said beside them."""
    loops = training_loops(tree, record, spans)
    return replace(
        recipe,
        training_loops=loops,
        kept_graphs=tuple(call for call in recipe.kept_graphs if _is_kept(call, loops)),
        accelerator=_first(tree, _ACCELERATOR, spans),
        seeded=_first(tree, _SEED, spans),
        rates_set=next(_rates(tree, spans), None),
        varying_sizes=tuple(_varying(tree, spans)),
    )


def _first(tree: ast.AST, pattern: re.Pattern[str], spans: Spans) -> Fact[str] | None:
    return next((spans.fact(word, node) for node, word in _words(tree) if pattern.search(word)), None)


def _is_kept(call: Call, loops: tuple[TrainingLoop, ...]) -> bool:
    """Whether what is added up reaches `backward()` by itself in every round, and the sum never does."""
    target = re.compile(rf"(?<![\w.]){re.escape(call.target)}(?!\w)")
    added = set(re.findall(r"[A-Za-z_][\w.]*", str(call.arguments["added"])))
    for loop in loops:
        if not call.loops or loop.site != call.loops[-1]:
            continue
        backwards = [event.target for event in loop.of("backward") if event.depth == 0]
        words = {word for text in backwards for word in re.findall(r"[A-Za-z_][\w.]*", text)}
        return bool(added & words) and not any(target.search(text) for text in backwards)
    return False


def _words(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Every name, attribute, keyword, import and text of a file, docstrings left out, in the order of the source."""
    docstrings = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Name():
                yield node, node.id
            case ast.Attribute():
                yield node, node.attr
            case ast.keyword() if node.arg is not None:
                yield node, node.arg
            case ast.alias():
                yield node, node.name
            case ast.Constant(value=str() as text) if id(node) not in docstrings:
                yield node, text


def _rates(tree: ast.AST, spans: Spans) -> Iterator[Fact[str]]:
    """Where a learning rate is set by hand: ``group["lr"] = rate``, ``adjust_learning_rate(optimizer, epoch)``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            if isinstance(node.slice, ast.Constant) and node.slice.value == "lr" and not _is_config(node.value):
                yield spans.fact(ast.unparse(node), node)
        elif isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            if _RATE.search(name):
                yield spans.fact(name, node)


def _is_config(node: ast.expr) -> bool:
    """Whether an entry ``lr`` belongs to a configuration rather than to a group of parameters."""
    return bool(re.search(r"(conf|cfg|param(s|eters)?$|hp|args|opt(ion)?s$|log|hist)", ast.unparse(node), re.I))


def _varying(tree: ast.AST, spans: Spans) -> Iterator[Fact[str]]:
    """Calls that give inputs another size from batch to batch: drawn at random, or padded to the longest sequence."""
    for function in ast.walk(tree):
        if isinstance(function, _Function | ast.Module):
            drawn = _drawn(function)
            for call in _calls(function):
                name = _called(call)
                if name in _PADS or (name in _RESIZES and _depends_on(call, drawn)):
                    yield spans.fact(ast.unparse(call), call)


def _calls(function: ast.AST) -> Iterator[ast.Call]:
    """The calls of a function itself, those of functions within it left out."""
    stack = list(ast.iter_child_nodes(function))
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Call):
            yield node
        if not isinstance(node, _Function):
            stack.extend(ast.iter_child_nodes(node))


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _drawn(function: ast.AST) -> frozenset[str]:
    """The variables of a function that hold what was drawn at random."""
    found: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and _depends_on(node.value, frozenset(found)):
            found |= {part.id for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    return frozenset(found)


def _depends_on(node: ast.AST, drawn: frozenset[str]) -> bool:
    """Whether an expression draws at random, or (a call: its arguments for the size) names what was drawn."""
    parts: list[ast.AST] = [node]
    if isinstance(node, ast.Call) and _called(node) in _RESIZES:
        parts = [*node.args[1:], *(item.value for item in node.keywords)]
    for part in parts:
        for inner in ast.walk(part):
            if isinstance(inner, ast.Call) and _RANDOM.search(ast.unparse(inner.func)):
                return True
            if isinstance(inner, ast.Name) and inner.id in drawn:
                return True
    return False
