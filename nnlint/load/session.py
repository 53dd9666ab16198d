"""`Session`: one script being loaded: its module, its scopes, and the building of networks from expressions."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
from torch import nn

from nnlint.load.building import building, to_meta
from nnlint.load.constructors import constructors, take_sites
from nnlint.load.execute import Scope
from nnlint.load.importing import Finder, Project, project_of
from nnlint.script.model import Script
from nnlint.site import Site


class Session:
    """A script's module, loaded by its definitions, and what is built from it."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.project = project_of(script.path)
        self.project.trees[str(self.project.script)] = script.tree
        self.finder = Finder(self.project)
        sys.meta_path.insert(0, self.finder)
        sys.path[:0] = [root for root in self.project.roots if root not in sys.path]
        self.module: ModuleType = self._import()

    def _import(self) -> ModuleType:
        with building(), constructors():
            return importlib.import_module(self.project.name)

    @property
    def scope(self) -> Scope:
        """The module's own scope."""
        return self.project.scopes[self.project.name]

    def build(self, make: Callable[[], Any]) -> tuple[nn.Module, dict[int, Site]]:
        """Run what builds a network, without memory for its weights."""
        with building(), constructors():
            module = make()
        to_meta(module)
        return module, take_sites(module)
