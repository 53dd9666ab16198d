"""Pages of comparisons are read back: the figures in them, the places of the marks, and how much they claim."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from dataclasses import fields, replace
from html.parser import HTMLParser
from typing import Any
from xml.etree.ElementTree import Element, fromstring, tostring

import pytest
from made import comparison, diverged, out_of_memory, pairs, trained, variant

from nnlint.compare.figures import Row, curves, deltas, forest, interval, least_shown
from nnlint.compare.model import Comparison, Effect, Pair, Verdict
from nnlint.compare.page import render
from nnlint.compare.verdict import sentence
from nnlint.train.config import TrainConfig
from nnlint.train.markup import clean
from nnlint.train.results import Epoch, Trained

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;\x00\u202e\ud800"
SCORES = (0.90, 0.91, 0.92, 0.90, 0.91, 0.92, 0.90, 0.91)
BETTER = comparison(pairs(SCORES, [score + 0.02 + at / 1000 for at, score in enumerate(SCORES)]))
UNDECIDED = comparison(pairs(SCORES, [score + (0.02 if at % 2 else -0.02) for at, score in enumerate(SCORES)]))
SAME = comparison(pairs(SCORES, SCORES))
FEW = comparison(BETTER.pairs[:5])
PARTLY = comparison(pairs(SCORES, [diverged(), 0.95, 0.96, 0.95, 0.95, 0.97, 0.95, out_of_memory()]))
NEVER = comparison(pairs(SCORES, [diverged()] * 8))
EVERY = {"better": BETTER, "no evidence": UNDECIDED, "bit-identical": SAME, "too few seeds": FEW, "failed": NEVER}


class Reader(HTMLParser):
    """Elements with their attributes, and their text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def count(self, tag: str, class_: str = "") -> int:
        return sum(name == tag and class_ in ["", *(a.get("class") or "").split()] for name, a in self.elements)


def plain(text: str) -> str:
    """The text of a page, with common spaces."""
    return " ".join(re.sub(r"<[^>]*>", " ", text.split("</style>")[1]).replace("\u00a0", " ").split())


def long_run(seed: int, epochs: int, high: float) -> Trained:
    """A training with curves."""
    chance = random.Random(seed)
    done = tuple(
        Epoch(
            at,
            train_loss=2.3 * math.exp(-5 * at / epochs) * (1 + 0.1 * chance.random()),
            val_loss=2.3 * math.exp(-4 * at / epochs) * (1 + 0.1 * chance.random()),
            metrics={"accuracy": high - 0.8 * math.exp(-8 * at / epochs) - 0.005 * chance.random()},
            lr=1e-3,
            seconds=0.5,
            val_seconds=0.1,
            samples=1000,
        )
        for at in range(1, epochs + 1)
    )
    return replace(trained(high), epochs=done, final=done[-1].metrics, losses_digest=f"{seed}")


def long_pairs(seeds: int = 8, epochs: int = 100) -> tuple[Pair, ...]:
    return pairs(
        *([long_run(first + at, epochs, high) for at in range(seeds)] for first, high in ((0, 0.96), (99, 0.97)))
    )


def effect(mean: float, half: float | None = 0.005, verdict: Verdict = "better", metric: str = "accuracy") -> Effect:
    low, high = (None, None) if half is None else (mean - half, mean + half)
    return Effect(metric, (mean,) * 8, mean, 0.01, low, high, None if half is None else 0.0078, verdict)


def centre(mark: Element) -> float:
    """Where a diamond stands."""
    found = re.match(r"M([-\d.]+)", mark.get("d", ""))
    assert found
    return float(found[1]) + 5


@pytest.mark.parametrize("verdict", EVERY)
def test_the_verdict_comes_first_and_as_the_terminal_says_it(verdict: Verdict) -> None:
    one = EVERY[verdict]
    assert one.effect.verdict == verdict
    text = render([one])
    said = " ".join(sentence(one).split())
    assert said in plain(text)
    assert text.index('class="lead"') < text.index("<h3" if one.pairs else "<h2")


