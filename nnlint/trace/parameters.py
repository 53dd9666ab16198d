"""The parameters of a network as `Param`s, tied ones once, and the modules that hold some and never ran."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from torch import nn

from nnlint.graph import Op, Param

_PARAMETRIZED = "parametrizations."


class Parameters:
    """Every parameter of a network by its identity.

    Args:
        model: the network. Parameters that are met later and are none of its own (of layers it did not register) get
            keys after its own.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self._by_id: dict[int, Param] = {}
        self._by_path: dict[str, Param] = {}
        self._of_layer: dict[int, tuple[Param, ...]] = {}
        for path, tensor in model.named_parameters():
            self._add(path, tensor)
        #: the network's own, in its order
        self.own = tuple(self._by_id.values())

    def at(self, path: str) -> Param | None:
        """The parameter of this path (its first, where it has several)."""
        return self._by_path.get(path)

    def key(self, tensor: nn.Parameter) -> int | None:
        """The key of a parameter; None for one that is not known."""
        param = self._by_id.get(id(tensor))
        return param.key if param is not None else None

    def of(self, layer: nn.Module, path: str) -> tuple[Param, ...]:
        """The parameters of a layer that runs as one op at ``path``, by the names the layer knows them by."""
        known = self._of_layer.get(id(layer))
        if known is None:
            known = tuple(
                replace(self._by_id.get(id(tensor)) or self._add(f"{path}.{name}", tensor), role=_role(name))
                for name, tensor in layer.named_parameters()
            )
            self._of_layer[id(layer)] = known
        return known

    def _add(self, path: str, tensor: nn.Parameter) -> Param:
        shape = () if nn.parameter.is_lazy(tensor) else tuple(tensor.shape)
        dtype = str(tensor.dtype).removeprefix("torch.")
        made = Param(path, _role(path), shape, dtype, tensor.requires_grad, len(self._by_id))
        self._by_id[id(tensor)] = self._by_path[path] = made
        return made


def _role(name: str) -> str:
    _, parametrized, rest = name.rpartition(_PARAMETRIZED)  # parametrizations.weight.original is the weight
    return rest.partition(".")[0] if parametrized else name.rpartition(".")[2]


def unused_modules(parameters: Parameters, ops: Iterable[Op]) -> tuple[str, ...]:
    """Paths of the modules that hold parameters and never ran: the outermost ones of which no part ran.

    A module whose parameters somebody else read did run: its work was done for it.
    """
    ran = {""}
    layers: set[str] = set()
    read: set[int] = set()
    for op in ops:
        if op.path not in ran:
            ran.update(_upwards(op.path))
        if op.module is not None:
            layers.add(op.path)
        read.update([param.key for param in op.params])
    for path, tensor in parameters.model.named_parameters(remove_duplicate=False):
        if parameters.key(tensor) in read:
            ran.update(_upwards(path.rpartition(".")[0]))
    found: list[str] = []
    for path, module in parameters.model.named_modules():
        if path in ran or (found and path.startswith(found[-1] + ".")):
            continue
        if next(module.parameters(), None) is not None and layers.isdisjoint(_upwards(path)):
            found.append(path)
    return tuple(found)


def _upwards(path: str) -> Iterator[str]:
    """The path and those of the modules around it."""
    while path:
        yield path
        path = path.rpartition(".")[0]
