"""Pages of trainings are read back: what they say, and that nothing in them comes from anywhere else."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import fields, replace
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest

from nnlint.train import page, wording
from nnlint.train.chart import HEIGHT, LEFT, RIGHT, TOP, WIDTH
from nnlint.train.config import TrainConfig
from nnlint.train.markup import clean, document, node, short, table
from nnlint.train.results import Epoch, Trained
from nnlint.train.style import DARK, LIGHT, STYLE
from nnlint.train.svg import Scale, area, domain, log_ticks, path, runs, spread, tick_labels, ticks, wants_log

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;\x00\x1b[31m\u202e\ud800"
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Reader(HTMLParser):
    """What a browser would see: elements with their attributes, their text, and whether every one is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.stack: list[str] = []
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.stack and self.stack[-1] == tag, f"</{tag}> closes {self.stack[-1:]}"
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        for tag in set(self.stack):
            self.texts[tag][-1] += data

    def count(self, tag: str, class_: str = "") -> int:
        """How many elements of a tag have a class."""
        return sum(name == tag and class_ in ["", *(a.get("class") or "").split()] for name, a in self.elements)


def trained(
    epochs: int = 5,
    *,
    losses: Sequence[float] | None = None,
    scores: Sequence[float] | None = None,
    metric: str = "accuracy",
    **changes: Any,
) -> Trained:
    """A training of so many epochs."""
    losses = losses or [2.0 / (at + 1) for at in range(epochs)]
    scores = scores or [1 - 0.5 / (at + 1) for at in range(epochs)]
    done = tuple(
        Epoch(at + 1, loss, loss * 1.25, {metric: value, "mae": 3.0}, 0.003 / (at + 1), 0.5, 0.05, 1257)
        for at, (loss, value) in enumerate(zip(losses, scores, strict=True))
    )
    result = Trained(
        ending="finished",
        epochs=done,
        metric=metric,
        final={metric: 0.9833, "mae": 2.5},
        judged_on="test",
        best_epoch=epochs,
        first_loss=2.345,
        expected_first_loss=math.log(10),
        baseline=0.1017,
        steps=100,
        losses_digest="ab" * 32,
        state_digest="cd" * 32,
        seconds=12.34,
        settled_seconds=0.512,
        facts={"torch": "2.13.0", "threads": "2"},
    )
    return replace(result, **changes)


def rendered(one: Trained, recipe: TrainConfig | None = None, **changes: Any) -> str:
    """Its page."""
    given = {"title": "A training", "network": "Net", "data": "digits", "notes": ("1.13 M parameters",), **changes}
    return page.render(one, recipe=recipe or TrainConfig(), **given)


def drawings(text: str) -> list[Element]:
    """The drawings of a page, outer ones alone."""
    found = re.findall(r"<svg (?:(?!<svg).)*?(?:<svg.*?</svg>.*?)?</svg>", text, re.DOTALL)
    return [fromstring(one) for one in found]


def plain(text: str) -> str:
    """The text of a page, with common spaces."""
    return " ".join(re.sub(r"<[^>]*>", " ", text.split("</style>")[1]).replace("\u00a0", " ").split())


def test_the_headline_says_what_came_of_it() -> None:
    text = plain(rendered(trained(peak_bytes=3 * 2**30)))
    for said in (
        "accuracy on test data 98.3 % MAE 2.5",
        "best constant answer 10.2 %",
        "best epoch 5 of 5, 90.0 % on validation data",
        "training took 12.3 s 512 ms an epoch, 100 steps",
        "loss of the first batch 2.35 2.30 expected",
        "most memory on the GPU 3 GiB",
        "1.13 M parameters",
        "torch 2.13.0",
        "ab" * 32,
        "cd" * 32,
    ):
        assert said in text, said


def test_a_metric_without_a_known_baseline() -> None:
    text = rendered(trained(baseline=None, judged_on="val", expected_first_loss=None))
    assert "constant" not in plain(text)
    assert "accuracy on validation data 98.3 %" in plain(text)
    assert Reader(text).count("path", "level") == 0


