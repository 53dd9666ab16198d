"""Where a script says its numbers: the expression that states a batch size, a rate or a number of epochs."""

from __future__ import annotations

import ast

from editing import Source, argument

OPTIMIZERS = ("SGD", "Adam", "AdamW")


def training_loader(source: Source) -> ast.Call:
    """The loader that training reads: the first of the text."""
    return source.calls("DataLoader")[0]


def batch_sizes(source: Source) -> list[ast.expr]:
    """The constant that the batch size of the training loader comes from."""
    value = argument(training_loader(source), "batch_size")
    return [] if value is None else [stated(source, value)]


def learning_rates(source: Source) -> list[ast.expr]:
    """The constant that the learning rate of every optimiser comes from."""
    rates = [argument(call, "lr") for call in source.calls(*OPTIMIZERS)]
    return [stated(source, rate) for rate in rates if rate is not None]


def epochs(source: Source) -> tuple[ast.expr, ast.For | None]:
    """The constant that the number of epochs comes from, and the loop over them."""
    loops = [node for node in source.find(ast.For) if getattr(node.target, "id", "") == "epoch"]  # type: ignore[attr-defined]
    loop = loops[0]
    assert isinstance(loop, ast.For) and isinstance(loop.iter, ast.Call)
    value = loop.iter.args[-1]
    if source.name == "train_functions":  # handed to a method
        value = source.calls("fit")[0].args[-1]
    return stated(source, value), loop


def stated(source: Source, value: ast.expr) -> ast.expr:
    """Follows a variable, an option, an entry of a dictionary or a field of a dataclass to its constant."""
    if isinstance(value, ast.Constant):
        return value
    if isinstance(value, ast.BinOp):  # args.epochs + 1: the option states it
        return stated(source, value.left)
    if isinstance(value, ast.Name):
        assigned = [node for node in source.find(ast.Assign) if getattr(node.targets[0], "id", "") == value.id]  # type: ignore[attr-defined]
        return assigned[0].value  # type: ignore[attr-defined]
    if isinstance(value, ast.Subscript):
        entries = next(node for node in source.find(ast.Dict))
        key = value.slice.value  # type: ignore[attr-defined]
        return next(
            item
            for name, item in zip(entries.keys, entries.values, strict=True)  # type: ignore[attr-defined]
            if name.value == key
        )
    assert isinstance(value, ast.Attribute)
    if value.value.id == "args":  # type: ignore[attr-defined]
        option = f"--{value.attr.replace('_', '-')}"
        call = next(call for call in source.calls("add_argument") if call.args[0].value == option)  # type: ignore[attr-defined]
        default = argument(call, "default")
        assert default is not None
        return default
    fields = [node for node in source.find(ast.AnnAssign) if getattr(node.target, "id", "") == value.attr]  # type: ignore[attr-defined]
    return fields[0].value  # type: ignore[attr-defined]


def optimizers(source: Source) -> list[ast.Call]:
    """The constructions of optimisers."""
    return source.calls(*OPTIMIZERS)
