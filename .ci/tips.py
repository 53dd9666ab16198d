"""The tips and what they were measured to be worth, as a table for README.md."""

from __future__ import annotations

from nnlint.registry import list_measured, list_tips


def table() -> str:
    """A row for each tip that was put to the test; one line that says so while none was.

    Effects are the smallest and the largest mean difference of the tip's comparisons, in points.
    """
    measured = list_measured()
    if not measured:
        return "Nothing has been measured yet.\n"
    rows = ["| tip | following against departing, in points | put to the test |", "|---|---|---|"]
    for tip in list_tips():
        if (found := measured.get(tip.key)) is None:
            continue
        effects = [one.effect for one in found.comparisons if one.effect is not None]
        span = " to ".join(dict.fromkeys(signed(end) for end in (min(effects), max(effects)))) if effects else ""
        rows.append(f"| {tip.text.removesuffix('.')} | {span} | [{found.reading}](examples/TIPS.md#{tip.key}) |")
    return "\n".join(rows) + "\n"


def signed(points: float) -> str:
    """A difference with one digit and its sign."""
    text = f"{points:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")
