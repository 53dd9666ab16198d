"""nnlint: a linter and static architecture checker for PyTorch networks.

The public names are imported when first used: importing nnlint imports neither torch nor the engine.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnlint.api import graph as graph
    from nnlint.api import lint as lint
    from nnlint.api import lint_paths as lint_paths
    from nnlint.api import trace as trace

__version__ = "0.1.0"
__all__ = ["__version__", "graph", "lint", "lint_paths", "trace"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from nnlint import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Callable(ModuleType):
    """A module that is called as the function of the API that has its name."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from nnlint import api

        return getattr(api, self.__name__.rpartition(".")[2])(*args, **kwargs)


class _Package(ModuleType):
    """This package. ``nnlint.graph`` and ``nnlint.trace`` are functions and modules too: the import system binds the
    modules to these names, so they are made callable then."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in __all__ and isinstance(value, ModuleType):
            value.__class__ = _Callable
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