def test_a_verdict_stands_with_its_uncertainty() -> None:
    text = plain(render([BETTER]))
    low, high = BETTER.effect.low, BETTER.effect.high
    assert low is not None and high is not None
    assert (
        f"+2.35 points of accuracy on average over 8 seeds; 95 % interval {100 * low:+.2f} to {100 * high:+.2f}" in text
    )
    assert "exact sign-flip test, p = 0.0078" in text
    many = replace(BETTER, effect=replace(BETTER.effect, deltas=(0.02,) * 20))
    assert "; sign-flip test, drawn signs, p = 0.0078" in plain(render([many]))


def test_no_evidence_is_not_called_no_difference() -> None:
    text = plain(render([UNDECIDED]))
    assert "No evidence of a difference" in text
    assert "no evidence that the two are equally good either" in text
    assert "no difference" not in text.lower()
    low = replace(UNDECIDED, effect=replace(UNDECIDED.effect, p=0.01))
    assert "equally good" not in plain(render([low])) + plain(render([BETTER])) + plain(render([SAME]))


def test_too_few_seeds_have_neither_interval_nor_test() -> None:
    text = plain(render([FEW]))
    assert "on average over 5 seeds." in text
    assert "interval" not in text and "sign-flip" not in text


def test_unfinished_runs_stand_before_any_figure() -> None:
    text = render([PARTLY])
    assert len(PARTLY.unfinished) == 2
    for said in PARTLY.unfinished:
        assert text.index(said) < text.index("<svg")
    assert "Unfinished runs: 2" in text
    assert plain(text).count("diverged – A") == 1 and plain(text).count("failed – B") == 1
    assert "alarm" not in render([BETTER]).split("</style>")[1]


def test_every_seed_has_a_row_and_a_dot() -> None:
    drawn = deltas(BETTER.pairs, BETTER.effect, "plain", "mended")
    dots = [c for c in drawn.iter("circle") if c.get("class") == "b"]
    assert [dot.findtext("title", "").split(":")[0] for dot in dots] == [f"seed {at}" for at in range(8)]
    places = [float(dot.get("cx", 0)) for dot in dots]
    assert places == sorted(set(places))
    zero = next(p for p in drawn.iter("path") if p.get("class") == "axis").get("d", "")
    assert float(zero[1:].split()[0]) < places[0]
    (mean,) = (p for p in drawn.iter("path") if p.get("class") == "mean")
    assert centre(mean) == pytest.approx(sum(places) / 8, abs=0.2)
    (line,) = (p.get("d", "") for p in drawn.iter("path") if p.get("class") == "interval")
    low, high = (float(number) for number in re.findall(r"M([\d.]+) [\d.]+H([\d.]+)", line)[0])
    assert low < centre(mean) < high
    text = plain(render([BETTER]))
    for at in range(8):
        assert f"{at} {100 * SCORES[at]:.1f} % " in text


def test_a_pair_that_did_not_finish_is_a_cross() -> None:
    drawn = deltas(PARTLY.pairs, PARTLY.effect, "plain", "mended")
    crosses = [p.findtext("title") for p in drawn.iter("path") if p.get("class") == "cross"]
    assert crosses == ["seed 0: B did not finish", "seed 7: B did not finish"]
    assert sum(c.get("class") == "b" for c in drawn.iter("circle")) == 6


def test_nothing_is_drawn_of_nothing() -> None:
    text = render([NEVER])
    assert "Seed by seed" in text and "The difference, seed by seed" not in text
    assert "of nothing" not in text and "Diamond" not in text
    assert plain(text).count("diverged – A") == 4  # their table stays
    several = render([NEVER, NEVER]).split("<section")[0]
    assert "<svg" not in several and "8" in plain(several)
    some = render([BETTER, NEVER]).split("<section")[0]
    assert "not measured" in some and "of nothing" not in some
    (one,) = (deltas(FEW.pairs[:1], comparison(FEW.pairs[:1]).effect, "A", "B").iter("desc"),)
    assert "over 1 seed." in next(iter(one)).text


def test_many_seeds_fit() -> None:
    many = comparison(pairs(SCORES * 8, [score + 0.01 for score in SCORES * 8]))
    drawn = deltas(many.pairs, many.effect, "A", "B")
    assert float(drawn.attrib["viewBox"].split()[3]) < 500
    assert len(list(drawn.iter("circle"))) == 64
    assert not any("seed" in (t.text or "") for t in drawn.iter("text"))


