"""How pages and drawings look: one style sheet, small enough to go into each."""

from __future__ import annotations

#: on light and on dark ground: the ground, text, quiet text, hairlines, the first of two, the second, what went wrong,
#: what was added and what was taken away. Text on its ground has a contrast of 4.5 at least (WCAG 2.2, 1.4.3)
LIGHT = {
    "ground": "#fdfdfb",
    "ink": "#1b1b19",
    "quiet": "#5c5c57",
    "hair": "#dcdcd6",
    "a": "#6f6f69",
    "b": "#0b5fa5",
    "wrong": "#a5281b",
    "added": "#1f6b35",
    "gone": "#a5281b",
}
DARK = {
    "ground": "#161715",
    "ink": "#e9e8e3",
    "quiet": "#a8a8a1",
    "hair": "#3a3b38",
    "a": "#9c9c95",
    "b": "#6bb3f0",
    "wrong": "#ff8f80",
    "added": "#7fcf94",
    "gone": "#ff8f80",
}


def _variables(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())


# paper is light, so the dark colours are for screens alone
STYLE = f"""
:root {{ color-scheme: light dark; {_variables(LIGHT)} }}
@media screen and (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}
body {{ margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 "Iowan Old Style", "Palatino Linotype", Palatino, "Book Antiqua", Georgia, serif; }}
main {{ max-width: 70rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }}
h1 {{ font-size: 1.65rem; font-weight: 600; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }}
h2 {{ font-size: 1.2rem; font-weight: 600; margin: 2.4rem 0 .4rem; padding-top: .5rem; border-top: 1px solid var(--ink);
  overflow-wrap: anywhere; }}
h3 {{ font-size: 1rem; font-weight: 600; margin: 1.5rem 0 .2rem; }}
p, ul {{ max-width: 44rem; margin: .35rem 0; overflow-wrap: anywhere; }}
ul {{ padding-left: 1.1rem; }}
a {{ color: var(--b); }}
.quiet {{ color: var(--quiet); }}
p.quiet, figcaption {{ color: var(--quiet); font-size: .875rem; }}
.lead {{ font-size: 1.15rem; line-height: 1.4; }}
.alarm {{ border-left: 3px solid var(--wrong); padding: .1rem .8rem; margin: .8rem 0; }}
.alarm strong, .wrong {{ color: var(--wrong); }}
.key-a {{ color: var(--a); font-weight: 600; }}
.key-b {{ color: var(--b); font-weight: 600; }}
.figures {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(min(19rem, 100%), 1fr)); gap: 1rem 1.6rem; }}
figure {{ margin: .6rem 0; max-width: 34rem; break-inside: avoid; }}
figure.small {{ max-width: 25rem; }}
figure.wide {{ max-width: none; overflow-x: auto; }}
figure.wide svg {{ min-width: 36rem; max-width: 48rem; }}
figcaption {{ line-height: 1.35; }}
.headline {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(min(10rem, 45%), 1fr)); gap: .8rem 1.6rem;
  margin: 1rem 0; }}
.headline dt {{ color: var(--quiet); font-size: .875rem; line-height: 1.3; }}
.headline dd {{ margin: 0; font-size: 1.6rem; line-height: 1.25; font-variant-numeric: lining-nums tabular-nums; }}
.headline dd small {{ display: block; color: var(--quiet); font-size: .875rem; line-height: 1.3; }}
.scroll {{ overflow-x: auto; margin: .4rem 0 .8rem; }}
.columns {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 0 2.5rem; }}
table {{ border-collapse: collapse; font: 13px/1.45 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: lining-nums tabular-nums; }}
caption {{ text-align: left; color: var(--quiet); padding-bottom: .2rem; }}
th, td {{ padding: .12rem 1.1rem .12rem 0; text-align: right; vertical-align: top; }}
th {{ font-weight: 400; }}
thead th {{ border-bottom: 1px solid var(--ink); vertical-align: bottom; }}
tbody tr + tr > * {{ border-top: 1px solid var(--hair); }}
tbody th, thead th:first-child {{ text-align: left; }}
tbody th {{ color: var(--quiet); }}
.words td {{ text-align: left; overflow-wrap: anywhere; }}
.words thead th {{ text-align: left; }}
summary {{ cursor: pointer; color: var(--quiet); }}
pre {{ font: 12.5px/1.45 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-x: auto;
  border: solid var(--hair); border-width: 1px 0; padding: .6rem 0; margin: .4rem 0; tab-size: 4; }}
pre .added {{ color: var(--added); }} pre .gone {{ color: var(--gone); }} pre .place {{ color: var(--quiet); }}
svg {{ display: block; width: 100%; height: auto; }}
svg text {{ font: 11.5px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; fill: var(--ink);
  font-variant-numeric: lining-nums tabular-nums; }}
svg text.quiet {{ fill: var(--quiet); }} svg text.a {{ fill: var(--a); }} svg text.b {{ fill: var(--b); }}
svg text.wrong {{ fill: var(--wrong); }} svg text.strong {{ font-weight: 600; }}
svg .axis {{ stroke: var(--quiet); stroke-width: 1; fill: none; }}
svg .grid {{ stroke: var(--hair); stroke-width: 1; fill: none; }}
svg .level {{ stroke: var(--quiet); stroke-width: 1; stroke-dasharray: 1.5 3; fill: none; stroke-linecap: round; }}
svg path.a {{ stroke: var(--a); }} svg path.b {{ stroke: var(--b); }}
svg path.curve {{ fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }}
svg path.thin {{ stroke-width: .8; opacity: .5; }}
svg path.band {{ stroke: none; opacity: .15; }}
svg path.band.a {{ fill: var(--a); }} svg path.band.b {{ fill: var(--b); }}
svg circle.a {{ fill: var(--a); }} svg circle.b {{ fill: var(--b); }}
svg circle.ring {{ fill: var(--ground); stroke: var(--b); stroke-width: 1.5; }}
svg path.cross {{ stroke: var(--wrong); stroke-width: 1.5; fill: none; }}
svg path.interval {{ stroke: var(--b); stroke-width: 2; fill: none; }}
svg path.stem {{ stroke: var(--hair); fill: none; }}
svg path.mean {{ fill: var(--b); }} svg .open {{ opacity: .55; }}
@media print {{ main {{ max-width: none; padding: 0; }} .scroll, figure.wide, pre {{ overflow: visible; }}
  pre {{ white-space: pre-wrap; }} tr {{ break-inside: avoid; }} h2, h3 {{ break-after: avoid; }} }}
"""
