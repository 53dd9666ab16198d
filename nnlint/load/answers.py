"""What code gets for an answer while it is loaded, in place of a download, an exit, a device or a training step."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from nnlint.load.files import users_site
from nnlint.load.libraries import libraries
from nnlint.load.standin import Origin, StandIn


class NotRunError(Exception):
    """What the code wants is not done while nnlint loads it: a training step, an exit, code from a hub."""


@contextmanager
def answers() -> Iterator[None]:
    """While this is open, downloads, exits, device moves, wrappers and training steps are answered harmlessly."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        os.environ.setdefault(name, "1")  # libraries then say at once that something is not there
    with contextlib.ExitStack() as stack:
        for place, name, value in (*_system(), *_weights(), *_data(), *_wrappers(), *_training()):
            if hasattr(place, name):
                _put(stack, place, name, value)
        stack.enter_context(_arguments())
        stack.enter_context(libraries())
        yield


def _put(stack: contextlib.ExitStack, place: Any, name: str, value: Any) -> None:
    missing = object()
    own = vars(place).get(name, missing)
    if own is missing and name == "__new__":
        own = staticmethod(_plain_new)  # a class that had a `__new__` once no longer takes arguments without one
    setattr(place, name, value)
    stack.callback(lambda: delattr(place, name) if own is missing else setattr(place, name, own))


def _plain_new(cls: type, *_: Any, **__: Any) -> Any:
    return object.__new__(cls)


def _refused(what: str) -> Callable[..., Any]:
    def answer(*_: Any, **__: Any) -> Any:
        raise NotRunError(what)

    return answer


def _nothing(*_: Any, **__: Any) -> None:
    return None


Answers = Iterator[tuple[Any, str, Any]]


def _system() -> Answers:
    yield sys, "exit", _refused("the code ends the program (sys.exit)")
    yield os, "_exit", _refused("the code ends the program (os._exit)")
    yield os, "abort", _refused("the code ends the program (os.abort)")
    import builtins

    yield builtins, "exit", _refused("the code ends the program (exit)")
    yield builtins, "quit", _refused("the code ends the program (quit)")
    yield time, "sleep", _nothing
    yield signal, "signal", _nothing
    yield signal, "alarm", lambda *_: 0
    yield signal, "setitimer", lambda *_: (0.0, 0.0)


def _weights() -> Answers:
    """Pretrained weights are not loaded: a file of weights is a stand-in, and loading a state dict changes nothing."""
    import torch.utils.model_zoo

    yield torch, "load", _weights_of("torch.load")
    yield torch, "save", _nothing
    yield torch.hub, "load_state_dict_from_url", _weights_of("torch.hub.load_state_dict_from_url")
    yield torch.utils.model_zoo, "load_url", _weights_of("torch.utils.model_zoo.load_url")
    yield torch.hub, "download_url_to_file", _nothing
    yield torch.hub, "load", _refused("torch.hub.load would download and run code; nnlint does neither")
    yield nn.Module, "load_state_dict", _all_keys_match


def _all_keys_match(*_: Any, **__: Any) -> Any:
    from torch.nn.modules.module import _IncompatibleKeys

    return _IncompatibleKeys([], [])


def _weights_of(name: str) -> Callable[..., StandIn]:
    def answer(*args: Any, **kwargs: Any) -> StandIn:
        what = args[0] if args else next(iter(kwargs.values()), "")
        site = users_site(sys._getframe(1))
        return StandIn(Origin("weights", f"{name}({what!s:.80})", "weights are not loaded while linting", site), name)

    return answer


#: the number of classes of data sets everybody knows
_CLASSES = {"CIFAR100": 100, "ImageNet": 1000, "CelebA": 40, "EMNIST": 47, "Food101": 101, "Flowers102": 102}


def _data() -> Answers:
    """Data sets and loaders are not built: they are stand-ins."""
    import torch.utils.data

    def no_data(cls: type, *_: Any, **__: Any) -> StandIn:
        site = users_site(sys._getframe(1))
        origin = Origin("data", cls.__name__, "data sets are not loaded", site, _CLASSES.get(cls.__name__, 10))
        return StandIn(origin, cls.__name__)

    yield torch.utils.data.Dataset, "__new__", no_data
    yield torch.utils.data.DataLoader, "__new__", no_data
    yield torch.utils.data, "random_split", lambda data, lengths, *_, **__: [data] * len(lengths)


