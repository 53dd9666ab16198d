"""nnlint: a linter and static architecture checker for PyTorch networks.

The public names are imported when first used: importing nnlint imports neither torch nor the engine.
"""

from __future__ import annotations

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
