"""The options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeAlias

import typer


class Color(StrEnum):
    """When to colour the output."""

    auto = "auto"
    always = "always"
    never = "never"


class Threshold(StrEnum):
    """A level of findings, or none."""

    error = "error"
    warning = "warning"
    info = "info"
    never = "never"


class MinLevel(StrEnum):
    """The lowest level of findings to report."""

    error = "error"
    warning = "warning"
    info = "info"


class Format(StrEnum):
    """A format of the report."""

    full = "full"
    concise = "concise"
    json = "json"
    github = "github"
    sarif = "sarif"


class ListFormat(StrEnum):
    """A format of a listing."""

    text = "text"
    json = "json"


InputOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="SPEC",
        help="Example input, in order: 3x224x224, ids:long:1x128, name=bool:16. Repeatable.",
    ),
]
InputFunctionOption: TypeAlias = Annotated[
    str | None, typer.Option("--input-fn", metavar="MODULE:FUNCTION", help="A function that makes the arguments.")
]
BatchOption: TypeAlias = Annotated[int | None, typer.Option("--batch-size", min=1, help="Batch of the example input.")]
LossOption: TypeAlias = Annotated[
    str | None, typer.Option("--loss", metavar="NAME", help="The loss that judges the output: cross_entropy …")
]
ColorOption: TypeAlias = Annotated[Color, typer.Option("--color", help="Colour the output.")]
TimeOption: TypeAlias = Annotated[
    float, typer.Option("--time-limit", min=0.1, metavar="SECONDS", help="Longest time one file may take.")
]
QuietOption: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Only the findings: no summary, no notes.")]
VerboseOption: TypeAlias = Annotated[
    bool, typer.Option("--verbose", help="Also what the files printed, every network, and tracebacks.")
]
OutputOption: TypeAlias = Annotated[
    str | None, typer.Option("-o", "--output-file", metavar="FILE", help="Write the report there.")
]


def split(words: list[str] | None) -> tuple[str, ...]:
    """``--select a,b --select c``: the words of a repeatable option that also takes commas."""
    return tuple(word.strip() for text in words or () for word in text.split(",") if word.strip())
