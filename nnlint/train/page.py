"""The page of one training: what came of it, its curves, its recipe, and what has to be known to repeat it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element

from nnlint.train import wording
from nnlint.train.chart import Curve, Frame, chart
from nnlint.train.config import TrainConfig
from nnlint.train.markup import document, node, table
from nnlint.train.results import Epoch, Trained
from nnlint.train.svg import Point, finite
from nnlint.train.wording import duration, is_share, named, number, score

#: up to so many epochs their table stands open
MOST_ROWS = 30
#: the data that judge, by their names in the results
_JUDGES = {"test": "test data", "val": "validation data"}


def render(
    trained: Trained, *, title: str, network: str, data: str, recipe: TrainConfig, notes: Sequence[str] = ()
) -> str:
    """The page, as HTML that needs nothing but itself: no script, nothing from elsewhere, curves as inline SVG.

    Args:
        trained: the training; it may have ended in any way, after any number of epochs.
        title: of the page.
        network, data: what was trained and on what, a line each.
        recipe: what was asked for.
        notes: sentences that belong on top: parameters, what was adapted, what was chosen and why.
    """
    return document(
        title,
        node("h1", title),
        node("p", network, class_="lead"),
        node("p", data, class_="quiet"),
        _alarm(trained),
        _headline(trained),
        node("ul", *(node("li", note) for note in notes)) if notes else None,
        node("h2", "Curves"),
        *_curves(trained, recipe),
        node("h2", "Epochs"),
        _epochs(trained),
        node("div", _recipe(recipe), facts(trained.facts.items()), class_="columns"),
        node("p", "Losses of all steps, SHA-256: ", node("code", trained.losses_digest), class_="quiet"),
        node("p", "Last weights, SHA-256: ", node("code", trained.state_digest), class_="quiet"),
    )


def facts(pairs: Iterable[tuple[str, str]]) -> Element:
    """What has to be known to repeat it, as a section with a table."""
    rows: list[tuple[Element | str | None, ...]] = list(pairs)
    return node("section", node("h2", "Machine and versions"), table(("", ""), rows, class_="words"))


def _recipe(recipe: TrainConfig) -> Element:
    rows: list[tuple[Element | str | None, ...]] = list(wording.recipe(recipe))
    return node("section", node("h2", "Recipe"), table(("", ""), rows, class_="words"))


def _alarm(trained: Trained) -> Element | None:
    """How it ended, where it did not just finish."""
    if trained.ending == "finished":
        return None
    means = {
        "diverged": "The loss stopped being a number. Nothing here says how good the network is.",
        "interrupted": "What follows is what was reached until then, not what the recipe comes to.",
        "failed": "The code raised an error. What follows is what was reached until then.",
    }
    said = node("p", node("strong", wording.ending(trained)))
    return node("div", said, node("p", means[trained.ending]), class_="alarm", role="note")


def _headline(trained: Trained) -> Element:
    """The figures one looks for first."""
    metric, judge = trained.metric, _JUDGES.get(trained.judged_on, trained.judged_on)
    rest = [f"{named(name)} {number(value, 3)}" for name, value in trained.final.items() if name != metric]
    figures = [
        _figure(f"{named(metric)} on {judge}", score(metric, trained.score), ", ".join(rest) or _without(trained))
    ]
    if trained.baseline is not None:
        beaten = f"on {judge}: what has to be beaten"
        figures.append(_figure("best constant answer", score(metric, trained.baseline), beaten))
    best = next((epoch for epoch in trained.epochs if epoch.number == trained.best_epoch), None)
    if best:
        reached = f"of {len(trained.epochs)}, {score(metric, best.metrics.get(metric))} on validation data"
        figures.append(_figure("best epoch", str(best.number), reached))
    if trained.epochs:
        settled = (
            f"{duration(trained.settled_seconds)} an epoch, {trained.steps} step{'' if trained.steps == 1 else 's'}"
        )
        figures.append(_figure("training took", duration(trained.seconds), settled))
    expected = trained.expected_first_loss
    knowing = (
        f"{number(expected, 3, fixed=True)} expected of a network that knows nothing" if expected is not None else ""
    )
    figures.append(_figure("loss of the first batch", number(trained.first_loss, 3, fixed=True), knowing))
    if trained.peak_bytes is not None:
        figures.append(_figure("most memory on the GPU", wording.size(trained.peak_bytes)))
    return node("dl", *figures, class_="headline")


def _without(trained: Trained) -> str:
    return "" if trained.final else "it did not finish"


def _figure(name: str, value: str, more: str = "") -> Element:
    return node("div", node("dt", name), node("dd", value, node("small", more) if more else None))


def _curves(trained: Trained, recipe: TrainConfig) -> Iterable[Element]:
    if not trained.epochs:
        yield node("p", "No epoch was completed, so there are none.", class_="quiet")
        return
    yield node(
        "div",
        node("figure", _losses(trained.epochs), node("figcaption", _losses_said(trained))),
        node("figure", _metric(trained), node("figcaption", _metric_said(trained))),
        node("figure", _rates(trained.epochs), node("figcaption", f"{recipe.optimizer}, {recipe.course} schedule.")),
        class_="figures",
    )


def _losses(epochs: Sequence[Epoch]) -> Element:
    last = epochs[-1]
    about = f"After epoch {last.number}: training {number(last.train_loss)}, validation {number(last.val_loss)}."
    lines = (
        Curve(tuple((epoch.number, epoch.train_loss) for epoch in epochs), "a", "training"),
        Curve(tuple((epoch.number, epoch.val_loss) for epoch in epochs), "b", "validation"),
    )
    return chart(Frame("Loss by epoch", about, "loss", log=True), lines)


def _losses_said(trained: Trained) -> str:
    said = "Training: the mean while the weights were changing. Validation: after each epoch."
    values = [value for epoch in trained.epochs for value in (epoch.train_loss, epoch.val_loss)]
    missing = len(values) - len(finite(values))
    crosses = (
        " Cross: 1 loss that is no number." if missing == 1 else f" Crosses: {missing} losses that are no numbers."
    )
    return said + (crosses if missing else "")


def _points(trained: Trained) -> tuple[Point, ...]:
    return tuple((epoch.number, epoch.metrics.get(trained.metric, float("nan"))) for epoch in trained.epochs)


def _metric(trained: Trained) -> Element:
    points, metric = _points(trained), trained.metric
    values = finite(y for _, y in points)
    ends = _baseline(trained)
    about = f"Best epoch: {trained.best_epoch or 'none'}." + (f" {_metric_said(trained)}" if ends else "")
    rings = [(x, y, f"best epoch, {x:.0f}: {score(metric, y)}") for x, y in points if x == trained.best_epoch]
    axis = f"{named(metric)} on validation data" + (", %" if is_share(metric) else "")
    frame = Frame(f"{named(metric)} by epoch", about, axis, is_share(metric), least=_least(values, ends))
    # where the curve is cut off, so is a ring
    rings = [ring for ring in rings if ring[1] in values and (frame.least is None or ring[1] >= frame.least)]
    level = ("constant", ends[0]) if ends else None
    return chart(frame, (Curve(points, "b", named(metric)),), level=level, rings=rings)


def _baseline(trained: Trained) -> list[float]:
    """The metric of the best constant answer, where it is known."""
    return finite([] if trained.baseline is None else [trained.baseline])


def _least(values: Sequence[float], baseline: Sequence[float]) -> float | None:
    """Where a metric is cut off: one far under the constant answer would leave the rest no room."""
    if not values or not baseline or max(values) <= baseline[0]:
        return None
    least = baseline[0] - (max(values) - baseline[0])
    return least if min(values) < least else None


def _metric_said(trained: Trained) -> str:
    ends = _baseline(trained)
    judge = _JUDGES.get(trained.judged_on, trained.judged_on)
    said = f"Dotted: the best constant answer on {judge}, {score(trained.metric, ends[0])}." if ends else ""
    if trained.best_epoch:
        said += f" Ring: the best epoch, {trained.best_epoch}."
    least = _least(finite(y for _, y in _points(trained)), ends)
    if least is not None:
        said += " Epochs that did far worse than it lie below the figure."
    return said


def _rates(epochs: Sequence[Epoch]) -> Element:
    highest = max((epoch.lr for epoch in epochs), default=0.0)
    about = f"At most {number(highest)}, at last {number(epochs[-1].lr)}."
    frame = Frame("Learning rate by epoch", about, "learning rate of the last step")
    return chart(frame, (Curve(tuple((epoch.number, epoch.lr) for epoch in epochs), "a"),))


def _epochs(trained: Trained) -> Element:
    """Every epoch in numbers."""
    if not trained.epochs:
        return node("p", "None was completed.", class_="quiet")
    names = tuple(dict.fromkeys(name for epoch in trained.epochs for name in epoch.metrics))
    head = ("epoch", "training loss", "validation loss", *map(named, names), "learning rate", "training", "validation")
    rows: list[tuple[Element | str | None, ...]] = [
        (
            f"{epoch.number}" + (" best" if epoch.number == trained.best_epoch else ""),
            _loss(epoch.train_loss),
            _loss(epoch.val_loss),
            *(score(name, epoch.metrics.get(name)) for name in names),
            number(epoch.lr, 3),
            duration(epoch.seconds),
            duration(epoch.val_seconds),
        )
        for epoch in trained.epochs
    ]
    opened = {"open": ""} if len(rows) <= MOST_ROWS else {}
    return node("details", node("summary", f"{len(rows)} in numbers"), table((*head,), rows), **opened)


def _loss(value: float) -> Element:
    """A loss; one that is no number stands out."""
    return node("span", number(value, fixed=True), class_=None if finite([value]) else "wrong")
