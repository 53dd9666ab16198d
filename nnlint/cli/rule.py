"""``nnlint rule NAME``: what a rule says, with its examples."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnlint.cli.options import Color, ColorOption, ListFormat
from nnlint.errors import UsageError

if TYPE_CHECKING:
    from nnlint.registry import ExampleText, Measured, RuleInfo, TipMeasured
    from nnlint.report.style import Style


def rule(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The rule's name.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every rule.")] = False,
    output_format: Annotated[ListFormat, typer.Option("--output-format")] = ListFormat.text,
    color: ColorOption = Color.auto,
) -> int:
    """Explain a rule: why, what to do, when it is quiet, and code that shows it."""
    from nnlint.config.apply import rules_here
    from nnlint.registry import list_measured
    from nnlint.report.style import Style, wants_color
    from nnlint.selection import find_rule

    if every == (name is not None):
        raise UsageError("give the name of one rule, or --all", where="nnlint rule", help="`nnlint rules` lists them")
    listing = rules_here()
    measured = list_measured()
    chosen = listing.rules if name is None else (find_rule(listing.rules, name),)
    if output_format is ListFormat.json:
        import json

        documents = [as_document(info, measured) for info in chosen]
        print(json.dumps(documents if every else documents[0], indent=2, ensure_ascii=False))
    else:
        style = Style(wants_color(sys.stdout, color.value))
        print("\n\n".join(as_text(info, style, measured) for info in chosen))
    for error in listing.errors:
        sys.stderr.write(f"nnlint: error: {error}\n")
    return 2 if listing.errors else 0


def as_document(info: RuleInfo, measured: Mapping[str, TipMeasured]) -> dict[str, Any]:
    """A rule as plain data, with what its tips were measured to be worth."""
    return {
        "name": info.name,
        "summary": info.summary,
        "category": info.category,
        "level": info.level,
        "checks": info.on,
        "default": info.default,
        "fix": info.fix,
        "since": info.since,
        "was": list(info.was),
        "tips": list(info.tips),
        "options": dict(info.options),
        "pack": info.pack,
        "documentation": info.doc,
        "measured": [dataclasses.asdict(measured[tip]) for tip in info.tips if tip in measured],
        "examples": [
            {"name": example.name, "bad": example.bad, "source": example.source, "input": example.input}
            for example in info.examples
        ],
    }


def as_text(info: RuleInfo, style: Style, measured: Mapping[str, TipMeasured]) -> str:
    """A rule as a page to read."""
    facts = [info.category, f"since {info.since}", f"fix: {info.fix or 'none'}"]
    facts += [] if info.default else ["opt-in: off unless selected"]
    facts += [f"was {', '.join(info.was)}"] if info.was else []
    facts += [f"pack {info.pack}"] if info.pack != "nnlint" else []
    facts += [f"{name.replace('_', '-')} = {_toml(value)}" for name, value in info.options.items()]
    head = f"{style.level(info.level, info.name)} ({info.level})\n{style.dim(', '.join(facts))}"
    parts = [head, info.doc.replace("``", "`").strip()]
    parts += [_measured(measured[tip]) for tip in info.tips if tip in measured]
    parts += [_example(example, style) for example in info.examples]
    return "\n\n".join(parts)


def _measured(measured: TipMeasured) -> str:
    """What a tip was measured to be worth, a line for each comparison."""
    head = f"Measured: {measured.tip}: {measured.reading}; what following it changes (examples/TIPS.md says how):"
    return "\n".join([head, *(f"  {comparison_line(comparison)}" for comparison in measured.comparisons)])


def comparison_line(measured: Measured) -> str:
    """What a comparison came to, in one line; no figure is a minus zero."""
    unit = "points" if measured.metric == "accuracy" else "hundredths of R²"
    effect = ""
    if measured.effect is not None and measured.verdict != "bit-identical":
        effect = f"{measured.effect:+z.1f} {unit}, "
        if measured.low is not None and measured.high is not None:
            effect = f"{measured.effect:+z.1f} [{measured.low:+z.1f}, {measured.high:+z.1f}] {unit}, "
    recipe = "" if measured.recipe == "own" else f", {measured.recipe}"
    return f"{measured.compared} ({measured.data}{recipe}): {effect}{measured.verdict}"


def _toml(value: Any) -> str:
    """The default of an option as the configuration writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(list(value)) if isinstance(value, tuple) else repr(value)


def _example(example: ExampleText, style: Style) -> str:
    said = example.name.replace("_", " ")
    label = style.level("error", "Bad") if example.bad else style.good("Good")
    details = [f"input {example.input}"] if example.input else []
    details += [f"loss {example.loss}"] if example.loss else []
    more = f" ({', '.join(details)})" if details else ""
    body = "\n".join(f"    {line}".rstrip() for line in example.source.splitlines())
    return f"{label}: {said}{more}\n{body}"
