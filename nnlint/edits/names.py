"""How a file spells the names of torch: by its imports."""

from __future__ import annotations

import ast

from nnlint.edits.source import Source

#: where a name of torch is defined and the module people import it from
_MODULES = ("torch.nn.functional", "torch.nn", "torch.optim", "torch.utils.data", "torch")


def imported(source: Source) -> dict[str, str]:
    """What the names that a file imports stand for: ``F`` → ``torch.nn.functional``."""
    names: dict[str, str] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.partition(".")[0]
                names[alias.asname or root] = alias.name if alias.asname else root
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def dotted(node: ast.AST) -> str | None:
    """``torch.nn.ReLU`` as text, None for anything but names and dots."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := dotted(node.value)) is not None:
        return f"{base}.{node.attr}"
    return None


def meaning(source: Source, node: ast.AST) -> str | None:
    """The full name of what an expression names: ``nn.ReLU`` → ``torch.nn.ReLU``; unchanged if it is not imported."""
    text = dotted(node)
    if text is None:
        return None
    first, dot, rest = text.partition(".")
    return imported(source).get(first, first) + dot + rest


def spelt(source: Source, full: str) -> str | None:
    """How a file may write a full name (``torch.nn.ReLU``) with the imports it has; None if it has none for it."""
    names = imported(source)
    whole = next((name for name, stands in names.items() if stands == full), None)
    if whole is not None:
        return whole
    parts = full.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:cut])
        found = next((name for name, stands in names.items() if stands == module), None)
        if found is not None:
            return ".".join([found, *parts[cut:]])
    return None


def in_scope(source: Source, expression: str) -> str | None:
    """An expression written with ``nn``, ``F`` and ``torch`` as a file with other imports would write it.

    None if the file has no name for something in it.
    """
    usual = {"nn": "torch.nn", "F": "torch.nn.functional", "torch": "torch"}
    tree = ast.parse(expression.replace("{}", "_"), mode="eval")
    names = imported(source)
    edits: list[tuple[int, int, str]] = []
    inner: set[ast.AST] = set()
    for node in ast.walk(tree):
        text = dotted(node)
        if text is None or node in inner:
            continue
        inner |= set(ast.walk(node))
        first, _, rest = text.partition(".")
        if first not in usual or names.get(first) == usual[first]:
            continue
        spelling = spelt(source, f"{usual[first]}.{rest}" if rest else usual[first])
        if spelling is None:
            return None
        edits.append((node.col_offset, node.end_col_offset or 0, spelling))  # type: ignore[attr-defined]
    text = expression.replace("{}", "_")
    for start, end, spelling in sorted(edits, reverse=True):
        text = text[:start] + spelling + text[end:]
    return text.replace("(_", "({}", 1) if "{}" in expression else text


def module_of(full: str) -> str | None:
    """The module of torch that a full name belongs to."""
    return next((module for module in _MODULES if full.startswith(f"{module}.")), None)
