"""``nnlint rules``: the table of all rules."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from nnlint.cli.options import Color, ColorOption, ListFormat

if TYPE_CHECKING:
    from nnlint.registry import Listing


def rules(
    tips: Annotated[
        bool, typer.Option("--tips", help="By the tips they serve: each tip of the post with its rules.")
    ] = False,
    output_format: Annotated[ListFormat, typer.Option("--output-format")] = ListFormat.text,
    color: ColorOption = Color.auto,
) -> int:
    """List every rule: name, level, category and what it finds."""
    from nnlint.config.apply import rules_here
    from nnlint.report.style import Style, wants_color

    listing = rules_here()
    if tips:
        return _by_tips(listing, output_format, color)
    if output_format is ListFormat.json:
        import json

        from nnlint.cli.rule import as_document
        from nnlint.registry import list_measured

        measured = list_measured()
        print(json.dumps([as_document(info, measured) for info in listing.rules], indent=2, ensure_ascii=False))
    else:
        style = Style(wants_color(sys.stdout, color.value))
        names = max((len(info.name) for info in listing.rules), default=0)
        for category in dict.fromkeys(sorted(info.category for info in listing.rules)):
            print(style.bold(category))
            for info in listing.rules:
                if info.category == category:
                    marks = (" [fix]" if info.fix else "") + ("" if info.default else " (opt-in)")
                    name = style.level(info.level, info.name.ljust(names))
                    print(f"  {name}  {info.level:<7}  {info.summary}{style.dim(marks)}")
    return _errors(listing)


def _errors(listing: Listing) -> int:
    for error in listing.errors:
        sys.stderr.write(f"nnlint: error: {error}\n")
    return 2 if listing.errors else 0


def _by_tips(listing: Listing, output_format: ListFormat, color: Color) -> int:
    from nnlint.registry import list_tips
    from nnlint.report.style import Style, wants_color

    tips = list_tips()
    serving = {tip.key: [info for info in listing.rules if tip.key in info.tips] for tip in tips}
    if output_format is ListFormat.json:
        import json

        documents = [
            {"key": tip.key, "section": tip.section, "tip": tip.text, "rules": [rule.name for rule in serving[tip.key]]}
            for tip in tips
        ]
        print(json.dumps(documents, indent=2, ensure_ascii=False))
        return _errors(listing)
    style = Style(wants_color(sys.stdout, color.value))
    for section in dict.fromkeys(tip.section for tip in tips):
        print(style.bold(section))
        for tip in tips:
            if tip.section == section:
                print(f"  {tip.text}")
                for rule in serving[tip.key]:
                    mark = "" if rule.default else style.dim(" (opt-in)")
                    print(f"      {style.level(rule.level, rule.name)}{mark}")
    without = [rule.name for rule in listing.rules if not rule.tips]
    print(style.bold("faults that no tip names"))
    print("\n".join(f"      {name}" for name in without))
    return _errors(listing)