def _wrappers() -> Answers:
    """Wrappers that change nothing about the network are the network itself."""
    import torch.nn.parallel

    for cls in (nn.DataParallel, nn.parallel.DistributedDataParallel):
        yield cls, "__new__", _unwrapped
    yield torch, "compile", _unchanged
    yield torch.jit, "script", _unchanged
    yield torch.jit, "script_method", lambda fn, *_: fn
    yield nn.Module, "compile", _nothing
    for name in ("cuda", "cpu", "xpu", "ipu", "share_memory"):
        yield nn.Module, name, lambda self, *_, **__: self
    yield nn.Module, "to", _dtype_alone
    yield torch.cuda, "current_device", lambda: 0
    if torch.distributed.is_available() and not torch.distributed.is_initialized():
        yield torch.distributed, "init_process_group", _nothing
        yield torch.distributed, "get_rank", lambda *_: 0
        yield torch.distributed, "get_world_size", lambda *_: 1


def _unwrapped(cls: type, module: nn.Module | None = None, *_: Any, **__: Any) -> Any:
    """``nn.DataParallel(net)`` is ``net``; a subclass of it is what it is."""
    if cls in (nn.DataParallel, nn.parallel.DistributedDataParallel) and isinstance(module, nn.Module):
        module.__dict__.setdefault("module", module)
        return module
    return object.__new__(cls)


def unwrap(model: nn.Module) -> None:
    """Take the ``module`` off that a network got for being its own wrapper."""
    if model.__dict__.get("module") is model:
        del model.__dict__["module"]


def _unchanged(model: Any = None, *_: Any, **__: Any) -> Any:
    """``torch.compile(model)`` is ``model``, ``@torch.compile(...)`` decorates with nothing."""
    return model if model is not None else lambda decorated: decorated


_module_to = nn.Module.to


def _dtype_alone(self: nn.Module, *args: Any, **kwargs: Any) -> nn.Module:
    rest = [*args, kwargs.get("dtype")]
    dtype = next((value for value in rest if isinstance(value, torch.dtype)), None)
    return _module_to(self, dtype=dtype) if dtype is not None else self


def _training() -> Answers:
    step = _refused("a training step: nnlint does not train")
    yield torch.Tensor, "backward", step
    yield torch.autograd, "backward", step
    yield torch.optim.SGD, "step", step
    yield torch.optim.Adam, "step", step
    yield torch.optim.AdamW, "step", step


@contextmanager
def _arguments() -> Iterator[None]:
    """The command line is empty; a required option gets its first choice, or a neutral value of its type."""
    parse, argv = argparse.ArgumentParser.parse_known_args, sys.argv

    def parse_nothing(
        self: argparse.ArgumentParser, args: Any = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        if args is not None:
            return parse(self, args, namespace)
        words: list[str] = []
        for action in self._actions:
            words += _neutral(action)
        return parse(self, words, namespace)

    argparse.ArgumentParser.parse_known_args = parse_nothing  # type: ignore[method-assign,assignment]
    sys.argv = [argv[0] if argv else ""]
    try:
        yield
    finally:
        argparse.ArgumentParser.parse_known_args = parse  # type: ignore[method-assign]
        sys.argv = argv


def _neutral(action: argparse.Action) -> list[str]:
    """The words that satisfy a required option; none for one that may be left out."""
    if isinstance(action, argparse._SubParsersAction):
        return [next(iter(action.choices))] if action.required and action.choices else []
    if not action.required or action.nargs in (0, "?", "*"):
        return []
    value = str(next(iter(action.choices))) if action.choices else _NEUTRAL.get(action.type, "1")
    count = action.nargs if isinstance(action.nargs, int) else 1
    return [*action.option_strings[-1:], *[value] * count]


_NEUTRAL: dict[Any, str] = {int: "1", float: "1.0", str: "none", None: "none"}
