"""What is compared with what: every experiment, by the tip that it puts to the test.

An effect is always that of following the tip: above zero, following scores higher than departing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import _data

from nnlint.train.data.model import Data

#: what the tip says of the two. ``better``: following scores higher. ``equal``: they score alike, as both follow the
#: tip or are the same in maths. ``cheaper``: every number is the same, and following costs less. ``cannot``: departing
#: cannot be trained
Claim = Literal["better", "equal", "cheaper", "cannot"]

#: optimisers as `nnlint train` takes them, with their schedules and learning rates
RECIPES = {"adamw": "AdamW", "sgd": "SGD", "adadelta": "Adadelta"}
#: where the recipe itself is what differs, there is no other
OWN = {"own": "own"}
EPOCHS = 20
#: of the 1,257 training images of digits: with all of them nearly every network is right nearly always
SAMPLES = 300


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two networks or recipes.

    Attributes:
        label: what it is called in tables.
        network: the class in the tip's file.
        changes: what its recipe has different, as fields of `nnlint.train.config.TrainConfig`.
        loss: asked for; None: what fits the network.
        shown: what becomes of the data, given them and the seed.
    """

    label: str
    network: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    loss: str | None = None
    shown: Callable[[Data, int], Data] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Experiment:
    """A comparison, made with each recipe.

    Attributes:
        name: ``tip`` or ``tip/what``.
        following, departing: the two sides.
        claim: what the tip says of them.
        rule: the graph rule that reports the departing network and not the following one; None: there is none, or the
            difference is in the recipe.
        data: as `nnlint train --data` takes it; ``side``: pixels of its images.
        samples: so many of the training data, others for each seed; None: all.
        saves: the costs of which one at least is lower for following, where it claims to be ``cheaper``.
        epochs: of both sides, where a side does not say otherwise.
    """

    name: str
    following: Side
    departing: Side
    claim: Claim = "better"
    rule: str | None = None
    data: str = "digits"
    side: int | None = 8
    samples: int | None = SAMPLES
    epochs: int = EPOCHS
    saves: tuple[str, ...] = ()
    recipes: Mapping[str, str] = field(default_factory=lambda: RECIPES)

    @property
    def tip(self) -> str:
        """The key of the tip."""
        return self.name.partition("/")[0]

    @property
    def file(self) -> str:
        """The file of its networks, in this folder."""
        return f"{self.tip.replace('-', '_')}.py"

    @property
    def on(self) -> str:
        """The data in words."""
        size = f", {self.side}x{self.side}" if self.side else ""
        return f"{self.samples or ''} {self.data}{size}".strip()


def _convolution() -> list[Experiment]:
    two, three = Side("two 3x3", "Following"), Side("three 3x3", "FollowingDeeper")
    grow = Side("8, 16, 32 channels", "Following")
    pool = Side("max pooling", "Following")
    first = Side("activation first", "Following")
    last = Side("residual, activation last", "Residual")
    dense = Side("flatten and dense", "Departing")
    return [
        Experiment("small-kernels/5x5", two, Side("one 5x5", "Departing"), rule="conv-kernel-not-3x3", side=16),
        Experiment(
            "small-kernels/7x7", three, Side("one 7x7", "DepartingFurther"), rule="conv-kernel-not-3x3", side=16
        ),
        Experiment(
            "same-padding/alike",
            Side("padded, then pooled", "FollowingPooled"),
            Side("unpadded", "Departing"),
            rule="conv-without-padding",
            side=16,
        ),
        Experiment(
            "same-padding/alone",
            Side("padded", "Following"),
            Side("unpadded", "Departing"),
            rule="conv-without-padding",
            side=16,
        ),
        Experiment("residual-blocks/plain", last, Side("plain stack", "Departing"), rule="plain-stack-too-deep"),
        Experiment("residual-blocks/order", first, Side("activation last", "Residual")),
        Experiment("global-average-pooling/head", Side("average pooling", "Following"), dense),
        Experiment("global-average-pooling/parameters", Side("the same, as large", "FollowingAsLarge"), dense),
        Experiment("max-pool-or-stride/stride", pool, Side("stride", "FollowingStride"), claim="equal"),
        Experiment(
            "max-pool-or-stride/average",
            pool,
            Side("mean pooling", "DepartingAverage"),
            rule="average-pool-downsampling",
        ),
        Experiment("max-pool-or-stride/none", pool, Side("full size", "Departing"), rule="no-downsampling", side=16),
        Experiment(
            "maps-grow-as-size-falls/shrink",
            grow,
            Side("32, 16, 8", "Departing"),
            rule="channels-shrink-with-resolution",
            side=16,
        ),
        Experiment("maps-grow-as-size-falls/constant", grow, Side("18, 18, 18", "DepartingConstant"), side=16),
    ]


