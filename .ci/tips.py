"""The tips and what they were measured to be worth, as a table for README.md."""

from __future__ import annotations

from nnlint.registry import list_measured, list_tips


def table() -> str:
    """A row for each tip that was put to the test; one line that says so while none was."""
    measured = list_measured()
    if not measured:
        return "Nothing has been measured yet.\n"
    rows = ["| tip | following against departing, in points | put to the test |", "|---|---|---|"]
    for tip in list_tips():
        if (found := measured.get(tip.key)) is None:
            continue
        rows.append(f"| {tip.text.removesuffix('.')} | {found.span} | [{found.reading}](examples/TIPS.md#{tip.key}) |")
    return "\n".join(rows) + "\n"
