"""The base class of Lightning modules where Lightning is not installed: as much of it as building a network needs."""

from __future__ import annotations

import inspect
import sys
from types import FrameType
from typing import Any

import torch
from torch import nn


class Hyperparameters(dict[str, Any]):
    """What ``save_hyperparameters`` saved: ``hparams.lr`` and ``hparams["lr"]``."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


class LightningModule(nn.Module):
    """A module that notes its hyper-parameters; what a trainer would do does nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()

    @property
    def hparams(self) -> Hyperparameters:
        """The hyper-parameters saved so far."""
        found: Hyperparameters = self.__dict__.setdefault("_hparams", Hyperparameters())
        return found

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next((parameter.device for parameter in self.parameters()), torch.device("cpu"))

    def save_hyperparameters(self, *args: Any, ignore: Any = (), frame: FrameType | None = None, **_: Any) -> None:
        """Saves the arguments of the constructor that calls it, or only those it names."""
        if args and not all(isinstance(arg, str) for arg in args):
            given = args[0] if isinstance(args[0], dict) else vars(args[0])
        else:
            given = _arguments(frame or sys._getframe(1))
            given = {name: given[name] for name in args if name in given} if args else given
        ignored = {ignore} if isinstance(ignore, str) else set(ignore or ())
        self.hparams.update({name: value for name, value in given.items() if name not in ignored})

    def _nothing(self, *_: Any, **__: Any) -> None:
        return None

    log = log_dict = print = freeze = unfreeze = _nothing


def _arguments(frame: FrameType) -> dict[str, Any]:
    """The arguments a constructor was called with, those in ``**kwargs`` included."""
    code, values = frame.f_code, frame.f_locals
    count = code.co_argcount + code.co_kwonlyargcount
    found = {name: values[name] for name in code.co_varnames[1:count] if name in values}
    if code.co_flags & inspect.CO_VARKEYWORDS:
        found |= values.get(code.co_varnames[count + bool(code.co_flags & inspect.CO_VARARGS)], {})
    return found
