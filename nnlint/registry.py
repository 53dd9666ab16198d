"""Finds the rules: every module of every pack that an entry point of the group ``nnlint.rules`` names.

Two ways to look at a pack. `list_rules` reads its files by `ast`: names, documentation, levels and examples, without
importing anything (rules import torch for their examples). `load_rules` imports them, to run them.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from nnlint.errors import RulePackError
from nnlint.finding import LEVELS, Level
from nnlint.rule import Check, Example, FixRule, Rule

GROUP = "nnlint.rules"
CHECKS: dict[str, Literal["graph", "recipe", "run"]] = {
    "graph_rule": "graph",
    "recipe_rule": "recipe",
    "run_rule": "run",
}


@dataclass(frozen=True, slots=True)
class ExampleText:
    """An example of a rule file as its source text: the body of its function, without the indentation."""

    name: str
    bad: bool
    source: str
    line: int
    input: str | None = None
    loss: str | None = None


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """A rule as its file's source states it: the fields of `nnlint.rule.Rule`, without the functions."""

    name: str
    summary: str
    doc: str
    on: Literal["graph", "recipe", "run"]
    category: str
    level: Level
    since: str
    default: bool
    was: tuple[str, ...]
    fix: Literal["safe", "unsafe"] | None
    examples: tuple[ExampleText, ...]
    pack: str
    module: str
    file: str
    tips: tuple[str, ...] = ()
    #: its options and their defaults
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Listing:
    """Every rule found, by name, and the packs and files that could not be read: what is wrong costs only itself."""

    rules: tuple[RuleInfo, ...]
    errors: tuple[RulePackError, ...] = ()

    def by_name(self) -> dict[str, RuleInfo]:
        """The rules by name; an earlier name (``was``) leads to its rule too."""
        return {old: rule for rule in self.rules for old in rule.was} | {rule.name: rule for rule in self.rules}


@cache
def list_rules(local: tuple[str, ...] = ()) -> Listing:
    """Every rule of every installed pack, read from the source: nothing is imported.

    Args:
        local: rule files, and folders of them, that belong to no installed pack.
    """
    rules: dict[str, RuleInfo] = {}
    errors: list[RulePackError] = []
    for source in _sources(local, errors):
        try:
            rule = read_rule(source.file, source.pack, source.module)
            if (other := rules.get(rule.name)) is not None:
                message = f"a rule {rule.name!r} exists already, in {other.file}"
                raise RulePackError(message, where=rule.file, help="rename the file: its name is the rule's name")
            rules[rule.name] = rule
        except RulePackError as error:
            errors.append(error)
    if not rules and not errors:
        errors.append(RulePackError("no rule pack is installed", help=_REINSTALL))
    return Listing(tuple(rules[name] for name in sorted(rules)), tuple(errors))


@dataclass(frozen=True, slots=True)
class _Source:
    """A rule file, its pack, and the module it is imported as ("" for a local one)."""

    file: Path
    pack: str
    module: str

    @property
    def rule(self) -> str:
        return rule_name(self.file)


def rule_names() -> tuple[str, ...]:
    """The names of the rule files of the installed packs, whatever is in them: nothing is read."""
    return tuple(source.rule for source in _sources((), []))


def rule_name(file: Path) -> str:
    """The name of the rule of a file: the file's, with hyphens."""
    return file.stem.replace("_", "-")


def _sources(local: tuple[str, ...], errors: list[RulePackError]) -> Iterator[_Source]:
    packs: list[tuple[str, Callable[[], Path], str]]
    packs = [(point.name, partial(_folder, point), point.value) for point in _entry_points()]
    packs += [(path, partial(Path, path), "") for path in local]
    for pack, place, package in packs:
        try:
            for file in _rule_files(pack, place()):
                yield _Source(file, pack, f"{package}.{file.stem}" if package else "")
        except RulePackError as error:
            errors.append(error)


