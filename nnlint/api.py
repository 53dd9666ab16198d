"""The Python API: `trace`, `graph` and `lint` for a live network, `lint_paths` for files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnlint.errors import InputError
from nnlint.graph import Graph
from nnlint.report.model import Report
from nnlint.settings import Settings

if TYPE_CHECKING:
    from torch import fx, nn

    from nnlint.examine.network import Traced

#: what may judge a network: a loss module, a function (``F.cross_entropy``), or its op name (``cross_entropy``)
LossLike = Any


def trace(model: nn.Module, args: Any = (), kwargs: Mapping[str, Any] | None = None) -> fx.GraphModule:
    """Record one forward pass: ``trace(model, x)(x)`` returns what ``model(x)`` returns, in the same structure.

    The model runs where it is and in the mode it is in, and is afterwards bit for bit as it was.

    Args:
        model: any module.
        args: the positional arguments of its forward; a single tensor is taken for ``(tensor,)``. With neither
            ``args`` nor ``kwargs`` an input is inferred, as for files.
        kwargs: the keyword arguments.

    Raises:
        TraceError: if the forward pass raises.
        InputError: if no input is given and none is found.
    """
    from nnlint.trace.record import record

    if _given(args, kwargs):
        return record(model, args, kwargs)
    found = _inferred(model, evaluate=False)
    return record(model, found.inputs.args, found.inputs.kwargs)


def graph(
    model: nn.Module, args: Any = (), kwargs: Mapping[str, Any] | None = None, *, loss: LossLike | None = None
) -> Graph:
    """The network as a `Graph` of ops; arguments and errors as for `trace`.

    Args:
        loss: what judges the output: a loss module, a function, or an op name; it becomes an op after the output.
    """
    from nnlint.trace.build import build_graph

    return build_graph(
        trace(model, args, kwargs),
        model=model,
        name=type(model).__name__,
        how=_how(model),
        losses=() if loss is None else (loss,),
    )


def lint(
    model: nn.Module,
    args: Any = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    loss: LossLike | None = None,
    optimizer: Any = None,
    loader: Any = None,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    config: str | Path | None = None,
) -> Report:
    """Check a live network, and what of its training is handed over.

    Args:
        model, args, kwargs: as for `trace`; the network is looked at in eval mode, and left as it was.
        loss: as for `graph`.
        optimizer: a `torch.optim.Optimizer`.
        loader: the training `torch.utils.data.DataLoader`.
        select, ignore: rules, categories or ``all``, as on the command line.
        config: a configuration file whose rules, options, levels and ignores count; None: no configuration.

    Raises:
        TraceError: if the forward pass raises on the given arguments.
        UsageError: for a rule or a loss that does not exist, or a wrong configuration.
    """
    from nnlint.examine.live import examine_model

    settings = Settings(select=tuple(select), ignore=tuple(ignore))
    if config is not None:
        from nnlint.config.apply import Configs

        settings = Configs(Path(config)).settings(str(config), settings, [])
    traced = _recorded(model, args, kwargs) if _given(args, kwargs) else _inferred(model, evaluate=True)
    return examine_model(model, traced, settings, loss=loss, optimizer=optimizer, loader=loader)


def lint_paths(
    paths: Iterable[str],
    settings: Settings | None = None,
    *,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    config: str | Path | None = None,
    isolated: bool = False,
    fix: bool = False,
    unsafe_fixes: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Check files, folders and targets (``model.py:Net``) as the command line does.

    Args:
        settings: everything the command line can ask for; None for its defaults with ``select`` and ``ignore``.
        config: a configuration file for all of them; None: the closest to each, as the command line looks for it.
        isolated: use no configuration.
        fix: mend what can be mended, in the files; `Report.fixed` says what was, the findings are those that remain.
        unsafe_fixes: with ``fix``, mend as well what changes the numbers a network computes.
        progress: called after each file with the numbers of files done and of files in all.

    Raises:
        UsageError: for a path, rule or category that does not exist, or a wrong configuration.
    """
    from nnlint.config.apply import Configs
    from nnlint.engine import run

    configs = Configs(Path(config) if config is not None else None, isolated)
    asked = settings or Settings(select=tuple(select), ignore=tuple(ignore))
    if not fix:
        return run(paths, asked, progress, configs)
    from nnlint.fix import run as fixing

    result = fixing.fix(paths, asked, progress, configs, unsafe=unsafe_fixes)
    problems = fixing.write(result.changes)
    return replace(result.report, errors=(*result.report.errors, *problems))


def _given(args: Any, kwargs: Mapping[str, Any] | None) -> bool:
    return bool(kwargs) or not (isinstance(args, tuple | list) and not args)


def _how(model: nn.Module) -> str:
    from nnlint.examine.network import device_of

    return "meta" if device_of(model) == "meta" else "real"


def _recorded(model: nn.Module, args: Any, kwargs: Mapping[str, Any] | None) -> Traced:
    import torch

    from nnlint.examine.modes import evaluating
    from nnlint.examine.network import Traced, device_of
    from nnlint.inputs.search import Inputs
    from nnlint.trace.record import record

    args = (args,) if isinstance(args, torch.Tensor) else tuple(args)
    named = dict(kwargs or {})
    with evaluating(model):
        recorded = record(model, args, named)
    inputs = Inputs(args, named, "the arguments given", device_of(model), recorded)
    return Traced(model, recorded, inputs, _how(model))


def _inferred(model: nn.Module, *, evaluate: bool) -> Traced:
    from nnlint.examine.network import Subject, trace_network
    from nnlint.examine.proposals import carried_inputs
    from nnlint.inputs.search import NoInputs

    found = trace_network(Subject(model), carried_inputs(model), evaluate=evaluate)
    if isinstance(found, NoInputs):
        best = found.best
        tried = f" (the nearest try, {', '.join(best.inputs)}, ended in {best.fault.text})" if best else ""
        raise InputError(
            f"no input for {type(model).__name__} is given, and none was found{tried}",
            help="pass one: nnlint.lint(model, torch.randn(2, 3, 224, 224))",
        )
    return found
