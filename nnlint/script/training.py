"""What training is made of, as calls: losses, optimisers, schedulers, loaders, and the flags of torch."""

from __future__ import annotations

import ast
import re
from typing import Any

from nnlint import kinds
from nnlint.names import name_of_dotted
from nnlint.script import torchnames
from nnlint.script.spans import Spans
from nnlint.script.values import Known, Made, Parameters, Unknown, Value, elements, is_none, plain_value
from nnlint.site import Fact

#: positional arguments of torch's optimisers, after the parameters
_POSITIONS = {
    "sgd": ("lr", "momentum", "dampening", "weight_decay", "nesterov"),
    "adam": ("lr", "betas", "eps", "weight_decay", "amsgrad"),
    "adamw": ("lr", "betas", "eps", "weight_decay", "amsgrad"),
    "rmsprop": ("lr", "alpha", "eps", "weight_decay", "momentum", "centered"),
    "adagrad": ("lr", "lr_decay", "weight_decay"),
    "adadelta": ("lr", "rho", "eps", "weight_decay"),
    "nadam": ("lr", "betas", "eps", "weight_decay", "momentum_decay"),
    "radam": ("lr", "betas", "eps", "weight_decay"),
    "adamax": ("lr", "betas", "eps", "weight_decay"),
}
#: positional arguments of a loader, after the data set
_LOADER_FACTS = ("batch_size", "shuffle", "drop_last", "num_workers", "pin_memory")
_ABSENT = Known(None, ast.Constant(None))
_LOADER_POSITIONS = ("batch_size", "shuffle", "sampler", "batch_sampler", "num_workers")
_OPTIMISER_NAME = re.compile(
    r"(adam|sgd|lion|prop|adagrad|adadelta|adafactor|lamb|lars|shampoo|muon|prodigy|sophia|ranger)"
)
_SCHEDULER_NAME = re.compile(r"(LR$|Schedul|_schedule|Anneal|Warmup|Plateau|scheduler)")
_NOT_OPTIMISERS = frozenset({"torch.optim.Optimizer", "torch.optim.swa_utils.AveragedModel"})
SEEDS = frozenset({"manual_seed", "manual_seed_all", "seed_everything", "set_seed", "seed_all", "set_random_seed"})
#: functions and methods that bound the gradients
CLIPS = frozenset({"clip_grad_norm_", "clip_grad_value_", "clip_grad_norm", "clip_gradients", "clip_grads"})
#: symmetric in their two arguments: the network's output may be given second
SYMMETRIC = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"})
#: names of the loss's first two parameters
INPUTS = ("input", "inputs", "pred", "preds", "logits", "x", "output", "outputs", "log_probs")
TARGETS = ("target", "targets", "labels", "label", "y", "gt")


def loss_function(path: str) -> str | None:
    """The op name of a loss in its functional form; None for any other function."""
    name = name_of_dotted(path)
    functional = path.startswith(("torch.nn.functional.", "torch."))
    is_loss = name is not None and name in kinds.loss and functional and path.rpartition(".")[2][:1].islower()
    return name if is_loss else None


def loss_class(path: str) -> str | None:
    """The op name of a loss module (its dotted name where nnlint has no name for it); None for any other class."""
    return (name_of_dotted(path) or path) if torchnames.is_loss_class(path) else None


def facts(values: dict[str, Value], spans: Spans, node: ast.Call | None = None) -> dict[str, Fact[Any]]:
    """The arguments that are plain values, each with the expression that states it.

    A constant is stated where its number stands (an option's default, a dict's entry); a tuple of constants where the
    call has it.
    """
    found = {}
    for name, value in values.items():
        plain = plain_value(value)
        if plain is None:
            continue
        if isinstance(value, Known):
            found[name] = spans.fact(plain[0], value.node)
        elif (keyword := keyword_of(node, name)) is not None:
            found[name] = spans.fact(plain[0], keyword)
    return found


def keyword_of(node: ast.Call | None, name: str) -> ast.expr | None:
    """The expression that a call passes by a keyword."""
    return next((item.value for item in node.keywords if item.arg == name), None) if node is not None else None


