"""``nnlint rules``: the table of all rules."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from nnlint.cli.options import Color, ColorOption, ListFormat


def rules(
    output_format: Annotated[ListFormat, typer.Option("--output-format")] = ListFormat.text,
    color: ColorOption = Color.auto,
) -> int:
    """List every rule: name, level, category and what it finds."""
    from nnlint.registry import list_rules
    from nnlint.report.style import Style, wants_color

    listing = list_rules()
    if output_format is ListFormat.json:
        import json

        from nnlint.cli.rule import as_document

        print(json.dumps([as_document(info) for info in listing.rules], indent=2, ensure_ascii=False))
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
    for error in listing.errors:
        sys.stderr.write(f"nnlint: error: {error}\n")
    return 2 if listing.errors else 0
