"""Which losses of a script judge which network."""

from __future__ import annotations

from nnlint.examine.scoping import is_another
from nnlint.graph import Graph
from nnlint.load.candidate import Candidate
from nnlint.recipe import Loss
from nnlint.script.model import Script
from nnlint.site import Site, of_node


def losses_of(script: Script, candidate: Candidate) -> tuple[Loss, ...]:
    """The losses on the output of a network, by the variables that hold it (``self`` inside its own class)."""
    own, names = _class_site(script, candidate), candidate.variables or _handed_on(script, candidate)
    return tuple(
        loss
        for loss in script.recipe.losses
        if loss.network is not None
        and (loss.network in names or (loss.network == "self" and _within(loss, own)))
        and not is_another(script, loss.network, loss.call_site, candidate)
    )


def trained_as(script: Script, candidate: Candidate) -> tuple[str, ...]:
    """The names the recipe has for a network: its variables, and ``self`` where its own class holds the training."""
    names = (*candidate.variables, *(loss.network for loss in losses_of(script, candidate) if loss.network))
    return tuple(dict.fromkeys(names)) or _handed_on(script, candidate)


def _handed_on(script: Script, candidate: Candidate) -> tuple[str, ...]:
    """What the one network of a file is called that is built and handed on in one go: ``Trainer(Net())``."""
    factories = {build.callee for build in script.builds}  # what they build is a part: ``conv_block(64, 128)``
    whole = [build for build in script.builds if build.owner is None and build.function not in factories]
    built = {(build.callee, build.variable) for build in whole}
    called = {run.network for run in script.recipe.passes}
    alone = built == {(type(candidate.module).__qualname__, "")} and len(called) == 1
    return tuple(called) if alone else ()


def of_part(script: Script, candidate: Candidate, graph: Graph) -> tuple[Loss, ...]:
    """The losses on the output of a part (``self.net``) inside the class of the network, where that part makes the
    network's own output."""
    own = _class_site(script, candidate)
    last = graph.output.inputs[0].path if len(graph.output.inputs) == 1 else None
    if last is None:
        return ()
    return tuple(
        loss
        for loss in script.recipe.losses
        if loss.network is not None
        and loss.network.startswith("self.")
        and _within(loss, own)
        and _is_part(last, loss.network.removeprefix("self."))
    )


def _is_part(path: str, part: str) -> bool:
    return path == part or path.startswith(part + ".")


def _class_site(script: Script, candidate: Candidate) -> Site | None:
    name = type(candidate.module).__qualname__
    whole = (cls.node for cls in script.networks if cls.name == name)  # `NetworkClass.site` is its header alone
    return next((of_node(script.path, script.lines, node) for node in whole), None)


def _within(loss: Loss, site: Site | None) -> bool:
    return site is not None and site.contains(loss.call_site)
