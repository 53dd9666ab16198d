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

#: the functions that run a transform of another function, by the module they are looked up in
_TRANSFORMS = (
    ("torch._functorch.apis", "vmap_impl"),
    ("torch._functorch.eager_transforms", "grad_impl"),
    ("torch._functorch.eager_transforms", "grad_and_value_impl"),
)


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
        _replace(stack, torch.jit.ScriptFunction, "__call__", _script(recorder))
        _replace(stack, nn.Parameter, "__new__", staticmethod(_parameter(recorder)))
        for owner, name in _TRANSFORMS:
            if owner in sys.modules:
                original = getattr(sys.modules[owner], name)
                _replace(stack, sys.modules[owner], name, _opaque(recorder, original))
        _replace(stack, torch, "manual_seed", _seed(recorder))
        if recorder.meta:
            _replace(stack, torch.autocast, "__init__", _autocast_init())
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
        if is_leaf(self) and not recorder.computes_state_of(self):
            return recorder.module(call, self, args, kwargs, sys._getframe(1))
        recorder.enter(self)
        error: BaseException | None = None
        try:
            result = call(self, *args, **kwargs)
            if self._forward_hooks:
                recorder.observe(result)
            return result
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


def _opaque(recorder: Recorder, original: Callable[..., Any]) -> Callable[..., Any]:
    """A function transform: one operation."""

    def transform(*args: Any, **kwargs: Any) -> Any:
        if recorder.inside:
            return original(*args, **kwargs)
        return recorder.opaque(original, args, kwargs, sys._getframe(1), original)

    return transform


def _script(recorder: Recorder) -> Callable[..., Any]:
    original: Any = torch.jit.ScriptFunction.__call__

    def __call__(self: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: N807
        if recorder.inside:
            return original(self, *args, **kwargs)

        def run(*inner: Any, **named: Any) -> Any:
            return original(self, *inner, **named)

        return recorder.opaque(self, args, kwargs, sys._getframe(1), run)

    return __call__


def _parameter(recorder: Recorder) -> Callable[..., Any]:
    """A parameter made in the pass of a tensor the pass has made."""
    original = nn.Parameter.__new__

    def __new__(cls: type, data: Any = None, requires_grad: bool = True) -> Any:  # noqa: N807
        if recorder.inside or cls is not nn.Parameter or not recorder.made(data):
            return original(cls, data, requires_grad)

        def run(*args: Any) -> Any:
            return original(cls, *args)

        return recorder.opaque(cls, (data, requires_grad), {}, sys._getframe(1), run)

    return __new__


def _seed(recorder: Recorder) -> Callable[..., Any]:
    """A seed that the forward sets itself is set again when the recorded graph runs."""
    original = torch.manual_seed

    def manual_seed(seed: int) -> torch.Generator:
        if not recorder.inside:
            recorder.note_call(original, seed)
        return original(seed)

    return manual_seed


def _autocast_init() -> Callable[..., Any]:
    """Autocast on the meta device, which torch does not know: it is that of the CPU, and without effect."""
    original = torch.autocast.__init__

    def __init__(self: torch.autocast, device_type: str, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        original(self, "cpu" if device_type == "meta" else device_type, *args, **kwargs)

    return __init__