def test_the_page_needs_nothing_from_elsewhere() -> None:
    read = Reader(rendered(trained(200)))
    assert {tag for tag, _ in read.elements}.isdisjoint({"script", "link", "img", "iframe", "object", "image", "use"})
    for _, attributes in read.elements:
        assert not {"src", "href", "srcset"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
    text = rendered(trained(200))
    assert "://" not in text and "@import" not in text and "url(" not in text
    assert "default-src 'none'" in text


def test_text_of_users_is_escaped_wherever_it_stands() -> None:
    one = trained(ending="failed", reason=HOSTILE, final={}, facts={HOSTILE: HOSTILE}, metric=HOSTILE)
    recipe = TrainConfig(device=HOSTILE, augment=(HOSTILE,))
    text = rendered(one, recipe, title=HOSTILE, network=HOSTILE, data=HOSTILE, notes=(HOSTILE,))
    text.encode("utf-8")
    read = Reader(text)
    assert {tag for tag, _ in read.elements}.isdisjoint({"script", "img"})
    assert not any(name.startswith("on") for _, attributes in read.elements for name in attributes)
    assert read.texts["h1"] == [clean(HOSTILE)]
    assert not set("\x00\x1b\u202e\ud800") & set(text)
    assert "\\u202e" in text


@pytest.mark.parametrize("epochs", [0, 1, 2, 30, 200])
def test_any_number_of_epochs(epochs: int) -> None:
    text = rendered(trained(epochs))
    read = Reader(text)
    assert read.count("tr") >= epochs
    assert len(drawings(text)) == (3 if epochs else 0)
    assert len(text) < 120_000
    for drawing in drawings(text):
        shown = [(float(t.get("x", 0)), float(t.get("y", 0)), t.get("text-anchor")) for t in drawing.iter("text")]
        assert len(shown) == len(set(shown))
        for x, y, _ in shown:
            assert 0 <= x <= WIDTH and 0 <= y <= HEIGHT
        ends = sorted(y for x, y, anchor in shown if x == WIDTH - RIGHT + 6)
        assert all(below - above >= 12 for above, below in pairwise(ends))
        below = sorted(x for x, y, anchor in shown if anchor == "middle")
        assert all(right - left >= 24 for left, right in pairwise(below))


def test_the_table_of_epochs_stands_open_unless_it_is_long() -> None:
    assert "open" in dict(Reader(rendered(trained(30))).elements)["details"]
    assert "open" not in dict(Reader(rendered(trained(31))).elements)["details"]


def test_tables_have_headers() -> None:
    text = rendered(trained(3))
    read = Reader(text)
    scopes = [a.get("scope") for tag, a in read.elements if tag == "th"]
    assert scopes and None not in scopes
    for name in ("epoch", "training loss", "validation loss", "accuracy", "MAE", "learning rate"):
        assert name in read.texts["th"]


@pytest.mark.parametrize("ending", ["diverged", "interrupted", "failed"])
def test_a_training_that_did_not_finish_says_so_before_anything_else(ending: Any) -> None:
    text = rendered(trained(3, ending=ending, reason="the reason of it", final={}))
    assert Reader(text).count("div", "alarm") == 1
    assert text.index("the reason of it") < text.index("<dl")
    assert f"{ending.capitalize()} after 3 epochs: the reason of it" in text
    assert "it did not finish" in plain(text)
    assert Reader(rendered(trained(3))).count("div", "alarm") == 0


def test_a_training_that_did_not_get_through_an_epoch() -> None:
    text = plain(rendered(trained(0, ending="diverged", reason="inf", final={}, seconds=0.0, settled_seconds=math.nan)))
    assert "Diverged before the first epoch was done: inf" in text
    assert "training took" not in text and "None was completed." in text


def test_dots_where_there_is_room() -> None:
    few, many = (len(list(drawings(rendered(trained(at)))[0].iter("circle"))) for at in (40, 41))
    assert (few, many) == (80, 0)


def test_a_loss_that_is_no_number_leaves_a_gap_and_a_cross() -> None:
    text = rendered(trained(6, losses=[2.0, 1.0, math.nan, 0.5, math.inf, 0.4], ending="diverged", final={}))
    losses = drawings(text)[0]
    lines = [p for p in losses.iter("path") if "curve" in p.get("class", "")]
    assert [line.get("d", "").count("M") for line in lines] == [3, 3]
    crosses = [p for p in losses.iter("path") if p.get("class") == "cross"]
    assert [cross.findtext("title") for cross in crosses] == ["epoch 3: not a number", "epoch 5: not a number"]
    assert "Crosses: 4 losses that are no numbers" in plain(text)
    assert "nan" not in plain(text).lower() and 'd="Mnan' not in text


def test_one_is_no_plural() -> None:
    assert "an epoch, 1 step loss of the first batch" in plain(rendered(trained(steps=1)))
    first, *others = trained().epochs
    broken = replace(trained(), epochs=(replace(first, val_loss=math.nan), *others))
    assert "Cross: 1 loss that is no number." in plain(rendered(broken))


def test_nothing_but_losses_that_are_no_numbers() -> None:
    text = rendered(trained(2, losses=[math.nan] * 2, scores=[math.nan] * 2, baseline=math.nan))
    assert plain(text).count("no value is a number") == 2


@pytest.mark.parametrize(("last", "log"), [(0.5, False), (0.001, True)])
def test_losses_over_more_than_two_decades_have_a_logarithmic_axis(last: float, log: bool) -> None:
    assert ("loss, log scale" in rendered(trained(3, losses=[1.0, 0.7, last]))) is log


def test_the_curve_rises_where_the_metric_does() -> None:
    metric = drawings(rendered(trained(10)))[1]
    (line,) = (p.get("d", "") for p in metric.iter("path") if "curve" in p.get("class", ""))
    points = [tuple(map(float, pair.split())) for pair in re.findall(r"[\d.]+ [\d.]+", line)]
    assert len(points) == 10
    xs, ys = zip(*points, strict=True)
    assert list(xs) == sorted(set(xs)) and list(ys) == sorted(ys, reverse=True)
    assert xs[0] >= LEFT and xs[-1] <= WIDTH - RIGHT and ys[-1] >= TOP
    (level,) = (p.get("d", "") for p in metric.iter("path") if p.get("class") == "level")
    assert float(level.split()[1].split("H")[0]) > max(ys)
    (ring,) = (c for c in metric.iter("circle") if c.get("class") == "ring")
    assert float(ring.get("cy", 0)) == pytest.approx(min(ys), abs=0.1)


def test_a_metric_far_under_the_constant_answer_leaves_the_rest_its_room() -> None:
    text = rendered(trained(4, metric="r2", scores=[-40.0, -0.1, 0.4, 0.5], baseline=0.0, final={"r2": 0.45}))
    assert "R² on test data 0.450" in plain(text)
    assert "lie below the figure" in plain(text)
    marks = [t.text or "" for t in drawings(text)[1].iter("text") if t.get("text-anchor") == "end"]
    assert "0.4" in marks and len(marks) >= 4


def test_the_recipe_has_every_knob() -> None:
    rows = dict(wording.recipe(TrainConfig()))
    assert len(rows) == len(fields(TrainConfig))
    assert rows["learning rate"] == "0.003 (the usual)" and rows["schedule"] == "one-cycle (the usual)"
    assert rows["augmentation"] == "none" and rows["gradients clipped to"] == "not clipped" and rows["compile"] == "no"
    chosen = dict(wording.recipe(TrainConfig(lr=0.5, clip=1.0, augment=("shift", "flip"), compile=True, device="cuda")))
    assert chosen["learning rate"] == "0.5" and chosen["gradients clipped to"] == "1" and chosen["device"] == "cuda"
    assert chosen["augmentation"] == "shift, flip" and chosen["compile"] == "yes"
    assert all(name in plain(rendered(trained())) for name in rows)


def test_drawings_name_themselves() -> None:
    for drawing in drawings(rendered(trained())):
        assert drawing.get("role") == "img"
        assert drawing.findtext("title") and drawing.findtext("desc")


def _luminance(colour: str) -> float:
    # WCAG 2.2, relative luminance
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["ink", "quiet", "a", "b", "wrong", "added", "gone"])
def test_text_can_be_told_from_its_ground(colours: dict[str, str], name: str) -> None:
    low, high = sorted((_luminance(colours[name]), _luminance(colours["ground"])))
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_both_grounds_have_all_colours() -> None:
    assert LIGHT.keys() == DARK.keys()
    assert set(re.findall(r"var\(--([a-z]+)\)", STYLE)) == set(LIGHT)
    assert "prefers-color-scheme: dark" in STYLE and "@media print" in STYLE
    assert STYLE.count("{") == STYLE.count("}")


