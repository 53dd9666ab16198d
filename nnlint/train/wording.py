"""Numbers in words, as pages show them: units, true minus signs, no more digits than mean something."""

from __future__ import annotations

import math
from dataclasses import fields

from nnlint.train.config import TrainConfig
from nnlint.train.results import Trained

#: keeps a number and its unit on one line
SPACE = "\u00a0"
#: stands where there is no number
NONE = "–"
#: a true minus sign, as wide as a plus
MINUS = "\u2212"


def number(value: float, digits: int = 4, *, fixed: bool = False) -> str:
    """A number to so many digits, zeros at its end included where ``fixed``; ``–`` for what is none."""
    if math.isnan(value):
        return NONE
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    text = f"{value:#.{digits}g}".removesuffix(".") if fixed else f"{value:.{digits}g}"
    # 1.2e+04 is written where all the digits before the point would do
    return (f"{value:.0f}" if "e+" in text and abs(value) < 1e7 else text).replace("-", MINUS)


def score(metric: str, value: float | None) -> str:
    """A metric: accuracy in percent, R² to a thousandth, everything else to three digits."""
    if value is None:
        return NONE
    if is_share(metric) and math.isfinite(value):
        return f"{value:.1%}".replace("%", f"{SPACE}%")
    if metric == "r2" and abs(value) < 1000:
        return unsigned(f"{value:.3f}").replace("-", MINUS)
    return number(value, 3)


def unsigned(text: str) -> str:
    """A number without its sign where it is nothing but noughts: what rounds to nothing has none."""
    return text if text.strip("+-0.") else text.lstrip("+-")


def difference(metric: str, value: float | None, *, unit: bool = True) -> str:
    """The difference of two metrics, with its sign: that of accuracies in percentage points."""
    if value is None or math.isnan(value):
        return NONE
    if math.isinf(value):
        return f"+{number(value)}".replace(f"+{MINUS}", MINUS)
    text = unsigned(f"{100 * value:+.2f}" if is_share(metric) else f"{value:+.3f}")
    return (f"{text}{SPACE}points" if unit and is_share(metric) else text).replace("-", MINUS)


def is_share(metric: str) -> bool:
    """Whether a metric is a share of all answers, which is shown in percent."""
    return metric == "accuracy"


def named(metric: str) -> str:
    """A metric by its usual name."""
    return {"r2": "R²", "rmse": "RMSE", "mae": "MAE"}.get(metric, metric)


def duration(seconds: float) -> str:
    """Seconds, or minutes and hours where they are many."""
    if not math.isfinite(seconds):
        return NONE
    if seconds < 0.9995:
        return f"{1000 * seconds:.3g}{SPACE}ms"
    if seconds < 99.95:
        return f"{seconds:.3g}{SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{SPACE}min {rest}{SPACE}s"
    return f"{minutes // 60}{SPACE}h {minutes % 60}{SPACE}min"


def count(value: float) -> str:
    """A large number in thousands, millions or thousand millions: ``12.3 k``, ``4.56 M``, ``1.2 G``."""
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= unit:
            return f"{number(value / (1e3 if letter == 'k' else unit), 3)}{SPACE}{letter}"
    return f"{value:.0f}"


def size(amount: int) -> str:
    """Bytes, in the powers of 1024 that memory comes in."""
    value = float(amount)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1000 or unit == "GiB":
            break
        value /= 1024
    return f"{number(value, 3)}{SPACE}{unit}"


def recipe(config: TrainConfig) -> list[tuple[str, str]]:
    """Every knob and how it stood; where it was left alone, what was used then."""
    used = {"lr": number(config.rate), "weight_decay": number(config.decay), "schedule": config.course}
    rows = []
    for field in fields(config):
        value = getattr(config, field.name)
        if value is None:
            text = f"{used[field.name]} (the usual)" if field.name in used else _LEFT.get(field.name, "not set")
        elif isinstance(value, bool):
            text = "yes" if value else "no"
        elif isinstance(value, tuple):
            text = ", ".join(map(str, value)) or "none"
        elif isinstance(value, float):
            text = number(value)
        else:
            text = str(value)
        rows.append((_KNOBS.get(field.name, field.name.replace("_", " ")), text))
    return rows


_KNOBS = {"lr": "learning rate", "clip": "gradients clipped to", "augment": "augmentation", "mode": "hardware mode"}
_LEFT = {"clip": "not clipped", "device": "chosen by what there is", "threads": "left to torch"}


def ending(trained: Trained) -> str:
    """How a training ended, in a sentence with the reason."""
    done = len(trained.epochs)
    after = f"after {done} {'epoch' if done == 1 else 'epochs'}" if done else "before the first epoch was done"
    said = {"finished": "Finished", "diverged": "Diverged", "interrupted": "Interrupted", "failed": "Failed"}
    return f"{said[trained.ending]} {after}" + (f": {trained.reason}" if trained.reason else "")
