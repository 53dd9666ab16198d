"""`record`: one forward pass of any model, as a runnable `torch.fx.GraphModule`."""

from __future__ import annotations

import copy
import gc
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import fx, nn
from torch.fx._lazy_graph_module import _LazyGraphModule

from nnlint.frames import is_foreign, position_site
from nnlint.site import Site
from nnlint.trace.definitions import Definitions
from nnlint.trace.failure import Failure, ForwardError, asks_for_values
from nnlint.trace.keep import Keeper
from nnlint.trace.leaves import unwrapped
from nnlint.trace.patches import patched
from nnlint.trace.paths import Paths
from nnlint.trace.recorder import Recorder
from nnlint.trace.run import ASSUMED, SITES
from nnlint.trace.templates import Template

_STARRED = (None, inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)  # at 1 and 2: as many stars


def record(
    model: nn.Module,
    args: Any = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    sites: Mapping[int, Site] | None = None,
    compile: bool = True,
    assume: bool = False,
) -> fx.GraphModule:
    """Run a model once and write down every operation.

    The model runs where it is (on the meta device nothing is computed) and in the mode it is in, and is afterwards as
    it was: parameters, buffers, gradients, attributes, hooks and random generators.

    Args:
        model: any module; data-parallel and compiled wrappers are looked through.
        args: positional arguments of its forward; a single tensor is taken for ``(tensor,)``.
        kwargs: keyword arguments.
        sites: `id` of a module → the expression that constructed it. Without it they are looked for in the source of
            the classes.
        compile: generate the Python code at once; otherwise when the module is first called.
        assume: on the meta device, take a condition on a tensor's values for False instead of failing; what was taken
            so is in the ``meta[ASSUMED]`` of the result.

    Returns:
        A module that returns for the same arguments what the model returns, in the same structure. Every node carries
        a `Run` in ``node.meta["nnlint"]``. Layers, parameters and buffers are shared with the model.

    Raises:
        ForwardError: if the forward pass raises.
    """
    args = (args,) if isinstance(args, torch.Tensor) else tuple(args)
    model, sites = _initialised(unwrapped(model), sites)
    args, named = _copied((args, dict(kwargs or {})), model)
    paths = Paths(model, _site_finder(model, sites))
    keeper = Keeper(model, paths.modules)
    recorder = Recorder(model, keeper, paths, on_meta=_is_meta(model, (args, named)), assume=assume)
    _placeholders(recorder, model, args, named)
    try:
        with _rare_collection(), patched(recorder), recorder:
            result = model(*args, **named)
        _observe_what_stays(recorder, keeper, (args, named))
    except Exception as error:
        raise _explained(error, recorder) from error
    finally:
        keeper.restore()
    recorder.give(result)
    module = _graph_module(model, recorder, compile)
    module.meta[SITES] = paths.site
    module.meta[ASSUMED] = tuple(dict.fromkeys(recorder.assumed))
    return module


def _observe_what_stays(recorder: Recorder, keeper: Keeper, arguments: tuple[tuple[Any, ...], dict[str, Any]]) -> None:
    """Results that outlive the pass in the network's attributes, or in a list or cache it was given."""
    args, named = arguments
    for value in (*keeper.added(), *args, *named.values()):
        recorder.observe(list(value.parameters()) if isinstance(value, nn.Module) else value)