@pytest.mark.parametrize(
    ("low", "high", "most", "whole", "expected"),
    [
        (0, 1, 5, False, (0, 0.5, 1)),
        (0, 1, 6, False, (0, 0.2, 0.4, 0.6, 0.8, 1)),
        (0.5, 1.5, 6, True, (1,)),
        (1, 10, 6, True, (2, 4, 6, 8, 10)),
        (1, 200, 6, True, (50, 100, 150, 200)),
        (-0.013, 0.021, 5, False, (-0.01, 0, 0.01, 0.02)),
        (3.3e-19, 4.1e-19, 5, False, (3.4e-19, 3.6e-19, 3.8e-19, 4e-19)),
        (-4e6, 9e6, 5, False, (0, 5e6)),
    ],
)
def test_ticks(low: float, high: float, most: int, whole: bool, expected: tuple[float, ...]) -> None:
    assert ticks(low, high, most, whole=whole) == pytest.approx(expected, rel=1e-9, abs=0)


@pytest.mark.parametrize("exponent", range(-8, 9))
@pytest.mark.parametrize("start", [-3.7, 0.0, 1.0, 12.3])
def test_ticks_are_even_and_inside(exponent: int, start: float) -> None:
    low, high = start * 10.0**exponent, (start + 2.9) * 10.0**exponent
    found = ticks(low, high)
    assert 2 <= len(found) <= 5
    steps = [after - before for before, after in pairwise(found)]
    assert steps == pytest.approx([steps[0]] * len(steps))
    assert low - 1e-9 * abs(low) <= found[0] and found[-1] <= high + 1e-9 * abs(high)


