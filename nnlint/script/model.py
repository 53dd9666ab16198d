"""`Script`: everything read from one file's source, before any of it runs."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from nnlint.recipe import Recipe
from nnlint.script.source import split_lines
from nnlint.site import Fact, Site


@dataclass(frozen=True, slots=True)
class Argument:
    """One parameter of a signature. ``default`` is the expression, None where there is none."""

    name: str
    kind: Literal["positional", "keyword", "var-positional", "var-keyword"]
    default: ast.expr | None = None
    annotation: str | None = None


@dataclass(frozen=True, slots=True)
class NetworkClass:
    """A class that is (or inherits from) ``torch.nn.Module``, a Lightning module included.

    Attributes:
        name: qualified name in the file (``Net``, ``Outer.Inner``, ``make.<locals>.Net``).
        bases: dotted names of the bases, imports resolved.
        arguments: the constructor's parameters without ``self`` (an inherited one of the same project is followed).
        forward: the parameters of ``forward`` without ``self``; empty where it has none.
        forward_name: ``forward``, or the method that plays its part in a class without one; None if there is none.
        used_by: names of other network classes of the file whose bodies build this one: it is a block of theirs.
    """

    name: str
    node: ast.ClassDef
    site: Site
    bases: tuple[str, ...]
    arguments: tuple[Argument, ...]
    forward: tuple[Argument, ...]
    forward_name: str | None
    used_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Factory:
    """A function that returns a network it builds (``def resnet18(num_classes=10): ... return net``)."""

    name: str
    node: ast.FunctionDef
    site: Site
    arguments: tuple[Argument, ...]
    builds: tuple[str, ...]  # dotted callees of the networks it builds


@dataclass(frozen=True, slots=True)
class Build:
    """An expression that builds a network: ``Net(10)``, ``nn.Sequential(...)``, ``timm.create_model("resnet18")``.

    Attributes:
        callee: dotted name of what is called, imports resolved; a class of this file by its own name.
        node: the outermost expression that still is the network (``Net(10).to(device)``).
        site: the span of the constructor call in it (``Net(10)``).
        statement: the statement it stands in.
        variable: what it is bound to (``model``, ``self.net``), "" if nothing.
        function: qualified name of the function it stands in, "" at module level (an ``if __name__`` body is module
            level with ``main`` true).
        owner: the network class whose body it stands in: then it is a part of that network, not a network.
    """

    callee: str
    node: ast.expr
    statement: ast.stmt
    site: Site
    variable: str = ""
    function: str = ""
    owner: str | None = None
    main: bool = False


@dataclass(frozen=True, slots=True)
class InputSpec:
    """An example tensor, described without torch. ``shape`` includes the batch axis where it is known to."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    name: str | None = None  # the keyword it is passed by
    batched: bool = True  # False: the batch axis is still to be put in front
    high: int | None = None  # for integers: the exclusive upper bound the source states


@dataclass(frozen=True, slots=True)
class InputHint:
    """What the source says about a network's inputs, and how strong that evidence is (the order of the kinds)."""

    kind: Literal["comment", "example-input", "call", "dataset", "transform"]
    inputs: tuple[InputSpec, ...]
    site: Site
    network: str | None = None  # the variable or class it is for; None: any network of the file
    #: for `call`: the argument expressions themselves, so that a loader can evaluate what it can
    node: ast.Call | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """One file, read.

    Attributes:
        path: as the user gave it.
        imports: local name → dotted name (``N`` → ``torch.nn``); a star import of torch's modules is expanded on use.
        constants: names bound once at module level to a plain value (literals, arithmetic over names, argparse
            defaults as ``args.width``, entries of dict and dataclass configs): dotted name → fact.
        networks, factories, builds, hints: in the order of the source.
        uses_torch: whether the file (or a file of the project it imports) can define or build a network at all.
    """

    path: str
    source: str
    tree: ast.Module
    imports: Mapping[str, str]
    constants: Mapping[str, Fact[Any]]
    networks: tuple[NetworkClass, ...]
    factories: tuple[Factory, ...]
    builds: tuple[Build, ...]
    hints: tuple[InputHint, ...]
    recipe: Recipe
    uses_torch: bool

    @property
    def lines(self) -> list[str]:
        """The source's lines as Python counts them (a form feed ends none), without their ends."""
        return split_lines(self.source)