def test_identical_pairs_are_named_and_lie_on_zero() -> None:
    text = plain(render([SAME]))
    assert text.count("0.00 identical") == 8
    assert "Their losses of an epoch differ by at most 0 in training and 0 in validation." in text
    assert "identical" not in plain(render([BETTER])).replace("bit-identical", "")
    drawn = deltas(SAME.pairs, SAME.effect, "A", "A")
    assert len({c.get("cx") for c in drawn.iter("circle")}) == 1


def test_curves_have_a_line_a_run_a_mean_and_a_band() -> None:
    drawn = curves(long_pairs(8, 20), "val_loss", "plain", "mended")
    looks = [p.get("class", "") for p in drawn.iter("path")]
    assert [looks.count(look) for look in ("curve a thin", "curve b thin", "curve a", "curve b")] == [8, 8, 1, 1]
    assert looks.count("band a") == looks.count("band b") == 1
    names = [t.text for t in drawn.iter("text") if t.get("class") in ("a", "b")]
    assert names == ["plain", "mended"]
    # where there is room the means, and they alone, have a dot an epoch
    assert len(list(curves(long_pairs(8, 4), "val_loss", "A", "B").iter("circle"))) == 8


def test_names_too_long_for_the_end_of_a_curve() -> None:
    drawn = curves(long_pairs(2, 3), "val_loss", "models/network.py:Net", "mended")
    assert [t.text for t in drawn.iter("text") if t.get("class") in ("a", "b")] == ["A", "B"]


def test_the_mean_is_that_of_the_runs_that_finished() -> None:
    a, b = long_run(1, 4, 0.9), long_run(2, 4, 0.9)
    broken = replace(long_run(3, 2, 0.5), ending="diverged", final={})
    epochs = tuple(replace(epoch, val_loss=math.nan) for epoch in broken.epochs)
    whole, part = (curves(pairs(first, [b] * len(first)), "val_loss", "A", "B") for first in ([a], [a, broken]))
    mean = [[p.get("d") for p in one.iter("path") if p.get("class") == "curve a"] for one in (whole, part)]
    assert mean[0] == mean[1]
    lost = curves(pairs([a, replace(broken, epochs=epochs)], [b, b]), "val_loss", "A", "B")
    assert [p.findtext("title") for p in lost.iter("path") if p.get("class") == "cross"] == [
        "epoch 1: not a number",
        "epoch 2: not a number",
    ]


def test_bands_of_a_loss_stay_above_zero() -> None:
    wide = [
        replace(
            long_run(at, 5, 0.9),
            epochs=tuple(replace(epoch, val_loss=epoch.val_loss * factor) for epoch in long_run(at, 5, 0.9).epochs),
        )
        for at, factor in enumerate((1e-3, 1.0, 10.0))
    ]
    drawn = curves(pairs(wide, wide), "val_loss", "A", "B")
    assert "log scale" in "".join(drawn.itertext())
    band = next(p.get("d", "") for p in drawn.iter("path") if p.get("class") == "band a")
    assert band.count("M") == 1


def test_a_metric_is_cut_off_where_its_beginning_would_hide_its_end() -> None:
    late = [(float(at), value) for at, value in enumerate((0.1, 0.5, 0.9, 0.95, 0.97, 0.98))]
    least = least_shown([late])
    assert least is not None and 0.5 < least < 0.95
    assert least_shown([[(1, 0.9), (2, 0.8)]]) is None
    assert least_shown([]) is None and least_shown([[(1, math.nan)]]) is None
    assert "Early epochs lie below" in plain(render([comparison(long_pairs(6, 20))]))


def test_a_page_of_eight_seeds_and_a_hundred_epochs_is_small() -> None:
    text = render([comparison(long_pairs())])
    assert len(text.encode()) < 300_000
    assert Reader(text).count("path", "thin") == 3 * 16


def test_the_page_needs_nothing_from_elsewhere() -> None:
    text = render([BETTER, UNDECIDED, PARTLY])
    read = Reader(text)
    assert {tag for tag, _ in read.elements}.isdisjoint({"script", "link", "img", "iframe", "object", "image", "use"})
    links = [a["href"] for _, a in read.elements if "href" in a]
    assert links == ["#comparison-1", "#comparison-2", "#comparison-3"]
    assert {a.get("id") for _, a in read.elements if a.get("id")} == {str(link)[1:] for link in links}
    assert "://" not in text and "@import" not in text and "url(" not in text