def _activation() -> list[Experiment]:
    relu, plain = Side("ReLU", "Following"), Side("ReLU, no norm", "FollowingPlain")
    return [
        Experiment(
            "non-linearity-after-weights",
            Side("after every layer", "Following"),
            Side("every second", "Departing"),
            rule="missing-activation",
        ),
        Experiment("relu-family/tanh", relu, Side("tanh", "Departing")),
        Experiment("relu-family/leaky", relu, Side("leaky ReLU", "FollowingLeaky"), claim="equal"),
        Experiment("relu-family/gelu", relu, Side("GELU", "FollowingGelu"), claim="equal"),
        Experiment("squash-at-output-only/sigmoid", relu, Side("sigmoid", "Departing")),
        Experiment(
            "squash-at-output-only/sigmoid-plain",
            plain,
            Side("sigmoid", "DepartingPlain"),
            rule="sigmoid-between-layers",
        ),
        Experiment(
            "squash-at-output-only/tanh-plain", plain, Side("tanh", "DepartingPlainTanh"), rule="tanh-between-layers"
        ),
        Experiment(
            "in-place/norm",
            Side("in place, norm", "Following"),
            Side("new tensors", "Departing"),
            claim="cheaper",
            saves=("peak_bytes", "answer_bytes"),
            rule="relu-not-inplace",
        ),
        Experiment(
            "in-place/wide",
            Side("in place, no norm", "FollowingWide"),
            Side("new tensors", "DepartingWide"),
            claim="cheaper",
            saves=("peak_bytes", "answer_bytes"),
            rule="relu-not-inplace",
        ),
    ]


def _loss() -> list[Experiment]:
    tumours = {"data": "breast-cancer", "side": None, "samples": None}
    inside = "binary_cross_entropy_with_logits"
    sigmoid = Side("sigmoid and BCE", "Following", loss="binary_cross_entropy")
    raw = Side("scores", "Following", loss="cross_entropy")
    return [
        Experiment(
            "loss-fits-task/classes",
            Side("cross-entropy", "Following"),
            Side("squared error", "Departing", loss="squared_error"),
        ),
        Experiment(
            "loss-fits-task/yes-or-no",
            Side("binary cross-entropy", "FollowingBinary", loss=inside),
            Side("squared error", "DepartingBinary", loss="mse_loss"),
            **tumours,
        ),
        Experiment(
            "loss-fits-task/numbers",
            Side("squared error", "Numbers"),
            Side("absolute error", "Numbers", loss="l1_loss"),
            data="diabetes",
            side=None,
            samples=None,
        ),
        Experiment(
            "sigmoid-with-bce/without",
            sigmoid,
            Side("BCE without sigmoid", "Scores", loss="binary_cross_entropy"),
            claim="cannot",
            **tumours,
        ),
        Experiment(
            "sigmoid-with-bce/inside", sigmoid, Side("BCE with logits", "Scores", loss=inside), claim="equal", **tumours
        ),
        Experiment(
            "sigmoid-with-bce/twice",
            Side("BCE with logits", "Scores", loss=inside),
            Side("sigmoid before it", "Following", loss=inside),
            **tumours,
        ),
        Experiment(
            "no-log-softmax-with-cross-entropy/softmax", raw, Side("softmax", "Departing", loss="cross_entropy")
        ),
        Experiment(
            "no-log-softmax-with-cross-entropy/log-softmax",
            raw,
            Side("log-softmax", "DepartingLog", loss="cross_entropy"),
            claim="equal",
        ),
    ]


def _normalisation() -> list[Experiment]:
    whole = Side("norm of 64", "Following")
    switched = Side("evaluation mode", "Following")
    return [
        Experiment("batch-norm", Side("batch norm", "Following"), Side("none", "Departing"), rule="no-normalisation"),
        Experiment(
            "norm-before-activation",
            Side("norm, ReLU", "Following"),
            Side("ReLU, norm", "Departing"),
            rule="norm-after-activation",
        ),
        Experiment("large-batches/norm-of-16", whole, Side("norm of 16", "FollowingSixteen"), claim="equal"),
        Experiment("large-batches/norm-of-4", whole, Side("norm of 4", "Departing")),
        Experiment(
            "large-batches/batch-of-4",
            Side("batches of 64", "Following"),
            Side("of 4", "Following", {"batch_size": 4}),
        ),
        Experiment("train-and-eval-mode/batch-norm", switched, Side("training mode", "Departing")),
        Experiment(
            "train-and-eval-mode/dropout",
            Side("evaluation mode", "FollowingDropout"),
            Side("training mode, dropout", "DepartingDropout"),
        ),
    ]


