"""`State`: one try of the search for example inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from nnlint.inputs.slots import Slot
from nnlint.inputs.template import Template, leaves, tree_map


@dataclass(frozen=True, slots=True)
class State:
    """One try: the arguments as templates, the sizes of their named axes, and how far-fetched it is (``cost``)."""

    given: tuple[tuple[Slot, Any], ...]
    sizes: Mapping[str, int]
    cost: float = 0.0
    why: str = ""

    @property
    def key(self) -> str:
        """Equal for equal tries."""
        used = {axis for leaf in self.templates() if isinstance(leaf, Template) for axis in leaf.axes}
        sizes = sorted((name, size) for name, size in self.sizes.items() if name in used)
        return repr(([(slot.name, value) for slot, value in self.given], sizes))

    def templates(self) -> list[Any]:
        """The leaves of all arguments, in order."""
        return [leaf for _, value in self.given for leaf in leaves(value)]

    @property
    def numel(self) -> int:
        """How many numbers all the tensors hold."""
        return sum(prod(leaf.shape(self.sizes)) for leaf in self.templates() if isinstance(leaf, Template))

    def axes(self) -> set[str]:
        """The named axes in use."""
        found = (axis for leaf in self.templates() if isinstance(leaf, Template) for axis in leaf.axes)
        return {axis for axis in found if isinstance(axis, str)}

    def with_leaf(self, index: int, template: Template, cost: float) -> State:
        """The same with another template for one leaf."""
        count = -1

        def change(leaf: Any) -> Any:
            nonlocal count
            count += 1
            return template if count == index else leaf

        given = tuple((slot, tree_map(change, value)) for slot, value in self.given)
        return replace(self, given=given, cost=self.cost + cost)

    def with_sizes(self, cost: float, sizes: Mapping[str, int], why: str = "") -> State:
        """The same with other sizes."""
        return replace(self, sizes={**self.sizes, **sizes}, cost=self.cost + cost, why=why or self.why)