def hostile() -> Comparison:
    """User's text wherever there can be any."""
    bad = replace(variant(HOSTILE), target=HOSTILE, loss=HOSTILE, why=HOSTILE, notes=(HOSTILE,))
    return replace(
        PARTLY,
        a=bad,
        b=replace(bad, config=TrainConfig(device=HOSTILE)),
        data=HOSTILE,
        diff=f"--- {HOSTILE}\n+++ {HOSTILE}\n+{HOSTILE}\n-{HOSTILE}\n {HOSTILE}",
        fixes=(HOSTILE,),
        unfinished=(HOSTILE,),
        facts={HOSTILE: HOSTILE},
    )


@pytest.mark.parametrize("times", [1, 2])
def test_text_of_users_is_escaped_wherever_it_stands(times: int) -> None:
    text = render([hostile()] * times, title=HOSTILE, notes=(HOSTILE,))
    text.encode("utf-8")
    read = Reader(text)
    assert {tag for tag, _ in read.elements}.isdisjoint({"script", "img"})
    assert not any(name.startswith("on") for _, attributes in read.elements for name in attributes)
    assert not set("\x00\u202e\ud800") & set(text)
    assert text.count("&lt;script&gt;") >= 15


def test_the_diff_is_coloured() -> None:
    diff = "--- a.py\n+++ b.py\n@@ -1,2 +1,2 @@\n same\n-old\n+new\n"
    text = render([replace(BETTER, diff=diff)])
    for look, line in (("place", "--- a.py"), ("place", "+++ b.py"), ("gone", "-old"), ("added", "+new")):
        assert f'<span class="{look}">{line}</span>\n' in text
    assert "<pre" not in render([BETTER])


def test_cost_stands_side_by_side_with_its_ratio() -> None:
    assert BETTER.b.cost is not None
    dearer = replace(BETTER.b.cost, params=2468, seconds=0.75)
    text = plain(render([replace(BETTER, b=replace(BETTER.b, cost=dearer))]))
    assert "parameters 1234 2468 2.00" in text
    assert "time an epoch, training 500 ms 750 ms 1.50" in text
    assert "most memory in a step 3 MiB 3 MiB 1.00" in text
    without = plain(render([replace(BETTER, b=replace(BETTER.b, cost=None))]))
    assert "parameters 1234 – –" in without
    neither = replace(BETTER, a=replace(BETTER.a, cost=None), b=replace(BETTER.b, cost=None))
    assert "nothing was measured" in plain(render([neither]))


def test_the_recipe_is_said_to_decide() -> None:
    text = plain(render([BETTER]))
    assert "The recipe decides how big a difference looks" in text
    assert "Seeds: 0, 1, 2, 3, 4, 5, 6, 7." in text
    for field in fields(TrainConfig):
        if field.name not in ("lr", "clip", "augment", "mode", "seed"):
            assert field.name.replace("_", " ") in text
    assert "learning rate 0.003 (the usual)" in text


def test_rates_that_were_tried() -> None:
    a = replace(BETTER.a, config=TrainConfig(lr=1e-3), rates={1e-3: 0.95, 1e-2: 0.9})
    b = replace(BETTER.b, config=TrainConfig(lr=1e-2), rates={1e-3: 0.93, 1e-2: 0.96})
    text = render([replace(BETTER, a=a, b=b)])
    assert "learning rate 0.001 0.01" in plain(text)
    assert "0.001 95.0 % 93.0 % 0.01 90.0 % 96.0 %" in plain(text)
    strong = [part.replace("\u00a0", " ") for part in re.findall(r"<strong>([^<]*)</strong>", text)]
    assert {"95.0 %", "96.0 %", "0.01"} <= set(strong) and "93.0 %" not in strong