def optimizer_name(path: str, args: list[Value], kwargs: dict[str, Value]) -> str | None:
    """The name of the optimiser that a call makes; None for any other call."""
    package, _, leaf = path.rpartition(".")
    if path in _NOT_OPTIMISERS or not leaf[:1].isupper():
        return None
    if package == "torch.optim" or (package.startswith("torch.optim.") and "lr_scheduler" not in package):
        return leaf.lower()
    given = args[0] if args else kwargs.get("params")
    if given is not None and networks_in(given) is not None and _OPTIMISER_NAME.search(leaf.lower()):
        return leaf.lower()
    return None


def positions(name: str) -> tuple[str, ...]:
    """The names of an optimiser's positional arguments, after the parameters."""
    return _POSITIONS.get(name, ("lr",))


def optimizer_arguments(name: str, args: list[Value], kwargs: dict[str, Value]) -> dict[str, Value]:
    """An optimiser's arguments by name, the parameters left out."""
    named = dict(zip(positions(name), args[1:], strict=False))
    return named | {key: value for key, value in kwargs.items() if key != "params"}


def networks_in(value: Value) -> tuple[str, ...] | None:
    """The networks whose parameters are among the values; None where there are no parameters at all."""
    found = [item for item in (value, *elements(value)) if isinstance(item, Parameters)]
    return tuple(dict.fromkeys(name for item in found for name in item.networks)) if found else None


def is_scheduler(path: str) -> bool:
    """Whether a call makes a learning-rate scheduler."""
    return path.startswith("torch.optim.lr_scheduler.") or bool(_SCHEDULER_NAME.search(path.rpartition(".")[2]))


def is_loader(path: str) -> bool:
    """Whether a class is a data loader, torch's or a library's."""
    leaf = path.rpartition(".")[2]
    return leaf in {"DataLoader", "StatefulDataLoader", "NeighborLoader", "ThreadDataLoader"} and "." in path


def loader_facts(
    node: ast.Call, args: list[Value], kwargs: dict[str, Value], spans: Spans, *, spread: bool
) -> tuple[dict[str, Fact[Any]], tuple[str, ...]]:
    """What a loader's call states, by the fields of `Loader`, and the arguments that are given but cannot be read."""
    named = dict(zip(_LOADER_POSITIONS, args[1:], strict=False)) | kwargs
    asked = {name: named[name] for name in _LOADER_FACTS if name in named and not is_none(named[name])}
    found = {name: fact for name, fact in facts(asked, spans).items() if _fits(name, fact.value)}
    unread = [name for name in asked if name not in found]
    if "batch_size" in named and "batch_size" not in asked:
        unread.append("batch_size")  # None: the data set hands out whole batches
    sampler = _sampler(node, named)
    if sampler is not None:
        found["sampler"] = spans.fact(ast.unparse(sampler), sampler)
    elif any(not is_none(named.get(name, _ABSENT)) for name in ("sampler", "batch_sampler")):
        unread.append("sampler")
    collate = keyword_of(node, "collate_fn")
    if collate is not None and not is_none(kwargs.get("collate_fn")):
        found["collate"] = spans.fact(ast.unparse(collate), collate)
    dataset = _dataset(node, args, kwargs, spans)
    if dataset is not None:
        found["dataset"] = dataset
    return found, (*unread, *(("**",) if spread else ()))


def _fits(name: str, value: Any) -> bool:
    if name in {"batch_size", "num_workers"}:
        return type(value) is int
    return isinstance(value, bool) or (name == "shuffle" and type(value) is int)


def _sampler(node: ast.Call, named: dict[str, Value]) -> ast.expr | None:
    for keyword in node.keywords:
        if keyword.arg in {"sampler", "batch_sampler"} and not is_none(named.get(keyword.arg)):
            return keyword.value
    for position in (3, 4):
        if len(node.args) > position and not is_none(named.get(_LOADER_POSITIONS[position - 1])):
            return node.args[position]
    return None


def dataset_of(node: ast.Call) -> ast.expr | None:
    """The expression that a loader is given as its data set."""
    expr = node.args[0] if node.args else keyword_of(node, "dataset")
    return None if isinstance(expr, ast.Starred) else expr


def _dataset(node: ast.Call, args: list[Value], kwargs: dict[str, Value], spans: Spans) -> Fact[str] | None:
    given = args[0] if args else kwargs.get("dataset")
    expr = dataset_of(node)
    if expr is None or is_none(given):
        return None
    if isinstance(given, Made):
        return spans.fact(given.path, expr)
    if isinstance(given, Unknown) and given.name:
        return spans.fact(given.name, expr)
    return spans.fact(ast.unparse(expr), expr)