def _dropout() -> list[Experiment]:
    weak, strong = Side("0.2", "Following"), Side("0.9", "Departing")
    return [
        Experiment(
            "dropout-after-norm",
            Side("after the norm", "Following"),
            Side("before it", "Departing"),
            rule="dropout-before-batch-norm",
        ),
        Experiment("moderate-dropout/weak", weak, strong, rule="uncommon-dropout-rate"),
        Experiment("moderate-dropout/moderate", Side("0.5", "FollowingModerate"), strong, rule="uncommon-dropout-rate"),
        Experiment("moderate-dropout/none", weak, Side("none", "Without")),
        Experiment(
            "architecture-before-dropout",
            Side("norms, no dropout", "Following"),
            Side("dropout, no norms", "Departing"),
            rule="dropout-without-norm",
        ),
    ]


def _training() -> list[Experiment]:
    shuffled = Side("shuffled", "Net", shown=_data.streamed)
    twenty = Side("20 epochs", "Net", {"epochs": 20})
    batches = Side("batches of 64", "Net")
    return [
        Experiment(
            "preprocess-ahead",
            Side("once", "Net", shown=_data.prepared),
            Side("in every epoch", "Net", shown=_data.unprepared),
            claim="cheaper",
            saves=("seconds",),
        ),
        Experiment("epochs-and-shuffling/grouped", shuffled, Side("grouped by class", "Net", shown=_data.grouped)),
        Experiment(
            "epochs-and-shuffling/one-order", shuffled, Side("one order for ever", "Net", shown=_data.one_order)
        ),
        Experiment("twenty-to-hundred-epochs/three", twenty, Side("3 epochs", "Net", {"epochs": 3})),
        Experiment("twenty-to-hundred-epochs/ten", twenty, Side("10 epochs", "Net", {"epochs": 10})),
        Experiment("mini-batches/all", batches, Side("all at once", "Net", {"batch_size": 100_000})),
        Experiment("mini-batches/one", batches, Side("one at a time", "Net", {"batch_size": 1})),
    ]


def _optimisation() -> list[Experiment]:
    constant = {"schedule": "constant", "weight_decay": 0.0}
    others = {
        "sgd-0.1": ("SGD at 0.1", {"optimizer": "sgd", "lr": 0.1, **constant}),
        "sgd-0.01": ("SGD at 0.01", {"optimizer": "sgd", "lr": 0.01, **constant}),
        "sgd-0.001": ("SGD at 0.001", {"optimizer": "sgd", "lr": 0.001, **constant}),
        "adam": ("Adam at 0.001", {"optimizer": "adamw", "lr": 0.001, **constant}),
        "one-cycle": ("AdamW, one cycle", {"optimizer": "adamw"}),
    }
    return [
        Experiment(
            f"adadelta-first/{slug}-{network.lower()}",
            Side(f"Adadelta, {where}", network, {"optimizer": "adadelta"}),
            Side(label, network, changes),
            recipes=OWN,
        )
        for network, where in (("Normalised", "norms"), ("Plain", "no norms"), ("Dense", "dense layers"))
        for slug, (label, changes) in others.items()
    ]


EXPERIMENTS: tuple[Experiment, ...] = (
    *_convolution(),
    *_activation(),
    *_loss(),
    *_normalisation(),
    *_dropout(),
    *_training(),
    *_optimisation(),
)

#: the tips that are not put to the test here, and why
UNMEASURED: Mapping[str, str] = {
    "metrics-each-epoch": "It changes what one knows of a training, not the training: there is no second network to "
    "compare with. `nnlint train` prints them.",
    "gpu-and-cudnn": "It needs a CUDA GPU; these measurements are made on a CPU, so that anybody can repeat them.",
    "benchmark-mode": "It needs a CUDA GPU: cuDNN is what it measures, and seconds are what it is for.",
    "deterministic-mode": "On one CPU thread every run is repeated to the bit already (`in-place` proves it); what the "
    "mode costs can only be measured on a CUDA GPU.",
}