def test_ticks_by_logarithms() -> None:
    assert log_ticks(0.02, 4) == pytest.approx((0.03, 0.1, 0.3, 1, 3))
    assert log_ticks(0.001, 10) == pytest.approx((0.001, 0.01, 0.1, 1, 10))
    assert log_ticks(1e-9, 1) == pytest.approx((1e-9, 1e-7, 1e-5, 1e-3, 1e-1))


def test_labels_of_ticks() -> None:
    assert tick_labels((0, 0.25, 0.5)) == ("0.00", "0.25", "0.50")
    assert tick_labels((0.9, 0.95), percent=True) == ("90", "95")
    assert tick_labels((-0.01, 0, 0.01), percent=True, signed=True) == ("\u22121", "0", "+1")
    assert tick_labels((0, 1e-5)) == ("0", "1e\u221205")
    assert tick_labels(()) == ()


def test_scales() -> None:
    even = Scale(0, 10, 100, 0)
    assert [even(value) for value in (0, 5, 10)] == [100, 50, 0]
    by_logarithm = Scale(0.01, 100, 0, 4, log=True)
    assert [by_logarithm(value) for value in (0.01, 1, 100)] == pytest.approx([0, 2, 4])


@pytest.mark.parametrize(("low", "high", "log"), [(1, 1, False), (2, 1, False), (0, 1, True), (math.nan, 1, False)])
def test_no_scale(low: float, high: float, log: bool) -> None:
    with pytest.raises(ValueError, match="no scale"):
        Scale(low, high, 0, 1, log)


