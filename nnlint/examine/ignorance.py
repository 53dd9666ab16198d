"""Findings that hang on a value nnlint has assumed: nobody knows whether they are true, so nothing is said."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from nnlint.edits import text_of
from nnlint.finding import Finding
from nnlint.load.guessing import decides


def known(findings: Iterable[Finding], guesses: Iterable[str]) -> list[Finding]:
    """The findings at expressions that no assumed kernel size, stride, rate … is written in.

    Args:
        guesses: what was assumed of a network's arguments (`Candidate.guesses`): ``kernel_size=3``. Assumed numbers of
            channels and classes only say how large the network is: findings there stay.
    """
    assumed = {name for guess in guesses if decides(name := guess.partition("=")[0].strip())}
    return [finding for finding in findings if not assumed or not assumed & _names(finding)]


def _names(finding: Finding) -> set[str]:
    """The names and attributes in the expression a finding is at."""
    text = text_of(finding.site) if finding.site is not None else None
    try:
        tree = ast.parse(f"({text})") if text else None
    except SyntaxError:
        tree = None
    if tree is None:
        return set()
    nodes = list(ast.walk(tree))
    return {node.id for node in nodes if isinstance(node, ast.Name)} | {
        node.attr for node in nodes if isinstance(node, ast.Attribute)
    }
