"""A target, opened: the one network it means, and how to build it with real weights in this process."""

from __future__ import annotations

import ast
import copy
import weakref
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from nnlint.adapt.arguments import Place, Use, Wanted, constructors, given
from nnlint.adapt.home import Home, drawn_from_torch
from nnlint.adapt.model import NetworkSource
from nnlint.errors import NnlintError, UsageError
from nnlint.examine.file import subject_of
from nnlint.examine.network import count_params
from nnlint.load.building import OnCPU, building, to_meta
from nnlint.load.candidate import Candidate, Failure, Loaded
from nnlint.load.load import load
from nnlint.load.timing import TookTooLongError
from nnlint.script.model import Build, Script
from nnlint.script.read import read
from nnlint.script.source import instead
from nnlint.site import of_node
from nnlint.targets import expand

#: parameters of a large network
LARGE = 4_000_000


@dataclass(eq=False)
class Opening:
    """A network of a file that can be built in this process, as often as wanted.

    Attributes:
        alone: the file has no other network: what it says of no network in particular is said of this one.
        notes: what happened when the file was loaded.
    """

    source: NetworkSource
    script: Script
    candidate: Candidate
    home: Home
    alone: bool
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        place = _maker(self.script, self.candidate)
        self.places = [*constructors(type(self.candidate.module)), *([place] if place is not None else [])]
        self._seen: weakref.WeakSet[nn.Module] = weakref.WeakSet(self.candidate.module.modules())
        #: classes of layers that are made once for all networks: at the class, or as a default argument
        self.shared: set[str] = set()

    @property
    def large(self) -> bool:
        """Whether its first weights take long to make, so that it is tried without them first."""
        return count_params(self.candidate.module) > LARGE

    def build(self, wanted: Wanted, *, meta: bool = False) -> tuple[nn.Module, Use]:
        """Build the network, on the CPU, with the numbers that torch's generator gives now.

        Args:
            wanted: values for the arguments that say something of the data.
            meta: build it on the meta device, without numbers.

        Raises:
            Exception: what the file's own code raises.
        """
        use = Use()
        with self.home.open(), drawn_from_torch(), given(self.places, wanted, use):
            try:
                with building() if meta else OnCPU():
                    net = subject_of(self.script, self.candidate).rebuild()
            except (SystemExit, TookTooLongError) as error:
                raise RuntimeError(str(error)) from error
        if meta:
            to_meta(net)
            return net, use
        return self._of_its_own(net), use

    def _of_its_own(self, net: nn.Module) -> nn.Module:
        """The network with fresh copies of layers that other networks have too, so that each is trained alone."""
        if not any(module in self._seen for module in net.modules()):
            self._seen.update(net.modules())
            return net
        places = [name for name, module in net.named_modules() if module in self._seen]
        own = copy.deepcopy(net)
        for place in places:
            layer = own.get_submodule(place)
            self._begin(layer)
        return own

    def _begin(self, layer: nn.Module) -> None:
        """Give a layer its first weights anew.

        Raises:
            NnlintError: if it has weights, and no ``reset_parameters`` as torch's layers have.
        """
        if not layer._parameters and not layer._buffers:
            return
        reset = getattr(layer, "reset_parameters", None)
        if not callable(reset):
            raise NnlintError(
                f"its layer {type(layer).__name__} is made once, when the file is loaded, and shared by all networks",
                where=self.candidate.target,
                help="make it in the constructor, not at the class or as a default argument",
            )
        self.shared.add(type(layer).__name__)
        layer.to_empty(device="cpu", recurse=False)
        reset()


def open_network(source: NetworkSource) -> Opening:
    """Load the file of a target by its definitions, and choose the network that is meant.

    Raises:
        UsageError: if there is no such file or network, or the file has several and none was named.
        ReadError: if the file is not Python.
        NnlintError: if the network cannot be built.
    """
    with instead(source.texts):
        targets = expand([source.target])
    if len(targets) != 1:
        raise UsageError(
            "this is a folder" if targets else "there is no Python file in this folder",
            where=source.target,
            help="give the file of one network: model.py, or model.py:Name",
        )
    home = Home(source.texts)
    # weights that are made when the definitions run are the same in every process
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        with home.open(), drawn_from_torch():
            script = read(targets[0].path)
            loaded = load(script, targets[0].name)
    candidate = _chosen(source, loaded)
    notes = loaded.notes
    if len(loaded.candidates) > 1:
        others = ", ".join(one.target for one in loaded.candidates if one is not candidate)
        notes = (f"{candidate.target} is the network that the file builds; it also defines {others}", *notes)
    return Opening(source, script, candidate, home, len(loaded.candidates) == 1, notes)


def _chosen(source: NetworkSource, loaded: Loaded) -> Candidate:
    if len(loaded.candidates) == 1:
        return loaded.candidates[0]
    built = [candidate for candidate in loaded.candidates if candidate.variables]
    if len(built) == 1:  # the file itself says which of its networks it is about
        return built[0]
    if loaded.candidates:
        names = ", ".join(candidate.target for candidate in loaded.candidates)
        raise UsageError(
            f"it has {len(loaded.candidates)} networks, and one is to be trained",
            where=source.target,
            help=f"name one: {names}",
        )
    if loaded.failures:
        raise _not_built(loaded.failures[0])
    raise UsageError("it defines no network", where=source.target, help="give the file of a torch.nn.Module")


def _not_built(failure: Failure) -> NnlintError:
    where = str(failure.site) if failure.site else failure.target
    return NnlintError(f"{failure.name} cannot be built: {failure.message}", where=where, help=failure.help)


def _maker(script: Script, candidate: Candidate) -> Place | None:
    """Where the file looks up the function that makes a network, if one does."""
    namespace = candidate.namespace
    for build in script.builds:
        if candidate.site == build.site:
            return _place(_callee(script, build), namespace)
    for factory in script.factories:
        if candidate.site == factory.site:
            return _place(ast.parse(factory.name, mode="eval").body, namespace)
    return None


def _callee(script: Script, build: Build) -> ast.expr | None:
    """What a build calls: ``models.resnet18`` in ``models.resnet18(weights=None).to(device)``."""
    calls = (node for node in ast.walk(build.node) if isinstance(node, ast.Call))
    return next((call.func for call in calls if of_node(script.path, script.lines, call) == build.site), None)


def _place(node: ast.expr | None, namespace: Any) -> Place | None:
    found: Place | None = None
    with suppress(Exception):  # a name that the loader itself cannot give is no place
        if isinstance(node, ast.Name):
            found = Place(namespace, node.id, namespace[node.id])
        elif isinstance(node, ast.Attribute):
            holder = eval(compile(ast.Expression(node.value), "<target>", "eval"), dict(namespace))
            found = Place(holder, node.attr, getattr(holder, node.attr))
    if found is None or isinstance(found.made, type) or not callable(found.made):
        return None
    return found