def test_several_comparisons_have_a_summary() -> None:
    text = render([BETTER, UNDECIDED, NEVER, SAME], notes=("Stopped early.",))
    shown = plain(text)
    assert "4 comparisons: 1 better, 1 no evidence, 1 failed, 1 bit-identical." in shown and "Stopped early." in shown
    # neither the failed nor the identical one was a test
    assert "2 tests were made" in shown
    assert "mended accuracy – – – failed" in shown and "0.00 points – – bit-identical" in shown
    (drawn,) = (fromstring(one) for one in re.findall(r"<svg.*?</svg>", text[: text.index("<section")], re.DOTALL))
    assert sum("mean" in (p.get("class") or "") for p in drawn.iter("path")) == 3


def test_no_comparison_has_no_page() -> None:
    with pytest.raises(ValueError, match="needs a comparison"):
        render([])


def test_a_comparison_without_runs() -> None:
    none = Effect("accuracy", (), math.nan, math.nan, None, None, None, "too few seeds")
    text = plain(render([replace(BETTER, pairs=(), effect=none)]))
    assert "No pair was run." in text and "nan" not in text


def test_effects_of_several_stand_in_order() -> None:
    drawn = forest([("up", effect(0.03)), ("none", effect(0.001, verdict="no evidence")), ("down", effect(-0.02))])
    marks = [p for p in drawn.iter("path") if (p.get("class") or "").startswith("mean")]
    up, none, down = (centre(mark) for mark in marks)
    assert down < none < up
    assert [mark.get("class") for mark in marks] == ["mean", "mean open", "mean"]
    assert [t.text for t in drawn.iter("text") if t.get("x") == "0"][1:] == ["up", "none", "down"]
    assert fromstring(tostring(drawn)).tag.endswith("svg")


def test_each_metric_has_an_axis_of_its_own() -> None:
    rows: Sequence[Any] = [("a", effect(0.01)), Row("b", effect(0.3, metric="r2")), ("c", effect(0.02)), ("d", None)]
    drawn = forest(rows)
    said = [t.text or "" for t in drawn.iter("text")]
    assert sum("mean difference" in text for text in said) == 2
    assert [text for text in said if text in "abcd"] == ["a", "c", "b", "d"]
    assert "not measured" in said
    bottom = max(float(t.get("y", 0)) for t in drawn.iter("text"))
    assert bottom <= float(drawn.attrib["viewBox"].split()[3])


def test_an_effect_much_larger_than_the_others_leaves_them_room() -> None:
    drawn = forest([("a", effect(0.01, 0.002)), ("b", effect(-0.01, 0.002)), ("c", effect(0.9, 0.1))])
    marks = [centre(p) for p in drawn.iter("path") if p.get("class") == "mean"]
    assert len(marks) == 2 and marks[0] - marks[1] > 25
    assert any((p.get("d") or "").endswith("l4 4l-4 4") for p in drawn.iter("path"))
    assert "+90.00" in [t.text for t in drawn.iter("text")]


def test_an_interval_without_an_end() -> None:
    endless = replace(effect(0.01), low=-math.inf, high=math.inf)
    assert interval(endless).replace("\u00a0", " ") == "\u2212∞ to +∞"
    for drawn in (forest([("a", endless)]), deltas(BETTER.pairs, endless, "A", "B")):
        arrows = [p.get("d", "")[-7:] for p in drawn.iter("path") if (p.get("class") or "").startswith("interval")]
        assert len(arrows) == 3
        fromstring(tostring(drawn))


def test_no_effects_at_all() -> None:
    assert forest([]).attrib["viewBox"] == "0 0 720 20"
    assert clean(forest([("x" * 80, effect(0.0, 0.0))]).findtext("desc") or "").startswith("x" * 80)


def test_what_was_not_fixed_stands_below_what_was() -> None:
    said = "some-rule (taken back: it brings about another)"
    text = plain(render([replace(BETTER, fixes=("relu-not-inplace",), unfixed=(said,))]))
    assert f"Fixes in B, unsafe ones included, the file left as it is: relu-not-inplace Not fixed: {said}" in text


def test_a_network_against_itself_has_two_seeds() -> None:
    made = replace(BETTER, pairs=tuple(replace(pair, seed_b=pair.seed + 1000) for pair in BETTER.pairs))
    text = plain(render([made]))
    assert "seeds A / B" in text
    assert "7 / 1007" in text