def _rule_files(pack: str, place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    files = sorted(file for file in place.glob("*.py") if not file.name.startswith("_"))
    if not files:
        raise RulePackError(f"the rule pack {pack!r} has no rules", where=str(place), help=_EMPTY)
    return files


def load_rules(
    names: Iterable[str] | None = None,
    errors: list[RulePackError] | None = None,
    local: tuple[str, ...] = (),
) -> tuple[Rule, ...]:
    """The rules, imported and ready to run, in the order of their names.

    Args:
        names: only these (a name that no rule has is left out); None for all.
        errors: packs and files that cannot be loaded are appended to it; without it the first one is raised.
        local: as for `list_rules`.

    Raises:
        RulePackError: if a rule cannot be loaded and ``errors`` is not given.
    """
    problems: list[RulePackError] = []
    loaded: dict[str, Rule] = {}
    if names is None:  # all of them: what cannot even be listed is a problem too
        listing = list_rules(local)
        problems += listing.errors
        names = [info.name for info in listing.rules]
    # nothing is read by `ast` here: a worker loads the rules for every file
    wanted, unlisted = set(names), list[RulePackError]()
    for source in _sources(local, unlisted):
        if source.rule in wanted and source.rule not in loaded:
            try:
                loaded[source.rule] = _load(source)
            except RulePackError as error:
                problems.append(error)
    if errors is not None:
        errors.extend(problems)
    elif problems:
        raise problems[0]
    return tuple(loaded[name] for name in sorted(loaded))


_EMPTY = "a rule is a module of the pack; put one there, or reinstall or remove the pack"
_REINSTALL = "reinstall nnlint; from a checkout: pip install -e ."


@dataclass(frozen=True, slots=True)
class Tip:
    """A piece of advice that rules serve: in one sentence, under a section (which is a category of rules)."""

    key: str
    section: str
    text: str


def list_tips() -> tuple[Tip, ...]:
    """The tips of every pack that has some, in the order written: the literal ``TIPS`` of its ``_tips.py``.

    Raises:
        RulePackError: if one cannot be read.
    """
    found: dict[str, Tip] = {}
    for point in _entry_points():
        file = _folder(point) / "_tips.py"
        if file.exists():
            found |= {tip.key: tip for tip in _read_tips(file)}
    return tuple(found.values())


def _read_tips(file: Path) -> Iterator[Tip]:
    try:
        sections: dict[str, dict[str, str]] = _literal(file, "TIPS")
        for section, tips in sections.items():
            yield from (Tip(key, section, text) for key, text in tips.items())
    except (OSError, SyntaxError, ValueError, AttributeError, KeyError) as error:
        message = "the tips cannot be read: expected TIPS = {section: {key: sentence}}, all literal"
        raise RulePackError(message, where=str(file)) from error


@dataclass(frozen=True, slots=True)
class Measured:
    """One comparison of a network that follows a tip with one that departs from it.

    Attributes:
        compared: the two, following first.
        data: what they were trained on.
        metric: ``accuracy`` or ``r2``.
        recipe: how they were trained.
        effect: the mean of following minus departing, in hundredths of the metric, and the interval of 95 % from
            ``low`` to ``high``; None where nothing could be subtracted.
        p: two-sided, of the exact sign-flip test.
        verdict: on following: ``better``, ``worse``, ``no evidence``, ``bit-identical`` …
    """

    compared: str
    data: str
    metric: str
    recipe: str
    effect: float | None
    low: float | None
    high: float | None
    p: float | None
    verdict: str


@dataclass(frozen=True, slots=True)
class TipMeasured:
    """What the measurements say of a tip.

    Attributes:
        reading: in a few words.
        span: the smallest and the largest effect of the comparisons in which the tip promises one, in hundredths of
            the metric.
        comparisons: all of them.
    """

    tip: str
    reading: str
    span: str
    comparisons: tuple[Measured, ...]


def list_measured() -> dict[str, TipMeasured]:
    """What following the tips was worth: the literal ``MEASURED`` in the ``_measured.py`` of every pack that has one.

    Returns:
        tip → what was measured; nothing of a tip that was not.

    Raises:
        RulePackError: if one cannot be read.
    """
    found: dict[str, TipMeasured] = {}
    for point in _entry_points():
        file = _folder(point) / "_measured.py"
        if file.exists():
            found |= {measured.tip: measured for measured in _read_measured(file)}
    return found


def _read_measured(file: Path) -> Iterator[TipMeasured]:
    try:
        for tip, (reading, span, comparisons) in _literal(file, "MEASURED").items():
            found = [
                Measured(compared, data, metric, *result)
                for compared, data, metric, results in comparisons
                for result in results
            ]
            yield TipMeasured(tip, reading, span, tuple(found))
    except (OSError, SyntaxError, ValueError, TypeError, AttributeError, KeyError) as error:
        form = "{tip: (reading, span, [comparisons])}"
        message = f"the measurements cannot be read: expected MEASURED = {form}, all literal"
        raise RulePackError(message, where=str(file)) from error


def _literal(file: Path, name: str) -> Any:
    """The literal that a file assigns to a name."""
    tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
    values = {
        ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target): node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
    }
    return ast.literal_eval(values[name])


def _entry_points() -> list[importlib.metadata.EntryPoint]:
    # an editable and a built install of the same project may both announce it
    points = {(point.name, point.value): point for point in importlib.metadata.entry_points(group=GROUP)}
    return [points[key] for key in sorted(points, key=lambda key: (key[0] != "nnlint", key))]  # nnlint's own come first