@contextmanager
def _rare_collection() -> Iterator[None]:
    """A recording makes many objects that all stay: the usual collections would look at them again and again."""
    usual = gc.get_threshold()
    gc.set_threshold(100_000, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _initialised(model: nn.Module, sites: Mapping[int, Site] | None) -> tuple[nn.Module, Mapping[int, Site] | None]:
    """The model; a copy of it where it has lazy parameters, which the pass would give their shape."""
    lazy = [tensor for tensor in (*model.parameters(), *model.buffers()) if nn.parameter.is_lazy(tensor)]
    if not lazy:
        return model, sites
    # torch cannot copy a lazy buffer
    copied = copy.deepcopy(model, {id(t): _unshaped(t) for t in lazy})
    if sites is not None:
        pairs = zip(model.modules(), copied.modules(), strict=True)
        sites = {id(new): sites[id(old)] for old, new in pairs if id(old) in sites}
    return copied, sites


def _unshaped(tensor: Any) -> torch.Tensor:
    made: torch.Tensor = type(tensor)(tensor.requires_grad, tensor.device, tensor.dtype)
    return made


def _copied(value: Any, model: nn.Module) -> Any:
    """A structure of arguments with the same tensors in it: what the pass does to a list or a cache stays here."""
    memo = {id(kept): kept for kept in (*Template(value).tensors, *model.modules())}
    try:
        return copy.deepcopy(value, memo)
    except Exception:  # not everything can be copied; then it is used as it is
        return value


def _is_meta(model: nn.Module, arguments: Any) -> bool:
    tensors = (*model.parameters(), *model.buffers(), *Template(arguments).tensors)
    return any(tensor.device.type == "meta" for tensor in tensors)


def _site_finder(model: nn.Module, sites: Mapping[int, Site] | None) -> Callable[[nn.Module, str], Site | None]:
    if sites is not None:
        return lambda module, _path: sites.get(id(module))
    return Definitions(model).site


def _placeholders(recorder: Recorder, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """A placeholder for every parameter of ``forward``."""
    try:
        bound = inspect.signature(model.forward).bind(*args, **kwargs)
        parameters = list(bound.signature.parameters.values())
        given = bound.arguments
    except (TypeError, ValueError):  # no signature, or one that does not fit: the call itself will tell
        parameters = [
            inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL),
            inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD),
        ]
        given = {"args": args, "kwargs": kwargs}
    optional = False
    for parameter in parameters:
        default, optional = _default(parameter, optional)
        stars = "*" * _STARRED.index(parameter.kind) if parameter.kind in _STARRED else ""
        recorder.take(f"{stars}{parameter.name}", default, given.get(parameter.name))


def _default(parameter: inspect.Parameter, optional: bool) -> tuple[tuple[Any, ...], bool]:
    """The default a placeholder gets (none at all, or one), and whether a later one needs one too."""
    if parameter.kind in _STARRED:
        return (), optional
    if parameter.default is inspect.Parameter.empty:
        return ((None,) if optional else ()), optional
    simple = isinstance(parameter.default, bool | int | float | str)
    return (parameter.default if simple else None,), True


class _Root(nn.Module):
    """Where a graph's targets are found: first what the recorder added, then the model's own modules and state."""

    def __init__(self, model: nn.Module, extras: dict[str, Any]) -> None:
        super().__init__()
        self.__dict__.update(_model=model, _extras=extras, training=model.training)

    def __getattr__(self, name: str) -> Any:
        extras = self.__dict__["_extras"]
        return extras[name] if name in extras else getattr(self.__dict__["_model"], name)


def _graph_module(model: nn.Module, recorder: Recorder, compile: bool) -> fx.GraphModule:
    made = fx.GraphModule if compile else _LazyGraphModule
    return made(_Root(model, recorder.extras), recorder.graph, type(model).__name__)


def _explained(error: Exception, recorder: Recorder) -> ForwardError:
    noted = recorder.failure
    failure = noted[1] if noted is not None and _is_of(error, noted[0]) else Failure("", "", (), None)
    if failure.site is None and failure.call_site is None:
        failure = replace(failure, site=_raised_at(error))
    return ForwardError(error, failure, needs_values=recorder.meta and asks_for_values(error))


def _is_of(error: BaseException | None, origin: BaseException) -> bool:
    while error is not None:
        if error is origin:
            return True
        error = error.__cause__ or error.__context__
    return False


def _raised_at(error: BaseException) -> Site | None:
    """The innermost expression of the user's on an exception's way."""
    site = None
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if not is_foreign(code.co_filename):
            site = position_site(code, step.tb_lasti)
        step = step.tb_next
    return site
