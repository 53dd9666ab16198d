"""Which rules run: ``select``, ``extend-select`` and ``ignore`` resolved against the rules there are."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from nnlint.check import INTERNAL_ERROR
from nnlint.errors import UsageError
from nnlint.registry import RuleInfo


def choose(
    rules: Iterable[RuleInfo], select: Iterable[str] = (), extend: Iterable[str] = (), ignore: Iterable[str] = ()
) -> tuple[str, ...]:
    """The names of the rules to run.

    A word is a rule's name (or a former one), a category or ``all``. The more specific word wins: a rule over its
    category over ``all``; between equals ``ignore`` does. Opt-in rules run only where a word covers them.

    Raises:
        UsageError: for a word that is none of these.
    """
    known = tuple(rules)
    selected = _words(known, select, "--select")
    wanted = selected | _words(known, extend, "--extend-select")
    ignored = _words(known, ignore, "--ignore")
    chosen: list[str] = []
    for rule in known:
        rank = _rank(rule, wanted)
        if rule.default and not selected:
            rank = max(rank, 0)
        if rank > _rank(rule, ignored):
            chosen.append(rule.name)
    return tuple(chosen)


def _rank(rule: RuleInfo, words: set[str]) -> int:
    """How specifically the words name the rule: 2 by name, 1 by category, 0 by ``all``, -1 not at all."""
    if rule.name in words:
        return 2
    if rule.category in words:
        return 1
    return 0 if "all" in words else -1


def _words(rules: tuple[RuleInfo, ...], words: Iterable[str], option: str) -> set[str]:
    resolved: set[str] = set()
    for word in words:
        name = _resolve(rules, word)
        if name is None:
            raise UsageError(f"there is no rule or category {word!r}", where=option, help=suggestion(rules, word))
        resolved.add(name)
    return resolved


def _resolve(rules: tuple[RuleInfo, ...], word: str) -> str | None:
    if word == "all" or any(word in (rule.name, rule.category) for rule in rules):
        return word
    return next((rule.name for rule in rules if word in rule.was), None)


def is_known(rules: Iterable[RuleInfo], word: str) -> bool:
    """Whether a word is a rule's name (or a former one), a category or ``all``."""
    return _resolve(tuple(rules), word) is not None


def covers(word: str, rule: str, category: str) -> bool:
    """Whether a word of an ignore means a finding of this rule."""
    return word in ("all", rule, category)


def suggestion(rules: tuple[RuleInfo, ...], word: str) -> str:
    """What to say about a word that names no rule."""
    if word == INTERNAL_ERROR:
        return "a crashed rule is always reported"
    names = {"all"} | {rule.name for rule in rules} | {rule.category for rule in rules}
    near = difflib.get_close_matches(word, sorted(names), n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}? `nnlint rules` lists them" if near else "`nnlint rules` lists them"


def find_rule(rules: Iterable[RuleInfo], name: str) -> RuleInfo:
    """The rule of that name, or that once had it.

    Raises:
        UsageError: if there is none.
    """
    known = tuple(rules)
    for rule in known:
        if name in (rule.name, *rule.was):
            return rule
    inside = [rule.name for rule in known if rule.category == name]
    if inside:
        raise UsageError(f"{name!r} is a category, not a rule", help=f"its rules: {', '.join(inside)}")
    raise UsageError(f"there is no rule {name!r}", help=suggestion(known, name))