def _folder(point: importlib.metadata.EntryPoint) -> Path:
    try:
        spec = importlib.util.find_spec(point.value)
    except (ImportError, ValueError) as error:
        raise RulePackError(f"the rule pack {point.name!r} cannot be loaded: {error}", where=point.value) from error
    if spec is None or not spec.submodule_search_locations:
        raise RulePackError(
            f"the rule pack {point.name!r} cannot be loaded: there is no package {point.value!r}",
            where=f"entry point {GROUP}: {point.name} = {point.value}",
            help="a pack is a package with one rule a file; reinstall it or remove it",
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _load(source: _Source) -> Rule:
    try:
        module = importlib.import_module(source.module) if source.module else _module_at(source.file)
    except Exception as error:
        message = f"the rule pack {source.pack!r} cannot be loaded: {type(error).__name__}: {error}"
        raise RulePackError(message, where=str(source.file)) from error
    members = list(vars(module).values())
    checks = [member for member in members if isinstance(member, Check)]
    if len(checks) != 1:
        message = f"expected exactly one check, found {len(checks)}"
        raise RulePackError(message, where=str(source.file), help=_FORM)
    doc = inspect.cleandoc(module.__doc__ or "")
    return Rule(
        name=source.rule,
        summary=doc.partition("\n")[0].strip(),
        doc=doc,
        check=checks[0],
        examples=tuple(member for member in members if isinstance(member, Example)),
        fix=next((member for member in members if isinstance(member, FixRule)), None),
        pack=source.pack,
        module=source.module,
        file=str(source.file),
    )


@cache
def _module_at(file: Path) -> ModuleType:
    """A local rule file as a module of its own: its name says where it is, so two files never share one."""
    name = f"nnlint_local_rules.{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


# Reading a rule file by ast

_FORM = "a rule file is a docstring, its examples (@bad, @good), one check (@graph_rule, @recipe_rule) and maybe a @fix"


def read_rule(file: Path, pack: str, module: str) -> RuleInfo:
    """What one rule file states.

    Raises:
        RulePackError: if it cannot be read, has no docstring, not exactly one check, or arguments of a decorator that
            are not literal.
    """
    try:
        source = file.read_text(encoding="utf-8")
        tree = ast.parse(source, str(file))
    except (OSError, SyntaxError, ValueError) as error:
        raise RulePackError(f"the rule cannot be read: {error}", where=str(file)) from error
    doc = ast.get_docstring(tree)
    if not doc:
        raise RulePackError("the rule has no docstring, which is its documentation", where=str(file), help=_FORM)
    marks = list(_marks(tree))
    checks = [(CHECKS[name], call, function) for name, call, function in marks if name in CHECKS]
    if len(checks) != 1:
        raise RulePackError(f"expected exactly one check, found {len(checks)}", where=str(file), help=_FORM)
    on, call, function = checks[0]
    given = _arguments(call, file)
    missing = [name for name in ("category", "level", "since") if not isinstance(given.get(name), str)]
    if missing or given["level"] not in LEVELS:
        message = f"the check does not say its {missing[0]}" if missing else f"unknown level {given['level']!r}"
        raise RulePackError(message, where=f"{file}:{call.lineno}", help=f"levels are {', '.join(LEVELS)}")
    fixes = [_arguments(call, file).get("safe") for name, call, _ in marks if name == "fix"]
    return RuleInfo(
        name=rule_name(file),
        summary=doc.splitlines()[0].strip(),
        doc=doc,
        on=on,
        category=given["category"],
        level=given["level"],
        since=given["since"],
        default=given.get("default", True),
        was=tuple(given.get("was", ())),
        tips=tuple(given.get("tips", ())),
        options=_options(function, file) if function else {},
        fix=None if not fixes else "safe" if fixes[0] else "unsafe",
        examples=tuple(_examples(marks, source, file)),
        pack=pack,
        module=module,
        file=str(file),
    )


_Mark = tuple[str, ast.Call, ast.FunctionDef | None]


def _marks(tree: ast.Module) -> Iterator[_Mark]:
    """The decorators of the file's functions, and ``check = run_rule(...)``: their names, calls and functions."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call):
                    yield ast.unparse(decorator.func).rpartition(".")[2], decorator, node
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            yield ast.unparse(node.value.func).rpartition(".")[2], node.value, None


def _arguments(call: ast.Call, file: Path) -> dict[str, Any]:
    try:
        return {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg}
    except ValueError as error:
        message = "the arguments of a rule's decorators must be literal: they are read without importing the file"
        raise RulePackError(message, where=f"{file}:{call.lineno}") from error


def _options(function: ast.FunctionDef, file: Path) -> dict[str, Any]:
    arguments = function.args
    try:
        return {
            parameter.arg: ast.literal_eval(default) if default is not None else None
            for parameter, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        }
    except ValueError as error:
        message = "the options of a check need literal defaults: they are read without importing the file"
        raise RulePackError(message, where=f"{file}:{function.lineno}") from error


def _examples(marks: list[_Mark], source: str, file: Path) -> Iterator[ExampleText]:
    import textwrap

    lines = source.splitlines()
    for name, call, function in marks:
        if name in ("bad", "good") and function is not None:
            given = _arguments(call, file)
            first, last = function.body[0].lineno, function.body[-1].end_lineno
            text = textwrap.dedent("\n".join(lines[first - 1 : last]))
            yield ExampleText(function.name, name == "bad", text, first, given.get("input"), given.get("loss"))
