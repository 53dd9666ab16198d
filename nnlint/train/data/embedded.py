"""The data sets that come with nnlint: small enough to be part of the package, so that a training needs no download.

Their origins and licences stand in ``LICENSES.md`` beside them, and in one sentence in `Data.source`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nnlint.train.data.model import Data, Task


@dataclass(frozen=True, slots=True)
class Embedded:
    """A data set of the package: where it comes from, what its targets are, and the names of the classes."""

    source: str
    task: Task
    classes: tuple[str, ...] = ()


#: name → the data set in ``NAME.npz``
EMBEDDED: Mapping[str, Embedded] = {
    "digits": Embedded(
        "Optical Recognition of Handwritten Digits (E. Alpaydin, C. Kaynak, 1998; UCI Machine Learning Repository,"
        " doi 10.24432/C50P49, CC BY 4.0), 1,797 images of 8 × 8, values scaled to 0 … 255",
        "classes",
        tuple("0123456789"),
    ),
    "breast-cancer": Embedded(
        "Breast Cancer Wisconsin, Diagnostic (W. Wolberg, O. Mangasarian, N. Street, W. Street, 1995; UCI Machine"
        " Learning Repository, doi 10.24432/C5DW2B, CC BY 4.0), 569 samples of 30 features",
        "binary",
        ("malignant", "benign"),
    ),
    "diabetes": Embedded(
        "Diabetes (B. Efron, T. Hastie, I. Johnstone, R. Tibshirani, Least Angle Regression, Annals of Statistics 32,"
        " 2004; no licence stated), 442 patients, 10 features, progression a year later",
        "numbers",
    ),
}
NAMES = tuple(EMBEDDED)


def load_embedded(name: str, task: Task | None = None) -> Data:
    """One of `NAMES`, split 70/10/20.

    Raises:
        UsageError: if ``task`` is none that its targets allow.
    """
    import numpy as np

    from nnlint.train.data.assemble import Raw, assemble
    from nnlint.train.data.parts import Part

    known = EMBEDDED[name]
    with np.load(Path(__file__).with_name(f"{name}.npz"), allow_pickle=False) as stored:
        inputs, targets = stored["x"], stored["y"]
    part = Part(inputs, targets.astype(np.float32 if known.task == "numbers" else np.int64), name)
    raw = Raw(name, known.source, {"all": part}, classes=known.classes, scattered=True)
    return assemble(raw, task or known.task)