def test_domains_have_room() -> None:
    assert domain([0, 10, math.nan, math.inf]) == pytest.approx((-0.5, 10.5))
    assert domain([1, 100], log=True, margin=0.5) == pytest.approx((0.1, 1000))
    assert domain([-1, 0, 1, 1], log=True) == pytest.approx((math.exp(-0.1), math.exp(0.1)))
    assert domain([50, 50]) == pytest.approx((45, 55))
    assert domain([0]) == (-1, 1)
    assert domain([math.nan]) is None and domain([]) is None
    assert wants_log([1, 101]) and not wants_log([1, 99]) and not wants_log([0, 1000]) and not wants_log([])


def test_paths_have_gaps() -> None:
    points = [(0, 1), (1, 2), (2, math.nan), (3, 4.26), (4, math.inf)]
    assert runs(points) == [[(0, 1), (1, 2)], [(3, 4.26)]]
    assert path(points) == "M0 1L1 2M3 4.3h0"
    assert path([]) == ""
    upper, lower = [(0, 3), (1, 4), (2, math.nan)], [(0, 1.0), (1, 2), (2, 0)]
    assert area(upper, lower) == "M0 3L1 4L1 2L0 1Z"


@pytest.mark.parametrize(
    ("wished", "expected"),
    [
        ([10, 50], [10, 50]),
        ([50, 10], [50, 10]),
        ([50, 50], [50, 60]),
        ([98, 99], [90, 100]),
        ([-5, 0], [0, 10]),
        ([], []),
    ],
)
def test_labels_are_spread(wished: list[float], expected: list[float]) -> None:
    assert spread(wished, 10, 0, 100) == expected


def test_coordinates_are_short() -> None:
    assert [short(number) for number in (1.04, -0.04, 12.0, 3.16)] == ["1", "0", "12", "3.2"]


def test_elements_escape_and_join() -> None:
    made = node("p", "a<b", None, node("b", "c"), "d", "&e", class_="x", stroke_width=1.5, id=None)
    assert document("t<", made).count('<p class="x" stroke-width="1.5">a&lt;b<b>c</b>d&amp;e</p>') == 1
    assert "<title>t&lt;</title>" in document("t<")
    assert Reader(document("t", table(("", ""), [("a", "b")]))).count("thead") == 0


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (wording.number(1234567.0), "1234567"),
        (wording.number(0.00012345), "0.0001234"),
        (wording.number(2.5, 3, fixed=True), "2.50"),
        (wording.number(-math.inf), "\u2212∞"),
        (wording.score("accuracy", 0.98333), "98.3 %"),
        (wording.score("r2", -0.5), "\u22120.500"),
        (wording.score("r2", -3.46e-05), "0.000"),
        (wording.score("r2", -2.5e9), "\u22122.5e+09"),
        (wording.score("rmse", 59.53), "59.5"),
        (wording.score("accuracy", None), "–"),
        (wording.difference("accuracy", 0.01236), "+1.24 points"),
        (wording.difference("accuracy", -0.00001), "0.00 points"),
        (wording.difference("r2", -0.0312), "\u22120.031"),
        (wording.difference("r2", math.nan), "–"),
        (wording.difference("r2", math.inf), "+∞"),
        (wording.difference("accuracy", -math.inf), "\u2212∞"),
        (wording.duration(0.0123), "12.3 ms"),
        (wording.duration(0.99999), "1 s"),
        (wording.duration(99.96), "1 min 40 s"),
        (wording.duration(3725), "1 h 2 min"),
        (wording.duration(math.nan), "–"),
        (wording.count(987), "987"),
        (wording.count(12345), "12.3 k"),
        (wording.count(1_130_000), "1.13 M"),
        (wording.count(4.1e9), "4.1 G"),
        (wording.size(512), "512 B"),
        (wording.size(104 * 2**20), "104 MiB"),
    ],
)
def test_numbers_in_words(said: str, expected: str) -> None:
    assert said.replace("\u00a0", " ") == expected
