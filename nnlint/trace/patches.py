"""What is replaced in torch while a pass is recorded, and put back afterwards."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from nnlint.trace.leaves import is_leaf, unwrapped
from nnlint.trace.recorder import Recorder


@contextlib.contextmanager
def patched(recorder: Recorder) -> Iterator[None]:
    """Have the recorder told of modules that are called, custom autograd functions and function transforms."""
    with contextlib.ExitStack() as stack:
        thread = threading.get_ident()
        fast = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)
        stack.callback(torch.backends.mha.set_fastpath_enabled, fast)
        _replace(stack, nn.Module, "__call__", _module_call(recorder, nn.Module._call_impl, nn.Module.__call__, thread))
        _replace(stack, torch.autograd.Function, "apply", classmethod(_apply(recorder, thread)))
        transforms = sys.modules.get("torch._functorch.apis")
        if transforms is not None:
            _replace(stack, transforms, "vmap_impl", _vmap(recorder, transforms.vmap_impl))
        flexible = sys.modules.get("torch.nn.attention.flex_attention")
        if hasattr(flexible, "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG"):
            _replace(stack, flexible, "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG", True)
        if "torch._dynamo" in sys.modules:
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        yield


def _replace(stack: contextlib.ExitStack, owner: Any, name: str, value: Any) -> None:
    stack.callback(setattr, owner, name, vars(owner)[name])
    setattr(owner, name, value)


def _module_call(
    recorder: Recorder, call: Callable[..., Any], original: Callable[..., Any], thread: int
) -> Callable[..., Any]:
    def __call__(self: nn.Module, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
        if threading.get_ident() != thread:
            return original(self, *args, **kwargs)
        if recorder.inside:
            return call(self, *args, **kwargs)
        inner = unwrapped(self)
        if inner is not self:
            return inner(*args, **kwargs)
        if is_leaf(self):
            return recorder.module(call, self, args, kwargs, sys._getframe(1))
        recorder.enter(self)
        error: BaseException | None = None
        try:
            return call(self, *args, **kwargs)
        except BaseException as raised:
            error = raised
            raise
        finally:
            recorder.leave(error)

    return __call__


def _apply(recorder: Recorder, thread: int) -> Callable[..., Any]:
    original = vars(torch.autograd.Function)["apply"].__func__

    def apply(cls: type[torch.autograd.Function], *args: Any, **kwargs: Any) -> Any:
        def run(*inner: Any, **named: Any) -> Any:
            return original(cls, *inner, **named)

        if recorder.inside or threading.get_ident() != thread:
            return run(*args, **kwargs)
        if cls is torch.utils.checkpoint.CheckpointFunction:  # the checkpointed part is part of the network
            return args[0](*args[2:])
        return recorder.opaque(cls, args, kwargs, sys._getframe(1), run)

    return apply


def _vmap(recorder: Recorder, original: Callable[..., Any]) -> Callable[..., Any]:
    def vmap_impl(*args: Any, **kwargs: Any) -> Any:
        if recorder.inside:
            return original(*args, **kwargs)
        return recorder.opaque(original, args, kwargs, sys._getframe(1), original)

    return vmap_impl
