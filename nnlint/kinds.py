"""What kinds of operation there are: sets of op names with set algebra. Facts, no opinions.

An op nnlint cannot name (its `Op.name` is a dotted path) is in no kind, not even in a complement: a walk stops at it
and no rule fires. Ignorance is silence, decided once, here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnlint.graph import Op


@dataclass(frozen=True, slots=True)
class Kind:
    """A set of op names. ``op in kind``, ``a | b``, ``a & b``, ``a - b``, ``~a`` (all *named* ops but these)."""

    names: frozenset[str]

    @classmethod
    def of(cls, *names: str) -> Kind:
        """The kind of these names.

        Raises:
            ValueError: if a name is not one of nnlint's op names (a rule that could never fire).
        """
        unknown = sorted(set(names) - ALL) if ALL else []
        if unknown:
            import difflib

            near = difflib.get_close_matches(unknown[0], ALL, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"no op is called {unknown[0]!r}{hint}")
        return cls(frozenset(names))

    def __contains__(self, op: Op | str) -> bool:
        return (op if isinstance(op, str) else op.name) in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.names))

    def __len__(self) -> int:
        return len(self.names)

    def __or__(self, other: Kind) -> Kind:
        return Kind(self.names | other.names)

    def __and__(self, other: Kind) -> Kind:
        return Kind(self.names & other.names)

    def __sub__(self, other: Kind) -> Kind:
        return Kind(self.names - other.names)

    def __invert__(self) -> Kind:
        return Kind(ALL - self.names)


#: every op name nnlint knows; filled at the end of this module
ALL: frozenset[str] = frozenset()
