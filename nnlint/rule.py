"""How a rule is written: the decorators of a rule file, and the frozen objects they return.

A rule file is, in this order, its documentation (the module's docstring), its examples (`bad`, `good`), its check
(`graph_rule` or `recipe_rule`; exactly one) and its fix (`fix`, optional). The registry collects these objects by
type; the file's name is the rule's name, with hyphens.

A few faults show before there is a graph to check: a network that cannot be built or whose forward raises. nnlint finds
them itself while it examines a file; their files document them, give their level and examples, and say `run_rule`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from nnlint.finding import Edit, Finding, Level

# a check may have options besides: keyword-only parameters with a default (`Check.options`)
GraphCheck = Callable[..., Iterator[Finding]]
RecipeCheck = Callable[..., Iterator[Finding]]
FixFunction = Callable[[Finding], "tuple[Edit, ...] | Edit | None"]


@dataclass(frozen=True, slots=True)
class Example:
    """A piece of real code that shows the fault (``bad``) or a form that must stay quiet.

    Its function returns a network (for a graph rule), or is itself the script (for the others: its body's source).
    ``input`` is written as on the command line (``3x224x224``, ``long:1x16``); ``loss`` names a loss that judges the
    output (``binary_cross_entropy``).
    """

    function: Callable[..., Any]
    bad: bool
    input: str | None = None
    loss: str | None = None

    @property
    def name(self) -> str:
        """The function's name: says what the example shows."""
        return self.function.__name__


@dataclass(frozen=True, slots=True)
class Check:
    """The check of a rule file, with what the registry needs to know about it."""

    function: Callable[..., Iterator[Finding]]
    on: Literal["graph", "recipe", "run"]
    category: str
    level: Level
    since: str
    default: bool = True
    was: tuple[str, ...] = ()
    tips: tuple[str, ...] = ()

    @property
    def options(self) -> dict[str, Any]:
        """The options of the rule and their defaults: the keyword-only parameters of its function."""
        return dict(self.function.__kwdefaults__ or {})


@dataclass(frozen=True, slots=True)
class FixRule:
    """The fix of a rule file."""

    function: FixFunction
    safe: bool


def bad(*, input: str | None = None, loss: str | None = None) -> Callable[[Callable[..., Any]], Example]:
    """Marks an example that the rule must find."""
    return lambda function: Example(function, True, input, loss)


def good(*, input: str | None = None, loss: str | None = None) -> Callable[[Callable[..., Any]], Example]:
    """Marks an example on which the rule must stay quiet."""
    return lambda function: Example(function, False, input, loss)


def graph_rule(
    *,
    category: str,
    level: Level,
    since: str,
    default: bool = True,
    was: tuple[str, ...] = (),
    tips: tuple[str, ...] = (),
) -> Callable[[GraphCheck], Check]:
    """Marks the check of a rule that reads the network's graph (the loss included, as an op after the output).

    The keyword-only parameters of the check, each with a plain default, are the rule's options: users set them in the
    configuration (``[tool.nnlint.rules.small-batch]``).

    Args:
        category: the section of the tips it belongs to (``convolution``, ``activation``, ``loss`` …).
        level: the level of its findings, unless a finding chooses its own.
        since: the version of the pack that brought the rule.
        default: False for an opt-in rule, off unless selected.
        was: earlier names, which stay valid for ever.
        tips: the keys of the tips it serves, in the ``_tips.py`` of its pack; none for a fault that no tip names.
    """
    return lambda function: Check(function, "graph", category, level, since, default, was, tips)


def recipe_rule(
    *,
    category: str,
    level: Level,
    since: str,
    default: bool = True,
    was: tuple[str, ...] = (),
    tips: tuple[str, ...] = (),
) -> Callable[[RecipeCheck], Check]:
    """Marks the check of a rule that reads how a script trains (`Recipe`). Arguments as for `graph_rule`."""
    return lambda function: Check(function, "recipe", category, level, since, default, was, tips)


def run_rule(
    *, category: str, level: Level, since: str, was: tuple[str, ...] = (), tips: tuple[str, ...] = ()
) -> Check:
    """The check of a rule whose findings nnlint makes itself while it builds and runs a network.

    It checks no graph. Its examples are scripts, as those of a recipe rule. Arguments as for `graph_rule`.
    """
    return Check(lambda _: iter(()), "run", category, level, since, True, was, tips)


def fix(*, safe: bool) -> Callable[[FixFunction], FixRule]:
    """Marks the fix: a function from a finding to the edits that mend it (None where it cannot).

    It runs right after the check, where the finding still has its ops (`Finding.subjects`).

    Args:
        safe: the mended network computes the same numbers from the same state_dict, and learns by the same gradients.
    """
    return lambda function: FixRule(function, safe)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as the registry found it: one file's documentation, examples, check and fix."""

    name: str
    summary: str  # the docstring's first line
    doc: str  # the whole docstring
    check: Check
    examples: tuple[Example, ...]
    fix: FixRule | None
    pack: str  # the entry point that brought it
    module: str  # dotted module name
    file: str

    @property
    def category(self) -> str:
        """The section of the tips it belongs to."""
        return self.check.category

    @property
    def level(self) -> Level:
        """The level of its findings unless they choose their own."""
        return self.check.level
