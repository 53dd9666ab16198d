"""Libraries that fetch pretrained weights on their own: what they get while a file is loaded is the bare network.

Each entry is applied right after the library's module was imported (or when loading begins, if it was before).
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from nnlint.load.standin import Origin, StandIn

Change = tuple[Any, str, Any]


class NoConfigurationError(Exception):
    """A network that is made from a configuration on a hub, which is not on this machine."""


@contextmanager
def libraries() -> Iterator[None]:
    """While this is open, libraries build networks without fetching or reading weights."""
    with contextlib.ExitStack() as stack:
        watcher = _Watcher(stack)
        for name in _CHANGES:
            if name in sys.modules:
                watcher.change(sys.modules[name])
        # behind the finder of the project's own modules, before Python's
        sys.meta_path.insert(sys.meta_path.index(importlib.machinery.PathFinder), watcher)
        stack.callback(sys.meta_path.remove, watcher)
        yield


class _Watcher(importlib.abc.MetaPathFinder):
    """Sees a library's module right after it ran, and changes it before anybody takes a name from it."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self.stack = stack

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`."""
        if fullname not in _CHANGES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            run(module)
            self.change(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec

    def change(self, module: ModuleType) -> None:
        """Apply a module's changes, and take them back when loading is over."""
        for place, name, value in _CHANGES[module.__name__](module):
            if name in vars(place):
                self.stack.callback(setattr, place, name, vars(place)[name])
                setattr(place, name, value)


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _weights(*args: Any, **__: Any) -> StandIn:
    return StandIn(Origin("weights", f"the file of weights {args[0] if args else ''}", "it is not read"), "weights")


def _timm_builder(module: ModuleType) -> Iterator[Change]:
    yield module, "load_pretrained", _nothing
    yield module, "load_custom_pretrained", _nothing


def _timm_helpers(module: ModuleType) -> Iterator[Change]:
    yield module, "load_checkpoint", _nothing
    yield module, "load_state_dict", _weights


def _efficientnet(module: ModuleType) -> Iterator[Change]:
    yield module, "load_pretrained_weights", _nothing


def _segmentation_models(module: ModuleType) -> Iterator[Change]:
    make = module.get_encoder

    def get_encoder(*args: Any, **kwargs: Any) -> Any:
        kwargs["weights"] = None
        return make(*args[:3], **kwargs)

    yield module, "get_encoder", get_encoder


def _open_clip(module: ModuleType) -> Iterator[Change]:
    yield module, "download_pretrained", lambda *_, **__: "weights"
    yield module, "download_pretrained_from_hf", lambda *_, **__: "weights"
    yield module, "load_checkpoint", _nothing


def _safetensors(module: ModuleType) -> Iterator[Change]:
    yield module, "load_file", _weights
    yield module, "load_model", lambda *_, **__: ([], [])


def _transformers_models(module: ModuleType) -> Iterator[Change]:
    def from_pretrained(cls: Any, /, name: Any = None, *_: Any, config: Any = None, **kwargs: Any) -> Any:
        if config is None or isinstance(config, str):
            config = _configuration(lambda: cls.config_class.from_pretrained(config or name), config or name)
        for key in [key for key in kwargs if hasattr(config, key)]:
            setattr(config, key, kwargs[key])
        return cls(config)

    yield module.PreTrainedModel, "from_pretrained", classmethod(from_pretrained)


def _transformers_auto(module: ModuleType) -> Iterator[Change]:
    def from_pretrained(cls: Any, /, name: Any, *_: Any, config: Any = None, **kwargs: Any) -> Any:
        if config is None:
            config = _configuration(lambda: module.AutoConfig.from_pretrained(name), name)
        for key in [key for key in kwargs if hasattr(config, key)]:
            setattr(config, key, kwargs[key])
        return cls.from_config(config)

    yield module._BaseAutoModelClass, "from_pretrained", classmethod(from_pretrained)


def _diffusers_models(module: ModuleType) -> Iterator[Change]:
    def from_pretrained(cls: Any, /, name: Any, **kwargs: Any) -> Any:
        place = {"subfolder": kwargs["subfolder"]} if "subfolder" in kwargs else {}
        return cls.from_config(_configuration(lambda: cls.load_config(name, **place), name))

    yield module.ModelMixin, "from_pretrained", classmethod(from_pretrained)


def _configuration(read: Callable[[], Any], name: Any) -> Any:
    try:
        return read()
    except Exception as error:
        raise NoConfigurationError(
            f"the configuration of {str(name)!r} is not on this machine, and nnlint downloads nothing: fetch it once "
            f"(`hf download {name} config.json`) or build the network from a configuration in the file"
        ) from error


_CHANGES: dict[str, Callable[[ModuleType], Iterator[Change]]] = {
    "timm.models._builder": _timm_builder,
    "timm.models._helpers": _timm_helpers,
    "efficientnet_pytorch.utils": _efficientnet,
    "segmentation_models_pytorch.encoders": _segmentation_models,
    "open_clip.factory": _open_clip,
    "safetensors.torch": _safetensors,
    "transformers.modeling_utils": _transformers_models,
    "transformers.models.auto.auto_factory": _transformers_auto,
    "diffusers.models.modeling_utils": _diffusers_models,
}
